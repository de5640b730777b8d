//! What the process takes of its host: processor, memory, descriptors. Edge.
//! It must never fail: what cannot be read is zero.

use std::fs;
use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit};
use nix::time::{ClockId, clock_gettime};
use nix::unistd::{SysconfVar, sysconf};

/// What the process takes.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::node) struct Process {
    pub cpu: Duration,
    pub memory: u64,
    pub descriptors: u64,
    pub descriptors_limit: u64,
}

impl Process {
    /// Reads it from the kernel. Blocks for a moment where many descriptors are open.
    pub(in crate::node) fn read() -> Self {
        let cpu = clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).map(Duration::from);
        let page = sysconf(SysconfVar::PAGE_SIZE).ok().flatten().unwrap_or_default();
        let pages = fs::read_to_string("/proc/self/statm").ok();
        let resident = pages.and_then(|pages| pages.split_whitespace().nth(1)?.parse::<u64>().ok());
        let limit = getrlimit(Resource::RLIMIT_NOFILE).map(|(soft, _)| soft);
        Self {
            cpu: cpu.unwrap_or_default(),
            memory: resident.unwrap_or_default().saturating_mul(page.unsigned_abs()),
            descriptors: fs::read_dir("/proc/self/fd").map_or(0, |entries| entries.count() as u64),
            descriptors_limit: limit.unwrap_or_default(),
        }
    }
}
