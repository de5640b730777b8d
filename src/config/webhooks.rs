//! `[webhooks]`: where documents may be fetched from, and how patiently callbacks are delivered.
//! Must never allow by default what only the operator can know to be harmless.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::network::Network;
use super::notation::span;

/// `[webhooks]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Webhooks {
    /// Networks that scripts may reach besides the public ones. Hosts named in routes may be reached anyway.
    pub allow: Vec<Network>,
    /// How long a status callback is tried again before it is given up.
    #[serde(with = "span")]
    pub callback_patience: Duration,
    /// Requests to one host at a time; the next waits within its own time limit. Status callbacks take half of them at
    /// most, so that no call waits for what only tells; of a single one that cannot be.
    pub concurrency_per_host: usize,
}

impl Default for Webhooks {
    fn default() -> Self {
        Self { allow: Vec::new(), callback_patience: Duration::from_secs(15 * 60), concurrency_per_host: 32 }
    }
}
