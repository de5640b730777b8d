//! CPU time and memory of a process as the kernel counts them, a clock, and delays by rank.
//! It must never miss a thread: what a process spends is the sum over all that it has.

use std::path::PathBuf;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

/// Since the machine started.
pub fn now() -> Duration {
    clock_gettime(ClockId::CLOCK_MONOTONIC).map(Duration::from).unwrap_or_default()
}

/// Waits for a moment of [`now`].
#[expect(clippy::disallowed_methods, reason = "a load tool keeps its pace")]
pub fn rest_until(moment: Duration) {
    std::thread::sleep(moment.saturating_sub(now()));
}

/// CPU time of a process' threads whose name begins so.
pub fn spent(process: u32, name: &str) -> Duration {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{process}/task")) else { return Duration::ZERO };
    let read = |path: PathBuf| std::fs::read_to_string(path).unwrap_or_default();
    let named = threads.flatten().filter(|thread| read(thread.path().join("comm")).starts_with(name));
    let spent = named.map(|thread| read(thread.path().join("schedstat")));
    Duration::from_nanos(spent.filter_map(|line| line.split(' ').next()?.parse::<u64>().ok()).sum())
}

/// Bytes of memory that a process holds.
pub fn resident(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0) * 1024
}

/// Delays in order.
#[derive(Debug)]
pub struct Delays(Vec<Duration>);

impl Delays {
    /// Of these, in any order.
    pub fn new(mut delays: Vec<Duration>) -> Self {
        delays.sort_unstable();
        Self(delays)
    }

    /// So many of a hundred are not longer.
    pub fn percentile(&self, rank: usize) -> Duration {
        let place = (self.0.len() * rank).div_ceil(100).saturating_sub(1);
        self.0.get(place).copied().unwrap_or_default()
    }
}
