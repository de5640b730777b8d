//! Softphone bindings and their expiry: who is reached where (RFC 3261 §10).
//! It must never hold a guard of its table while it waits for anybody.

mod bindings;
mod registration;

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use dashmap::DashMap;
use trunkline_media::moment::Moment;

pub use bindings::{Binding, Bindings, Bounds};

use crate::sip::flow::Flow;
use crate::sip::message::{Request, Response, Uri};

/// The bindings of all users. Clones share one table; every thread may ask.
#[derive(Clone, Debug)]
pub struct Registrar {
    bounds: Arc<ArcSwap<Bounds>>,
    table: Arc<DashMap<String, Bindings>>,
}

impl Registrar {
    /// A registrar that knows nobody yet.
    pub fn new(bounds: Bounds) -> Self {
        Self::restore(bounds, BTreeMap::new())
    }

    /// A registrar that goes on with what [`Registrar::snapshot`] gave.
    pub fn restore(bounds: Bounds, snapshot: BTreeMap<String, Bindings>) -> Self {
        let bounds = Arc::new(ArcSwap::from_pointee(bounds));
        Self { bounds, table: Arc::new(snapshot.into_iter().collect()) }
    }

    /// Goes on with what a former process knew. Telephones that came by a connection are gone with it: they register
    /// anew by the next.
    pub fn adopt(&self, known: impl IntoIterator<Item = (String, Bindings)>) {
        for (user, mut bindings) in known {
            bindings.retain(|binding| binding.flow.connection.is_none());
            if !bindings.is_empty() {
                self.table.insert(user, bindings);
            }
        }
    }

    /// Other bounds from now on; what is registered stays.
    pub fn bound(&self, bounds: Bounds) {
        self.bounds.store(Arc::new(bounds));
    }

    /// Forgets the phones of every user that is not to be kept.
    pub fn retain(&self, keeps: impl Fn(&str) -> bool) {
        self.table.retain(|user, _| keeps(user));
    }

    /// All bindings as data, by user.
    pub fn snapshot(&self) -> BTreeMap<String, Bindings> {
        self.table.iter().map(|entry| (entry.key().clone(), entry.value().clone())).collect()
    }

    /// Does what the REGISTER of `user`, who proved to be that, asks for; the answer is complete.
    pub fn register(&self, user: &str, request: &Request, flow: &Flow, now: Moment) -> Response {
        let bounds = self.bounds.load();
        if let Some(mut bindings) = self.table.get_mut(user) {
            return bindings.update(request, flow, &bounds, now);
        }
        let mut first = self.table.entry(user.to_owned()).or_default();
        first.update(request, flow, &bounds, now)
    }

    /// What is known of `user`, lapsed or not: what a commit after [`Registrar::register`] writes.
    pub fn bindings(&self, user: &str) -> Bindings {
        self.table.get(user).map(|bindings| bindings.clone()).unwrap_or_default()
    }

    /// The phones of `user`, the preferred first, among equals the latest registered.
    pub fn lookup(&self, user: &str, now: Moment) -> Vec<Binding> {
        let bindings = self.bindings(user);
        let mut phones: Vec<Binding> = bindings.live(now).cloned().collect();
        phones.sort_by(|a, b| b.q.total_cmp(&a.q).then(b.registered.cmp(&a.registered)));
        phones
    }

    /// All phones with their users, by user.
    pub fn list(&self, now: Moment) -> Vec<(String, Binding)> {
        let live = |(user, bindings): (String, Bindings)| -> Vec<(String, Binding)> {
            bindings.live(now).map(|binding| (user.clone(), binding.clone())).collect()
        };
        self.snapshot().into_iter().flat_map(live).collect()
    }

    /// Removes what has lapsed; tells how many bindings.
    pub fn expire(&self, now: Moment) -> usize {
        self.remove(|binding| binding.expires <= now)
    }

    /// There is no way any more to the telephones that registered by this connection: it is gone, and they cannot be
    /// reached at their Contact. Those on UDP stay: there is nothing to be gone, and a forged ICMP message must not
    /// unregister anybody.
    pub fn flow_failed(&self, flow: &Flow) -> usize {
        self.remove(|binding| flow.connection.is_some() && binding.flow.is_carried_by(flow))
    }

    /// By which flow a telephone of `user` is registered now that wants to be called at `contact`: after its connection
    /// was lost it has made a new one. Anybody may register an address that is another's: nobody gets what is for that.
    pub fn flow_of(&self, user: &str, contact: &Uri, now: Moment) -> Option<Flow> {
        let bindings = self.bindings(user);
        let same = bindings.live(now).filter(|binding| binding.contact.uri.is_equivalent(contact));
        same.max_by_key(|binding| binding.registered).map(|binding| binding.flow.clone())
    }

    /// Until when the telephones of `user` are registered that came by this flow.
    pub fn registered_until(&self, user: &str, flow: &Flow, now: Moment) -> Option<Moment> {
        let bindings = self.bindings(user);
        bindings.live(now).filter(|binding| binding.flow == *flow).map(|binding| binding.expires).max()
    }

    fn remove(&self, unwanted: impl Fn(&Binding) -> bool) -> usize {
        let mut removed = 0;
        self.table.retain(|_, bindings| {
            removed += bindings.retain(|binding| !unwanted(binding));
            !bindings.is_empty()
        });
        removed
    }
}

#[cfg(test)]
mod tests;
