//! Via: the way a request came, and its answer goes back (RFC 3261 §20.42, RFC 3581).
//! It must never take a list for a single value.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use super::{HeaderError, HeaderName, Problem, Within};
use crate::sip::message::grammar::{Cursor, SyntaxError, is_token, read_list, serde_as_text, wanted};
use crate::sip::message::{Headers, Host, Params, Transport};

/// One hop.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Via {
    /// How the hop sent it.
    pub transport: Transport,
    /// Where the hop listens (`sent-by`).
    pub host: Host,
    /// The port of `sent-by`, where one is written.
    pub port: Option<u16>,
    /// `branch`, `received`, `rport` and others.
    pub params: Params,
}

impl Via {
    /// A hop of our own, asking for the source port (RFC 3581).
    pub fn new(transport: Transport, host: Host, port: Option<u16>, branch: &str) -> Self {
        let mut params = Params::new();
        params.set("branch", Some(branch));
        params.set("rport", None);
        Self { transport, host, port, params }
    }

    /// What names the transaction.
    pub fn branch(&self) -> Option<&str> {
        self.params.value("branch")
    }

    /// The source address as the next hop saw it; also read without brackets (RFC 5118 §4.5).
    pub fn received(&self) -> Option<IpAddr> {
        let text = self.params.value("received")?;
        text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text).parse().ok()
    }

    /// The source port: `Some(None)` if it is asked for and not yet filled in.
    pub fn rport(&self) -> Option<Option<u16>> {
        self.params.get("rport").map(|port| port.and_then(|port| port.parse().ok()))
    }

    /// Host and port as written.
    pub fn sent_by(&self) -> String {
        self.port.map_or_else(|| self.host.to_string(), |port| format!("{}:{port}", self.host))
    }

    fn read(cursor: &mut Cursor<'_>) -> Result<Self, SyntaxError> {
        let sip = cursor.token("SIP")?.eq_ignore_ascii_case("SIP") && cursor.eat_spaced(b'/');
        let two = sip && cursor.run(is_token) == "2.0" && cursor.eat_spaced(b'/');
        if !two {
            return wanted("SIP/2.0/ and a transport");
        }
        let transport = cursor.token("a transport")?.parse()?;
        let spaced = cursor.rest();
        cursor.skip_lws();
        if spaced.len() == cursor.rest().len() {
            return wanted("white space before the host");
        }
        let (host, port) = Host::read_with_port(cursor)?;
        let params = Params::read(cursor)?;
        Ok(Self { transport, host, port, params })
    }
}

impl FromStr for Via {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        let mut cursor = Cursor::new(text);
        cursor.skip_lws();
        let via = Self::read(&mut cursor)?;
        cursor.end().map(|()| via)
    }
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SIP/2.0/{} {}", self.transport, self.host)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        self.params.fmt(f)
    }
}

serde_as_text!(Via);

impl Headers {
    /// All hops, the last one first.
    pub fn vias(&self) -> Result<Vec<Via>, HeaderError> {
        let mut vias = Vec::new();
        for value in self.all(&HeaderName::Via) {
            vias.append(&mut read_list(&value, Via::read).within(HeaderName::Via)?);
        }
        Ok(vias)
    }

    /// The last hop: where an answer goes.
    pub fn top_via(&self) -> Result<Via, HeaderError> {
        let value = self.get(&HeaderName::Via);
        let value = value.ok_or(HeaderError { name: HeaderName::Via, problem: Problem::Missing })?;
        let mut cursor = Cursor::new(&value);
        let via = Via::read(&mut cursor).within(HeaderName::Via)?;
        if cursor.eat_spaced(b',') { Ok(via) } else { cursor.end().map(|()| via).within(HeaderName::Via) }
    }

    /// Puts `via` in the place of the last hop; the others stay as they came.
    pub fn replace_top_via(&mut self, via: &Via) {
        let others = self.get(&HeaderName::Via).and_then(|value| {
            let mut cursor = Cursor::new(&value);
            Via::read(&mut cursor).ok()?;
            cursor.eat_spaced(b',').then(|| cursor.rest().to_owned())
        });
        match others {
            Some(others) => self.replace_first(HeaderName::Via, format_args!("{via}, {others}")),
            None => self.replace_first(HeaderName::Via, via),
        }
    }

    /// Takes the last hop off, as the receiver of a response does with its own (RFC 3261 §16.7).
    pub fn remove_top_via(&mut self) {
        let others = self.get(&HeaderName::Via).and_then(|value| {
            let mut cursor = Cursor::new(&value);
            Via::read(&mut cursor).ok()?;
            cursor.eat_spaced(b',').then(|| cursor.rest().to_owned())
        });
        match others {
            Some(others) => self.replace_first(HeaderName::Via, others),
            None => self.remove_first(&HeaderName::Via),
        }
    }
}
