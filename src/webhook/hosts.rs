//! How many requests one host gets at a time: a slow one must not take what the others need.
//! It must never keep a line about a host that nobody asks any more.

use std::sync::Arc;

use dashmap::DashMap;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The hosts that are being asked.
#[derive(Debug)]
pub(super) struct Hosts {
    limit: usize,
    open: DashMap<String, Arc<Semaphore>>,
}

/// A place among the requests to one host, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    hosts: Arc<Hosts>,
    host: String,
    permit: Option<OwnedSemaphorePermit>,
}

impl Hosts {
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit: limit.clamp(1, Semaphore::MAX_PERMITS), open: DashMap::new() })
    }

    /// Waits for a place.
    pub async fn place(self: &Arc<Self>, host: String) -> Place {
        let semaphore = {
            let entry = self.open.entry(host.clone()).or_insert_with(|| Arc::new(Semaphore::new(self.limit)));
            Arc::clone(&entry)
        };
        // It ends with this value whatever happens: also one who stops waiting may have been the last.
        let mut place = Place { hosts: Arc::clone(self), host, permit: None };
        // Nobody closes the semaphore, so that a permit always comes.
        place.permit = semaphore.acquire_owned().await.ok();
        place
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(self.permit.take());
        self.hosts.open.remove_if(&self.host, |_, semaphore| Arc::strong_count(semaphore) == 1);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_host_gets_its_limit_and_the_next_waits_while_other_hosts_do_not() {
        let hosts = Hosts::new(2);
        let first = hosts.place("a:80".to_owned()).await;
        let second = hosts.place("a:80".to_owned()).await;
        let third = hosts.place("a:80".to_owned());
        assert!(tokio::time::timeout(Duration::from_secs(1), third).await.is_err());
        drop(hosts.place("b:80".to_owned()).await);
        drop(first);
        let third = tokio::time::timeout(Duration::from_secs(1), hosts.place("a:80".to_owned())).await;
        assert_eq!(hosts.open.len(), 1);
        drop((second, third));
        assert_eq!(hosts.open.len(), 0, "nothing is kept");
    }
}
