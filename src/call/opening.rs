//! The beginning of a call: from an INVITE that was admitted to its first three machines.
//! It must never lease or look up anything: what it needs was found at the edge.

use std::sync::Arc;

use super::profile::{CallStatus, Direction, Profile, WallClock};
use super::script::{Beginning, Hook, RunSpec, ScriptRun};
use super::{Call, CallSpec, CallerId, Notify};
use crate::ids::{CallId, LegId, Minter};
use crate::leg::{Basis, InboundSpec, Leg, Path, custom_headers};
use crate::sip::dialog::DialogError;
use crate::sip::endpoint::ServerKey;
use crate::sip::message::Request;
use crate::twiml::document::Context;

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
    /// Which user of ours calls.
    pub user: Option<String>,
    /// The way back to the caller.
    pub path: Path,
    /// Names and ports of its leg.
    pub basis: Basis,
    /// Secret randomness for the call's names.
    pub seed: [u8; 16],
    /// What shall be done with the call.
    pub beginning: Beginning,
    /// What is asked when that fails.
    pub fallback: Option<Hook>,
    /// Who is told when the call is over.
    pub notify: Option<Notify>,
    /// What webhooks are told of this switch.
    pub about: About,
}

/// What webhooks are told of the switch.
#[derive(Clone, Debug)]
pub struct About {
    /// The account.
    pub account: String,
    /// Where recordings are fetched from: a SID follows.
    pub recordings: Arc<str>,
    /// The domain of its users' addresses.
    pub domain: String,
    /// The time.
    pub clock: WallClock,
}

impl Opening {
    /// The machines of a new call, before their first step.
    ///
    /// # Errors
    /// The INVITE makes no dialog.
    pub fn of(admitted: Admitted<'_>) -> Result<Self, DialogError> {
        let Admitted { invite, key, caller, user, path, basis, seed, beginning, fallback, notify, about } =
            admitted;
        let profile = Arc::new(profile(invite, caller.as_deref(), &path, basis.id, &about));
        let recordings = about.recordings;
        let parent = basis.id;
        let hops = invite.headers().max_forwards().ok().flatten().unwrap_or(HOPS);
        let leg = Leg::inbound(InboundSpec { basis, invite: invite.clone(), key: key.clone(), path })?;
        let caller = caller_id(invite, caller);
        let mut minter = Minter::new(seed);
        let call = Call::new(CallSpec {
            parent,
            profile: Arc::clone(&profile),
            notify,
            recordings: Arc::clone(&recordings),
            caller,
            user,
            max_forwards: hops.saturating_sub(1),
            seed: minter.bytes(),
        });
        let run = ScriptRun::new(RunSpec {
            leg: parent,
            call: CallId(parent),
            context: Context::Main,
            profile,
            status: CallStatus::Ringing,
            recordings,
            beginning,
            fallback,
            seed: minter.bytes(),
        });
        Ok(Self { leg, call, run })
    }
}

/// Who calls whom (webhooks.md §2.1, §2.2): a telephone number as such, whoever else by its SIP address.
fn profile(invite: &Request, caller: Option<&str>, path: &Path, leg: LegId, about: &About) -> Profile {
    let dialled = invite.uri().user().map(|user| user.into_owned()).unwrap_or_default();
    let address = |user: &str| {
        let is_number =
            user.strip_prefix('+').is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
        if is_number { user.to_owned() } else { format!("sip:{user}@{}", about.domain) }
    };
    let from = caller.map_or_else(|| "anonymous".to_owned(), address);
    let call_id = invite.headers().call_id().map(String::from).unwrap_or_default();
    let mut further = vec![
        ("SipDomain".to_owned(), about.domain.clone()),
        ("SipCallId".to_owned(), call_id),
        ("SipSourceIp".to_owned(), path.flow.remote.ip().to_string()),
    ];
    let headers = custom_headers(invite.headers()).into_iter();
    further.extend(headers.map(|(name, value)| (format!("SipHeader_{name}"), value)));
    Profile {
        leg,
        parent: None,
        account: about.account.clone(),
        from,
        to: address(&dialled),
        direction: Direction::Inbound,
        clock: about.clock,
        further,
    }
}

fn caller_id(invite: &Request, caller: Option<String>) -> CallerId {
    let display = || invite.headers().from().ok().and_then(|from| from.display);
    match caller {
        Some(user) => CallerId { display: display(), user },
        None => CallerId { display: None, user: "anonymous".to_owned() },
    }
}
