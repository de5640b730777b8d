//! The four transactions of RFC 3261 §17 with RFC 6026, as pure machines.
//! They must never touch a socket or a clock, nor a message: they know only its class.

pub mod client;
pub mod invite_client;
pub mod invite_server;
pub mod machine;
pub mod server;
pub mod timer;

#[cfg(test)]
mod table;
#[cfg(test)]
mod tests;

pub use machine::{Class, Effect, Input, Machine, Move, Stage};
pub use timer::{Timer, Timers, Timing};
