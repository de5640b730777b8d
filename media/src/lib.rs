//! The media fast path: what moves sound between the legs of a call.
//! It must never know what a call is, and never import from the switch.
//! - [`codec`]: what a session can carry
//! - [`moment`]: time as data
//! - [`sdp`]: descriptions and their negotiation

pub mod codec;
pub mod moment;
pub mod sdp;
