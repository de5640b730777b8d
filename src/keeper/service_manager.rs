//! systemd's descriptor store: FDSTORE=1 of sd_notify(3), and LISTEN_FDS of sd_listen_fds(3) at the next start.
//! It must never wait for the service manager, nor take a descriptor that was meant for another process.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::net::UnixDatagram;

use listenfd::ListenFd;

use super::parcel::{self, LONGEST, Name};
use crate::ops::notify;

/// What goes before a byte that a name may not hold: as in a URI, its two hexadecimal digits follow.
const ESCAPE: char = '%';

/// The way to the service manager that listens at `NOTIFY_SOCKET`.
pub(super) fn open(socket: &OsStr) -> io::Result<OwnedFd> {
    let way = UnixDatagram::unbound()?;
    way.connect_addr(&notify::address(socket)?)?;
    Ok(way.into())
}

/// Asks to keep a socket.
pub(super) fn store(manager: &OwnedFd, name: &str, socket: BorrowedFd) -> io::Result<()> {
    // Of several sockets of one name all would be kept: the earlier one goes first.
    parcel::send(manager, removal(name)?.as_bytes(), &[])?;
    // Without FDPOLL=0 it is dropped when the network reports an error on it: that happens to UDP sockets.
    let text = format!("FDSTORE=1\nFDPOLL=0\nFDNAME={}", escaped(name)?);
    parcel::send(manager, text.as_bytes(), &[socket])
}

/// Asks to forget one.
pub(super) fn remove(manager: &OwnedFd, name: &str) -> io::Result<()> {
    parcel::send(manager, removal(name)?.as_bytes(), &[])
}

/// The sockets that were kept. To be called before anything else opens a descriptor that outlives it, and once: the
/// variables are taken away.
pub(super) fn kept() -> Vec<(Name, OwnedFd)> {
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    // They are handed on to children, and meant for the process that they name.
    if variable("LISTEN_PID").parse() != Ok(std::process::id()) {
        return Vec::new();
    }
    let names = variable("LISTEN_FDNAMES");
    let mut descriptors = ListenFd::from_env();
    let count = descriptors.len();
    let socket = |place| -> Option<OwnedFd> {
        // Each is taken as what it is; neither: it is no socket of ours.
        let datagrams = descriptors.take_udp_socket(place).ok().flatten();
        datagrams.map(OwnedFd::from).or_else(|| {
            let stream = descriptors.take_tcp_listener(place).ok().flatten();
            stream.map(OwnedFd::from)
        })
    };
    let sockets: Vec<_> = (0..count).map(socket).collect();
    let named = names.split(':').zip(sockets);
    named.filter_map(|(name, socket)| Some((unescaped(name)?, socket?))).collect()
}

fn removal(name: &str) -> io::Result<String> {
    Ok(format!("FDSTOREREMOVE=1\nFDNAME={}", escaped(name)?))
}

/// A name as the service manager takes it: ASCII without control characters and colons, at most 255 characters.
fn escaped(name: &str) -> io::Result<String> {
    let mut escaped = String::with_capacity(name.len() + 8);
    for byte in name.bytes() {
        if byte.is_ascii_graphic() && byte != b':' && byte != ESCAPE as u8 {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("{ESCAPE}{byte:02X}"));
        }
    }
    let is_short = (1..=LONGEST).contains(&escaped.len());
    is_short.then_some(escaped).ok_or_else(|| io::ErrorKind::InvalidInput.into())
}

/// The name behind one of the service manager's; `None`: it is not of our making.
fn unescaped(name: &str) -> Option<Name> {
    let mut parts = name.split(ESCAPE);
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        // The radix alone would let a sign pass.
        digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then_some(())?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).ok().filter(|name| parcel::is_name(name)).map(Name::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_comes_back_from_the_service_manager_as_it_went() {
        for name in ["udp/127.0.0.1:5060", "rtp/[2001:db8::1]:20000", "100 %", "Köln\n", "%3A"] {
            let escaped = escaped(name).expect("short enough");
            assert!(escaped.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':'), "{escaped}");
            assert_eq!(unescaped(&escaped).as_deref(), Some(name));
        }
        assert_eq!(escaped("udp/127.0.0.1:5060").ok().as_deref(), Some("udp/127.0.0.1%3A5060"));
    }

    #[test]
    fn names_that_are_none_are_not_sent_and_not_believed() {
        assert!(escaped("").is_err());
        assert!(escaped(&":".repeat(86)).is_err(), "258 characters");
        for name in ["", "%", "%3", "%zz", "%ff", "%+1"] {
            assert_eq!(unescaped(name).as_deref(), None, "{name}");
        }
    }
}
