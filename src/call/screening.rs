//! A callee who is asked before it is joined: a script of its own runs for its leg.
//! It must never let the parties hear each other before the callee has agreed.

use super::dialing::Dialing;
use super::profile::Profile;
use super::script::{Hook, Place, Told, Wanted};
use super::{Asked, Call, CallEffect, Screening};
use crate::ids::LegId;
use crate::leg::Order;
use crate::ops::events::Cause;
use crate::supervision::machine::Turn;
use crate::twiml::verb::Hooks;

impl Call {
    /// Begins to ask the callee; `false` if there is nothing to ask.
    pub(super) fn screen(&mut self, leg: LegId, hooks: &Hooks, turn: &mut Turn<Self>) -> bool {
        let Some(place) = hooks.url.as_deref().and_then(|url| Place::read(url).ok()) else { return false };
        let Some(child) = self.children.get_mut(&leg) else { return false };
        let Some(profile) = child.progress.profile() else { return false };
        let profile: std::sync::Arc<Profile> = std::sync::Arc::clone(profile);
        let hook = Hook { place, method: hooks.method };
        let screening = Screening { leg, call: self.id, hook, profile, seed: self.minter.bytes() };
        child.asked = Asked::Unheard(Box::new(screening.clone()));
        turn.effect(CallEffect::Screen(Box::new(screening)));
        true
    }

    /// Tells the script that asks a callee, if one does.
    pub(super) fn tell_asked(&mut self, leg: LegId, told: Told, turn: &mut Turn<Self>) {
        if self.children.get(&leg).is_some_and(|child| child.asked.is_so()) {
            self.tell(leg, told, turn);
        }
    }

    pub(super) fn on_wanted_of_asked(&mut self, leg: LegId, wanted: Wanted, turn: &mut Turn<Self>) {
        let Some(child) = self.children.get_mut(&leg) else { return };
        child.asked = Asked::Heard;
        match wanted {
            Wanted::Bridge => {
                let is_asked =
                    self.dialing.as_ref().and_then(Dialing::asks).is_some_and(|asked| asked == leg);
                if is_asked {
                    self.bridge(leg, turn);
                }
            }
            Wanted::Hangup => self.order(leg, Order::Hangup { cause: Cause::HungUp }, turn),
            heard => self.engage(leg, heard, turn),
        }
    }
}
