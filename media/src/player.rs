//! One playing of a prompt: where it is and when it ends.
//! Must never own the samples: a snapshot names them by key.

use serde::{Deserialize, Serialize};

use crate::asset::Asset;

/// A playing of a prompt as a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Playback {
    activity: u64,
    /// The key of the asset, for whoever takes up a snapshot.
    key: String,
    /// How often in all; 0 is for ever.
    loops: u32,
    lap: u32,
    /// The next sample of this lap.
    place: usize,
    /// Samples played in all.
    played: u64,
    progress: Progress,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Progress {
    Playing,
    /// The last frame is out, but not heard yet.
    Drained,
    Ended,
}

impl Playback {
    /// A playing from the first sample.
    pub fn new(activity: u64, key: &str, loops: u32) -> Self {
        let key = key.to_owned();
        Playback { activity, key, loops, lap: 0, place: 0, played: 0, progress: Progress::Playing }
    }

    /// Whether this is the playing of that name; with another prompt it is another one.
    pub fn is_of(&self, activity: u64, asset: &Asset) -> bool {
        self.activity == activity && self.key == asset.key
    }

    /// Which playing this is.
    pub const fn activity(&self) -> u64 {
        self.activity
    }

    /// The asset that it needs.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Whether it is over.
    pub fn has_ended(&self) -> bool {
        self.progress == Progress::Ended
    }

    /// How long it has played, in milliseconds.
    pub const fn played_ms(&self) -> u64 {
        self.played / 8
    }

    /// Fills the next frame, the rest with silence; `true` once, on the first call after the last sample was given.
    pub fn fill(&mut self, asset: &Asset, frame: &mut [i16]) -> bool {
        frame.fill(0);
        match self.progress {
            Progress::Playing => {
                self.play(&asset.samples, frame);
                false
            }
            Progress::Drained => {
                self.progress = Progress::Ended;
                true
            }
            Progress::Ended => false,
        }
    }

    fn play(&mut self, samples: &[i16], mut frame: &mut [i16]) {
        while !frame.is_empty() {
            let rest = samples.get(self.place..).unwrap_or_default();
            let length = rest.len().min(frame.len());
            let (filled, open) = frame.split_at_mut(length);
            filled.copy_from_slice(rest.get(..length).unwrap_or_default());
            frame = open;
            self.place += length;
            self.played += length as u64;
            if self.place >= samples.len() && !self.rewind(samples) {
                return;
            }
        }
    }

    /// Begins the next lap; an empty prompt has none.
    fn rewind(&mut self, samples: &[i16]) -> bool {
        self.lap = self.lap.saturating_add(1);
        if samples.is_empty() || (self.loops != 0 && self.lap >= self.loops) {
            self.progress = Progress::Drained;
            return false;
        }
        self.place = 0;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asset(samples: &[i16]) -> Asset {
        Asset::from_samples(samples)
    }

    #[test]
    fn loops_join_inside_a_frame_and_the_end_is_told_once() {
        let asset = asset(&[1, 2, 3]);
        let mut playback = Playback::new(1, "three", 2);
        let mut frame = [9; 4];
        assert!(!playback.fill(&asset, &mut frame));
        assert_eq!(frame, [1, 2, 3, 1]);
        assert!(!playback.fill(&asset, &mut frame));
        assert_eq!(frame, [2, 3, 0, 0]);
        assert!(playback.fill(&asset, &mut frame), "the last sample has been heard");
        assert!(!playback.fill(&asset, &mut frame));
        assert!(playback.has_ended());
    }

    #[test]
    fn an_endless_prompt_never_ends_and_an_empty_one_ends_at_once() {
        let mut endless = Playback::new(1, "hum", 0);
        let hum = asset(&[7; 100]);
        let mut frame = [0; 160];
        for _ in 0..1000 {
            assert!(!endless.fill(&hum, &mut frame));
            assert_eq!(frame, [7; 160]);
        }
        let mut empty = Playback::new(2, "nothing", 0);
        assert!(!empty.fill(&asset(&[]), &mut frame));
        assert!(empty.fill(&asset(&[]), &mut frame));
    }
}
