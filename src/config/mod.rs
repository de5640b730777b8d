//! The one typed configuration, parsed once and handed down by value.
//! Nothing else may read the environment or a configuration file.
