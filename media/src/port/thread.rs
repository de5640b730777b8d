//! A media thread: runs worker loops over one switchboard, and begins a new one when a loop panics.
//! Must never give a line up for one fault, and never keep one that fails again and again.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use super::clock;
use super::desk::Desk;
use super::switchboard::Switchboard;
use super::worker::Worker;
use crate::session::Event;

/// Faults of one line within [`WINDOW`] that cost it its place.
const FAULTS: usize = 3;
const WINDOW: Duration = Duration::from_secs(10);
/// The pause before a new loop, so that a fault without a culprit does not spin.
const PAUSE: Duration = Duration::from_millis(2);

/// Starts the thread of the worker with this number.
pub(super) fn start(number: usize, desk: Arc<Desk>, rest: Duration) -> io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(format!("media-{number}")).spawn(move || serve(&desk, rest))
}

fn serve(desk: &Desk, rest: Duration) {
    let mut switchboard = Switchboard::default();
    while !desk.is_closing() {
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            // Sessions are plain values: one that was left between two changes is odd at worst, never invalid.
            Worker::adopt(desk, &mut switchboard, rest).and_then(|mut worker| worker.run())
        }));
        match outcome {
            Ok(Ok(())) => return,
            Ok(Err(error)) => tracing::error!(%error, "a media worker cannot wait for packets"),
            Err(_) => tracing::error!("a media worker panicked; a new one takes over its sessions"),
        }
        desk.restarts.fetch_add(1, Ordering::Relaxed);
        blame(desk, &mut switchboard);
        clock::rest(PAUSE);
    }
}

/// Notes the fault of the line that was being looked at, and takes it off if it had too many.
fn blame(desk: &Desk, switchboard: &mut Switchboard) {
    let now = clock::now();
    let Some(place) = switchboard.current.take() else { return };
    let Some(line) = switchboard.line(place) else { return };
    line.faults.retain(|fault| now.since(*fault) < WINDOW);
    line.faults.push(now);
    if line.faults.len() < FAULTS {
        return;
    }
    let Some(mut line) = switchboard.take(place) else { return };
    let session = line.session.id();
    desk.strike(session);
    tracing::error!(
        session = session.0,
        "a session is closed: its media worker panicked over it again and again"
    );
    // The sink may be what panics.
    let _ = catch_unwind(AssertUnwindSafe(|| {
        line.session.close(now);
        line.tell();
    }));
    let closed = Event::Closed { session, stats: line.session.stats() };
    let _ = catch_unwind(AssertUnwindSafe(|| line.sink.event(closed)));
}
