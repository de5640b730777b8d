//! The pure RTP session: the media side of one leg as a value.
//! Must never touch a socket, a clock or another session.

mod event;
mod plan;
mod stats;

pub use event::Event;
pub use plan::{ClockSeed, EventTypes, Plan, Remote, SessionId, Source};
pub use stats::Stats;
