//! `[gateway]`: the one way out of the house, to a carrier or another exchange.
//! Must never resolve a name: where the gateway is, is found at the edge.

use serde::{Deserialize, Serialize};

use super::{Network, Secret};
use crate::routing::Numbers;
use crate::sip::message::{Transport, Uri};

/// How numbers outside of the house are reached, and who calls in from there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Gateway {
    /// Host, with a port where it is not the usual one; empty: there is no gateway.
    pub address: String,
    /// `udp`, `tcp` or `tls`.
    pub transport: GatewayTransport,
    /// The name that it knows us by; empty: it does not ask.
    pub user: String,
    /// The password for that.
    pub password: Secret,
    /// The only realm that is answered; empty: whichever the gateway names.
    pub realm: String,
    /// Which numbers leave by it, as routes write patterns; what a route or a user has stays in the house.
    pub numbers: Vec<String>,
    /// Numbers that may be shown to those outside, the first where a caller has none of its own; empty: any.
    pub caller_ids: Vec<String>,
    /// Where its calls come from besides its own address, in CIDR notation.
    pub sources: Vec<Network>,
    /// Whether its word on who calls is taken, and ours is told to it (RFC 3325).
    pub trusted: bool,
}

/// Shorter numbers are those of the house.
const LEAST: usize = 7;

/// How the gateway is reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GatewayTransport {
    /// Datagrams.
    #[default]
    Udp,
    /// A connection.
    Tcp,
    /// A connection that nobody reads along.
    Tls,
}

impl Default for Gateway {
    fn default() -> Self {
        Self {
            address: String::new(),
            transport: GatewayTransport::Udp,
            user: String::new(),
            password: Secret::default(),
            realm: String::new(),
            numbers: vec!["+*".into()],
            caller_ids: Vec::new(),
            sources: Vec::new(),
            trusted: true,
        }
    }
}

impl Gateway {
    /// Whether there is one.
    pub fn is_there(&self) -> bool {
        !self.address.is_empty()
    }

    /// The address of `number` behind it; `None` where the two make no SIP address.
    pub fn uri(&self, number: &str) -> Option<Uri> {
        let (transport, port) = match self.transport {
            GatewayTransport::Udp => (None, ""),
            GatewayTransport::Tcp => (Some(Transport::Tcp), ""),
            GatewayTransport::Tls => (Some(Transport::Tls), ":5061"),
        };
        // Of an IPv6 address the colons stand between brackets.
        let is_port = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let is_host = |text: &str| text.ends_with(']') || !text.contains(':');
        let split = self.address.rsplit_once(':');
        let has_port = split.is_some_and(|(host, port)| is_host(host) && is_port(port));
        let port = if has_port { "" } else { port };
        let transport = transport.map(|name| format!(";transport={}", name.as_str().to_ascii_lowercase()));
        let user = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'+').then_some(number)?;
        let text = format!("sip:{user}@{}{port}{};user=phone", self.address, transport.unwrap_or_default());
        text.parse().ok()
    }

    /// The number that those outside see of a caller who is, or shall be shown as, `caller`. A caller who came in by
    /// the gateway keeps its own number when its call is passed on; `None`: this number may not be shown.
    pub fn shown<'a>(&'a self, caller: &'a str, came_in_by_it: bool) -> Option<&'a str> {
        let is_listed = self.caller_ids.iter().any(|number| number == caller);
        // A user's name, or a number of the house, means nothing outside.
        let is_number = caller.starts_with('+') || caller.bytes().all(|byte| byte.is_ascii_digit());
        let means_something = is_number && caller.len() >= LEAST;
        match self.caller_ids.first() {
            Some(first) if !means_something => Some(first),
            Some(_) => (is_listed || came_in_by_it).then_some(caller),
            None => Some(caller),
        }
    }

    /// What is wrong with the section, and with which key.
    pub(super) fn fault(&self) -> Option<(&'static str, &'static str)> {
        if self.is_there() && self.uri("+1").is_none() {
            return Some(("gateway.address", "it is a host, with or without a port"));
        }
        if Numbers::read(&self.numbers).is_none() {
            return Some((
                "gateway.numbers",
                "they are patterns of digits, + and #, X, Z and N, and * at the end",
            ));
        }
        let is_number = |text: &String| {
            text.strip_prefix('+').unwrap_or(text).bytes().all(|byte| byte.is_ascii_digit()) && text.len() > 1
        };
        if !self.caller_ids.iter().all(is_number) {
            return Some(("gateway.caller_ids", "they are telephone numbers, such as +4930123456"));
        }
        let has_half = self.user.is_empty() != self.password.is_empty();
        has_half.then_some(("gateway.password", "user and password come together"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gateway(address: &str, transport: GatewayTransport) -> Gateway {
        Gateway { address: address.into(), transport, ..Gateway::default() }
    }

    #[test]
    fn a_number_behind_the_gateway_has_its_host_port_and_transport() {
        use GatewayTransport::{Tcp, Tls, Udp};
        for (address, transport, uri) in [
            ("sip.example.com", Udp, "sip:+15551234@sip.example.com;user=phone"),
            ("192.0.2.5:5080", Udp, "sip:+15551234@192.0.2.5:5080;user=phone"),
            ("sip.example.com", Tcp, "sip:+15551234@sip.example.com;transport=tcp;user=phone"),
            ("sip.example.com", Tls, "sip:+15551234@sip.example.com:5061;transport=tls;user=phone"),
            ("[2001:db8::5]", Tls, "sip:+15551234@[2001:db8::5]:5061;transport=tls;user=phone"),
            ("[2001:db8::5]:5070", Tls, "sip:+15551234@[2001:db8::5]:5070;transport=tls;user=phone"),
        ] {
            let written = gateway(address, transport).uri("+15551234").map(|uri| uri.to_string());
            assert_eq!(written.as_deref(), Some(uri), "{address}");
        }
        assert_eq!(gateway("sip.example.com", Udp).uri("555;phone-context=x"), None);
        assert_eq!(gateway("not a host", Udp).uri("+1"), None);
    }

    #[test]
    fn outside_only_numbers_that_are_ours_are_shown() {
        let any = Gateway::default();
        assert_eq!(any.shown("alice", false), Some("alice"));
        let ours = Gateway { caller_ids: vec!["+4930111".into(), "+4930222".into()], ..any };
        for (caller, came_in, shown) in [
            ("+4930222", false, Some("+4930222")),
            ("alice", false, Some("+4930111")),
            ("alice", true, Some("+4930111")),
            ("201", false, Some("+4930111")),
            ("+15551234567", false, None),
            ("+15551234567", true, Some("+15551234567")),
            ("15551234567", false, None),
        ] {
            assert_eq!(ours.shown(caller, came_in), shown, "{caller}");
        }
    }

    #[test]
    fn each_fault_names_its_key() {
        let sound = Gateway {
            address: "sip.example.com".into(),
            user: "us".into(),
            password: Secret::new("secret"),
            caller_ids: vec!["+4930123456".into()],
            ..Gateway::default()
        };
        assert_eq!(sound.fault(), None);
        assert_eq!(Gateway::default().fault(), None);
        for (key, faulty) in [
            ("gateway.address", Gateway { address: "sip:example.com>".into(), ..sound.clone() }),
            ("gateway.numbers", Gateway { numbers: vec!["+49[0-9]".into()], ..sound.clone() }),
            ("gateway.caller_ids", Gateway { caller_ids: vec!["alice".into()], ..sound.clone() }),
            ("gateway.password", Gateway { password: Secret::default(), ..sound.clone() }),
        ] {
            assert_eq!(faulty.fault().map(|(key, _)| key), Some(key));
        }
    }
}
