//! What answers hold that are given without a transaction: the same for each retransmission (RFC 3261 §8.2.7).
//! It must never keep state, nor guard a secret: whoever has the request can compute all of this.

use crate::sip::message::{HeaderName, Request};

/// A number that tells one transaction's requests from another's: FNV-1a of the top Via, which has the
/// branch, the Call-ID and the CSeq.
pub fn fingerprint(request: &Request) -> u64 {
    let names = [HeaderName::Via, HeaderName::CallId, HeaderName::CSeq];
    let values = names.iter().filter_map(|name| request.headers().get(name));
    values.fold(0xcbf2_9ce4_8422_2325, |hash, value| {
        value
            .bytes()
            .chain([0])
            .fold(hash, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
    })
}

/// A To tag for the answer to `request`.
pub fn tag(request: &Request) -> String {
    format!("{:016x}", fingerprint(request))
}
