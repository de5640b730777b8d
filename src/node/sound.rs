//! What legs hear: wishes become commands of the media engine, its events become notices, sounds are fetched.
//! It must never block the arbiter: files and synthesis are for others.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use trunkline_media::port::{Command, EventSink};
use trunkline_media::session::{Event as MediaEvent, EventTypes, Plan, Remote, SessionId, Source, Stats};

use super::cell::Cell;
use super::house::House;
use crate::call::script::ScriptInput;
use crate::call::sound::{Sound, SoundError};
use crate::ids::{CallId, LegId};
use crate::leg::{Hear, LegInput, Notice, Wish};
use crate::ops::events::Event;
use crate::supervision::fenced;

/// How long a command waits that found the queue of its media worker full.
const FULL_QUEUE_PAUSE: Duration = Duration::from_millis(5);

/// An open session.
pub(super) struct Session {
    pub leg: LegId,
    /// The condition that it is in, or coming into.
    wished: Wish,
}

impl Session {
    /// One of a former process: in what condition it is, is not known.
    pub fn unknown(leg: LegId) -> Self {
        Self { leg, wished: Wish::Closed { leg } }
    }
}

/// Carries events from media workers to an arbiter.
pub(super) struct Sink {
    way: mpsc::Sender<MediaEvent>,
    shard: usize,
    detour: Detour,
}

/// Where events go while arbiters stand still: whoever lets them go on, in this process or the next, takes them along.
/// `None`: they go their way. With the number of their arbiter.
pub(super) type Detour = Arc<Mutex<Option<Vec<(usize, MediaEvent)>>>>;

impl Sink {
    /// The way to the arbiter with this number.
    pub fn new(way: mpsc::Sender<MediaEvent>, shard: usize, detour: &Detour) -> Self {
        Self { way, shard, detour: Arc::clone(detour) }
    }
}

impl EventSink for Sink {
    fn event(&self, event: MediaEvent) {
        // Held for an instant by everybody; events are rare.
        if let Some(detour) = &mut *self.detour.lock().unwrap_or_else(PoisonError::into_inner) {
            return detour.push((self.shard, event));
        }
        if self.way.try_send(event).is_err() {
            tracing::warn!("an event of the media side is lost: the arbiter does not keep up");
        }
    }
}

impl Cell {
    /// Brings the media side into the condition that a leg wishes. One that it is in already costs nothing.
    pub(super) fn wish(&self, wish: Wish) {
        if self.is_granted(&wish) {
            return;
        }
        let source = match &wish {
            Wish::Closed { .. } => Some(Source::Silence),
            Wish::Open { leg, hear, .. } => self.source(*leg, hear),
        };
        if let Some(source) = source {
            self.grant(wish, source);
        }
    }

    /// Brings the media side into that condition, with `source` for what the far end hears.
    fn grant(&self, wish: Wish, source: Source) {
        let wished = wish.clone();
        match wish {
            Wish::Closed { leg } => self.close_session(leg),
            Wish::Open { leg, generation, lease, clock, agreed, round, keys, taping, timeout, .. } => {
                let worker = self.worker_of(leg);
                let session = SessionId(leg.session_bits());
                let wished = Session { leg, wished };
                let is_new = self.sessions.borrow_mut().insert(session.0, wished).is_none();
                if is_new {
                    let Some(sockets) = self.house.ports.sockets(&lease) else {
                        return tracing::error!(%leg, port = lease.port, "a leg without its sockets");
                    };
                    let sink = Arc::clone(&self.sink);
                    self.command(worker, Command::Open { session, sockets, clock, sink, timeout });
                }
                let plan = Plan {
                    send: agreed.as_ref().is_some_and(|agreed| agreed.send),
                    receive: agreed.as_ref().is_some_and(|agreed| agreed.receive),
                    remote: agreed.map(|agreed| Remote {
                        rtp: agreed.remote_rtp,
                        rtcp: agreed.remote_rtcp,
                        codec: agreed.codec,
                        send_payload_type: agreed.send_payload_type,
                        receive_payload_type: agreed.receive_payload_type,
                        events: agreed.events.map(|(send, receive)| EventTypes { send, receive }),
                        ptime_ms: agreed.ptime_ms,
                    }),
                    round,
                    source,
                    keys,
                    tap: taping.map(|taping| self.house.tap(*taping)),
                };
                self.command(worker, Command::Apply { session, generation: generation.0, plan });
            }
        }
    }

    /// Nothing agreed means nothing to send or to take: the session opens when there is.
    fn is_granted(&self, wish: &Wish) -> bool {
        let Wish::Open { leg, agreed, .. } = wish else { return false };
        match self.sessions.borrow().get(&leg.session_bits()) {
            Some(session) => session.wished == *wish,
            None => agreed.is_none(),
        }
    }

    /// Says the wish of a leg again as if it were another one.
    pub(super) fn wish_anew(&self, leg: LegId) {
        if let Some(session) = self.sessions.borrow_mut().get_mut(&leg.session_bits()) {
            session.wished = Wish::Closed { leg };
        }
        let wish = self.records.borrow().legs.get(&leg).map(crate::leg::Leg::wish);
        wish.into_iter().for_each(|wish| self.wish(wish));
    }

    /// The sessions of a call share a worker: its first leg picks it.
    fn worker_of(&self, leg: LegId) -> usize {
        let call = self.records.borrow().call_of(leg).unwrap_or(CallId(leg));
        self.worker_of_session(call, leg)
    }

    /// `None` while the sound has to be loaded first; the wish is then said again.
    fn source(&self, leg: LegId, hear: &Hear) -> Option<Source> {
        Some(match hear.clone() {
            Hear::Silence => Source::Silence,
            Hear::Echo => Source::Echo,
            Hear::Leg(other) => Source::Session(SessionId(other.session_bits())),
            Hear::Tone(tone) => Source::Tone(tone),
            Hear::Prompt { activity, asset: key, loops } => match self.house.sounds.get(&key) {
                Some(asset) => Source::Player { activity, asset, loops },
                None => {
                    self.load_again(leg, key);
                    return None;
                }
            },
        })
    }

    fn load_again(&self, leg: LegId, key: String) {
        let house = Arc::clone(&self.house);
        super::cell::spawn(async move {
            let fetched = match serde_json::from_str::<Sound>(&key) {
                Ok(sound) => load(&house, &sound).await,
                Err(error) => Err(SoundError::skipped(error.to_string())),
            };
            let Some(cell) = Cell::present() else { return };
            let Some(wish) = cell.records.borrow().legs.get(&leg).map(crate::leg::Leg::wish) else { return };
            match fetched {
                Ok(_) => cell.wish(wish),
                Err(error) => {
                    tracing::error!(%leg, %error, "a sound is gone");
                    cell.grant_in_silence(leg, wish, &key);
                }
            }
        });
    }

    /// The sound `key` cannot be had any more: all else that the leg wishes is done, and whoever waits for the end of
    /// the sound hears of it.
    fn grant_in_silence(&self, leg: LegId, wish: Wish, key: &str) {
        let Some(activity) = prompt_of(&wish, key) else { return };
        if !self.is_granted(&wish) {
            self.grant(wish, Source::Silence);
        }
        self.signal_leg(leg, LegInput::Media(Notice::Played { activity }));
    }

    fn close_session(&self, leg: LegId) {
        let session = SessionId(leg.session_bits());
        if self.sessions.borrow().contains_key(&session.0) {
            self.command(self.worker_of(leg), Command::Close { session });
        } else {
            // It never opened: there is nothing to wait for.
            self.signal_leg(leg, LegInput::Media(Notice::Closed(Box::new(quality(&Stats::default())))));
        }
    }

    pub(super) fn command(&self, worker: usize, command: Command) {
        if self.house.engine.send(worker, command.clone()).is_ok() {
            return;
        }
        let house = Arc::clone(&self.house);
        super::cell::spawn(async move {
            let mut tries = 0;
            while house.engine.send(worker, command.clone()).is_err() {
                tries += 1;
                if tries > 1_000 {
                    return tracing::error!(worker, "a media worker takes no commands");
                }
                tokio::time::sleep(FULL_QUEUE_PAUSE).await;
            }
        });
    }

    /// Passes an event of the media side to its leg.
    pub(super) fn on_media(&self, event: MediaEvent) {
        let Some(leg) = self.sessions.borrow().get(&event.session().0).map(|session| session.leg) else {
            return;
        };
        let notice = match event {
            MediaEvent::Learnt { address, .. } => Notice::Learnt(address),
            MediaEvent::MediaTimeout { .. } => Notice::Timeout,
            MediaEvent::PlayerEnded { activity, .. } => Notice::Played { activity },
            MediaEvent::Digit { digit, .. } => Notice::Digit(digit),
            MediaEvent::KeysSent { activity, .. } => Notice::KeysSent { activity },
            MediaEvent::TapEnded { activity, end, samples, voiced, .. } => {
                let length = Duration::from_micros(samples.saturating_mul(125));
                Notice::Taped { activity, end, length, voiced }
            }
            MediaEvent::Closed { stats, .. } => {
                self.sessions.borrow_mut().remove(&leg.session_bits());
                self.house.load.note_traffic(stats.into());
                Notice::Closed(Box::new(quality(&stats)))
            }
            MediaEvent::Moved { .. } => return self.on_moved(leg),
            MediaEvent::MediaResumed { .. } => return,
            MediaEvent::Refused { generation, seen, .. } => {
                return tracing::warn!(%leg, generation, seen, "a plan of an older generation was refused");
            }
        };
        self.signal_leg(leg, LegInput::Media(notice));
    }

    /// Makes a sound available to a script's step.
    pub(super) fn prepare(&self, leg: LegId, activity: u64, sound: Sound) {
        let house = Arc::clone(&self.house);
        super::cell::spawn(async move {
            let loaded = load(&house, &sound).await;
            let Some(cell) = Cell::present() else { return };
            cell.signal_script(leg, ScriptInput::Prepared(activity, loaded));
        });
    }
}

/// The step whose prompt the leg wishes to be heard, if that is the sound `key`.
fn prompt_of(wish: &Wish, key: &str) -> Option<u64> {
    match wish {
        Wish::Open { hear: Hear::Prompt { activity, asset, .. }, .. } if asset == key => Some(*activity),
        _ => None,
    }
}

/// Makes a sound available. One on which its reader panics is like one that cannot be read.
async fn load(house: &Arc<House>, sound: &Sound) -> Result<String, SoundError> {
    fenced(house.fetch(sound)).await.unwrap_or_else(|caught| {
        tracing::error!(%caught, "a sound made its reader panic");
        Err(SoundError::skipped("the switch cannot read it"))
    })
}

fn quality(stats: &Stats) -> Event {
    Event::Quality {
        received: stats.packets_received,
        sent: stats.packets_sent,
        lost: stats.lost,
        jitter_us: stats.jitter_us.into(),
        foreign: stats.foreign,
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr, SocketAddr};

    use trunkline_media::codec::Codec;
    use trunkline_media::sdp::Agreed;
    use trunkline_media::session::ClockSeed;

    use super::*;
    use crate::config::{Config, Credentials};
    use crate::ids::{Generation, Minter};
    use crate::leg::Seat;
    use crate::node::{Plan, start};
    use crate::supervision::SystemClock;

    fn agreed() -> Agreed {
        let remote_rtp = SocketAddr::from((Ipv4Addr::LOCALHOST, 9));
        Agreed {
            remote_rtp,
            remote_rtcp: remote_rtp,
            codec: Codec::Pcma,
            send_payload_type: 8,
            receive_payload_type: 8,
            events: None,
            ptime_ms: 20,
            send: true,
            receive: true,
            held: false,
        }
    }

    /// The cell of a node that has begun nothing else.
    fn cell(folder: &std::path::Path) -> std::rc::Rc<Cell> {
        let text = format!(
            "sip.listen = [\"127.0.0.1:0\"]\ndata.folder = {folder:?}\n[media]\naddress = \"127.0.0.1\"\nports = \"19020-19029\"\n"
        );
        let config = Config::parse(&text).expect("it is sound");
        let dialplan = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("dialplans");
        let plan = Plan::load(&dialplan).expect("it is sound");
        let web = SocketAddr::from((Ipv4Addr::LOCALHOST, 8080));
        let credentials = Credentials::mint(|| [1; 16], &[]);
        let kept = Default::default();
        let house =
            start::furnish(config, credentials, plan, Arc::new(SystemClock), web, kept).expect("a house");
        let sink = Arc::new(Sink::new(mpsc::channel(8).0, 0, &Detour::default()));
        Cell::new(Seat { shard: 0, of: 1 }, Arc::new(house), Minter::new([9; 16]), sink, None)
    }

    #[test]
    fn a_leg_whose_sound_is_gone_gets_all_else_that_it_wishes_and_hears_that_the_sound_is_over() {
        let folder = std::env::temp_dir().join(format!("trunkline-gone-{}", std::process::id()));
        let cell = cell(&folder);
        let leg = LegId::from_bytes([3; 16]);
        let lease = cell.house.ports.lease(IpAddr::V4(Ipv4Addr::LOCALHOST), cell.now()).expect("a port");
        let wish = |asset: &str| Wish::Open {
            leg,
            generation: Generation(1),
            lease,
            clock: ClockSeed { ssrc: 1, sequence: 1, timestamp: 1 },
            agreed: Some(Box::new(agreed())),
            round: 1,
            hear: Hear::Prompt { activity: 4, asset: asset.to_owned(), loops: 1 },
            keys: None,
            taping: None,
            timeout: None,
        };
        cell.grant_in_silence(leg, wish("other"), "gone");
        assert!(!cell.is_granted(&wish("other")), "it wishes something else by now: that goes its own way");
        cell.grant_in_silence(leg, wish("gone"), "gone");
        assert!(cell.is_granted(&wish("gone")), "and it is not looked for once more at the next step");
        assert_eq!(prompt_of(&wish("gone"), "gone"), Some(4));
        assert_eq!(prompt_of(&Wish::Closed { leg }, "gone"), None);
        drop(std::fs::remove_dir_all(&folder));
    }
}
