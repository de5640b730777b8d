//! The error queue of a socket (`IP_RECVERR`): which datagram did not arrive, and why.
//! It must never take a passing trouble for a peer that is gone.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;

use nix::libc::{SO_EE_ORIGIN_ICMP, SO_EE_ORIGIN_ICMP6, sock_extended_err, sockaddr_in6};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg};

use crate::sip::transport::Unreachable;

/// Room for one report.
#[derive(Debug)]
pub(super) struct ControlBuffer(Vec<u8>);

impl Default for ControlBuffer {
    fn default() -> Self {
        // An IPv6 report is the longer one.
        Self(nix::cmsg_space!((sock_extended_err, sockaddr_in6)))
    }
}

/// The next report: where a datagram was sent to and why it did not arrive; none if it says nothing for good.
///
/// # Errors
/// [`io::ErrorKind::WouldBlock`] if there is none; a failure of the socket.
pub(super) fn next(
    socket: &UdpSocket,
    control: &mut ControlBuffer,
) -> io::Result<Option<(SocketAddr, Unreachable)>> {
    let flags = MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT;
    // The quoted start of the datagram is left behind.
    let report = recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut [], Some(&mut control.0), flags)?;
    let error = report.cmsgs()?.find_map(|message| match message {
        ControlMessageOwned::Ipv4RecvErr(error, _) | ControlMessageOwned::Ipv6RecvErr(error, _) => {
            meaning(error.ee_origin, error.ee_type, error.ee_code)
        }
        _ => None,
    });
    // Reports that came as ICMP always name the destination; of others the address may be missing.
    Ok(error.and_then(|error| Some((destination(report.address?)?, error))))
}

fn destination(address: SockaddrStorage) -> Option<SocketAddr> {
    let v4 = address.as_sockaddr_in().map(|v4| SocketAddr::from(*v4));
    v4.or_else(|| address.as_sockaddr_in6().map(|v6| SocketAddr::from(*v6)))
}

/// What RFC 3261 §18.4 has the transport tell: the codes of RFC 792, RFC 1812 §5.2.7.1 and RFC 4443 §3.
fn meaning(origin: u8, kind: u8, code: u8) -> Option<Unreachable> {
    match (origin, kind, code) {
        (SO_EE_ORIGIN_ICMP, 3, 0 | 5 | 6 | 11) => Some(Unreachable::Network),
        (SO_EE_ORIGIN_ICMP, 3, 1 | 7 | 8 | 12) => Some(Unreachable::Host),
        (SO_EE_ORIGIN_ICMP, 3, 2) => Some(Unreachable::Protocol),
        (SO_EE_ORIGIN_ICMP, 3, 3) => Some(Unreachable::Port),
        (SO_EE_ORIGIN_ICMP, 3, 9 | 10 | 13..=15) => Some(Unreachable::Prohibited),
        (SO_EE_ORIGIN_ICMP, 12, _) => Some(Unreachable::Parameter),
        (SO_EE_ORIGIN_ICMP6, 1, 0 | 2) => Some(Unreachable::Network),
        (SO_EE_ORIGIN_ICMP6, 1, 3) => Some(Unreachable::Host),
        (SO_EE_ORIGIN_ICMP6, 1, 4) => Some(Unreachable::Port),
        (SO_EE_ORIGIN_ICMP6, 1, 1 | 5 | 6) => Some(Unreachable::Prohibited),
        (SO_EE_ORIGIN_ICMP6, 4, _) => Some(Unreachable::Parameter),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_final_counts_as_unreachable() {
        let (v4, v6) = (SO_EE_ORIGIN_ICMP, SO_EE_ORIGIN_ICMP6);
        let table = [
            (v4, 3, 3, Some(Unreachable::Port), "port unreachable"),
            (v4, 3, 1, Some(Unreachable::Host), "host unreachable"),
            (v4, 3, 0, Some(Unreachable::Network), "network unreachable"),
            (v4, 3, 2, Some(Unreachable::Protocol), "protocol unreachable"),
            (v4, 3, 13, Some(Unreachable::Prohibited), "filtered"),
            (v4, 12, 0, Some(Unreachable::Parameter), "parameter problem"),
            (v4, 3, 4, None, "fragmentation needed: the next one is sent in fragments"),
            (v4, 4, 0, None, "source quench"),
            (v4, 11, 0, None, "time exceeded"),
            (v6, 1, 4, Some(Unreachable::Port), "port unreachable"),
            (v6, 1, 3, Some(Unreachable::Host), "address unreachable"),
            (v6, 1, 0, Some(Unreachable::Network), "no route"),
            (v6, 1, 1, Some(Unreachable::Prohibited), "filtered"),
            (v6, 4, 1, Some(Unreachable::Parameter), "parameter problem"),
            (v6, 2, 0, None, "packet too big"),
            (v6, 3, 0, None, "time exceeded"),
            (nix::libc::SO_EE_ORIGIN_LOCAL, 3, 3, None, "not from the network"),
        ];
        for (origin, kind, code, wanted, name) in table {
            assert_eq!(meaning(origin, kind, code), wanted, "{name} ({origin}, {kind}, {code})");
        }
    }
}
