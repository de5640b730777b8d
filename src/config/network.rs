//! Addresses as the configuration writes them: networks, port spans, advertised hosts.
//! Must never resolve a name or ask the machine for its addresses.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A network in CIDR notation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

/// The address that peers are told, where it is not that of the socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advertised {
    /// The address.
    pub ip: IpAddr,
    /// The port, where a container or a router publishes another one.
    pub port: Option<u16>,
}

/// A span of ports, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PortSpan {
    /// The lowest.
    pub first: u16,
    /// The highest.
    pub last: u16,
}

/// The text is no network, address or span.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotationError {
    /// Not an address, a slash and a prefix length.
    #[error("a network is written as 192.168.0.0/16 or fd00::/8")]
    Network,
    /// Not an IP address, with or without a port.
    #[error(
        "an advertised address is an IP address, with a port if it differs from the socket's: 203.0.113.7 or 203.0.113.7:5070"
    )]
    Advertised,
    /// Not two ports with a dash.
    #[error("ports are written as 20000-29999, the lower first, at least one even and the odd one after it")]
    Ports,
}

impl Network {
    /// Private, link-local and loopback networks: RFC 1918, RFC 3927, RFC 4193, RFC 4291 §2.5.
    pub const PRIVATE: [Network; 8] = [
        Network::v4([10, 0, 0, 0], 8),
        Network::v4([172, 16, 0, 0], 12),
        Network::v4([192, 168, 0, 0], 16),
        Network::v4([169, 254, 0, 0], 16),
        Network::v4([127, 0, 0, 0], 8),
        Network::v6(Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7),
        Network::v6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10),
        Network::v6(Ipv6Addr::LOCALHOST, 128),
    ];

    const fn v4([a, b, c, d]: [u8; 4], prefix: u8) -> Self {
        Self { address: IpAddr::V4(Ipv4Addr::new(a, b, c, d)), prefix }
    }

    const fn v6(address: Ipv6Addr, prefix: u8) -> Self {
        Self { address: IpAddr::V6(address), prefix }
    }

    /// Whether `host` lies in the network. An IPv4 address mapped into IPv6 counts as the IPv4 address.
    pub fn contains(&self, host: IpAddr) -> bool {
        match (self.address, host.to_canonical()) {
            (IpAddr::V4(net), IpAddr::V4(host)) => {
                let rest = 32_u32.saturating_sub(self.prefix.into());
                u32::MAX.checked_shl(rest).is_none_or(|mask| (net.to_bits() ^ host.to_bits()) & mask == 0)
            }
            (IpAddr::V6(net), IpAddr::V6(host)) => {
                let rest = 128_u32.saturating_sub(self.prefix.into());
                u128::MAX.checked_shl(rest).is_none_or(|mask| (net.to_bits() ^ host.to_bits()) & mask == 0)
            }
            _ => false,
        }
    }

    /// Whether it is the whole of the address family of `host`.
    pub fn contains_all_of(&self, host: IpAddr) -> bool {
        self.prefix == 0 && self.address.is_ipv4() == host.is_ipv4()
    }
}

impl PortSpan {
    /// How many pairs of an even port and the odd one above it there are (RFC 3550 §11).
    pub fn pairs(&self) -> usize {
        let first = u32::from(self.first).next_multiple_of(2);
        (u32::from(self.last) + 1).saturating_sub(first) as usize / 2
    }
}

impl FromStr for Network {
    type Err = NotationError;

    fn from_str(text: &str) -> Result<Self, NotationError> {
        let (address, prefix) = text.split_once('/').ok_or(NotationError::Network)?;
        let address: IpAddr = address.parse().map_err(|_| NotationError::Network)?;
        let prefix: u8 = prefix.parse().map_err(|_| NotationError::Network)?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        if prefix > longest {
            return Err(NotationError::Network);
        }
        Ok(Self { address, prefix })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl FromStr for Advertised {
    type Err = NotationError;

    fn from_str(text: &str) -> Result<Self, NotationError> {
        if let Ok(ip) = text.parse() {
            return Ok(Self { ip, port: None });
        }
        let socket: std::net::SocketAddr = text.parse().map_err(|_| NotationError::Advertised)?;
        Ok(Self { ip: socket.ip(), port: Some(socket.port()) })
    }
}

impl fmt::Display for Advertised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => std::net::SocketAddr::new(self.ip, port).fmt(f),
            None => self.ip.fmt(f),
        }
    }
}

impl FromStr for PortSpan {
    type Err = NotationError;

    fn from_str(text: &str) -> Result<Self, NotationError> {
        let (first, last) = text.split_once('-').ok_or(NotationError::Ports)?;
        let first: u16 = first.trim().parse().map_err(|_| NotationError::Ports)?;
        let last: u16 = last.trim().parse().map_err(|_| NotationError::Ports)?;
        // RTP takes an even port and RTCP the odd one above it (RFC 3550 §11).
        let lowest_rtp = first.checked_add(first % 2).ok_or(NotationError::Ports)?;
        if first == 0 || lowest_rtp >= last {
            return Err(NotationError::Ports);
        }
        Ok(Self { first, last })
    }
}

impl fmt::Display for PortSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.first, self.last)
    }
}

impl TryFrom<String> for Network {
    type Error = NotationError;

    fn try_from(text: String) -> Result<Self, NotationError> {
        text.parse()
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        network.to_string()
    }
}

impl TryFrom<String> for PortSpan {
    type Error = NotationError;

    fn try_from(text: String) -> Result<Self, NotationError> {
        text.parse()
    }
}

impl From<PortSpan> for String {
    fn from(span: PortSpan) -> Self {
        span.to_string()
    }
}
