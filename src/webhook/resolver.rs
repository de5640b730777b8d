//! Names to addresses, once per connection: what was judged here is what is connected to.
//! It must never hand out an address that the policy refuses, nor some of a name's addresses and not the others.

use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
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

/// The addresses of a name.
pub(super) type Found = Pin<Box<dyn Future<Output = std::io::Result<Vec<SocketAddr>>> + Send>>;

/// Who knows them. The ports do not matter: that of the URL is taken.
pub(super) type LookUp = Arc<dyn Fn(String) -> Found + Send + Sync>;

/// The system does.
pub(super) fn system() -> LookUp {
    Arc::new(|name| Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.collect()) }))
}

/// Resolves names for a client; without a policy, those of hosts that the operator has named.
pub(super) struct Resolver {
    policy: Option<Arc<Policy>>,
    look_up: LookUp,
    lookups: Arc<Semaphore>,
    /// Names resolved so far.
    turn: AtomicUsize,
}

impl Resolver {
    pub fn new(policy: Option<Arc<Policy>>, look_up: LookUp) -> Self {
        Self { policy, look_up, lookups: Arc::new(Semaphore::new(LOOKUPS)), turn: AtomicUsize::new(0) }
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (policy, lookups) = (self.policy.clone(), Arc::clone(&self.lookups));
        let look_up = Arc::clone(&self.look_up);
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        Box::pin(async move {
            let name = name.as_str().to_owned();
            let permit = lookups.acquire_owned().await?;
            let asked = name.clone();
            let found = tokio::spawn(async move {
                let found = look_up(asked).await;
                drop(permit);
                found
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
    use rustls::RootCertStore;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;
    use crate::config;
    use crate::twiml::verb::Method;
    use crate::webhook::{Account, Cookies, Request, WebhookError, Webhooks};

    /// Answers every request on every connection with 204, and counts the connections.
    async fn receiver(address: SocketAddr) -> (SocketAddr, Arc<AtomicUsize>) {
        let listener = TcpListener::bind(address).await.expect("loopback");
        let (address, count) = (listener.local_addr().expect("bound"), Arc::new(AtomicUsize::new(0)));
        let connections = Arc::clone(&count);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(async move {
                    let mut request = [0; 4_096];
                    while matches!(stream.read(&mut request).await, Ok(1..)) {
                        let answered = stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await;
                        answered.expect("it listens");
                    }
                });
            }
        });
        (address, count)
    }

    #[tokio::test]
    async fn a_name_that_leads_elsewhere_the_next_time_is_judged_again_and_only_what_was_judged_is_reached() {
        let (stranger, reached) = receiver(([127, 0, 0, 2], 0).into()).await;
        let (_, trapped) = receiver(([127, 0, 0, 1], stranger.port()).into()).await;
        let lookups = Arc::new(AtomicUsize::new(0));
        let turns = Arc::clone(&lookups);
        let look_up: LookUp = Arc::new(move |_| {
            let last = if turns.fetch_add(1, Ordering::Relaxed) == 0 { 2 } else { 1 };
            Box::pin(async move { Ok(vec![([127, 0, 0, last], 0).into()]) })
        });
        // What is allowed stands for what is public: from here nothing else can be reached.
        let allow = vec!["127.0.0.2/32".parse().expect("a network")];
        let settings = config::Webhooks { allow, ..config::Webhooks::default() };
        let account = Account { sid: String::new(), token: "12345".to_owned() };
        let webhooks = Webhooks::looking_up(&settings, account, Vec::new(), RootCertStore::empty(), look_up);
        let webhooks = webhooks.expect("webhooks");
        let ask = async || {
            let request = Request {
                url: format!("http://rebound.example:{}/", stranger.port()),
                method: Method::Post,
                parameters: Vec::new(),
                token: String::new(),
                cookies: Cookies::default(),
            };
            webhooks.fetch(request).await.map(|reply| reply.status)
        };
        assert_eq!((ask().await, ask().await), (Ok(204), Ok(204)));
        let counts = || [&lookups, &reached, &trapped].map(|count| count.load(Ordering::Relaxed));
        assert_eq!(counts(), [1, 1, 0], "one look-up and one connection for both");
        // The connection is kept no longer than this.
        tokio::time::sleep(std::time::Duration::from_millis(1_600)).await;
        let error: WebhookError = ask().await.expect_err("it leads to this host now");
        assert!(error.is_forbidden, "{error}");
        assert_eq!(counts(), [2, 1, 0]);
    }

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
