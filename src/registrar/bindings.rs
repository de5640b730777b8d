//! The bindings of one address of record, and what a REGISTER does to them (RFC 3261 §10.3); pure.
//! A REGISTER must never take effect in part: all of its contacts count, or none.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use trunkline_media::moment::{Moment, earliest};

use super::registration::{Objection, Registration, device_flow};
use crate::sip::flow::Flow;
use crate::sip::message::{Contacts, HeaderName, NameAddr, Request, Response, StatusCode};
use crate::sip::stateless;

#[cfg(test)]
mod tests;

/// What a registration may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    /// Seconds; who asks for less gets 423.
    pub min: u32,
    /// Seconds; who asks for more gets this.
    pub max: u32,
    /// Seconds, for who does not ask.
    pub default: u32,
    /// Contacts of one address of record.
    pub limit: usize,
}

/// One phone of a user: where it is reached, and until when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Binding {
    /// The Contact as it was registered, without `expires`.
    pub contact: NameAddr,
    /// By which the REGISTER came: requests to the phone follow it.
    pub flow: Flow,
    /// The address that the REGISTER came from.
    pub received: SocketAddr,
    /// Call-ID of the REGISTER.
    pub call_id: String,
    /// CSeq number of the REGISTER.
    pub cseq: u32,
    /// When it lapses.
    pub expires: Moment,
    /// Preference among the user's phones, 0 to 1.
    pub q: f32,
    /// The phone's User-Agent.
    #[serde(default)]
    pub user_agent: Option<String>,
    /// `+sip.instance` (RFC 5626 §4.1), unquoted: names the device whatever its address.
    #[serde(default)]
    pub instance: Option<String>,
    /// `reg-id` (RFC 5626 §4.2): which of the device's flows this is.
    #[serde(default)]
    pub reg_id: Option<u32>,
    /// When it was registered or last refreshed.
    pub registered: Moment,
}

impl Binding {
    /// The same phone: an equivalent address, or the same flow of the same device (RFC 5626 §6).
    pub(super) fn is_replaced_by(&self, contact: &NameAddr) -> bool {
        self.contact.uri.is_equivalent(&contact.uri)
            || device_flow(contact).is_some_and(|(instance, reg_id)| {
                self.instance.as_ref() == Some(&instance) && self.reg_id == Some(reg_id)
            })
    }

    /// The Contact with the seconds that it has left, at least 1: 0 would say that it is gone.
    fn with_time_left(&self, now: Moment) -> NameAddr {
        let left = self.expires.since(now).as_secs().max(1);
        self.contact.clone().with_param("expires", Some(&left.to_string()))
    }
}

/// The bindings of one address of record, in the order in which they were first made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bindings(Vec<Binding>);

impl Bindings {
    /// Does what `register` asks for and answers it: 200 with all bindings that are left, or the reason
    /// why nothing changed (RFC 3261 §10.3 steps 6 to 8).
    pub fn update(&mut self, register: &Request, flow: &Flow, bounds: &Bounds, now: Moment) -> Response {
        let tag = stateless::tag(register);
        let updated = Registration::of(register, flow, bounds, now).and_then(|asked| self.updated(&asked));
        match updated {
            Ok(bindings) => {
                *self = bindings;
                let mut response = register.response_tagged(StatusCode::OK, &tag);
                for binding in self.live(now) {
                    response.headers_mut().push(HeaderName::Contact, binding.with_time_left(now));
                }
                response
            }
            Err(objection) => {
                let mut response = register.response_tagged(objection.status(), &tag);
                if objection == Objection::TooBrief {
                    response.headers_mut().push(HeaderName::MinExpires, bounds.min);
                }
                response
            }
        }
    }

    /// Those that have not lapsed.
    pub fn live(&self, now: Moment) -> impl Iterator<Item = &Binding> {
        self.0.iter().filter(move |binding| binding.expires > now)
    }

    /// Removes those that have lapsed; tells how many.
    pub fn expire(&mut self, now: Moment) -> usize {
        self.retain(|binding| binding.expires > now)
    }

    /// When the next one lapses.
    pub fn next_deadline(&self) -> Option<Moment> {
        self.0.iter().fold(None, |deadline, binding| earliest(deadline, Some(binding.expires)))
    }

    /// Whether there is none, lapsed or not.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Keeps those for which `wanted` holds; tells how many went.
    pub(super) fn retain(&mut self, wanted: impl FnMut(&Binding) -> bool) -> usize {
        let before = self.0.len();
        self.0.retain(wanted);
        before - self.0.len()
    }

    fn updated(&self, registration: &Registration<'_>) -> Result<Self, Objection> {
        let mut next = Self(self.live(registration.now).cloned().collect());
        match registration.headers.contacts()? {
            None => {}
            Some(Contacts::Star) => {
                registration.is_removal()?;
                registration.is_newer_than(next.0.iter())?;
                next.0.clear();
            }
            Some(Contacts::List(contacts)) if registration.is_done(&contacts, &next.0)? => {}
            Some(Contacts::List(contacts)) => {
                let replaced = |old: &&Binding| contacts.iter().any(|contact| old.is_replaced_by(contact));
                registration.is_newer_than(next.0.iter().filter(replaced))?;
                for contact in contacts {
                    next.put(&contact, registration.binding(&contact)?);
                }
            }
        }
        if next.0.len() > registration.bounds.limit { Err(Objection::TooMany) } else { Ok(next) }
    }

    /// Puts `binding` in the place of what `contact` replaces; `None` removes it.
    fn put(&mut self, contact: &NameAddr, binding: Option<Binding>) {
        let place = self.0.iter().position(|old| old.is_replaced_by(contact)).unwrap_or(self.0.len());
        self.0.retain(|old| !old.is_replaced_by(contact));
        if let Some(binding) = binding {
            self.0.insert(place, binding);
        }
    }
}
