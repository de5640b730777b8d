//! The edge of the configuration: its files on disk.
//! Must never leave a secret readable by others, nor half a file behind.
