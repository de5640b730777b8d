//! Digest authentication of requests (RFC 7616, RFC 8760), server side.
//! It must never tell which part of a credential was wrong.

pub mod digest;
mod nonce;
mod replay;
mod throttle;

pub use nonce::{ForeignNonce, Nonce, Realm};
pub use replay::{Acceptance, NonceTable, NonceWindow};
pub use throttle::{Throttle, Tolerance, Verdict};
