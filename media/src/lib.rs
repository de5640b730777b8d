//! The media fast path: what moves sound between the legs of a call.
//! It must never know what a call is, and never import from the switch.
//!
//! Pure, bottom up:
//! - [`moment`]: time as data
//! - [`codec`], [`tone`], [`dtmf`], [`asset`], [`resample`]: sound as octets and samples
//! - [`sdp`]: session descriptions and their negotiation
//! - [`player`]: where a prompt is
//! - [`rtp`], [`rtcp`]: packets, the output clock, the source lock, reception, reports
//! - [`session`]: one leg's media as a value
//!
//! The edge:
//! - [`port`]: sockets and worker threads that drive sessions

pub mod asset;
pub mod codec;
pub mod dtmf;
pub mod moment;
pub mod player;
pub mod port;
pub mod resample;
pub mod rtcp;
pub mod rtp;
pub mod sdp;
pub mod session;
pub mod tap;
pub mod tone;
