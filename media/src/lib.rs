//! The media fast path: what moves sound between the legs of a call.
//! It must never know what a call is, and never import from the switch.
//! - [`moment`]: time as data

pub mod moment;
