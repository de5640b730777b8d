//! From a reply to a document that a script can run. Pure.
//! It must never run anything of it.

use serde::{Deserialize, Serialize};

use super::{Cookies, Request};
use crate::twiml::document::Parsed;

/// A document that a script wants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fetch {
    /// Names the step of the script that waits for it.
    pub number: u64,
    /// Where it is asked for, and how.
    pub request: Request,
}

/// A document that was fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Its URL, after redirects, without fragment: what its references are relative to.
    pub url: String,
    /// What to run, and what is wrong with it.
    pub document: Parsed,
    /// The call's cookies, as they are now.
    pub cookies: Cookies,
}
