//! The session timer of a dialog (RFC 4028): how long it lasts, who refreshes it, what each message says of it.
//! It must never send anything: it tells when something is due.
//!
//! A peer that does not know session timers has none, unless somebody on the way puts one in; then we refresh.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use trunkline_media::moment::Moment;

use crate::sip::message::{HeaderName, Headers, Role, SessionExpires};

/// The shortest interval that any session may have (RFC 4028 §4).
const SHORTEST: u32 = 90;

/// The longest that a 422 may talk us into: one day.
const LONGEST: u32 = 86_400;

/// The option tag.
pub const TIMER: &str = "timer";

/// What an operator wants of session timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionPolicy {
    /// The interval that we ask for, and the longest that we grant, in seconds; 0: we never ask for one.
    pub expires: u32,
    /// The shortest that we put up with, in seconds; never below 90.
    pub min_se: u32,
}

impl Default for SessionPolicy {
    fn default() -> Self {
        Self { expires: 1800, min_se: SHORTEST }
    }
}

impl SessionPolicy {
    /// Whether a request of the peer wants shorter sessions than we put up with: then it is refused with 422 and this
    /// Min-SE. Only who knows session timers can be told so (RFC 4028 §9).
    pub fn refuses(&self, request: &Headers) -> Option<u32> {
        let asked = request.session_expires().ok().flatten()?;
        let floor = self.min_se.max(SHORTEST);
        (asked.seconds < floor && request.supports(TIMER)).then_some(floor)
    }
}

/// Who refreshes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refresher {
    /// We do.
    Us,
    /// The peer does.
    Peer,
}

/// The session timer of one dialog.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionTimer {
    policy: SessionPolicy,
    /// The largest Min-SE that was heard in this dialog.
    min_se: u32,
    running: Option<Running>,
}

/// A timer that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Running {
    seconds: u32,
    refresher: Refresher,
    /// The latest refresh.
    since: Moment,
}

impl Default for SessionTimer {
    fn default() -> Self {
        Self::new(SessionPolicy::default())
    }
}

impl SessionTimer {
    /// One that does not run yet.
    pub fn new(policy: SessionPolicy) -> Self {
        let min_se = policy.min_se.max(SHORTEST);
        Self { policy, min_se, running: None }
    }

    /// Who refreshes, and every how many seconds; `None`: it does not run.
    pub fn running(&self) -> Option<(Refresher, u32)> {
        self.running.map(|running| (running.refresher, running.seconds))
    }

    /// Writes into an INVITE or UPDATE of ours what we want (RFC 4028 §7.1, §7.4). In a new dialog the peer chooses who
    /// refreshes; in one that has a timer all stays as it is.
    pub fn ask(&self, request: &mut Headers) {
        let asked = match self.running {
            Some(Running { seconds, refresher, .. }) => {
                let refresher = match refresher {
                    Refresher::Us => Role::Uac,
                    Refresher::Peer => Role::Uas,
                };
                SessionExpires { seconds: seconds.max(self.min_se), refresher: Some(refresher) }
            }
            None if self.policy.expires > 0 => {
                SessionExpires { seconds: self.policy.expires.max(self.min_se), refresher: None }
            }
            None => return,
        };
        request.set(HeaderName::SessionExpires, asked);
        request.set(HeaderName::MinSe, self.min_se);
    }

    /// A 422 came: somebody on the way wants longer intervals. Tells whether asking again makes sense (RFC 4028 §7.3).
    pub fn is_raised_by(&mut self, refusal: &Headers) -> bool {
        let wanted = refusal.min_se().ok().flatten().filter(|wanted| *wanted <= LONGEST);
        let raised = wanted.filter(|wanted| *wanted > self.min_se);
        self.min_se = raised.unwrap_or(self.min_se);
        raised.is_some()
    }

    /// A 2xx to our INVITE or UPDATE came: it says what holds from now on, be it nothing (RFC 4028 §7.2).
    pub fn settle(&mut self, answer: &Headers, now: Moment) {
        let said = answer.session_expires().ok().flatten();
        self.running = said.map(|said| Running {
            seconds: said.seconds.max(SHORTEST),
            refresher: if said.refresher == Some(Role::Uas) { Refresher::Peer } else { Refresher::Us },
            since: now,
        });
    }

    /// Judges an INVITE or UPDATE of the peer that is accepted, and writes into our 2xx what holds from now on
    /// (RFC 4028 §9).
    pub fn grant(&mut self, request: &Headers, answer: &mut Headers, now: Moment) {
        self.running =
            self.terms(request).map(|(seconds, refresher)| Running { seconds, refresher, since: now });
        let Some(Running { seconds, refresher, .. }) = self.running else { return };
        let role = match refresher {
            Refresher::Us => Role::Uas,
            Refresher::Peer => Role::Uac,
        };
        answer.set(HeaderName::SessionExpires, SessionExpires { seconds, refresher: Some(role) });
        if request.supports(TIMER) {
            answer.push(HeaderName::Require, TIMER);
        }
    }

    fn terms(&mut self, request: &Headers) -> Option<(u32, Refresher)> {
        let asked = request.session_expires().ok().flatten();
        let theirs = request.min_se().ok().flatten().unwrap_or(SHORTEST).min(LONGEST);
        self.min_se = self.min_se.max(theirs);
        let is_known = request.supports(TIMER);
        let wanted = match (asked, self.running) {
            (Some(asked), _) => asked.seconds,
            (None, Some(running)) => running.seconds,
            (None, None) if is_known && self.policy.expires > 0 => self.policy.expires,
            (None, None) => return None,
        };
        // We may shorten what was asked for, down to the largest Min-SE of the way (RFC 4028 §9).
        let most = if self.policy.expires > 0 { self.policy.expires } else { LONGEST };
        let seconds = wanted.min(most).max(theirs).max(SHORTEST);
        let refresher = match asked.and_then(|asked| asked.refresher) {
            _ if !is_known => Refresher::Us,
            Some(Role::Uac) => Refresher::Peer,
            Some(Role::Uas) => Refresher::Us,
            None => self.running.map_or(Refresher::Us, |running| running.refresher),
        };
        Some((seconds, refresher))
    }

    /// When we have to refresh: after half of the interval (RFC 4028 §7.2).
    pub fn refresh_at(&self) -> Option<Moment> {
        let running = self.running.filter(|running| running.refresher == Refresher::Us)?;
        Some(running.since + Duration::from_secs(u64::from(running.seconds)) / 2)
    }

    /// When the session is given up: a third of the interval before its end, but no more than 32 s (RFC 4028 §10).
    pub fn ends_at(&self) -> Option<Moment> {
        let running = self.running?;
        let interval = Duration::from_secs(u64::from(running.seconds));
        Some(running.since + (interval - (interval / 3).min(Duration::from_secs(32))))
    }

    /// How long to wait after a refresh that was refused before it is tried again: often enough before the end.
    pub fn pause(&self) -> Duration {
        let seconds = self.running.map_or(SHORTEST, |running| running.seconds);
        (Duration::from_secs(u64::from(seconds)) / 16).max(Duration::from_secs(4))
    }
}

#[cfg(test)]
mod tests;
