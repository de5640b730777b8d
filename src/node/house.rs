//! What all arbiters of a node share: configuration, tables, ports, the media engine, sounds.
//! It must never hold the state of a call.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use arc_swap::{ArcSwap, Guard};
use tokio::sync::watch;
use trunkline_media::codec::Codec;
use trunkline_media::moment::Moment;
use trunkline_media::port::{Engine, Lease, PortPair, PortTable};
use trunkline_media::session::Event as MediaEvent;

use super::acceptor::Entrance;
use super::arbiter::Post;
use super::assets::Sounds;
use super::commits::Telephones;
use super::metrics::Metrics;
use super::references::There;
use super::screened;
use super::settings::Settings;
use super::sockets::media_names;
use super::sound::Detour;
use super::together::Place;
use crate::config::{self, Config, Credentials};
use crate::journal::{BootId, Stamp};
use crate::keeper::{Inherited, Keeper};
use crate::ledger::Ledger;
use crate::ops::control::{Drain, Traffic};
use crate::ops::log::SipTrace;
use crate::recording::Recordings;
use crate::registrar::{Bounds, Registrar};
use crate::routing::{Decision, Routes, RoutesErrors, Target};
use crate::sip::flow::Flow;
use crate::sip::message::Transport;
use crate::sip::shard::Gate;
use crate::sip::transport::{Connections, LocalAddresses, Tls, Udp};
use crate::speech::Speech;
use crate::supervision::Clock;
use crate::twiml::document::{Context, Document, Parsed};
use crate::twiml::finding::{Finding, ScriptError};
use crate::webhook::Webhooks;

/// The shared parts of a node.
pub struct House {
    /// The configuration of the start. What can be taken up anew since then is asked of [`House::settings`].
    pub config: Config,
    /// The state of everything that a reload swaps.
    pub(super) settings: ArcSwap<Settings>,
    /// When the node started.
    pub started: Moment,
    /// The boot of the host that all times of this process are relative to.
    pub boot: BootId,
    /// The clocks.
    pub clock: Arc<dyn Clock>,
    /// The account; users are asked of [`House::settings`].
    pub credentials: Credentials,
    /// Where users can be reached.
    pub registrar: Registrar,
    /// Media ports.
    pub ports: PortTable,
    /// Media workers.
    pub engine: Engine,
    /// Documents, sounds and callbacks over HTTP.
    pub webhooks: Webhooks,
    /// Text to audio.
    pub speech: Speech,
    /// Sounds in memory.
    pub sounds: Sounds,
    /// Which of our addresses a peer sees.
    pub addresses: LocalAddresses,
    /// The UDP sockets that SIP is sent from.
    pub sockets: Vec<Arc<Udp>>,
    /// The TCP and TLS sockets that connections are accepted by.
    pub entrances: Vec<Arc<Entrance>>,
    /// TCP and TLS connections.
    pub connections: Arc<Connections>,
    /// Who keeps our sockets if the process dies.
    pub keeper: Keeper,
    /// Sockets of an earlier process that nobody has taken yet.
    pub inherited: Mutex<Inherited>,
    /// Our certificate, and whom we believe.
    pub tls: Tls,
    /// Who a request comes from. One for all arbiters: by its Call-ID a guesser chooses whom it asks, and an account is
    /// at home everywhere.
    pub(super) gate: Mutex<Gate>,
    /// Whose messages are logged whole.
    pub trace: SipTrace,
    /// Counts against the limits.
    pub load: Load,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Recordings.
    pub recordings: Recordings,
    /// What came of each leg.
    pub ledger: Ledger,
    /// Since when and until when the node is drained.
    pub(super) draining: watch::Sender<Option<Drain>>,
    /// Where the web server listens, as a URL.
    pub web_url: String,
    /// The ways to all arbiters, once they stand.
    pub(super) posts: OnceLock<Vec<Post>>,
    /// Media sessions that are not with the worker of their call, and where they are.
    pub(super) moved: Mutex<HashMap<u64, Place>>,
    /// Where events of the media side wait while arbiters stand still.
    pub(super) detour: Detour,
    /// What begins the URLs that scripts are told, without a slash at its end.
    pub public_url: String,
}

/// What registrations may ask for.
pub(super) fn bounds(config: &Config) -> Bounds {
    let seconds = |span: Duration| u32::try_from(span.as_secs()).unwrap_or(u32::MAX);
    Bounds {
        min: seconds(config.registrar.min_expires),
        max: seconds(config.registrar.max_expires),
        default: seconds(config.registrar.default_expires),
        limit: config.limits.bindings_per_user,
    }
}

/// Counts against the limits of the configuration.
#[derive(Debug, Default)]
pub struct Load {
    /// Calls that are up.
    pub calls: AtomicUsize,
    /// Legs that are up.
    pub legs: AtomicUsize,
    /// Outboxes with status callbacks that are not delivered yet, or may still come.
    pub outboxes: AtomicUsize,
    /// Calls that began since the start.
    pub begun: AtomicUsize,
    /// RTP packets of legs that are over: received, sent, lost.
    packets: [AtomicU64; 3],
    /// Nothing is taken from the network: everything is being handed over.
    pub resting: std::sync::atomic::AtomicBool,
    /// The node is being stopped: no new calls.
    pub closing: std::sync::atomic::AtomicBool,
    /// Datagrams that found a full mailbox.
    pub shed: AtomicUsize,
    /// Datagrams that could not be read at all.
    pub unreadable: AtomicUsize,
}

impl Load {
    /// A leg's media session is over.
    pub fn note_traffic(&self, leg: Traffic) {
        for (count, more) in self.packets.iter().zip([leg.received, leg.sent, leg.lost]) {
            count.fetch_add(more, Ordering::Relaxed);
        }
    }

    /// The packets of all legs that are over.
    pub fn traffic(&self) -> Traffic {
        let [received, sent, lost] = self.packets.each_ref().map(|count| count.load(Ordering::Relaxed));
        Traffic { received, sent, lost }
    }
}

impl House {
    /// The flow from our side to where a peer listens, who was looked up as `name`; `None` without a socket of its
    /// family, or for a transport that is not ours.
    pub fn flow_to(&self, transport: &Transport, remote: SocketAddr, name: Option<String>) -> Option<Flow> {
        let is_its = |local: &SocketAddr| local.is_ipv4() == remote.is_ipv4();
        let local = match transport {
            Transport::Udp => self.sockets.iter().map(|socket| socket.local()).find(is_its)?,
            Transport::Tcp | Transport::Tls => {
                let entrances = self.entrances.iter().filter(|entrance| entrance.transport == *transport);
                // Where we do not listen, the peer's requests come by the connection that we made, or not at all.
                let any = match remote {
                    SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
                    SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
                };
                let usual = SocketAddr::new(any, transport.default_port());
                entrances.map(|entrance| entrance.local).find(is_its).unwrap_or(usual)
            }
            _ => return None,
        };
        Some(Flow { transport: transport.clone(), name, ..Flow::udp(local, remote) })
    }

    /// What is in force at this moment. To be asked once for each decision: the next answer may be another one.
    pub fn settings(&self) -> Guard<Arc<Settings>> {
        self.settings.load()
    }

    /// Who a request comes from.
    pub(super) fn gate(&self) -> MutexGuard<'_, Gate> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The present time, as it stands with what is written.
    pub(super) fn stamp(&self) -> Stamp {
        Stamp { boot: self.boot, at: self.clock.now(), wall: self.clock.wall() }
    }

    /// What is known of the telephones of a user, to be written down.
    pub(super) fn telephones_of(&self, user: &str) -> Telephones {
        Telephones { revision: self.clock.wall(), bindings: self.registrar.bindings(user) }
    }

    /// The ports of a leg of a former process.
    ///
    /// # Errors
    /// Somebody else has them by now.
    pub(super) fn retake(&self, lease: &Lease) -> std::io::Result<Arc<PortPair>> {
        let sockets = {
            let mut inherited = self.inherited();
            let mut take = |name: String| inherited.take(&name).map(UdpSocket::from);
            let [rtp, rtcp] = media_names(lease);
            take(rtp).zip(take(rtcp))
        };
        match sockets {
            // What came meanwhile waits in them.
            Some((rtp, rtcp)) => self.ports.retake_with(lease, PortPair { rtp, rtcp }),
            None => self.ports.retake(lease),
        }
    }

    /// What an earlier process has left and nobody has taken yet.
    pub fn inherited(&self) -> MutexGuard<'_, Inherited> {
        self.inherited.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where events of the media side wait while arbiters stand still.
    pub(super) fn detour(&self) -> MutexGuard<'_, Option<Vec<(usize, MediaEvent)>>> {
        self.detour.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The media sessions that are not with the worker of their call.
    pub(super) fn places(&self) -> MutexGuard<'_, HashMap<u64, Place>> {
        self.moved.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts other settings in force, for everything that begins from now on.
    pub(super) fn adopt(&self, settings: Settings) {
        self.addresses.adopt(&settings.config);
        self.registrar.bound(bounds(&settings.config));
        self.sounds.forget_files();
        self.webhooks.trust(settings.plan.hosts());
        let before = self.settings.swap(Arc::new(settings));
        let settings = self.settings();
        // Whoever is no user any more, or has another password, has to prove again who they are.
        self.registrar.retain(|user| settings.keeps(user, &before));
    }

    /// Whether a socket of ours has this port.
    pub fn listens_at(&self, port: u16) -> bool {
        let of_streams = self.entrances.iter().map(|entrance| entrance.local);
        self.sockets.iter().map(|socket| socket.local()).chain(of_streams).any(|local| local.port() == port)
    }

    /// Where a telephone of this network reaches us over UDP.
    pub fn reachable(&self) -> Vec<SocketAddr> {
        let seen =
            |local: SocketAddr| SocketAddr::new(self.addresses.seen_by_networks(local.ip()), local.port());
        self.sockets.iter().map(|socket| seen(socket.local())).collect()
    }

    /// By which transports telephones reach us, in words: without a port, it is that of UDP.
    pub fn transports(&self) -> String {
        let mut names = vec![Transport::Udp.to_string()];
        for Entrance { transport, local, .. } in self.entrances.iter().map(Arc::as_ref) {
            let is_shared = self.sockets.iter().any(|socket| socket.local().port() == local.port());
            let place = if is_shared { String::new() } else { format!(" at port {}", local.port()) };
            names.push(format!("{transport}{place}"));
        }
        names.dedup();
        names.join(", ")
    }

    /// The timers and limits of SIP.
    pub fn timing(&self) -> crate::sip::transaction::Timing {
        let timers = &self.config.sip.timers;
        crate::sip::transaction::Timing {
            t1: timers.t1,
            t2: timers.t2,
            t4: timers.t4,
            limit: self.config.limits.transactions,
            ..crate::sip::transaction::Timing::default()
        }
    }

    /// How long sessions last without a refresh.
    pub fn session(&self) -> crate::sip::dialog::SessionPolicy {
        let timer = &self.config.sip.session_timer;
        let seconds = |span: std::time::Duration| u32::try_from(span.as_secs()).unwrap_or(u32::MAX);
        crate::sip::dialog::SessionPolicy { expires: seconds(timer.expires), min_se: seconds(timer.min_se) }
    }

    /// Whether the word of a peer on who calls is taken.
    pub fn trusts(&self, peer: std::net::IpAddr) -> bool {
        self.settings().gateway.as_ref().is_some_and(|gateway| gateway.is_trusted() && gateway.owns(peer))
    }

    /// Whether an address is one of this host's.
    pub fn is_ours(&self, ip: std::net::IpAddr) -> bool {
        ip.is_loopback() || self.addresses.towards(ip) == Some(ip)
    }

    /// The socket that a flow belongs to.
    pub fn socket(&self, flow: &Flow) -> Option<&Arc<Udp>> {
        self.sockets.iter().find(|socket| socket.local() == flow.local)
    }

    /// Codecs by preference.
    pub fn codecs(&self) -> Vec<Codec> {
        let known = |codec: &config::Codec| match codec {
            config::Codec::Pcmu => Codec::Pcmu,
            config::Codec::Pcma => Codec::Pcma,
        };
        self.settings().config.media.codecs.iter().map(known).collect()
    }

    /// Takes one of `limit`, or nothing.
    pub fn take(count: &AtomicUsize, limit: usize) -> bool {
        count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| (n < limit).then_some(n + 1)).is_ok()
    }

    /// Gives one back.
    pub fn give_back(count: &AtomicUsize) {
        // A count that is zero already stays: giving back twice must not wrap.
        if count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1)).is_err() {
            tracing::error!("a lease was given back that nobody held");
        }
    }
}

/// A dialplan as loaded: its routes, and its scripts as they were read.
#[derive(Debug, Default)]
pub struct Plan {
    folder: PathBuf,
    /// The routes.
    pub routes: Routes,
    scripts: HashMap<String, Result<Parsed, ScriptError>>,
    /// Every document of the folder, by its path in there: scripts refer to each other.
    files: HashMap<String, Vec<u8>>,
}

/// How deep folders of the dialplan are looked into, and how many documents there may be.
const DEEP: usize = 8;
const DOCUMENTS: usize = 10_000;
/// Longer ones are none (twiml.md §0); that is told when one runs.
const LONGEST: u64 = 128 << 10;

/// The documents in a folder and those below it.
fn documents(
    folder: &Path,
    below: &str,
    depth: usize,
    found: &mut HashMap<String, Vec<u8>>,
) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder.join(below))? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let path = if below.is_empty() { name.clone() } else { format!("{below}/{name}") };
        let about = std::fs::metadata(entry.path())?;
        if about.is_dir() && depth < DEEP && !name.starts_with('.') {
            documents(folder, &path, depth + 1, found)?;
        } else if about.is_file() && name.ends_with(".xml") && found.len() < DOCUMENTS {
            let read = if about.len() <= LONGEST { std::fs::read(entry.path())? } else { Vec::new() };
            found.insert(path, read);
        }
    }
    Ok(())
}

/// A document of one Dial.
fn dial(noun: &str, whom: &str, ring: Duration) -> Result<Parsed, ScriptError> {
    let (whom, timeout) = (quick_xml::escape::escape(whom), ring.as_secs());
    let dial = format!("<Dial answerOnBridge=\"true\" timeout=\"{timeout}\"><{noun}>{whom}</{noun}></Dial>");
    Document::parse(format!("<Response>{dial}</Response>").as_bytes())
}

impl Plan {
    /// Loads `routes.toml` and every script it names.
    ///
    /// # Errors
    /// The routes cannot be read. A script that cannot is kept as such: whoever dials it hears an apology.
    pub fn load(folder: &Path) -> anyhow::Result<Self> {
        use anyhow::Context as _;
        let file = folder.join("routes.toml");
        let text =
            std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let routes = Routes::parse(&text).map_err(|RoutesErrors(faults)| {
            let lines = faults.iter().map(|fault| format!("{}: {fault}", file.display()));
            anyhow::anyhow!(lines.collect::<Vec<_>>().join("\n"))
        })?;
        let mut scripts = HashMap::new();
        let mut files = HashMap::new();
        documents(folder, "", 0, &mut files)
            .with_context(|| format!("cannot read the dialplan {}", folder.display()))?;
        let mut missing = Vec::new();
        for listed in routes.list() {
            let Target::Script(name) = listed.target else { continue };
            let path = folder.join(name);
            match std::fs::read(&path) {
                Ok(xml) => drop(scripts.insert(name.clone(), Document::parse(&xml))),
                Err(error) => {
                    missing.push(format!("route {}: cannot read {}: {error}", listed.number, path.display()));
                }
            }
        }
        anyhow::ensure!(missing.is_empty(), "{}", missing.join("\n"));
        Ok(Self { folder: folder.to_owned(), routes, scripts, files })
    }

    /// The hosts that routes name: scripts may reach them wherever they are.
    pub fn hosts(&self) -> Vec<String> {
        self.routes.urls().filter_map(crate::webhook::authority).collect()
    }

    /// The document that a decision leads to. A route to a user, or to a
    /// number outside, is a document of one Dial that rings for `ring`.
    pub fn document(&self, decision: &Decision, ring: Duration) -> Result<Parsed, ScriptError> {
        let empty = || Ok(Parsed { document: Document::default(), warnings: Vec::new() });
        match &decision.target {
            Target::Script(name) => self.scripts.get(name).cloned().unwrap_or_else(empty),
            Target::Endpoint(user) => dial("Client", user, ring),
            Target::Outside(number) => dial("Number", number, ring),
            Target::Webhook(_) | Target::Unknown | Target::Forbidden => empty(),
        }
    }

    /// A document of the folder, read for where it will run; `None` if there is none of that name.
    pub fn read(&self, file: &str, context: Context) -> Option<Result<Parsed, ScriptError>> {
        self.files.get(file).map(|xml| Document::parse_in(xml, context))
    }

    /// Every document of the folder, by its path in there.
    pub(super) fn documents(&self) -> impl Iterator<Item = (&String, &[u8])> {
        self.files.iter().map(|(name, xml)| (name, xml.as_slice()))
    }

    /// Findings in all scripts, for `check`, and in those that callees are asked by. Of a document that no route names nothing is more than a warning: it may be
    /// meant for something else.
    pub fn findings(&self) -> Vec<(String, Result<Vec<Finding>, ScriptError>)> {
        let finding = |(name, parsed): (&String, &Result<Parsed, ScriptError>)| {
            (name.clone(), parsed.as_ref().map(|parsed| parsed.warnings.clone()).map_err(Clone::clone))
        };
        let others = self.files.iter().filter(|(name, _)| !self.scripts.contains_key(*name));
        let other = |(name, xml): (&String, &Vec<u8>)| {
            let warnings =
                Document::parse(xml).map_or_else(|error| vec![error.into()], |parsed| parsed.warnings);
            (name.clone(), Ok(warnings))
        };
        let asked = screened::findings(&self.files);
        let asked = asked.into_iter().map(|(name, finding)| (name, Ok(vec![finding])));
        let mut all: Vec<_> =
            self.scripts.iter().map(finding).chain(others.map(other)).chain(asked).collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all
    }

    /// What documents and routes refer to and is not there, by the document; by none where a route does.
    pub fn missed(&self, is_user: &dyn Fn(&str) -> bool) -> Vec<(Option<String>, String)> {
        let is_sound = |file: &str| self.sound(file).is_some_and(|path| path.is_file());
        let there = There { files: &self.files, is_sound: &is_sound, is_user };
        let mut in_documents = there.missed();
        in_documents.sort_by(|a, b| (&a.0, a.1.line).cmp(&(&b.0, b.1.line)));
        let in_documents = in_documents.into_iter().map(|(name, finding)| (Some(name), finding.to_string()));
        let in_routes = self.routes.list().filter_map(|route| {
            let Target::Webhook(webhook) = route.target else { return None };
            let (fallback, _) = webhook.fallback.as_ref()?;
            let is_there = there.has_fallback(fallback);
            let message =
                || format!("route {}: its fallback {fallback} is no document of the dialplan", route.number);
            (!is_there).then(|| (None, message()))
        });
        in_documents.chain(in_routes).collect()
    }

    /// Where a Play of a local script finds its file: inside the dialplan folder, nowhere else.
    pub fn sound(&self, source: &str) -> Option<PathBuf> {
        let path = Path::new(source.trim());
        let plain = path.components().all(|part| matches!(part, std::path::Component::Normal(_)));
        (plain && !source.trim().is_empty()).then(|| self.folder.join(path))
    }
}
