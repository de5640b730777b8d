//! The timeline of one recording: blocks of its channels find their places, frames come out in order. Pure.
//! It must never change a frame that it has handed out, nor hold more than its horizon.

use std::collections::VecDeque;

use trunkline_media::tap::Block;

/// Frames in a second: one sample of each channel makes a frame.
pub(super) const RATE: u64 = 8_000;

/// How long a frame waits for late blocks: half a second.
pub(super) const HORIZON: u64 = RATE / 2;

/// Frames handed out in one go. A long hole comes in many, so that its silence never lies in memory.
const GO: u64 = RATE;

/// Sides of a call that a frame has room for.
const SIDES: usize = 2;

/// How the sides of a call become the channels of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channels {
    /// All sides are added into one.
    Mono,
    /// Each side has its own.
    Dual,
}

impl Channels {
    /// How many there are in the file.
    pub const fn count(self) -> u8 {
        match self {
            Channels::Mono => 1,
            Channels::Dual => 2,
        }
    }

    /// Bytes of a frame in the file.
    pub(super) const fn frame_bytes(self) -> u64 {
        self.count() as u64 * 2
    }
}

/// Frames that are not yet written. A hole is silence.
#[derive(Clone, Debug)]
pub(super) struct Timeline {
    channels: Channels,
    /// How many frames were handed out: the place of the first one held.
    settled: u64,
    held: VecDeque<[i16; SIDES]>,
    misplaced: u64,
}

impl Timeline {
    pub(super) const fn new(channels: Channels) -> Self {
        Self { channels, settled: 0, held: VecDeque::new(), misplaced: 0 }
    }

    /// Before the first block: so many frames were handed out in an earlier life.
    pub(super) fn skip(&mut self, frames: u64) {
        self.settled = frames;
    }

    /// The place behind the last frame.
    pub(super) fn end(&self) -> u64 {
        self.settled + self.held.len() as u64
    }

    /// Samples that came too late for their place, or for a side that there is not.
    pub(super) const fn misplaced(&self) -> u64 {
        self.misplaced
    }

    /// Puts the samples of a block where they belong; what thereby can no longer change is appended to `out`. `false`:
    /// a long hole lies before it, of which one go is in `out`; the block is to be offered again.
    #[must_use]
    pub(super) fn place(&mut self, block: &Block, out: &mut Vec<u8>) -> bool {
        let samples = block.samples.get(..usize::from(block.length)).unwrap_or(&block.samples);
        let side = usize::from(block.channel);
        if side >= SIDES {
            self.misplaced += samples.len() as u64;
            return true;
        }
        let behind = block.position.saturating_add(samples.len() as u64);
        if !self.settle(behind.saturating_sub(HORIZON), out) {
            return false;
        }
        for (sample, at) in samples.iter().zip(block.position..) {
            // Less than a horizon ahead, by what was just settled.
            let Some(place) = at.checked_sub(self.settled).and_then(|place| usize::try_from(place).ok())
            else {
                self.misplaced += 1;
                continue;
            };
            if place >= self.held.len() {
                self.held.resize(place + 1, [0; SIDES]);
            }
            if let Some(slot) = self.held.get_mut(place).and_then(|frame| frame.get_mut(side)) {
                *slot = *sample;
            }
        }
        true
    }

    /// Hands out the frames before `until`, as little-endian samples of the file's channels, and says whether that was
    /// all of them.
    #[must_use]
    pub(super) fn settle(&mut self, until: u64, out: &mut Vec<u8>) -> bool {
        for _ in 0..until.saturating_sub(self.settled).min(GO) {
            let frame = self.held.pop_front().unwrap_or_default();
            self.settled += 1;
            match (self.channels, frame) {
                (Channels::Mono, [one, other]) => out.extend(one.saturating_add(other).to_le_bytes()),
                (Channels::Dual, [one, other]) => {
                    out.extend(one.to_le_bytes());
                    out.extend(other.to_le_bytes());
                }
            }
        }
        self.settled >= until
    }
}

#[cfg(test)]
mod tests {
    use trunkline_media::tap::BLOCK;

    use super::*;

    fn block(channel: u8, position: u64, length: u16, value: i16) -> Block {
        Block { channel, position, length, samples: [value; BLOCK] }
    }

    /// Everything that comes out of the blocks, as samples.
    fn heard(channels: Channels, blocks: &[Block]) -> (Vec<i16>, Timeline) {
        let (mut timeline, mut out) = (Timeline::new(channels), Vec::new());
        for block in blocks {
            while !timeline.place(block, &mut out) {}
        }
        while !timeline.settle(timeline.end(), &mut out) {}
        (out.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect(), timeline)
    }

    fn run(value: i16, count: usize) -> Vec<i16> {
        vec![value; count]
    }

    #[test]
    fn blocks_lie_at_their_positions_whatever_their_order_and_holes_are_silent() {
        let (samples, _) =
            heard(Channels::Mono, &[block(0, 480, 160, 3), block(0, 0, 160, 1), block(0, 200, 100, 2)]);
        assert_eq!(samples, [run(1, 160), run(0, 40), run(2, 100), run(0, 180), run(3, 160)].concat());
    }

    #[test]
    fn two_sides_are_added_in_one_channel_and_loud_ones_do_not_wrap() {
        let (samples, _) = heard(
            Channels::Mono,
            &[block(0, 0, 160, 30_000), block(1, 80, 160, 20_000), block(1, 240, 10, -5)],
        );
        assert_eq!(samples, [run(30_000, 80), run(i16::MAX, 80), run(20_000, 80), run(-5, 10)].concat());
    }

    #[test]
    fn two_sides_stay_apart_in_two_channels_and_in_step() {
        let (samples, _) = heard(Channels::Dual, &[block(1, 2, 2, 9), block(0, 0, 3, 7)]);
        assert_eq!(samples, [7, 0, 7, 0, 7, 9, 0, 9]);
    }

    #[test]
    fn a_frame_waits_half_a_second_for_the_other_side_and_then_no_longer() {
        let (mut timeline, mut out) = (Timeline::new(Channels::Mono), Vec::new());
        assert!(timeline.place(&block(0, 0, 160, 1), &mut out));
        assert!(timeline.place(&block(0, HORIZON - 160, 160, 1), &mut out));
        assert!(out.is_empty(), "all of it may still change");
        assert!(timeline.place(&block(0, HORIZON, 160, 1), &mut out));
        assert_eq!(out.len(), 320, "the first 20 ms are settled");
        assert!(timeline.place(&block(1, 80, 160, 5), &mut out));
        assert_eq!((out.len(), timeline.misplaced()), (320, 80), "half of it came too late");
        assert!(timeline.place(&block(2, 400, 160, 5), &mut out));
        assert_eq!((timeline.misplaced(), timeline.end()), (240, HORIZON + 160), "there is no third side");
    }

    #[test]
    fn the_same_samples_twice_are_heard_once() {
        let (samples, _) = heard(Channels::Mono, &[block(0, 0, 160, 100), block(0, 0, 160, 100)]);
        assert_eq!(samples, run(100, 160));
    }

    #[test]
    fn in_a_later_life_it_goes_on_behind_what_was_handed_out_and_changes_nothing_of_that() {
        let (mut timeline, mut out) = (Timeline::new(Channels::Mono), Vec::new());
        timeline.skip(1_000);
        assert_eq!(timeline.end(), 1_000);
        assert!(timeline.place(&block(0, 900, 160, 1), &mut out));
        assert!(timeline.place(&block(0, 1_100, 160, 2), &mut out));
        assert!(timeline.settle(timeline.end(), &mut out));
        let samples: Vec<_> =
            out.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
        assert_eq!(samples, [run(1, 60), run(0, 40), run(2, 160)].concat());
        assert_eq!(timeline.misplaced(), 100);
    }

    #[test]
    fn an_hour_of_nothing_never_lies_in_memory() {
        let (mut timeline, mut out) = (Timeline::new(Channels::Dual), Vec::new());
        let (mut bytes, mut longest) = (0, 0);
        while !timeline.place(&block(0, 3_600 * RATE, 160, 1), &mut out) {
            longest = longest.max(out.len());
            bytes += out.len() as u64;
            out.clear();
        }
        assert!(longest as u64 <= GO * 4, "{longest} bytes at once");
        assert_eq!(bytes + out.len() as u64, (3_600 * RATE + 160 - HORIZON) * 4);
        assert!(timeline.held.len() as u64 <= HORIZON);
    }

    #[test]
    fn nonsense_neither_panics_nor_grows() {
        let (mut timeline, mut out) = (Timeline::new(Channels::Mono), Vec::new());
        assert!(!timeline.place(&block(0, u64::MAX, 160, 1), &mut out), "it waits behind a hole without end");
        assert!(out.len() as u64 <= GO * 2);
        assert!(timeline.place(&Block { length: u16::MAX, ..block(0, GO, 0, 1) }, &mut out));
        assert_eq!(timeline.end(), GO + BLOCK as u64);
    }
}
