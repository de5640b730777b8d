//! Session descriptions and their negotiation: what two parties agree to send (RFC 8866, RFC 3264).
//! Must never open a socket, resolve a name or know SIP: bytes and addresses come in and go out as data.
//!
//! [`Description`] reads what peers really send, [`Stream`] types one of its lines, and
//! [`Negotiation`] holds one dialog's offers and answers and yields what was [`Agreed`].

mod agreed;
mod announcement;
mod description;
mod direction;
mod error;
mod format;
mod mend;
mod negotiation;
mod numbering;
mod stream;

pub use agreed::Agreed;
pub use announcement::{Capabilities, Local};
pub use description::Description;
pub use direction::Direction;
pub use error::{NegotiationError, Obstacle, SdpError};
pub use format::{Encoding, Format};
pub use negotiation::Negotiation;
pub use stream::Stream;

#[cfg(test)]
mod tests;
