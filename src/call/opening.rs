//! The beginning of a call: from an INVITE that was admitted to its first three machines.
//! It must never lease or look up anything: what it needs was found at the edge.

use std::sync::Arc;
use std::time::Duration;

use sha1::{Digest, Sha1};

use super::profile::{CallStatus, Direction, Profile, WallClock};
use super::script::{Beginning, Hook, RunSpec, ScriptRun};
use super::{Call, CallSpec, CallerId, Notify};
use crate::ids::{CallId, LegId, Minter};
use crate::leg::{Basis, InboundSpec, Leg, Path, custom_headers};
use crate::sip::dialog::DialogError;
use crate::sip::endpoint::ServerKey;
use crate::sip::message::{HeaderName, NameAddr, Request};
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
    /// The longest that the call may last, from its answer on.
    pub longest: Duration,
    /// How long a callee who has answered may be asked, and be sent keys, before it is joined.
    pub screening: Duration,
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
        let Admitted { invite, key, caller, user, path, basis, seed, .. } = admitted;
        let Admitted { beginning, fallback, notify, about, longest, screening, .. } = admitted;
        let profile = Arc::new(profile(invite, caller.as_deref(), &path, basis.id, &about));
        let recordings = about.recordings;
        let parent = basis.id;
        let hops = invite.headers().max_forwards().ok().flatten().unwrap_or(HOPS);
        let is_trusted = basis.is_trusted;
        let basis = Basis { owner: user, ..basis };
        let leg = Leg::inbound(InboundSpec { basis, invite: invite.clone(), key: key.clone(), path })?;
        let caller = caller_id(invite, caller, is_trusted);
        let mut minter = Minter::new(seed);
        let call = Call::new(CallSpec {
            parent,
            profile: Arc::clone(&profile),
            notify,
            recordings: Arc::clone(&recordings),
            caller,
            max_forwards: hops.saturating_sub(1),
            longest,
            screening,
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
        ("SipDomainSid".to_owned(), domain_sid(&about.account, &about.domain)),
        ("SipCallId".to_owned(), call_id),
        ("SipSourceIp".to_owned(), path.flow.remote.ip().to_string()),
    ];
    if let Some(diverted) = diverted_from(invite) {
        let diverted = address(&diverted);
        further.extend(["ForwardedFrom", "CalledVia"].map(|name| (name.to_owned(), diverted.clone())));
    }
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

/// The name of a domain of an account: the same for as long as both are.
pub(super) fn domain_sid(account: &str, domain: &str) -> String {
    let hash = Sha1::digest(format!("{account}/{}", domain.to_ascii_lowercase()));
    let digits: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("SD{digits}")
}

/// Who was called before the call was diverted to us: the latest diversion stands first (RFC 5806 §9.1).
fn diverted_from(invite: &Request) -> Option<String> {
    let Some(text) = invite.headers().get(&HeaderName::Diversion) else { return history(invite) };
    let end = text.find('>').map_or_else(|| text.find([',', ';']).unwrap_or(text.len()), |at| at + 1);
    let address: NameAddr = text.get(..end)?.parse().ok()?;
    address.uri.user().map(|user| user.into_owned())
}

/// The same by the history of the call, whose latest entry is the one that it came to (RFC 7044 §5).
fn history(invite: &Request) -> Option<String> {
    let entries = invite.headers().addresses(HeaderName::HistoryInfo).ok()?;
    let mut users = entries.iter().rev().filter_map(|entry| entry.uri.user());
    let last = users.next()?;
    users.find(|user| *user != last).map(|user| user.into_owned())
}

/// Who is shown: the one that admission found out, by the display name that goes with it.
fn caller_id(invite: &Request, caller: Option<String>, is_trusted: bool) -> CallerId {
    let headers = invite.headers();
    let privacy = headers.wants_privacy();
    let Some(user) = caller else {
        return CallerId { display: None, user: "anonymous".to_owned(), privacy };
    };
    let asserted = headers.asserted_identity().filter(|_| is_trusted);
    let addresses = [asserted, headers.from().ok(), headers.preferred_identity()];
    let is_own = |address: &NameAddr| address.uri.subscriber().is_some_and(|own| own == user);
    let display = addresses.into_iter().flatten().find(is_own).and_then(|address| address.display);
    CallerId { display, user, privacy }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::flow::Flow;
    use crate::sip::message::{HeaderName, Limits, Message, Method};

    fn called(lines: &[(HeaderName, &str)], caller: Option<&str>, is_trusted: bool) -> CallerId {
        let mut invite = Request::new(Method::Invite, "sip:100@192.0.2.1".parse().expect("a URI"));
        lines.iter().for_each(|(name, value)| invite.headers_mut().push(name.clone(), value));
        caller_id(&invite, caller.map(str::to_owned), is_trusted)
    }

    fn id(display: Option<&str>, user: &str, privacy: bool) -> CallerId {
        CallerId { display: display.map(str::to_owned), user: user.to_owned(), privacy }
    }

    #[test]
    fn a_name_is_shown_that_goes_with_who_calls() {
        use HeaderName::{From, PAssertedIdentity as Pai, PPreferredIdentity as Ppi, Privacy};
        let alice = (From, "\"Alice\" <sip:alice@192.0.2.1>;tag=1");
        let nobody = (From, "\"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=1");
        assert_eq!(
            called(std::slice::from_ref(&alice), Some("alice"), false),
            id(Some("Alice"), "alice", false)
        );
        assert_eq!(
            called(std::slice::from_ref(&alice), Some("bob"), false),
            id(None, "bob", false),
            "not its name"
        );
        let preferred = (Ppi, "\"Alice L.\" <sip:alice@192.0.2.1>");
        let hidden = [nobody.clone(), preferred, (Privacy, "id")];
        assert_eq!(called(&hidden, Some("alice"), false), id(Some("Alice L."), "alice", true));
        let asserted = (Pai, "\"Carol\" <sip:+15550002@carrier.example>");
        let carrier = [nobody.clone(), asserted.clone()];
        assert_eq!(called(&carrier, Some("+15550002"), true), id(Some("Carol"), "+15550002", true));
        assert_eq!(called(&[alice, asserted], Some("+15550002"), false), id(None, "+15550002", false));
        assert_eq!(called(&[nobody], None, false), id(None, "anonymous", true));
    }

    /// What an application is told of an INVITE with these lines, by whom it is from.
    fn told(lines: &[(HeaderName, &str)], caller: Option<&str>) -> Vec<(String, String)> {
        let mut invite = Request::new(Method::Invite, "sip:100@192.0.2.1".parse().expect("a URI"));
        lines.iter().for_each(|(name, value)| invite.headers_mut().push(name.clone(), value));
        let flow = Flow::udp(([192, 0, 2, 1], 5060).into(), ([198, 51, 100, 7], 5062).into());
        let path = Path::new(flow, ([192, 0, 2, 1], 5060).into());
        let about = About {
            account: "AC1".to_owned(),
            recordings: "http://switch/".into(),
            domain: "Example.com".to_owned(),
            clock: WallClock::default(),
        };
        profile(&invite, caller, &path, LegId::from_bytes([1; 16]), &about).parameters(CallStatus::Ringing)
    }

    #[test]
    fn a_call_by_sip_is_told_with_all_that_belongs_to_it() {
        let ticket: HeaderName = "X-Ticket".parse().expect("a name");
        let lines = [
            (HeaderName::CallId, "one@phone"),
            (HeaderName::Diversion, "<sip:200@gw>;reason=busy"),
            (HeaderName::UserToUser, "beef;encoding=hex"),
            (HeaderName::Subject, "no custom header"),
            (ticket, "7"),
        ];
        let by_alice = told(&lines, Some("alice"));
        let of =
            |name: &str| by_alice.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        for (name, wanted) in [
            ("From", Some("sip:alice@Example.com")),
            ("Caller", Some("sip:alice@Example.com")),
            ("To", Some("sip:100@Example.com")),
            ("Called", Some("sip:100@Example.com")),
            ("Direction", Some("inbound")),
            ("SipDomain", Some("Example.com")),
            ("SipDomainSid", Some("SD4ef4db11160eb156124de36f60e4b5e2")),
            ("SipCallId", Some("one@phone")),
            ("SipSourceIp", Some("198.51.100.7")),
            ("SipHeader_X-Ticket", Some("7")),
            ("SipHeader_User-to-User", Some("beef;encoding=hex")),
            ("SipHeader_Subject", None),
            ("ForwardedFrom", Some("sip:200@Example.com")),
            ("CalledVia", Some("sip:200@Example.com")),
            ("ParentCallSid", None),
            ("FromCountry", None),
        ] {
            assert_eq!(of(name), wanted, "{name}");
        }
    }

    #[test]
    fn a_caller_is_a_number_a_user_or_nobody() {
        for (caller, from, country) in [
            (Some("+4930123456"), "+4930123456", Some("DE")),
            (Some("bob"), "sip:bob@Example.com", None),
            (None, "anonymous", None),
        ] {
            let told = told(&[(HeaderName::CallId, "1")], caller);
            let of =
                |name: &str| told.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
            assert_eq!((of("From"), of("FromCountry")), (Some(from), country));
            assert_eq!((of("ForwardedFrom"), of("CalledVia")), (None, None), "of a diverted call alone");
        }
    }

    #[test]
    fn a_diverted_call_tells_who_was_called_last_before() {
        for (diversion, wanted) in [
            (
                "Diversion: <sip:+4930123@gw>;reason=no-answer, <sip:+4940456@gw>;reason=busy\r\n",
                Some("+4930123"),
            ),
            ("Diversion: \"Front desk\" <sip:100@gw>;reason=busy\r\n", Some("100")),
            ("Diversion: sip:101@gw;reason=busy\r\n", Some("101")),
            ("Diversion: <sip:gw>\r\n", None),
            (
                "History-Info: <sip:+4930123@gw>;index=1, <sip:+4940456@gw?Reason=SIP%3Bcause%3D302>;index=1.1\r\n\
                 History-Info: <sip:100@gw>;index=1.1.1, <sip:100@switch>;index=1.1.1.1\r\n",
                Some("+4940456"),
            ),
            ("History-Info: <sip:100@gw>;index=1, <sip:100@switch>;index=1.1\r\n", None),
            ("History-Info: <sip:1@gw>;index=1\r\nDiversion: <sip:2@gw>\r\n", Some("2")),
            ("History-Info: ,<\r\n", None),
            ("Diversion: >,<\r\n", None),
            ("", None),
        ] {
            let text = format!(
                "INVITE sip:100@switch SIP/2.0\r\nVia: SIP/2.0/UDP phone;branch=z9hG4bK1\r\n{diversion}\
                 Max-Forwards: 70\r\nFrom: <sip:a@phone>;tag=1\r\nTo: <sip:100@switch>\r\nCall-ID: 1\r\n\
                 CSeq: 1 INVITE\r\nContact: <sip:a@phone>\r\nContent-Length: 0\r\n\r\n"
            );
            let Ok(Message::Request(invite)) = Message::parse(text.into(), &Limits::default()) else {
                panic!("{diversion}");
            };
            assert_eq!(diverted_from(&invite).as_deref(), wanted, "{diversion}");
        }
    }
}
