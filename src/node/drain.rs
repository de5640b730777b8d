//! Draining: no new calls, an end when the last one is over, or at a deadline. What a stop waits for is told here, too.
//! It must never refuse what belongs to a call that is up.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::control::Desk;
use super::house::{House, Load};
use super::start::Node;
use crate::ops::control::{Drain, Drained};

/// Between two looks at what is left.
const PAUSE: Duration = Duration::from_millis(50);

/// The longest that a drain may take: no call lasts longer.
const LONGEST: Duration = Duration::from_secs(7 * 86_400);

impl Load {
    /// Whether nothing is left of any call: neither a leg, nor a script that ends, nor a callback to deliver.
    pub(super) fn is_quiet(&self) -> bool {
        [&self.calls, &self.legs, &self.outboxes].iter().all(|count| count.load(Ordering::Relaxed) == 0)
    }
}

impl House {
    /// Since when no new calls are taken, and until when those that are up may go on.
    pub fn drain(&self) -> Option<Drain> {
        *self.draining.borrow()
    }

    /// Drains, with another deadline than before, or takes new calls again. What was in force before a crash is put in
    /// force by this, too.
    pub fn set_drain(&self, drain: Option<Drain>) {
        self.draining.send_replace(drain);
    }

    /// Whether new calls are taken, as far as the operator is concerned.
    pub(super) fn is_open(&self) -> bool {
        !self.load.closing.load(Ordering::Relaxed) && self.drain().is_none()
    }
}

impl Node {
    /// Comes to its end when a drain does: nothing is left, or its deadline is over. Apart from the node, so that it can
    /// be waited for beside everything else.
    pub fn drained(&self) -> impl Future<Output = ()> + 'static {
        drained(Arc::clone(self.house()))
    }
}

async fn drained(house: Arc<House>) {
    let mut orders = house.draining.subscribe();
    loop {
        let order = *orders.borrow_and_update();
        match order {
            Some(_) if house.load.is_quiet() => return tracing::info!("drained: nothing is left"),
            Some(drain) if house.clock.now() >= drain.until => {
                return tracing::warn!("the deadline of the drain is over: calls are ended");
            }
            Some(_) => drop(tokio::time::timeout(PAUSE, orders.changed()).await),
            // The house holds the other end.
            None => drop(orders.changed().await),
        }
    }
}

impl Desk {
    /// Drains from now on, until `patience` is over. Asked again, only the deadline changes.
    pub(super) fn drain(&self, patience: Duration) -> Drained {
        let now = self.house.clock.now();
        let since = self.house.drain().map_or(now, |drain| drain.since);
        let drain = Drain { since, until: now + patience.min(LONGEST) };
        self.house.set_drain(Some(drain));
        tracing::warn!(?patience, "draining: no new calls are taken, those that are up go on");
        self.drained()
    }

    /// Takes new calls again.
    pub(super) fn cancel_drain(&self) -> Drained {
        if self.house.drain().is_some() {
            self.house.set_drain(None);
            tracing::warn!("the drain is taken back: new calls are taken");
        }
        self.drained()
    }

    fn drained(&self) -> Drained {
        let load = &self.house.load;
        let [calls, legs, outboxes] = [&load.calls, &load.legs, &load.outboxes]
            .map(|count| u64::try_from(count.load(Ordering::Relaxed)).unwrap_or(u64::MAX));
        Drained { drain: self.house.drain(), now: self.house.clock.now(), calls, legs, outboxes }
    }
}
