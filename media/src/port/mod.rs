//! The edge of the media crate: sockets, the clock, and the threads that drive sessions.
//! Must never decide anything about a packet; that is the session's.

mod command;
mod engine;
mod table;

pub use command::{Command, EventSink};
pub use engine::{Census, Engine, EngineConfig, Full};
pub use table::{Lease, PortPair, PortRange, PortTable, PortsExhausted};
