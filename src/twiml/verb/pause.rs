//! `<Pause>`: wait.
//! Must never hold a clock: it names a length.

use serde::{Deserialize, Serialize};

/// Wait.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// Seconds.
    pub seconds: u32,
}
