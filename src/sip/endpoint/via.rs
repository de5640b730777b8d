//! The top Via of a request that came in: what it lacks, and where its answers go.
//! Must never trust a Via beyond its port: answers go to where the request came from.

use std::net::SocketAddr;

use crate::sip::flow::Flow;
use crate::sip::message::{Request, Transport, Via};

/// Fills in `received` and `rport` (RFC 3261 §18.2.1, RFC 3581 §4).
pub(super) fn complete(request: &mut Request, via: &mut Via, flow: &Flow) {
    let source = flow.remote.ip().to_canonical();
    let wants_port = via.rport().is_some();
    if !wants_port && via.host.ip() == Some(source) {
        return;
    }
    via.params.set("received", Some(&source.to_string()));
    if wants_port {
        via.params.set("rport", Some(&flow.remote.port().to_string()));
    }
    request.headers_mut().replace_top_via(via);
}

/// The way of the answers (RFC 3261 §18.2.2, RFC 3581 §4): connections are answered on themselves; over UDP the
/// port is that of the packet if the client asked for it, else the one it names.
pub(super) fn reply(via: &Via, flow: &Flow) -> Flow {
    let mut reply = flow.clone();
    if flow.transport == Transport::Udp && via.rport().is_none() {
        let port = via.port.unwrap_or_else(|| flow.transport.default_port());
        reply.remote = SocketAddr::new(flow.remote.ip(), port);
    }
    reply
}
