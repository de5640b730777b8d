//! The next hop: where a URI, a request or an answer says that it goes, and the addresses behind that.
//! It must never look a name up without a limit, nor send `sips:` where anybody can read along.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use crate::sip::flow::Flow;
use crate::sip::message::{Host, Message, Scheme, Transport, Uri};

/// How long a look-up may take.
const LOOK_UP: Duration = Duration::from_secs(3);

/// A host, not yet looked up. NAPTR and SRV records are not asked: a port that is not written is the usual one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hop {
    /// What carries messages to it.
    pub transport: Transport,
    /// The host as written.
    pub host: Host,
    /// The port, or the usual one of the transport.
    pub port: u16,
}

impl Hop {
    /// Where requests to `uri` go (RFC 3263 §4.1); `None` for a URI that names no host, and for transports that are
    /// not ours.
    pub fn of(uri: &Uri) -> Option<Self> {
        let transport =
            transport_of(uri)?.unwrap_or(if uri.is_secure() { Transport::Tls } else { Transport::Udp });
        Some(Self::at(uri.host()?, uri.port(), transport))
    }

    /// Where a message goes whose flow is lost: a request to its first Route, else to its Request-URI (RFC 3261
    /// §8.1.2); an answer to the host that asked, at the port that its Via names (§18.2.2). The transport stays: the
    /// Via names it already.
    pub fn of_lost(message: &Message, flow: &Flow) -> Option<Self> {
        match message {
            Message::Request(request) => {
                let routes = request.headers().routes().ok()?;
                let uri = routes.first().map_or(request.uri(), |route| &route.uri);
                let is_allowed = transport_of(uri)?.is_none_or(|transport| transport == flow.transport)
                    && (!uri.is_secure() || flow.transport.is_secure());
                Some(Self::at(uri.host()?, uri.port(), flow.transport.clone())).filter(|_| is_allowed)
            }
            Message::Response(response) => {
                let via = response.headers().top_via().ok()?;
                Some(Self::at(&Host::from(flow.remote.ip()), via.port, flow.transport.clone()))
            }
        }
    }

    fn at(host: &Host, port: Option<u16>, transport: Transport) -> Self {
        let port = port.unwrap_or(transport.default_port());
        Self { transport, host: host.clone(), port }
    }

    /// The name that its certificate must bear; `None` where there are no certificates.
    pub fn name(&self) -> Option<String> {
        self.transport.is_secure().then(|| self.host.to_string())
    }

    /// Its address, where that is written.
    pub fn address(&self) -> Option<SocketAddr> {
        self.host.ip().map(|ip| SocketAddr::new(ip, self.port))
    }

    /// Its addresses in the order in which they are to be tried, at least one.
    ///
    /// # Errors
    /// The name leads nowhere, or nobody knows in time.
    pub async fn resolve(&self) -> io::Result<Vec<SocketAddr>> {
        if let Some(address) = self.address() {
            return Ok(vec![address]);
        }
        let name = self.host.to_string();
        let found = tokio::time::timeout(LOOK_UP, tokio::net::lookup_host((name.as_str(), self.port))).await;
        let found: Vec<SocketAddr> = found.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??.collect();
        if found.is_empty() { Err(io::ErrorKind::NotFound.into()) } else { Ok(found) }
    }
}

/// The transport that a URI asks for; `Some(None)` if it leaves that open, `None` if it is not ours or not secure as
/// `sips:` wants it (RFC 3261 §26.2.2, RFC 5630 §3.1.1).
fn transport_of(uri: &Uri) -> Option<Option<Transport>> {
    if !matches!(uri.scheme(), Scheme::Sip | Scheme::Sips) {
        return None;
    }
    let written = match uri.param("transport") {
        None => return Some(None),
        Some(written) => written?.parse().ok()?,
    };
    match (written, uri.is_secure()) {
        // What `transport` names is below TLS there.
        (Transport::Tcp | Transport::Tls, true) => Some(Some(Transport::Tls)),
        (written @ (Transport::Udp | Transport::Tcp | Transport::Tls), false) => Some(Some(written)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::message::Limits;

    fn shown(hop: Option<Hop>) -> String {
        hop.map_or("none".to_owned(), |hop| format!("{} {} {}", hop.transport, hop.host, hop.port))
    }

    #[test]
    fn a_uri_says_host_port_and_transport() {
        for (uri, hop) in [
            ("sip:a@example.com", "UDP example.com 5060"),
            ("sip:a@example.com:5070", "UDP example.com 5070"),
            ("sip:example.com;transport=TCP", "TCP example.com 5060"),
            ("sip:example.com;transport=tls", "TLS example.com 5061"),
            ("sips:example.com", "TLS example.com 5061"),
            ("sips:[2001:db8::1]:7;transport=tcp", "TLS [2001:db8::1] 7"),
            ("sips:example.com;transport=udp", "none"),
            ("sip:example.com;transport=wss", "none"),
            ("sip:example.com;transport", "none"),
            ("tel:+49301234", "none"),
        ] {
            assert_eq!(shown(Hop::of(&uri.parse().expect(uri))), hop, "{uri}");
        }
    }

    #[test]
    fn a_message_whose_flow_is_lost_says_itself_where_it_goes() {
        let (local, remote) = (([192, 0, 2, 1], 5060).into(), ([198, 51, 100, 7], 40_000).into());
        let tcp = Flow { transport: Transport::Tcp, connection: Some(7), ..Flow::udp(local, remote) };
        let tls = Flow { transport: Transport::Tls, ..tcp.clone() };
        let rest = "From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\nCall-ID: 1\r\nCSeq: 1 BYE\r\n\r\n";
        let via = "Via: SIP/2.0/TCP 10.0.0.7:5062;branch=z9hG4bK1;received=198.51.100.7\r\n";
        for (message, flow, hop) in [
            (
                format!("BYE sip:a@10.0.0.7:5062;transport=tcp SIP/2.0\r\n{via}{rest}"),
                &tcp,
                "TCP 10.0.0.7 5062",
            ),
            (format!("BYE sip:a@10.0.0.7 SIP/2.0\r\n{via}{rest}"), &tcp, "TCP 10.0.0.7 5060"),
            (format!("BYE sip:a@10.0.0.7;transport=udp SIP/2.0\r\n{via}{rest}"), &tcp, "none"),
            (format!("BYE sips:a@phone SIP/2.0\r\n{via}{rest}"), &tls, "TLS phone 5061"),
            (format!("BYE sips:a@phone SIP/2.0\r\n{via}{rest}"), &tcp, "none"),
            (
                format!("BYE sip:a@10.0.0.7 SIP/2.0\r\n{via}Route: <sip:edge.example;lr>\r\n{rest}"),
                &tls,
                "TLS edge.example 5061",
            ),
            (format!("SIP/2.0 200 OK\r\n{via}{rest}"), &tcp, "TCP 198.51.100.7 5062"),
        ] {
            let read = Message::parse(message.clone().into(), &Limits::NONE).expect("it is sound");
            assert_eq!(shown(Hop::of_lost(&read, flow)), hop, "{message}");
        }
    }

    #[tokio::test]
    async fn an_address_is_not_looked_up_and_a_name_is() {
        let hop = |uri: &str| Hop::of(&uri.parse().expect(uri)).expect(uri);
        let found = hop("sip:[2001:db8::1]:7").resolve().await.expect("it is written");
        assert_eq!(found, [SocketAddr::from(([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1], 7))]);
        let found = hop("sip:localhost;transport=tcp").resolve().await.expect("each host knows itself");
        assert!(found.iter().all(|address| address.ip().is_loopback() && address.port() == 5060));
        assert_eq!(hop("sips:gw.example").name().as_deref(), Some("gw.example"));
        assert_eq!(hop("sip:gw.example").name(), None);
    }
}
