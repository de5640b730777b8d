//! The edge of the media crate: sockets, the clock, and the threads that drive sessions.
//! Must never decide anything about a packet; that is the session's.

mod clock;
mod command;
mod deadlines;
mod desk;
mod engine;
mod switchboard;
mod table;
mod thread;
mod worker;

pub use command::{Command, Destination, EventSink, Moving};
pub use engine::{Census, Engine, EngineConfig, Full, Restless};
pub use table::{Custody, Lease, PortPair, PortRange, PortTable, PortsExhausted};
