//! `[sip.session_timer]`: how long a session lasts without a sign of life (RFC 4028).
//! Must never be shorter than the standard allows: peers would refuse every call.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::notation::span;

/// The shortest interval that RFC 4028 §4 allows.
pub(super) const SHORTEST: Duration = Duration::from_secs(90);

/// `[sip.session_timer]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SessionTimer {
    /// How long a session lasts without a refresh, where the far end knows session timers; `0s`: as it likes.
    #[serde(with = "span")]
    pub expires: Duration,
    /// The shortest that a far end may ask for, at least 90 seconds.
    #[serde(with = "span")]
    pub min_se: Duration,
}

impl Default for SessionTimer {
    fn default() -> Self {
        Self { expires: Duration::from_secs(1800), min_se: SHORTEST }
    }
}

impl SessionTimer {
    /// What has to hold: key, whether it does, and what would be right.
    pub(super) fn rules(&self) -> [(&'static str, bool, &'static str); 2] {
        let longest = Duration::from_secs(86_400);
        [
            (
                "sip.session_timer.min_se",
                (SHORTEST..=longest).contains(&self.min_se),
                "it lies between 90s (RFC 4028) and 24h",
            ),
            (
                "sip.session_timer.expires",
                self.expires.is_zero() || (self.min_se..=longest).contains(&self.expires),
                "it lies between min_se and 24h, or is 0s",
            ),
        ]
    }
}
