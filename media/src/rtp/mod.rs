//! RTP (RFC 3550): packets, the output clock, the source lock, and what is known of a received stream.
//! Must never know which codec or call a packet serves.

mod clock;
mod lock;
mod packet;
mod reception;

pub(crate) use clock::SEGMENT;
pub use clock::{Incoming, OutputClock, Stamp};
pub use lock::{SourceLock, Verdict};
pub use packet::{Header, Packet, is_rtcp};
pub use reception::{Arrival, Loss, Reception};
