//! Two looks at a switch, made into rates.
//! It must never divide by a time in which nothing could happen.

use std::time::Duration;

use super::super::control::Overview;

/// Looks that are closer together say nothing.
const LEAST: Duration = Duration::from_millis(100);

/// What happens in a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rates {
    pub calls: f64,
    /// Of one core, 0 to 1 for each.
    pub cores: f64,
    pub received: f64,
    pub sent: f64,
    /// Of the packets that should have come, 0 to 1.
    pub lost: f64,
}

impl Rates {
    /// `None` if the looks are too close, or not of the same run of the switch.
    pub fn between(before: &Overview, after: &Overview) -> Option<Self> {
        let passed = after.now.since(before.now);
        if passed < LEAST || before.started != after.started {
            return None;
        }
        let seconds = passed.as_secs_f64();
        let rate = |before: u64, after: u64| after.saturating_sub(before) as f64 / seconds;
        let received = rate(before.traffic.received, after.traffic.received);
        let lost = rate(before.traffic.lost, after.traffic.lost);
        Some(Self {
            calls: rate(before.begun, after.begun),
            cores: rate(before.cpu_us, after.cpu_us) / 1_000_000.0,
            received,
            sent: rate(before.traffic.sent, after.traffic.sent),
            lost: if received + lost > 0.0 { lost / (received + lost) } else { 0.0 },
        })
    }
}
