//! What all arbiters of a node share: configuration, tables, ports, the media engine, sounds.
//! It must never hold the state of a call.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use dashmap::DashMap;
use trunkline_media::asset::Asset;
use trunkline_media::codec::Codec;
use trunkline_media::port::{Engine, PortTable};

use super::gateway::Gateway;
use crate::call::sound::{Sound, SoundError};
use crate::config::{self, Config, Credentials};
use crate::ops::log::SipTrace;
use crate::recording::Recordings;
use crate::registrar::Registrar;
use crate::routing::{Decision, Routes, Target};
use crate::sip::flow::Flow;
use crate::sip::message::Transport;
use crate::sip::transport::{LocalAddresses, Udp};
use crate::speech::Speech;
use crate::supervision::Clock;
use crate::twiml::document::{Document, Parsed};
use crate::twiml::finding::{Finding, ScriptError};
use crate::webhook::Webhooks;

/// Sounds kept in memory; past it the table is emptied, and what plays keeps its own.
const SOUNDS: usize = 512;

/// The shared parts of a node.
pub struct House {
    /// The configuration.
    pub config: Config,
    /// The clocks.
    pub clock: Arc<dyn Clock>,
    /// Users and their passwords.
    pub credentials: Credentials,
    /// Where users can be reached.
    pub registrar: Registrar,
    /// Where numbers lead.
    pub plan: Plan,
    /// The way out of the house.
    pub gateway: Option<Gateway>,
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
    /// The sockets that SIP is sent from.
    pub sockets: Vec<Arc<Udp>>,
    /// Whose messages are logged whole.
    pub trace: SipTrace,
    /// Counts against the limits.
    pub load: Load,
    /// Recordings.
    pub recordings: Recordings,
    /// What begins the URLs that scripts are told, without a slash at its end.
    pub public_url: String,
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
    /// The node is being stopped: no new calls.
    pub closing: std::sync::atomic::AtomicBool,
    /// Datagrams that found a full mailbox.
    pub shed: AtomicUsize,
    /// Datagrams that could not be read at all.
    pub unreadable: AtomicUsize,
}

impl House {
    /// The flow from our side to a UDP peer; `None` without a socket of its family.
    pub fn flow_to(&self, remote: std::net::SocketAddr) -> Option<Flow> {
        let socket = self.sockets.iter().find(|socket| socket.local().is_ipv4() == remote.is_ipv4())?;
        Some(Flow { transport: Transport::Udp, local: socket.local(), remote, connection: None })
    }

    /// Where a telephone of this network reaches us.
    pub fn reachable(&self) -> Vec<std::net::SocketAddr> {
        // A documentation address (RFC 5737, RFC 3849): nothing is sent there, the route to it is what counts.
        let (v4, v6) =
            ([192, 0, 2, 1].into(), std::net::Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into());
        let mut all = Vec::new();
        for socket in &self.sockets {
            let local = socket.local();
            if local.ip().is_unspecified() {
                let far = if local.is_ipv4() { v4 } else { v6 };
                let loopback = if local.is_ipv4() {
                    [127, 0, 0, 1].into()
                } else {
                    std::net::Ipv6Addr::LOCALHOST.into()
                };
                let ip = self.addresses.towards(far).unwrap_or(loopback);
                all.push(std::net::SocketAddr::new(ip, local.port()));
            } else {
                all.push(local);
            }
        }
        all
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
        self.gateway.as_ref().is_some_and(|gateway| gateway.is_trusted() && gateway.owns(peer))
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
        self.config.media.codecs.iter().map(known).collect()
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
        let routes = Routes::parse(&text).with_context(|| format!("in {}", file.display()))?;
        let mut scripts = HashMap::new();
        for listed in routes.list() {
            let Target::Script(name) = listed.target else { continue };
            let path = folder.join(name);
            let xml = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            scripts.insert(name.clone(), Document::parse(&xml));
        }
        Ok(Self { folder: folder.to_owned(), routes, scripts })
    }

    /// The document that a decision leads to. A route to a user is a document of one Dial that rings for `ring`.
    pub fn document(&self, decision: &Decision, ring: Duration) -> Result<Parsed, ScriptError> {
        let empty = || Ok(Parsed { document: Document::default(), warnings: Vec::new() });
        match &decision.target {
            Target::Script(name) => self.scripts.get(name).cloned().unwrap_or_else(empty),
            Target::Endpoint(user) => {
                let user = quick_xml::escape::escape(user.as_str());
                let timeout = ring.as_secs();
                let dial = format!(
                    "<Dial answerOnBridge=\"true\" timeout=\"{timeout}\"><Client>{user}</Client></Dial>"
                );
                Document::parse(format!("<Response>{dial}</Response>").as_bytes())
            }
            Target::Unknown | Target::Forbidden => empty(),
        }
    }

    /// Findings in all scripts, for `check`.
    pub fn findings(&self) -> Vec<(String, Result<Vec<Finding>, ScriptError>)> {
        let finding = |(name, parsed): (&String, &Result<Parsed, ScriptError>)| {
            (name.clone(), parsed.as_ref().map(|parsed| parsed.warnings.clone()).map_err(Clone::clone))
        };
        let mut all: Vec<_> = self.scripts.iter().map(finding).collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all
    }

    /// Where a Play of a local script finds its file: inside the dialplan folder, nowhere else.
    pub fn sound(&self, source: &str) -> Option<PathBuf> {
        let path = Path::new(source.trim());
        let plain = path.components().all(|part| matches!(part, std::path::Component::Normal(_)));
        (plain && !source.trim().is_empty()).then(|| self.folder.join(path))
    }
}

/// Sounds in memory, by key: decoded and resampled once, shared by all who hear them.
#[derive(Debug, Default)]
pub struct Sounds(DashMap<String, Arc<Asset>>);

impl Sounds {
    /// A sound that was loaded before.
    pub fn get(&self, key: &str) -> Option<Arc<Asset>> {
        self.0.get(key).map(|asset| Arc::clone(&asset))
    }

    /// Decodes a sound and keeps it. Blocks: for the blocking pool.
    ///
    /// # Errors
    /// In words for a developer.
    pub fn keep(&self, key: String, bytes: &[u8], is_mulaw: bool) -> Result<(), String> {
        let asset = if is_mulaw { Asset::from_mulaw(bytes) } else { Asset::from_wav(bytes) };
        let asset = asset.map_err(|error| error.to_string())?;
        if self.0.len() >= SOUNDS {
            self.0.clear();
        }
        self.0.insert(key.clone(), Arc::new(asset.named(key)));
        Ok(())
    }
}

impl House {
    /// Makes a sound available under the key that names it in snapshots: whoever takes one up can fetch it anew.
    ///
    /// # Errors
    /// In words for a developer.
    pub async fn fetch(self: &Arc<Self>, sound: &Sound) -> Result<String, SoundError> {
        let key = serde_json::to_string(sound).map_err(|error| SoundError::skipped(error.to_string()))?;
        if self.sounds.get(&key).is_some() {
            return Ok(key);
        }
        let spoken = match sound {
            Sound::Speech { text, language, voice } => {
                let spoken = self.speech.say(text, language, voice.as_deref()).await;
                Some(spoken.map_err(|error| SoundError::skipped(error.to_string()))?)
            }
            Sound::File(_) => None,
            Sound::Url(url) => {
                return Err(self
                    .webhooks
                    .media(url)
                    .await
                    .map(drop)
                    .err()
                    .map_or_else(|| SoundError::skipped("not played yet"), SoundError::from));
            }
        };
        let (house, sound, name) = (Arc::clone(self), sound.clone(), key.clone());
        let kept = tokio::task::spawn_blocking(move || match (spoken, sound) {
            (Some(wav), _) => house.sounds.keep(name, &wav, false),
            (None, Sound::File(source)) => {
                let path = house
                    .plan
                    .sound(&source)
                    .ok_or_else(|| format!("{source}: not a file of the dialplan"))?;
                let bytes = std::fs::read(&path).map_err(|error| format!("{source}: {error}"))?;
                let is_mulaw =
                    path.extension().is_some_and(|kind| kind == "ulaw" || kind == "ul" || kind == "pcmu");
                house.sounds.keep(name, &bytes, is_mulaw).map_err(|error| format!("{source}: {error}"))
            }
            (None, Sound::Speech { .. } | Sound::Url(_)) => Ok(()),
        });
        let kept = kept.await.map_err(|error| error.to_string()).and_then(|kept| kept);
        kept.map(|()| key).map_err(SoundError::skipped)
    }
}
