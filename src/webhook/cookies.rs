//! The cookies of one call (RFC 6265): what a host gave it to keep is given back to that host. Pure.
//! It must never show a host another one's cookies, nor grow without bound.

use serde::{Deserialize, Serialize};

/// What hosts gave a call to keep. A call has no longer life than a session: expiry dates only end cookies.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cookies(Vec<Cookie>);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Cookie {
    host: String,
    name: String,
    value: String,
}
