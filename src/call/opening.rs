//! The beginning of a call: from an INVITE that was admitted to its first three machines.
//! It must never lease or look up anything: what it needs was found at the edge.

use super::script::ScriptRun;
use super::{Call, CallSpec, CallerId};
use crate::ids::CallId;
use crate::leg::{Basis, InboundSpec, Leg, Path};
use crate::sip::dialog::DialogError;
use crate::sip::endpoint::ServerKey;
use crate::sip::message::Request;
use crate::twiml::script::Script;

/// Hops that a call without Max-Forwards may take (RFC 3261 §8.1.1.6).
const HOPS: u8 = 70;

/// What a call begins with.
#[derive(Debug)]
pub struct Opening {
    /// The caller's leg.
    pub leg: Leg,
    /// The call that it begins.
    pub call: Call,
    /// The script that runs for it.
    pub run: ScriptRun,
}

/// An INVITE that was admitted.
#[derive(Debug)]
pub struct Admitted<'a> {
    /// The INVITE.
    pub invite: &'a Request,
    /// Its transaction.
    pub key: &'a ServerKey,
    /// Who may be shown as the caller; nobody stays anonymous.
    pub caller: Option<String>,
    /// The way back to the caller.
    pub path: Path,
    /// Names and ports of its leg.
    pub basis: Basis,
    /// Secret randomness for the call's names.
    pub seed: [u8; 16],
    /// What shall be done with the call.
    pub script: Script,
}

impl Opening {
    /// The machines of a new call, before their first step.
    ///
    /// # Errors
    /// The INVITE makes no dialog.
    pub fn of(admitted: Admitted<'_>) -> Result<Self, DialogError> {
        let Admitted { invite, key, caller, path, basis, seed, script } = admitted;
        let parent = basis.id;
        let hops = invite.headers().max_forwards().ok().flatten().unwrap_or(HOPS);
        let leg = Leg::inbound(InboundSpec { basis, invite: invite.clone(), key: key.clone(), path })?;
        let caller = caller_id(invite, caller);
        let call = Call::new(CallSpec { parent, caller, max_forwards: hops.saturating_sub(1), seed });
        let run = ScriptRun::new(parent, CallId(parent), script);
        Ok(Self { leg, call, run })
    }
}

fn caller_id(invite: &Request, caller: Option<String>) -> CallerId {
    let display = || invite.headers().from().ok().and_then(|from| from.display);
    match caller {
        Some(user) => CallerId { display: display(), user },
        None => CallerId { display: None, user: "anonymous".to_owned() },
    }
}
