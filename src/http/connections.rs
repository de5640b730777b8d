//! Connections as they come: how many one host may have, and how long its bytes may lie about.
//! It must never keep anything of a connection that is gone.

use std::any::Any;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr, Shutdown};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::dev::Extensions;
use actix_web::rt::net::TcpStream;
use socket2::SockRef;

/// A peer that takes no bytes for so long is gone.
const STALLED: Duration = Duration::from_secs(15);

/// Counts connections by host.
#[derive(Clone, Debug)]
pub(super) struct Connections {
    per_source: usize,
    open: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// A connection that counts while it lasts.
struct Counted {
    source: IpAddr,
    open: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

impl Connections {
    pub(super) fn new(per_source: usize) -> Self {
        Self { per_source, open: Arc::default() }
    }

    /// Sees a new connection; one too many is closed at once.
    pub(super) fn greet(&self, stream: &dyn Any, extensions: &mut Extensions) {
        let Some(stream) = stream.downcast_ref::<TcpStream>() else { return };
        let socket = SockRef::from(stream);
        match stream.peer_addr().ok().and_then(|peer| self.admit(peer.ip())) {
            Some(counted) => {
                extensions.insert(counted);
                if let Err(error) = socket.set_tcp_user_timeout(Some(STALLED)) {
                    tracing::debug!(%error, "a connection goes without a deadline for its bytes");
                }
            }
            None => {
                // One that is closed already needs no closing.
                let _ = socket.shutdown(Shutdown::Both);
            }
        }
    }

    fn admit(&self, host: IpAddr) -> Option<Counted> {
        let source = source(host);
        let mut open = lock(&self.open);
        let count = open.entry(source).or_default();
        if *count >= self.per_source {
            tracing::debug!(%source, "a host has too many connections");
            return None;
        }
        *count += 1;
        Some(Counted { source, open: Arc::clone(&self.open) })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut open = lock(&self.open);
        if let Some(count) = open.get_mut(&self.source) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.source);
            }
        }
    }
}

/// Whom an address stands for: of IPv6, a host has a whole /64.
fn source(host: IpAddr) -> IpAddr {
    match host.to_canonical() {
        IpAddr::V4(host) => host.into(),
        IpAddr::V6(host) => {
            let [a, b, c, d, ..] = host.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}

/// A count is whole at every moment.
fn lock(open: &Mutex<HashMap<IpAddr, usize>>) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_has_its_number_of_connections_and_gets_them_back() {
        let connections = Connections::new(2);
        let admit = |host: &str| connections.admit(host.parse().expect("an address"));
        let first = (admit("192.0.2.1"), admit("::ffff:192.0.2.1"));
        assert!(first.0.is_some() && first.1.is_some());
        assert!(admit("192.0.2.1").is_none());
        let other = (admit("2001:db8::1"), admit("2001:db8::ffff:1"), admit("2001:db8:0:1::1"));
        assert!(other.0.is_some() && other.1.is_some() && other.2.is_some());
        assert!(admit("2001:db8::2").is_none(), "one /64 is one host");
        drop((first, other));
        assert!(connections.open.lock().expect("whole").is_empty());
    }
}
