//! A caller who is transferred to a number behind which a script is: its own script goes on there.
//! It must never leave a party alone: what cannot be done is told to whoever wanted it.

use super::script::{Hook, Redirection, Told};
use super::transferring::DECLINED;
use super::{Call, Party};
use crate::ids::LegId;
use crate::supervision::machine::Turn;
use crate::twiml::verb::Noun;

impl Call {
    /// Nobody is called for a transfer: behind the number is a script.
    pub(super) fn on_scripted(
        &mut self,
        target: LegId,
        hook: Hook,
        fallback: Option<Hook>,
        turn: &mut Turn<Self>,
    ) {
        if !self.is_target(target) {
            return;
        }
        // It never begins, and reads nothing.
        self.mail.acknowledge(Party::Leg(target), u64::MAX);
        let child = self.children.remove(&target);
        let Some(transfer) = self.transfer.take_if(|transfer| transfer.other() == self.parent) else {
            // Scripts run for callers: a callee has none that could go on.
            return self.on_target_refused(DECLINED, turn);
        };
        let target = match child.and_then(|child| child.noun) {
            Some(Noun::Sip(sip)) => sip.uri,
            _ => String::new(),
        };
        // It hears this first, and so takes no notice of how its Dial has ended.
        self.tell_script(Told::Redirected(Box::new(Redirection { hook, fallback, target })), turn);
        self.end_referral(&transfer, turn);
        self.part(turn);
    }
}
