//! The offers and answers of one dialog (RFC 3264): whose turn it is, what stands, what we last said.
//! Must never guess what travels in which message: the six ways of RFC 6337 §2.2 are the caller's.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::agreed::{Agreed, Counterpart, Terms};
use super::announcement::{Announcement, Capabilities, Layout, Local};
use super::description::Description;
use super::direction::Direction;
use super::error::{NegotiationError, Obstacle, SdpError};
use super::format::{Encoding, Format};
use super::stream::Stream;
use crate::codec::Codec;

/// The negotiation of one dialog. Early dialogs of one INVITE each take a clone, which shares the offer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Negotiation {
    session_id: u64,
    /// The highest version that ever left, in a refused offer too.
    version: u64,
    local: Local,
    capabilities: Capabilities,
    /// Numbers that the peer's offers gave to encodings: they keep their meaning (RFC 3264 §8.3.2).
    #[serde(default)]
    numbers: Vec<Format>,
    /// Our offer that waits for its answer.
    offered: Option<Issued>,
    /// The last complete exchange.
    settled: Option<Settled>,
}

/// A description of ours.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Issued {
    version: u64,
    /// The direction that we want; an answer may say less.
    wanted: Direction,
    layout: Layout,
    formats: Vec<Format>,
    text: Bytes,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Settled {
    issued: Issued,
    by: Party,
    agreed: Agreed,
}

/// Who offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Party {
    Us,
    Peer,
}

impl Negotiation {
    /// A negotiation in which nothing was said yet. `session_id` goes into `o=` and should be unique.
    pub fn new(session_id: u64, local: Local, capabilities: Capabilities) -> Self {
        Self {
            session_id,
            version: 0,
            local,
            capabilities,
            numbers: Vec::new(),
            offered: None,
            settled: None,
        }
    }

    /// Our offer: the first one, or the session as it stands (a refresh says the same in the same version). While it
    /// waits for its answer, each call gives the same bytes.
    ///
    /// # Errors
    /// [`NegotiationError::NothingToOffer`] without a codec.
    pub fn offer(&mut self) -> Result<Bytes, NegotiationError> {
        match &self.offered {
            Some(offered) => Ok(offered.text.clone()),
            None => self.propose(self.wanted(), self.standing_formats()),
        }
    }

    /// The session as it stands in another direction: `SendOnly` or `Inactive` hold the peer, `SendRecv` takes it back.
    /// It stays our wish in later offers and answers, unless it is withdrawn.
    ///
    /// # Errors
    /// [`NegotiationError::OfferPending`] while an offer with another direction is out.
    pub fn offer_held(&mut self, direction: Direction) -> Result<Bytes, NegotiationError> {
        match &self.offered {
            Some(offered) if offered.wanted == direction => Ok(offered.text.clone()),
            Some(_) => Err(NegotiationError::OfferPending),
            None => self.propose(direction, self.standing_formats()),
        }
    }

    /// Everything that we can do, as in a new call: what a re-INVITE without an offer asks for, behind which another
    /// party may stand (RFC 6337 §5.2).
    ///
    /// # Errors
    /// [`NegotiationError::OfferPending`] while an offer is out, [`NegotiationError::NothingToOffer`] without a codec.
    pub fn offer_anew(&mut self) -> Result<Bytes, NegotiationError> {
        match &self.offered {
            Some(_) => Err(NegotiationError::OfferPending),
            None => self.propose(self.wanted(), self.all_formats()),
        }
    }

    /// The peer's answer to our offer; also a later one to the same offer, for gateways announce another
    /// address in their 200 than in their 183.
    ///
    /// # Errors
    /// `Malformed`, `NotAcceptable`, or `NoOffer` when the last offer was not ours. Nothing changes then: the offer
    /// stays out until it is withdrawn.
    pub fn on_answer(&mut self, sdp: &[u8]) -> Result<Agreed, NegotiationError> {
        let standing = self.settled.as_ref().filter(|settled| settled.by == Party::Us);
        let issued = self.offered.as_ref().or(standing.map(|settled| &settled.issued));
        let issued = issued.ok_or(NegotiationError::NoOffer)?;
        let answer = Description::parse(sdp)?;
        let (offered, answered) = (issued.layout.lines.len(), answer.streams().len());
        if offered != answered {
            return Err(SdpError::StreamCount { offered, answered }.into());
        }
        let stream =
            answer.streams().nth(issued.layout.slot).filter(Stream::is_audio).ok_or(Obstacle::NoAudio)?;
        let codecs = codecs_of(&issued.formats);
        let terms = Terms {
            is_ipv4: self.local.rtp.is_ipv4(),
            codecs: &codecs,
            telephone_event: true,
            ptime_ms: self.capabilities.ptime_ms,
        };
        let agreed = match (Counterpart::find(&stream, &terms), self.agreed()) {
            (Ok(peer), before) => {
                let held = match before {
                    // We left it no choice, so its answer tells nothing.
                    Some(before) if !issued.wanted.is_sending() => before.held,
                    _ => issued.wanted.is_sending() && !peer.is_receiving(),
                };
                peer.agree(&issued.formats, issued.wanted, held, before)
            }
            (Err(Obstacle::Declined), Some(before)) => before.clone().silenced(),
            (Err(obstacle), _) => return Err(obstacle.into()),
        };
        let issued = issued.clone();
        self.offered = None;
        self.settled = Some(Settled { issued, by: Party::Us, agreed: agreed.clone() });
        Ok(agreed)
    }

    /// The peer's offer, answered at once: the first audio stream that will do is taken, all others are declined.
    ///
    /// # Errors
    /// `OfferPending` (491), `NotAcceptable` (488) or `Malformed` (400). Nothing changes then.
    pub fn on_offer(&mut self, sdp: &[u8]) -> Result<(Bytes, Agreed), NegotiationError> {
        if self.offered.is_some() {
            return Err(NegotiationError::OfferPending);
        }
        let offer = Description::parse(sdp)?;
        let streams: Vec<Stream<'_>> = offer.streams().collect();
        if self.settled.as_ref().is_some_and(|settled| streams.len() < settled.issued.layout.lines.len()) {
            return Err(Obstacle::StreamsDropped.into());
        }
        match (self.choose(&streams), self.agreed()) {
            (Ok((slot, peer)), before) => {
                let wanted = self.wanted();
                let agreed_formats = answer_formats(&peer);
                let agreed = peer.agree(&agreed_formats, wanted, !peer.is_receiving(), before);
                let direction = wanted.facing(peer.direction());
                let issued = self.issue(Layout::of_offer(&streams, slot), agreed_formats, wanted, direction);
                if let Some(stream) = streams.get(slot) {
                    self.learn_numbers(&stream.formats());
                }
                Ok(self.settle(issued, agreed))
            }
            // Removed, and nothing wanted in its place (RFC 3264 §8.2).
            (Err(_), Some(before)) if streams.iter().all(Stream::is_declined) => {
                let (wanted, agreed) = (self.wanted(), before.clone().silenced());
                let issued =
                    self.issue(Layout::of_offer(&streams, 0), Vec::new(), wanted, Direction::Inactive);
                Ok(self.settle(issued, agreed))
            }
            (Err(obstacle), _) => Err(obstacle.into()),
        }
    }

    /// Our offer was refused: what was agreed before holds on (RFC 3261 §14.1).
    pub fn withdraw(&mut self) {
        self.offered = None;
    }

    /// From now on we are to be reached at `local`; the next offer or answer says so.
    pub fn relocate(&mut self, local: Local) {
        self.local = local;
    }

    /// From now on we are able to do `capabilities`. The next offer leaves the standing formats only if these hold one that no
    /// longer is among them: to change the codec of a session, leave only the wanted one.
    pub fn adopt(&mut self, capabilities: Capabilities) {
        self.capabilities = capabilities;
    }

    /// What the last complete exchange came to.
    pub fn agreed(&self) -> Option<&Agreed> {
        self.settled.as_ref().map(|settled| &settled.agreed)
    }

    /// Our side of the last complete exchange, to be repeated where SIP wants it twice (183 and 200).
    pub fn answer_sent(&self) -> Option<&Bytes> {
        self.settled.as_ref().map(|settled| &settled.issued.text)
    }

    /// An offer of ours waits for its answer.
    pub fn is_offer_pending(&self) -> bool {
        self.offered.is_some()
    }

    fn wanted(&self) -> Direction {
        self.settled.as_ref().map_or(Direction::SendRecv, |settled| settled.issued.wanted)
    }

    fn propose(&mut self, direction: Direction, formats: Vec<Format>) -> Result<Bytes, NegotiationError> {
        if formats.is_empty() {
            return Err(NegotiationError::NothingToOffer);
        }
        let layout =
            self.settled.as_ref().map_or_else(Layout::audio, |settled| settled.issued.layout.clone());
        let issued = self.issue(layout, formats, direction, direction);
        self.version = self.version.max(issued.version);
        Ok(self.offered.insert(issued).text.clone())
    }

    /// Writes a description: in the standing version if it says the same, else in a new one (RFC 3264 §8).
    fn issue(&self, layout: Layout, formats: Vec<Format>, wanted: Direction, direction: Direction) -> Issued {
        let write = |version| {
            let announcement = Announcement {
                session_id: self.session_id,
                version,
                local: self.local,
                layout: &layout,
                formats: &formats,
                direction,
                ptime_ms: self.capabilities.ptime_ms,
            };
            announcement.to_bytes()
        };
        let standing = self.settled.as_ref().map(|settled| &settled.issued);
        let version = standing.map(|standing| standing.version);
        let version = version
            .filter(|&version| standing.is_some_and(|standing| standing.text == write(version)))
            .unwrap_or_else(|| self.version.saturating_add(1));
        let text = write(version);
        Issued { version, wanted, layout, formats, text }
    }

    fn settle(&mut self, issued: Issued, agreed: Agreed) -> (Bytes, Agreed) {
        let text = issued.text.clone();
        self.version = self.version.max(issued.version);
        self.settled = Some(Settled { issued, by: Party::Peer, agreed: agreed.clone() });
        (text, agreed)
    }

    /// The first audio stream that will do; else what is wrong with the first that was wanted.
    fn choose(&self, streams: &[Stream<'_>]) -> Result<(usize, Counterpart), Obstacle> {
        let terms = Terms {
            is_ipv4: self.local.rtp.is_ipv4(),
            codecs: &self.capabilities.codecs,
            telephone_event: self.capabilities.telephone_event,
            ptime_ms: self.capabilities.ptime_ms,
        };
        let mut obstacle = Obstacle::NoAudio;
        for (slot, stream) in streams.iter().enumerate().filter(|(_, stream)| stream.is_audio()) {
            match Counterpart::find(stream, &terms) {
                Ok(peer) => return Ok((slot, peer)),
                Err(found) if matches!(obstacle, Obstacle::NoAudio | Obstacle::Declined) => obstacle = found,
                Err(_) => {}
            }
        }
        Err(obstacle)
    }

    /// What we last announced, as long as we can still do all of it; else everything.
    fn standing_formats(&self) -> Vec<Format> {
        let standing = self.settled.as_ref().map(|settled| &settled.issued.formats);
        let is_possible = |formats: &&Vec<Format>| {
            let codecs = codecs_of(formats);
            !codecs.is_empty() && codecs.iter().all(|codec| self.capabilities.codecs.contains(codec))
        };
        standing.filter(is_possible).cloned().unwrap_or_else(|| self.all_formats())
    }

    /// Every codec, the one in use first, so that no offer of ours changes it by accident; then events.
    fn all_formats(&self) -> Vec<Format> {
        let in_use = self.agreed().map(|agreed| agreed.codec);
        let mut codecs = self.capabilities.codecs.clone();
        codecs.sort_by_key(|&codec| Some(codec) != in_use);
        codecs.dedup();
        let Some(&first) = codecs.first() else { return Vec::new() };
        let mut encodings: Vec<Encoding> = codecs.into_iter().map(Encoding::Voice).collect();
        if self.capabilities.telephone_event {
            encodings.push(Encoding::events_of(first));
        }
        let mut formats: Vec<Format> = Vec::new();
        for encoding in encodings {
            if let Some(payload_type) = self.number_for(encoding) {
                formats.push(Format { payload_type, encoding });
            }
        }
        formats
    }

    /// The number that the session uses for `encoding`, else its usual one, else one that stands for nothing yet.
    fn number_for(&self, encoding: Encoding) -> Option<u8> {
        let known = self.numbers.iter().rev().find(|format| format.encoding == encoding);
        let usual: u8 = match encoding {
            Encoding::Voice(Codec::Pcmu) => 0,
            Encoding::Voice(Codec::Pcma) => 8,
            Encoding::TelephoneEvent { .. } | Encoding::Other => 101,
        };
        let is_free = |number: &u8| self.numbers.iter().all(|format| format.payload_type != *number);
        known
            .map(|format| format.payload_type)
            .or_else(|| std::iter::once(usual).chain(96..=127).find(is_free))
    }

    fn learn_numbers(&mut self, formats: &[Format]) {
        for format in formats {
            self.numbers.retain(|known| known.payload_type != format.payload_type);
            self.numbers.push(*format);
        }
    }
}

/// One codec and its events, in the numbers of the offer (RFC 3264 §6.1).
fn answer_formats(peer: &Counterpart) -> Vec<Format> {
    let voice = Format { payload_type: peer.payload_type, encoding: Encoding::Voice(peer.codec) };
    let events =
        peer.events.map(|payload_type| Format { payload_type, encoding: Encoding::events_of(peer.codec) });
    std::iter::once(voice).chain(events).collect()
}

fn codecs_of(formats: &[Format]) -> Vec<Codec> {
    let codec = |format: &Format| match format.encoding {
        Encoding::Voice(codec) => Some(codec),
        _ => None,
    };
    formats.iter().filter_map(codec).collect()
}
