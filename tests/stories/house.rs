//! The house: users, routes, scripts, leases, and the beginning of calls, with nothing real behind them.
//! It must never decide anything that the real house would not.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path as Folder;
use std::time::Duration;

use sha2::{Digest, Sha256};
use trunkline::call::opening::{About, Admitted, Opening};
use trunkline::call::profile::WallClock;
use trunkline::call::script::{Beginning, Hook, Place};
use trunkline::call::{CallerId, Dialled, Notify, Referrer};
use trunkline::ids::{CallId, LegId, Minter};
use trunkline::leg::{Basis, Leg, OutboundSpec, Path, Seat, Target};
use trunkline::ops::events::Cause;
use trunkline::registrar::{Bounds, Registrar};
use trunkline::routing::{self, Caller, Decision, Routes};
use trunkline::sip::dialog::SessionPolicy;
use trunkline::sip::endpoint::{ServerKey, Timing};
use trunkline::sip::flow::Flow;
use trunkline::sip::message::{Host, NameAddr, Params, Request, Response, StatusCode, Uri};
use trunkline::sip::shard::{Admission, Exchange, Gate, Passage};
use trunkline::twiml::Document;
use trunkline::twiml::finding::Finding;
use trunkline::twiml::verb::{Method, Noun};
use trunkline_media::codec::Codec;
use trunkline_media::moment::Moment;
use trunkline_media::port::Lease;

use crate::network::SWITCH;
use crate::phone::REALM;

/// Wall time stands still: nonces then depend on their request alone.
const WALL: u64 = 1_700_000_000;

/// Users and their passwords.
pub const USERS: [(&str, &str); 4] =
    [("alice", "wonderland"), ("bob", "builder"), ("carol", "christmas"), ("erin", "eire")];

const ROUTES: &str = r#"
[[route]]
number = "100"
script = "echo"
[[route]]
number = "101"
script = "greeting"
public = true
[[route]]
number = "107"
script = "bridge"
public = true
[[route]]
number = "102"
script = "connect"
[[route]]
number = "103"
script = "bridge"
[[route]]
number = "104"
script = "both"
[[route]]
number = "105"
script = "broken"
[[route]]
number = "106"
script = "sequence"
[[route]]
number = "110"
webhook = "http://app/menu"
status_callback = "http://app/over"
[[route]]
number = "111"
webhook = "http://app/voicemail"
[[route]]
number = "112"
webhook = "http://app/screened"
[[route]]
number = "113"
webhook = "http://app/down"
fallback = "http://app/spare"
[[route]]
number = "114"
webhook = "http://app/slow"
status_callback = "http://app/over"
[[route]]
number = "115"
webhook = "http://app/recorded"
[[route]]
number = "116"
webhook = "http://app/busy"
status_callback = "http://app/over"
[[route]]
number = "117"
webhook = "http://app/rejected"
status_callback = "http://app/over"
[[route]]
number = "118"
webhook = "http://app/empty"
[[route]]
number = "119"
webhook = "http://app/hangup"
[[route]]
number = "120"
webhook = "http://app/later"
[[route]]
number = "121"
webhook = "http://app/circle"
[[route]]
number = "122"
webhook = "http://app/patient"
method = "GET"
status_callback = "http://app/over"
status_callback_method = "GET"
[[route]]
number = "123"
webhook = "http://app/in-turn"
[[route]]
number = "202"
endpoint = "bob"
[[route]]
number = "302"
script = "hunt-group.xml"
[[route]]
number = "303"
script = "ring-all.xml"
"#;

const BOUNDS: Bounds = Bounds { min: 60, max: 7200, default: 3600, limit: 10 };

/// A document of the demo dialplan, as it is.
pub fn demo(file: &str) -> String {
    let folder = Folder::new(env!("CARGO_MANIFEST_DIR")).join("dialplans");
    std::fs::read_to_string(folder.join(file)).expect(file)
}

/// A document that routes name.
pub fn document(name: &str) -> String {
    if name.ends_with(".xml") {
        return demo(name);
    }
    let verbs = match name {
        "echo" => "<Say>You will hear yourself.</Say><Echo/>",
        "greeting" => "<Say>Welcome.</Say><Pause length=\"1\"/><Play>chime.wav</Play><Hangup/>",
        "connect" => {
            "<Say>One moment.</Say><Dial timeout=\"20\"><Client>bob</Client></Dial><Say>Goodbye.</Say>"
        }
        "bridge" => "<Dial answerOnBridge=\"true\" timeout=\"20\"><Client>bob</Client></Dial>",
        "both" => {
            "<Dial answerOnBridge=\"true\" timeout=\"20\"><Client>bob</Client><Client>carol</Client></Dial>"
        }
        "sequence" => {
            "<Dial answerOnBridge=\"true\" sequential=\"true\" timeout=\"5\"><Client>bob</Client><Client>carol</Client></Dial>"
        }
        "broken" => "<Say>Welcome.",
        user => {
            return format!(
                "<Response><Dial answerOnBridge=\"true\" timeout=\"60\"><Client>{user}</Client></Dial></Response>"
            );
        }
    };
    format!("<Response>{verbs}</Response>")
}

/// Machines of a new call that wait for the commit of the INVITE that began it.
pub type Staged = (Opening, ServerKey);

/// The house. What real life keeps outside of actors is here.
pub struct House {
    routes: Routes,
    pub registrar: Registrar,
    gate: RefCell<Gate>,
    admitted: RefCell<BTreeMap<ServerKey, LegId>>,
    staged: RefCell<Vec<Staged>>,
    leases: RefCell<BTreeMap<u16, LegId>>,
    calls: Cell<usize>,
    legs: Cell<usize>,
    /// What is wrong with the documents of calls that begin.
    pub findings: RefCell<BTreeMap<LegId, Vec<Finding>>>,
}

/// What came of a wish to dial.
pub enum Dialling {
    Leg(Box<Leg>),
    Script { hook: Hook, fallback: Option<Hook> },
    Refused(Cause),
}

fn gate() -> Gate {
    Gate::new(REALM, [7; 32], Duration::from_secs(3600))
}

/// Randomness that is the same whenever the same is asked for.
fn seed(what: &str) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(Sha256::digest(what)).for_each(|(to, from)| *to = from);
    bytes
}

impl House {
    pub fn new() -> Self {
        Self {
            routes: Routes::parse(ROUTES).expect("the routes of the house"),
            registrar: Registrar::new(BOUNDS),
            gate: RefCell::new(gate()),
            admitted: RefCell::default(),
            staged: RefCell::default(),
            findings: RefCell::default(),
            leases: RefCell::default(),
            calls: Cell::new(0),
            legs: Cell::new(0),
        }
    }

    /// The house of a new process: what it leases and counts follows from the legs that there are.
    pub fn restored(records: &crate::records::Records) -> Self {
        let house = Self::new();
        let leases = records.legs.values().filter_map(|leg| Some((leg.lease()?.port, leg.id()))).collect();
        house.leases.replace(leases);
        house.legs.set(records.legs.len());
        house.calls.set(records.calls.len());
        Self { registrar: Registrar::restore(BOUNDS, records.bindings.clone()), ..house }
    }

    pub fn timing() -> Timing {
        Timing::default()
    }

    fn lease(&self, leg: LegId) -> Lease {
        let [a, b, ..] = leg.session_bits().to_le_bytes();
        let port = 20_000 + 2 * (u16::from_le_bytes([a, b]) % 5000);
        let other = self.leases.borrow_mut().insert(port, leg);
        assert!(other.is_none_or(|other| other == leg), "two legs of a story share a port: change a name");
        Lease { ip: SWITCH.ip(), port }
    }

    /// Gives a port back. Twice is once.
    pub fn release(&self, lease: &Lease, leg: LegId) {
        if let Some(owner) = self.leases.borrow_mut().remove(&lease.port) {
            assert_eq!(owner, leg, "a leg gives back what another one holds");
        }
    }

    fn basis(&self, id: LegId, call: CallId, seed: [u8; 16], now: Moment) -> Basis {
        self.legs.set(self.legs.get() + 1);
        Basis {
            id,
            call,
            owner: None,
            seed,
            media_ip: SWITCH.ip(),
            lease: self.lease(id),
            codecs: vec![Codec::Pcmu, Codec::Pcma],
            media_timeout: Some(Duration::from_secs(36_000)),
            timing: Self::timing(),
            session: SessionPolicy::default(),
            is_trusted: false,
            began: now,
        }
    }

    pub fn leg_gone(&self, leg: LegId) {
        self.admitted.borrow_mut().retain(|_, admitted| *admitted != leg);
        self.legs.set(self.legs.get().checked_sub(1).expect("as many legs go as came"));
    }

    pub fn call_gone(&self) {
        self.calls.set(self.calls.get().checked_sub(1).expect("as many calls go as came"));
    }

    /// The calls that the last step of the shard began.
    pub fn take_staged(&self) -> Vec<Staged> {
        self.staged.take()
    }

    /// The step that began calls was never committed.
    pub fn discard_staged(&self) {
        for (opening, key) in self.staged.take() {
            self.admitted.borrow_mut().remove(&key);
            let lease = *opening.leg.lease().expect("a new leg has its lease");
            self.release(&lease, opening.leg.id());
            self.legs.set(self.legs.get() - 1);
            self.calls.set(self.calls.get() - 1);
        }
    }

    /// Digest counts are forgotten with the step that used them up.
    pub fn reopen_gate(&self) {
        self.gate.replace(gate());
    }

    fn phones(&self, user: &str, now: Moment) -> Vec<Target> {
        let bindings = self.registrar.lookup(user, now).into_iter();
        bindings
            .map(|binding| Target {
                uri: binding.contact.uri,
                path: path(binding.flow),
                media_ip: SWITCH.ip(),
                login: None,
            })
            .collect()
    }

    /// The leg that a call wants.
    pub fn dial(&self, call: CallId, dialled: Dialled, now: Moment) -> Dialling {
        let user = match &dialled.noun {
            Noun::Client(client) if self.is_user(&client.identity) => client.identity.clone(),
            // Only transfers name addresses, and only those of the house.
            Noun::Sip(sip) => {
                let uri: Uri = sip.uri.parse().expect("what a REFER named");
                let user = uri.user().map(|user| user.into_owned()).unwrap_or_default();
                if !self.is_user(&user) {
                    return self.behind(&user, dialled.referrer.as_ref());
                }
                user
            }
            _ => return Dialling::Refused(Cause::NotFound),
        };
        let targets = self.phones(&user, now);
        if targets.is_empty() {
            return Dialling::Refused(Cause::Unreachable);
        }
        let CallerId { display, user: caller, privacy } = dialled.caller;
        let spec = OutboundSpec {
            headers: Vec::new(),
            is_private: privacy,
            basis: Basis { owner: Some(user.clone()), ..self.basis(dialled.leg, call, dialled.seed, now) },
            seat: Seat { shard: 0, of: 1 },
            from: named(display, &caller),
            to: named(None, &user),
            targets,
            max_forwards: dialled.max_forwards,
        };
        Dialling::Leg(Box::new(Leg::outbound(spec)))
    }

    /// What is behind a number to which a party is referred.
    fn behind(&self, number: &str, referrer: Option<&Referrer>) -> Dialling {
        let user = match referrer {
            Some(Referrer::User(user)) => Some(user.clone()),
            _ => None,
        };
        let place = |place, method| Hook { place, method };
        match self.route(&Caller { user }, number).target {
            routing::Target::Script(file) => {
                Dialling::Script { hook: place(Place::File(file), Method::default()), fallback: None }
            }
            routing::Target::Webhook(webhook) => {
                let fallback = webhook.fallback.map(|(url, method)| place(Place::Url(url), method));
                Dialling::Script { hook: place(Place::Url(webhook.url), webhook.method), fallback }
            }
            _ => Dialling::Refused(Cause::NotFound),
        }
    }

    /// What is leased or counted; zero when nothing is up.
    pub fn held(&self) -> [usize; 4] {
        [self.leases.borrow().len(), self.admitted.borrow().len(), self.calls.get(), self.legs.get()]
    }
}

fn named(display: Option<String>, user: &str) -> NameAddr {
    NameAddr { display, uri: Uri::sip(Some(user), Host::from(SWITCH.ip()), None), params: Params::new() }
}

fn path(flow: Flow) -> Path {
    let advertised = flow.local;
    Path::new(flow, advertised)
}

/// The way between the switch and a phone.
pub fn flow(remote: SocketAddr) -> Flow {
    Flow::udp(SWITCH, remote)
}

impl Exchange for House {
    fn serves(&self, _: &Uri) -> bool {
        true
    }

    fn identify(&self, request: &Request, flow: &Flow, now: Moment) -> Passage {
        let password_of =
            |name: &str| USERS.iter().find(|(user, _)| *user == name).map(|(_, word)| (*word).to_owned());
        self.gate.borrow_mut().pass(request, flow, password_of, now, WALL)
    }

    fn is_user(&self, name: &str) -> bool {
        USERS.iter().any(|(user, _)| *user == name)
    }

    fn register(&self, user: &str, request: &Request, flow: &Flow, now: Moment) -> Response {
        self.registrar.register(user, request, flow, now)
    }

    fn route(&self, caller: &Caller, dialled: &str) -> Decision {
        self.routes.decide(caller, dialled, |name| self.is_user(name))
    }

    fn admit(&self, admission: Admission<'_>, now: Moment) -> Result<LegId, StatusCode> {
        if let Some(leg) = self.admitted.borrow().get(admission.key) {
            return Ok(*leg);
        }
        let id = LegId::from_bytes(seed(&format!("leg {}", admission.key)));
        let (mut fallback, mut findings) = (None, Vec::new());
        let hook = |url: &str, method| Hook { place: Place::Url(url.to_owned()), method };
        let beginning = match &admission.decision.target {
            routing::Target::Script(name)
            | routing::Target::Endpoint(name)
            | routing::Target::Outside(name) => {
                let document = Document::parse(document(name).as_bytes()).map(|parsed| parsed.document);
                let document = document.unwrap_or_else(|error| {
                    findings.push(error.into());
                    Document::apology("We are sorry.")
                });
                Beginning::Document { document, place: Place::File(name.clone()) }
            }
            routing::Target::Webhook(webhook) => {
                fallback = webhook.fallback.as_ref().map(|(url, method)| hook(url, *method));
                Beginning::Hook(hook(&webhook.url, webhook.method))
            }
            other => panic!("{other:?} is refused before it is admitted"),
        };
        self.findings.borrow_mut().insert(id, findings);
        let told = admission.decision.status_callback.as_ref();
        let notify = told.map(|told| Notify { url: told.url.clone(), method: told.method });
        let mut minter = Minter::new(seed(&format!("names {}", admission.key)));
        self.calls.set(self.calls.get() + 1);
        let opening = Opening::of(Admitted {
            invite: admission.invite,
            key: admission.key,
            caller: admission.caller.clone(),
            user: admission.user.clone(),
            path: path(admission.flow.clone()),
            basis: self.basis(id, CallId(id), minter.bytes(), now),
            seed: minter.bytes(),
            beginning,
            fallback,
            notify,
            about: About {
                account: "AC1".to_owned(),
                recordings: "http://switch/Recordings/".into(),
                domain: "story".to_owned(),
                clock: WallClock { at: now, wall: WALL * 1_000_000 },
            },
            longest: Duration::from_secs(4 * 3600),
            screening: Duration::from_secs(600),
        });
        let opening = opening.expect("phones of stories send INVITEs that make dialogs");
        self.admitted.borrow_mut().insert(admission.key.clone(), id);
        self.staged.borrow_mut().push((opening, admission.key.clone()));
        Ok(id)
    }
}
