//! Clocks: the only place of the switch that reads them; everyone else is handed a [`Moment`].
//! Must never be asked by a pure machine.

use std::io;
use std::path::Path;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use trunkline_media::moment::Moment;

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Monotonic time since the boot of the host, sleep included.
    fn now(&self) -> Moment;

    /// Wall time: microseconds since 1970-01-01 UTC. It may jump.
    fn wall(&self) -> u64;
}

/// The host's clocks.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Moment {
        Moment::from_micros(read(ClockId::CLOCK_BOOTTIME))
    }

    fn wall(&self) -> u64 {
        read(ClockId::CLOCK_REALTIME)
    }
}

/// A clock that follows tokio's, from a start of one's choice: under `tokio::time::pause` it shows
/// virtual time. To be read on the runtime's own thread.
#[derive(Clone, Copy, Debug)]
pub struct TokioClock {
    origin: tokio::time::Instant,
    moment: Moment,
    wall: u64,
}

impl TokioClock {
    /// Shows `moment` and `wall` (microseconds since 1970) now, and goes on with tokio.
    pub fn starting_at(moment: Moment, wall: u64) -> Self {
        Self { origin: tokio::time::Instant::now(), moment, wall }
    }
}

impl Clock for TokioClock {
    fn now(&self) -> Moment {
        self.moment + self.origin.elapsed()
    }

    fn wall(&self) -> u64 {
        self.wall.saturating_add(micros(self.origin.elapsed()))
    }
}

/// Names the present boot of the host: what a [`Moment`] is relative to.
pub fn boot_id() -> io::Result<String> {
    boot_id_at(Path::new("/proc/sys/kernel/random/boot_id"))
}

fn boot_id_at(path: &Path) -> io::Result<String> {
    let id = std::fs::read_to_string(path)?.trim().to_owned();
    if id.is_empty() { Err(io::ErrorKind::InvalidData.into()) } else { Ok(id) }
}

fn read(clock: ClockId) -> u64 {
    let time =
        clock_gettime(clock).expect("Linux has had both clocks since 2.6.39, and both are always readable");
    micros(Duration::from(time))
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_clock_goes_forward_and_knows_the_century() {
        let clock = SystemClock;
        let before = clock.now();
        assert!(clock.now() >= before);
        assert!(clock.wall() > 1_700_000_000_000_000, "{}", clock.wall());
    }

    #[test]
    fn a_clock_on_paused_tokio_shows_virtual_time() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("a runtime").block_on(async {
            let clock = TokioClock::starting_at(Moment::from_micros(5), 1_000);
            tokio::time::sleep(Duration::from_secs(3600)).await;
            assert_eq!(clock.now(), Moment::from_micros(3_600_000_005));
            assert_eq!(clock.wall(), 3_600_001_000);
        });
    }

    #[test]
    fn the_boot_has_one_name() {
        let id = boot_id().expect("Linux tells it");
        assert_eq!(boot_id().expect("again"), id);
        assert_eq!(id.len(), 36);
        assert!(boot_id_at(Path::new("/nonexistent")).is_err());
    }
}
