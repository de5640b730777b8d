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
use super::numbering::Numbering;
use super::stream::Stream;
use crate::codec::Codec;

/// The negotiation of one dialog. Early dialogs of one INVITE each take a clone, which shares the offer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Negotiation {
    session_id: u64,
    /// The highest version that ever left, be it in an offer that was refused.
    version: u64,
    local: Local,
    capabilities: Capabilities,
    #[serde(default)]
    numbering: Numbering,
    /// Our offer that waits for its answer.
    offered: Option<Issued>,
    /// The last complete exchange.
    settled: Option<Settled>,
    /// Codecs of ours that the peer has named in this dialog.
    #[serde(default)]
    understood: Vec<Codec>,
    /// What we said up to this version may not be the last that the peer has heard of us.
    #[serde(default)]
    leapt: u64,
}

/// A description of ours.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Issued {
    version: u64,
    /// The direction that we want; an answer may have to say less.
    wanted: Direction,
    layout: Layout,
    /// None where the stream was declined.
    formats: Vec<Format>,
    text: Bytes,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Settled {
    offerer: Party,
    issued: Issued,
    agreed: Agreed,
}

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
            numbering: Numbering::default(),
            offered: None,
            settled: None,
            understood: Vec::new(),
            leapt: 0,
        }
    }

    /// Our offer: the first one, or the session as it stands, so that a refresh says the same in the same
    /// version. While it waits for its answer, each call gives the same bytes.
    ///
    /// # Errors
    /// [`NegotiationError::NothingToOffer`] without a codec.
    pub fn offer(&mut self) -> Result<Bytes, NegotiationError> {
        match &self.offered {
            Some(offered) => Ok(offered.text.clone()),
            None => self.propose(self.wanted(), self.standing_formats()),
        }
    }

    /// The session as it stands in another direction: `SendOnly` or `Inactive` hold the peer, `SendRecv`
    /// takes it back. The direction stays our wish in later offers and answers, unless this offer is
    /// withdrawn.
    ///
    /// # Errors
    /// [`NegotiationError::OfferPending`] while an offer with another direction is out, and as
    /// [`Self::offer`].
    pub fn offer_held(&mut self, direction: Direction) -> Result<Bytes, NegotiationError> {
        match &self.offered {
            Some(offered) if offered.wanted == direction => Ok(offered.text.clone()),
            Some(_) => Err(NegotiationError::OfferPending),
            None => self.propose(direction, self.standing_formats()),
        }
    }

    /// The session as it stands in another codec, and in no other.
    ///
    /// # Errors
    /// [`NegotiationError::OfferPending`] while an offer is out.
    pub fn offer_in(&mut self, codec: Codec) -> Result<Bytes, NegotiationError> {
        if self.offered.is_some() {
            return Err(NegotiationError::OfferPending);
        }
        let events = self.capabilities.telephone_event.then(|| Encoding::events_of(codec));
        let formats = self.numbering.assign(std::iter::once(Encoding::Voice(codec)).chain(events));
        self.propose(self.wanted(), formats)
    }

    /// Everything that we can do, as in a new call: what a re-INVITE without an offer asks for, as another
    /// party may stand behind it (RFC 3261 §14.2).
    ///
    /// # Errors
    /// [`NegotiationError::OfferPending`] while an offer is out, and as [`Self::offer`].
    pub fn offer_anew(&mut self) -> Result<Bytes, NegotiationError> {
        match &self.offered {
            Some(_) => Err(NegotiationError::OfferPending),
            None => self.propose(self.wanted(), self.all_formats()),
        }
    }

    /// The peer's answer to our offer; also a second one to the same offer, as gateways announce another
    /// address in their 200 than in their 183.
    ///
    /// # Errors
    /// `Malformed`, `NotAcceptable`, or `NoOffer` when the last offer was not ours. Nothing changes then: the
    /// offer stays out until it is withdrawn.
    pub fn on_answer(&mut self, sdp: &[u8]) -> Result<Agreed, NegotiationError> {
        let issued = self.answerable().ok_or(NegotiationError::NoOffer)?;
        let answer = Description::parse(sdp)?;
        let (offered, answered) = (issued.layout.lines.len(), answer.streams().len());
        if offered != answered {
            return Err(SdpError::StreamCount { offered, answered }.into());
        }
        let slot = issued.layout.slot;
        let stream = answer.streams().nth(slot).filter(Stream::is_audio).ok_or(Obstacle::NoAudio)?;
        let found = Counterpart::find(&stream, &self.terms(&codecs_of(&issued.formats)));
        let mut named = Vec::new();
        let agreed = match (found, self.agreed()) {
            (Ok(peer), before) => {
                named.extend_from_slice(peer.codecs());
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
        named.retain(|codec| !self.understood.contains(codec));
        self.understood.extend(named);
        self.offered = None;
        self.settled = Some(Settled { offerer: Party::Us, issued, agreed: agreed.clone() });
        Ok(agreed)
    }

    /// The peer's offer, answered at once: the first audio stream that will do is taken, all others are
    /// declined.
    ///
    /// # Errors
    /// `OfferPending` (491), `NotAcceptable` (488) or `Malformed` (400). Nothing changes then.
    pub fn on_offer(&mut self, sdp: &[u8]) -> Result<(Bytes, Agreed), NegotiationError> {
        if self.offered.is_some() {
            return Err(NegotiationError::OfferPending);
        }
        let offer = Description::parse(sdp)?;
        let streams: Vec<Stream<'_>> = offer.streams().collect();
        if self.standing().is_some_and(|standing| streams.len() < standing.layout.lines.len()) {
            return Err(Obstacle::StreamsDropped.into());
        }
        match self.choose(&streams) {
            Ok((slot, peer)) => {
                let (wanted, formats) = (self.wanted(), peer.answer_formats());
                let agreed = peer.agree(&formats, wanted, !peer.is_receiving(), self.agreed());
                let direction = wanted.facing(peer.direction());
                let issued = self.issue(Layout::of_offer(&streams, slot), formats, wanted, direction);
                if let Some(stream) = streams.get(slot) {
                    self.numbering.learn(&stream.formats());
                }
                self.understood = peer.codecs().to_vec();
                Ok(self.settle(issued, agreed))
            }
            Err(obstacle) => self.accept_removal(&streams).ok_or(obstacle.into()),
        }
    }

    /// Our offer was refused: what was agreed before goes on (RFC 3261 §14.1).
    pub fn withdraw(&mut self) {
        self.offered = None;
    }

    /// Skips versions that a former self may have used and nobody remembers: what we say next is in a new one, even if it
    /// is what we said last.
    pub fn leap(&mut self, room: u16) {
        self.leapt = self.version;
        self.version = self.version.saturating_add(u64::from(room));
    }

    /// From now on we are to be reached at `local`; the next offer or answer says so.
    pub fn relocate(&mut self, local: Local) {
        self.local = local;
    }

    /// From now on we are able to do `capabilities`. Our next offer keeps the formats that stand as long as
    /// all of them are still possible: to change the codec of a session, leave only the wanted one.
    pub fn adopt(&mut self, capabilities: Capabilities) {
        self.capabilities = capabilities;
    }

    /// What the last complete exchange came to.
    pub fn agreed(&self) -> Option<&Agreed> {
        self.settled.as_ref().map(|settled| &settled.agreed)
    }

    /// Codecs of ours that the peer is able to do as well, as far as it has said: all of its last offer, and what it
    /// answered since.
    pub fn understood(&self) -> &[Codec] {
        &self.understood
    }

    /// Our side of the last complete exchange, to be repeated where SIP wants it twice (183 and 200).
    pub fn answer_sent(&self) -> Option<&Bytes> {
        self.standing().map(|standing| &standing.text)
    }

    /// An offer of ours waits for its answer.
    pub fn is_offer_pending(&self) -> bool {
        self.offered.is_some()
    }

    fn standing(&self) -> Option<&Issued> {
        self.settled.as_ref().map(|settled| &settled.issued)
    }

    fn wanted(&self) -> Direction {
        self.standing().map_or(Direction::SendRecv, |standing| standing.wanted)
    }

    /// The offer that an answer would answer.
    fn answerable(&self) -> Option<&Issued> {
        let ours = self.settled.as_ref().filter(|settled| settled.offerer == Party::Us);
        self.offered.as_ref().or(ours.map(|settled| &settled.issued))
    }

    fn terms<'a>(&self, codecs: &'a [Codec]) -> Terms<'a> {
        Terms {
            is_ipv4: self.local.rtp.is_ipv4(),
            codecs,
            telephone_event: self.capabilities.telephone_event,
            packet_ms: self.capabilities.ptime_ms,
        }
    }

    fn propose(&mut self, direction: Direction, formats: Vec<Format>) -> Result<Bytes, NegotiationError> {
        if formats.is_empty() {
            return Err(NegotiationError::NothingToOffer);
        }
        let layout = self.standing().map_or_else(Layout::audio, |standing| standing.layout.clone());
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
                packet_ms: self.capabilities.ptime_ms,
            };
            announcement.to_bytes()
        };
        let unchanged = self
            .standing()
            .filter(|standing| standing.version > self.leapt && write(standing.version) == standing.text);
        let version = unchanged.map_or(self.version.saturating_add(1), |standing| standing.version);
        let text = write(version);
        Issued { version, wanted, layout, formats, text }
    }

    fn settle(&mut self, issued: Issued, agreed: Agreed) -> (Bytes, Agreed) {
        let text = issued.text.clone();
        self.version = self.version.max(issued.version);
        self.settled = Some(Settled { offerer: Party::Peer, issued, agreed: agreed.clone() });
        (text, agreed)
    }

    /// The first audio stream that will do; else what is wrong with the first that was meant.
    fn choose(&self, streams: &[Stream<'_>]) -> Result<(usize, Counterpart), Obstacle> {
        let terms = self.terms(&self.capabilities.codecs);
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

    /// The peer removes the stream and wants nothing in its place (RFC 3264 §8.2): the session goes on
    /// without sound. Another medium in its place, such as a fax, is refused instead.
    fn accept_removal(&mut self, streams: &[Stream<'_>]) -> Option<(Bytes, Agreed)> {
        let (slot, wanted) = self.standing().map(|standing| (standing.layout.slot, standing.wanted))?;
        let place = streams.get(slot)?;
        let is_removal = place.is_audio() && place.is_plain_rtp() && streams.iter().all(Stream::is_declined);
        let agreed = self.agreed().filter(|_| is_removal)?.clone().silenced();
        let issued = self.issue(Layout::of_offer(streams, slot), Vec::new(), wanted, Direction::Inactive);
        Some(self.settle(issued, agreed))
    }

    /// What we last announced, as long as we can still do all of it; else everything.
    fn standing_formats(&self) -> Vec<Format> {
        let is_possible = |formats: &&Vec<Format>| {
            let codecs = codecs_of(formats);
            !codecs.is_empty() && codecs.iter().all(|codec| self.capabilities.codecs.contains(codec))
        };
        let standing = self.standing().map(|standing| &standing.formats).filter(is_possible);
        standing.cloned().unwrap_or_else(|| self.all_formats())
    }

    /// Every codec, the one in use first, so that no offer of ours changes it by accident; then events.
    fn all_formats(&self) -> Vec<Format> {
        let in_use = self.agreed().map(|agreed| agreed.codec);
        let mut codecs = self.capabilities.codecs.clone();
        codecs.sort_by_key(|&codec| Some(codec) != in_use);
        let events = codecs.first().filter(|_| self.capabilities.telephone_event);
        let events = events.map(|&codec| Encoding::events_of(codec));
        self.numbering.assign(codecs.iter().map(|&codec| Encoding::Voice(codec)).chain(events))
    }
}

fn codecs_of(formats: &[Format]) -> Vec<Codec> {
    let codec = |format: &Format| match format.encoding {
        Encoding::Voice(codec) => Some(codec),
        _ => None,
    };
    formats.iter().filter_map(codec).collect()
}
