//! Sound that a story sends and hears.
//! It must never trust a length in a header: a telephone may still be writing.

use std::f64::consts::TAU;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::process::tool;

const RATE: u32 = 8000;
/// 20 ms.
const FRAME: usize = 160;
/// Root mean square, of 1, above which a frame counts as sound.
const AUDIBLE: f64 = 0.01;

/// A sine of half the full scale, as a WAV file of 16 bits, mono, 8 kHz.
pub fn tone(hertz: f64, seconds: u32) -> Vec<u8> {
    let count = seconds * RATE;
    let bytes = count * 2;
    let mut wav = Vec::with_capacity(bytes as usize + 44);
    wav.extend_from_slice(b"RIFF");
    wav.extend_from_slice(&(bytes + 36).to_le_bytes());
    wav.extend_from_slice(b"WAVEfmt ");
    wav.extend_from_slice(&16_u32.to_le_bytes());
    for half in [1_u16, 1] {
        wav.extend_from_slice(&half.to_le_bytes()); // PCM, mono
    }
    wav.extend_from_slice(&RATE.to_le_bytes());
    wav.extend_from_slice(&(RATE * 2).to_le_bytes());
    for half in [2_u16, 16] {
        wav.extend_from_slice(&half.to_le_bytes()); // bytes a frame, bits
    }
    wav.extend_from_slice(b"data");
    wav.extend_from_slice(&bytes.to_le_bytes());
    for n in 0..count {
        #[expect(clippy::cast_possible_truncation, reason = "a sample is in range by its scale")]
        let sample = ((TAU * hertz * f64::from(n) / f64::from(RATE)).sin() * 16_000.0) as i16;
        wav.extend_from_slice(&sample.to_le_bytes());
    }
    wav
}

/// What was heard: mono, 8 kHz.
#[derive(Debug)]
pub struct Sound {
    samples: Vec<f64>,
}

impl Sound {
    pub fn read(file: &Path) -> Self {
        let raw = Command::new(tool("sox"))
            .args(["--ignore-length", "-V1"])
            .arg(file)
            .args(["-t", "raw", "-r", "8000", "-c", "1", "-e", "signed", "-b", "16", "-L", "-"])
            .output()
            .expect("sox runs");
        assert!(
            raw.status.success(),
            "sox cannot read {}: {}",
            file.display(),
            String::from_utf8_lossy(&raw.stderr)
        );
        let (pairs, _) = raw.stdout.as_chunks::<2>();
        Self { samples: pairs.iter().map(|pair| f64::from(i16::from_le_bytes(*pair)) / 32_768.0).collect() }
    }

    pub fn length(&self) -> Duration {
        Duration::from_secs_f64(self.samples.len() as f64 / f64::from(RATE))
    }

    /// The part of the energy of all audible frames that lies at this frequency, 0 to 1.
    pub fn share_of(&self, hertz: f64) -> f64 {
        let (mut at, mut all) = (0.0, 0.0);
        for frame in self.frames().filter(|frame| is_audible(frame)) {
            let energy: f64 = frame.iter().map(|s| s * s).sum();
            at += power_at(frame, hertz) * 2.0 / frame.len() as f64;
            all += energy;
        }
        if all == 0.0 { 0.0 } else { at / all }
    }

    /// How long something was to be heard.
    pub fn audible(&self) -> Duration {
        Duration::from_millis(20)
            * u32::try_from(self.frames().filter(|frame| is_audible(frame)).count()).unwrap_or(0)
    }

    /// The longest silence between the first and the last sound.
    pub fn longest_gap(&self) -> Duration {
        let audible: Vec<bool> = self.frames().map(is_audible).collect();
        let first = audible.iter().position(|&is| is);
        let last = audible.iter().rposition(|&is| is);
        let (Some(first), Some(last)) = (first, last) else { return self.length() };
        let longest = audible[first..=last].split(|&is| is).map(<[bool]>::len).max();
        Duration::from_millis(20) * u32::try_from(longest.unwrap_or(0)).unwrap_or(u32::MAX)
    }

    /// Fails unless the tone was heard for that long, and hardly anything else.
    pub fn holds_tone(&self, hertz: f64, at_least: Duration) {
        let (share, audible) = (self.share_of(hertz), self.audible());
        assert!(audible >= at_least, "of {:?} only {audible:?} are audible, not {at_least:?}", self.length());
        assert!(share > 0.9, "only {share:.2} of what was heard is the tone of {hertz} Hz");
    }

    fn frames(&self) -> impl Iterator<Item = &[f64]> {
        self.samples.chunks_exact(FRAME)
    }
}

fn is_audible(frame: &[f64]) -> bool {
    (frame.iter().map(|s| s * s).sum::<f64>() / frame.len() as f64).sqrt() > AUDIBLE
}

/// Goertzel: the squared magnitude of one frequency.
fn power_at(frame: &[f64], hertz: f64) -> f64 {
    let turn = 2.0 * (TAU * hertz / f64::from(RATE)).cos();
    let (one, two) = frame.iter().fold((0.0, 0.0), |(one, two), s| (s + turn * one - two, one));
    one * one + two * two - turn * one * two
}

#[test]
fn a_tone_is_told_from_another_and_a_gap_is_measured() {
    let folder = super::folder::Folder::new();
    let mut wav = tone(1000.0, 3);
    wav[44 + 16_000..44 + 16_000 + 1600].fill(0); // 100 ms of silence after one second
    let sound = Sound::read(&folder.write("tone.wav", wav));
    sound.holds_tone(1000.0, Duration::from_millis(2800));
    assert!(sound.share_of(600.0) < 0.01);
    assert_eq!(sound.longest_gap(), Duration::from_millis(100));
}
