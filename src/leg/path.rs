//! The way to a far end as a leg writes it: flow, Via and Contact.
//! It must never choose addresses: they are found at the edge and handed in.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::sip::flow::Flow;
use crate::sip::message::{Host, NameAddr, Params, Uri, Via};

/// A flow and the address under which the far end reaches us on it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Path {
    /// The way.
    pub flow: Flow,
    /// Our address as the far end sees it (design: listening and advertised are separate).
    pub advertised: SocketAddr,
}

impl Path {
    /// The Via of a request along this path.
    pub fn via(&self, branch: &str) -> Via {
        let mut params = Params::default();
        params.set("branch", Some(branch));
        params.set("rport", None);
        Via {
            transport: self.flow.transport.clone(),
            host: Host::from(self.advertised.ip()),
            port: Some(self.advertised.port()),
            params,
        }
    }

    /// Where the far end shall send requests of the dialog (RFC 3261 §8.1.1.8).
    pub fn contact(&self) -> NameAddr {
        let uri = Uri::sip(None, Host::from(self.advertised.ip()), Some(self.advertised.port()));
        NameAddr { display: None, uri, params: Params::default() }
    }
}
