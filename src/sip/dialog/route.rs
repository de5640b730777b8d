//! The route set of a dialog (RFC 3261 §12.1) and what it makes of a request (§12.2.1.1).
//! It must never look behind the first route: whatever follows is the next element's business.

use serde::{Deserialize, Serialize};

use crate::sip::message::{NameAddr, Uri};

/// The elements that a request passes on its way to the peer, the nearest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct RouteSet(Vec<NameAddr>);

impl RouteSet {
    /// As the callee sees it: Record-Route in the order of the request (§12.1.1).
    pub(super) fn of_request(record_routes: Vec<NameAddr>) -> Self {
        Self(record_routes)
    }

    /// As the caller sees it: Record-Route of the response reversed (§12.1.2).
    pub(super) fn of_response(mut record_routes: Vec<NameAddr>) -> Self {
        record_routes.reverse();
        Self(record_routes)
    }

    pub(super) fn as_slice(&self) -> &[NameAddr] {
        &self.0
    }

    /// The Request-URI and the Route values of a request to `target`.
    pub(super) fn direct(&self, target: &Uri) -> (Uri, Vec<NameAddr>) {
        match self.0.split_first() {
            Some((strict, rest)) if strict.uri.param("lr").is_none() => {
                let last = NameAddr::new(target.clone());
                (as_request_uri(&strict.uri), rest.iter().cloned().chain([last]).collect())
            }
            _ => (as_request_uri(target), self.0.clone()),
        }
    }

    /// Where a request to `target` goes first.
    pub(super) fn next_hop<'a>(&'a self, target: &'a Uri) -> &'a Uri {
        self.0.first().map_or(target, |first| &first.uri)
    }
}

/// Without what a Request-URI must not hold (RFC 3261 §19.1.1, table 1): a Contact may bring it along.
fn as_request_uri(uri: &Uri) -> Uri {
    uri.clone().without_param("method").without_headers()
}
