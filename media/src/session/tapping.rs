//! A session's tap: what is received becomes blocks with their places, until silence, a limit or the plan ends it.
//! Must never tell an end twice to who did not ask twice.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::receive::{Heard, Kind};
use super::{Event, Session};
use crate::codec::Codec;
use crate::moment::{Moment, earliest};
use crate::rtp::Incoming;
use crate::tap::{BLOCK, Block, Loudness, Ring, Tap, TapEnd, Timeline, is_loud};

/// The last tap of a session: it outlives the plan, so that its activity can go on or be known as ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tapping {
    activity: u64,
    channel: u8,
    origin: Moment,
    /// In samples, as all that follows.
    silence: Option<u64>,
    limit: Option<u64>,
    timeline: Timeline,
    loudness: Loudness,
    /// Since when comfort noise stands for the sound.
    comfort: Option<u64>,
    end: Option<End>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct End {
    reason: TapEnd,
    samples: u64,
}

impl Session {
    /// Puts what was heard into the ring of the plan's tap, at its place in the recording.
    pub fn record(&mut self, heard: &Heard<'_>, now: Moment, ring: &Ring) {
        // Keys are nobody's business but the script's, nor are their tones.
        let is_key = self.listening.presses.covers(heard.place.timestamp);
        let Some(tapping) = self.tapping.as_mut().filter(|tapping| tapping.end.is_none()) else { return };
        match heard.kind {
            Kind::Audio(codec) => tapping.take(codec, &heard.place, heard.payload, now, is_key, ring),
            Kind::Comfort => tapping.comfort = tapping.comfort.or(Some(tapping.time(now))),
            Kind::Event => {}
        }
        self.expire_tap(now);
    }

    /// Ends what would not end by itself; to be called before the session is given up.
    pub fn close(&mut self, now: Moment) {
        if let Some(tapping) = self.tapping.as_mut().filter(|tapping| tapping.end.is_none()) {
            tapping.stop(TapEnd::Stopped, now);
            self.tell_tap();
        }
    }

    /// Whether there is a tap that has not ended.
    pub(super) fn is_tapped(&self) -> bool {
        self.tapping.as_ref().is_some_and(|tapping| tapping.end.is_none())
    }

    /// Takes up the tap of a plan. The same one goes on, or its end is told again.
    pub(super) fn tap(&mut self, tap: Option<&Tap>, now: Moment) {
        let same = self.tapping.as_mut().zip(tap).filter(|(tapping, tap)| tapping.activity == tap.activity);
        if let Some((tapping, tap)) = same {
            (tapping.silence, tapping.limit) = (tap.silence.map(samples), tap.limit.map(samples));
            return self.tell_tap();
        }
        self.close(now);
        if let Some(tap) = tap {
            self.tapping = Some(Tapping::new(tap));
        }
    }

    /// When time alone ends the tap.
    pub(super) fn tap_deadline(&self) -> Option<Moment> {
        self.tapping.as_ref().filter(|tapping| tapping.end.is_none()).and_then(Tapping::deadline)
    }

    /// Ends the tap if its time has come.
    pub(super) fn expire_tap(&mut self, now: Moment) {
        let Some(tapping) = self.tapping.as_mut().filter(|tapping| tapping.end.is_none()) else { return };
        if tapping.is_silent(now) {
            tapping.stop(TapEnd::Silence, now);
        } else if tapping.limit.is_some_and(|limit| tapping.time(now) >= limit) {
            tapping.stop(TapEnd::Limit, now);
        }
        self.tell_tap();
    }

    fn tell_tap(&mut self) {
        let Some(Tapping { activity, loudness, end: Some(end), .. }) = self.tapping else { return };
        let (session, voiced) = (self.id, loudness.is_voiced);
        let End { reason, samples } = end;
        self.tell(Event::TapEnded { session, activity, end: reason, samples, voiced });
    }
}

impl Tapping {
    fn new(tap: &Tap) -> Self {
        Tapping {
            activity: tap.activity,
            channel: tap.channel,
            origin: tap.origin,
            silence: tap.silence.map(samples),
            limit: tap.limit.map(samples),
            timeline: Timeline::default(),
            loudness: Loudness::default(),
            comfort: None,
            end: None,
        }
    }

    fn take(
        &mut self,
        codec: Codec,
        place: &Incoming,
        payload: &[u8],
        now: Moment,
        is_key: bool,
        ring: &Ring,
    ) {
        let arrival = self.time(now);
        if let Some(since) = self.comfort.take() {
            self.loudness.hear(arrival.saturating_sub(since), false);
        }
        let mut block = Block { channel: self.channel, position: 0, length: 0, samples: [0; BLOCK] };
        let mut kept = None;
        for (n, octets) in payload.chunks(BLOCK).enumerate() {
            let samples = block.samples.get_mut(..octets.len()).unwrap_or_default();
            codec.decode(octets, samples);
            let is_loud = is_loud(samples);
            if !is_key {
                self.loudness.hear(octets.len() as u64, is_loud);
            }
            // A packet has one place: that of its first block.
            kept = if n == 0 { self.timeline.place(place, arrival, !is_loud) } else { kept };
            let Some(place) = kept.filter(|_| !is_key) else { continue };
            let (from, skip) = (n * BLOCK, place.skip.saturating_sub(n * BLOCK));
            block.position = (place.position + from as u64).saturating_sub(place.skip.min(from) as u64);
            block.length = octets.len() as u16;
            self.push(block, skip, ring);
        }
    }

    /// Pushes a block without its first samples and without what lies beyond the limit.
    fn push(&self, mut block: Block, skip: usize, ring: &Ring) {
        let end = usize::from(block.length);
        if skip >= end {
            return;
        }
        block.samples.copy_within(skip..end, 0);
        let room = self.limit.map_or(u64::MAX, |limit| limit.saturating_sub(block.position));
        block.length = ((end - skip) as u64).min(room) as u16;
        if let Some(unused) = block.samples.get_mut(block.length.into()..) {
            unused.fill(0);
        }
        if block.length > 0 {
            ring.push(block);
        }
    }

    /// Samples since the recording's origin.
    fn time(&self, now: Moment) -> u64 {
        samples(now.since(self.origin))
    }

    /// Whether it has been silent for as long as was said.
    fn is_silent(&self, now: Moment) -> bool {
        let comfort = self.comfort.map_or(0, |since| self.time(now).saturating_sub(since));
        self.silence.is_some_and(|silence| comfort >= self.loudness.until(silence))
    }

    fn deadline(&self) -> Option<Moment> {
        let moment = |place: u64| self.origin + Duration::from_micros(place.saturating_mul(125));
        let silence = self.silence.zip(self.comfort);
        let silence = silence.map(|(silence, since)| since.saturating_add(self.loudness.until(silence)));
        earliest(silence.map(moment), self.limit.map(moment))
    }

    fn stop(&mut self, reason: TapEnd, now: Moment) {
        let samples = self.time(now).min(self.limit.unwrap_or(u64::MAX));
        self.end = Some(End { reason, samples });
    }
}

/// Samples at 8 kHz of a span of time.
fn samples(span: Duration) -> u64 {
    u64::try_from(span.as_micros() / 125).unwrap_or(u64::MAX)
}
