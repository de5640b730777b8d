//! The way to a far end as a leg writes it: flow, Via and Contact.
//! It must never choose addresses: they are found at the edge and handed in.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::sip::flow::Flow;
use crate::sip::message::{Host, NameAddr, Params, Transport, Uri, Via};

/// A flow and the address under which the far end reaches us on it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Path {
    /// The way.
    pub flow: Flow,
    /// Our address as the far end sees it (design: listening and advertised are separate).
    pub advertised: SocketAddr,
    /// The dialog is one of `sips:` addresses: ours must be one, too (RFC 3261 §8.1.1.8, §12.1.1).
    #[serde(default)]
    pub sips: bool,
}

impl Path {
    /// A way for `sip:` addresses.
    pub fn new(flow: Flow, advertised: SocketAddr) -> Self {
        Self { flow, advertised, sips: false }
    }

    /// The peer was heard by this flow. On a connection that it has opened itself, our requests follow it: the one
    /// before may be lost, and its Contact behind a NAT.
    pub fn follow(&mut self, heard: &Flow) {
        let are_connections = self.flow.connection.is_some() && heard.connection.is_some();
        if are_connections && self.flow.transport == heard.transport {
            self.flow = heard.clone();
        }
    }

    /// The Via of a request along this path.
    pub fn via(&self, branch: &str) -> Via {
        let host = Host::from(self.advertised.ip());
        Via::new(self.flow.transport.clone(), host, Some(self.advertised.port()), branch)
    }

    /// Where the far end shall send requests of the dialog (RFC 3261 §8.1.1.8), and by which transport: without a word
    /// it would be UDP, or TLS for `sips:` (§19.1.2).
    pub fn contact(&self) -> NameAddr {
        let uri = Uri::sip(None, Host::from(self.advertised.ip()), Some(self.advertised.port()));
        let uri = match &self.flow.transport {
            Transport::Udp => uri,
            Transport::Tls if self.sips => uri.with_secure(true),
            other => {
                let transport = other.as_str().to_ascii_lowercase();
                uri.with_param("transport", Some(&transport)).with_secure(self.sips)
            }
        };
        NameAddr { display: None, uri, params: Params::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(transport: Transport) -> Path {
        let (local, remote) = (([192, 0, 2, 1], 5060).into(), ([198, 51, 100, 7], 40_000).into());
        let flow = Flow { transport, ..Flow::udp(local, remote) };
        Path::new(flow, ([192, 0, 2, 1], 5061).into())
    }

    #[test]
    fn the_contact_says_by_which_transport_we_are_reached() {
        let sips = |path: Path| Path { sips: true, ..path };
        for (path, contact) in [
            (path(Transport::Udp), "<sip:192.0.2.1:5061>"),
            (path(Transport::Tcp), "<sip:192.0.2.1:5061;transport=tcp>"),
            (path(Transport::Tls), "<sip:192.0.2.1:5061;transport=tls>"),
            (sips(path(Transport::Tls)), "<sips:192.0.2.1:5061>"),
            (path(Transport::Wss), "<sip:192.0.2.1:5061;transport=wss>"),
        ] {
            assert_eq!(path.contact().to_string(), contact);
        }
    }

    #[test]
    fn the_via_names_the_transport_and_asks_for_the_source_port() {
        let via = path(Transport::Tls).via("z9hG4bK1").to_string();
        assert_eq!(via, "SIP/2.0/TLS 192.0.2.1:5061;branch=z9hG4bK1;rport");
    }

    #[test]
    fn requests_follow_a_peer_to_its_new_connection_and_stay_with_what_we_have_dialled() {
        let over = |transport, connection| Flow { transport, connection, ..path(Transport::Udp).flow };
        for (before, heard, is_followed) in [
            (over(Transport::Tcp, Some(1)), over(Transport::Tcp, Some(2)), true),
            (over(Transport::Tcp, None), over(Transport::Tcp, Some(2)), false),
            (over(Transport::Tls, Some(1)), over(Transport::Tcp, Some(2)), false),
            (over(Transport::Udp, None), over(Transport::Tcp, Some(2)), false),
        ] {
            let mut path = Path::new(before.clone(), ([192, 0, 2, 1], 5060).into());
            path.follow(&heard);
            assert_eq!(path.flow, if is_followed { heard } else { before });
        }
    }

    #[test]
    fn paths_of_a_snapshot_without_names_and_sips_are_read() {
        let old = r#"{"flow":{"transport":"UDP","local":"192.0.2.1:5060","remote":"198.51.100.7:40000",
            "connection":null},"advertised":"192.0.2.1:5061"}"#;
        let read: Path = serde_json::from_str(old).expect("it was written by the release before");
        assert_eq!(read, path(Transport::Udp));
    }
}
