//! Names to addresses, once per connection: what was judged here is what is connected to.
//! It must never hand out an address that the policy refuses, nor some of a name's addresses and not the others.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::Semaphore;

use super::policy::Policy;

/// Why a name leads nowhere.
#[derive(Debug, thiserror::Error)]
pub(super) enum NameError {
    /// It has no address.
    #[error("{0} has no address")]
    Unresolved(String),
    /// It has one that may not be reached.
    #[error("{name} leads to {address}, which the destination policy refuses")]
    Forbidden {
        /// The name.
        name: String,
        /// The address.
        address: IpAddr,
    },
}

/// Names being looked up at a time. Each occupies a thread until the system answers, also when nobody waits any more.
const LOOKUPS: usize = 64;

/// Resolves names for a client; without a policy, those of hosts that the operator has named.
pub(super) struct Resolver {
    policy: Option<Arc<Policy>>,
    lookups: Arc<Semaphore>,
    /// Names resolved so far.
    turn: AtomicUsize,
}

impl Resolver {
    pub fn new(policy: Option<Arc<Policy>>) -> Self {
        Self { policy, lookups: Arc::new(Semaphore::new(LOOKUPS)), turn: AtomicUsize::new(0) }
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (policy, lookups) = (self.policy.clone(), Arc::clone(&self.lookups));
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        Box::pin(async move {
            let name = name.as_str().to_owned();
            let permit = lookups.acquire_owned().await?;
            let asked = name.clone();
            let found = tokio::spawn(async move {
                // Port 0 is replaced by that of the URL.
                let found = tokio::net::lookup_host((asked, 0)).await;
                drop(permit);
                found.map(Iterator::collect)
            });
            let mut addresses: Vec<SocketAddr> = found.await?.unwrap_or_default();
            // Should the first one be dead, the next try begins with another.
            let first = turn % addresses.len().max(1);
            addresses.rotate_left(first);
            judge(name, addresses, policy.as_deref()).map_err(Into::into)
        })
    }
}

/// Every address of a name must be permitted: a name that leads to two worlds is somebody's trick.
fn judge(name: String, addresses: Vec<SocketAddr>, policy: Option<&Policy>) -> Result<Addrs, NameError> {
    if addresses.is_empty() {
        return Err(NameError::Unresolved(name));
    }
    let refused = addresses.iter().find(|address| policy.is_some_and(|policy| !policy.permits(address.ip())));
    match refused {
        Some(address) => Err(NameError::Forbidden { name, address: address.ip() }),
        None => Ok(Box::new(addresses.into_iter())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(addresses: &[&str], policy: Option<&Policy>) -> Result<usize, String> {
        let addresses =
            addresses.iter().map(|ip| SocketAddr::new(ip.parse().expect("an address"), 0)).collect();
        let judged = judge("name.example".to_owned(), addresses, policy);
        judged.map(Iterator::count).map_err(|error| error.to_string())
    }

    #[test]
    fn a_name_with_a_public_and_a_private_address_is_refused_whole() {
        let policy = Policy::new(Vec::new(), Vec::new());
        let refusal = "name.example leads to 10.0.0.1, which the destination policy refuses";
        assert_eq!(judged(&["8.8.8.8", "10.0.0.1"], Some(&policy)), Err(refusal.to_owned()));
        assert_eq!(judged(&["8.8.8.8", "2606:4700::1"], Some(&policy)), Ok(2));
        assert_eq!(judged(&["10.0.0.1"], None), Ok(1), "the operator has named it");
        assert_eq!(judged(&[], Some(&policy)), Err("name.example has no address".to_owned()));
    }
}
