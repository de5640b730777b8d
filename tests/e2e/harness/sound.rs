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
const FRAME_TIME: Duration = Duration::from_millis(20);
/// Root mean square, of 1, above which a frame counts as sound.
const AUDIBLE: f64 = 0.01;

/// A sine of half the full scale, as a WAV file of 16 bits, mono, 8 kHz.
pub fn tone(hertz: f64, seconds: u32) -> Vec<u8> {
    Sound::tone(hertz, Duration::from_secs(seconds.into())).wav()
}

/// What was heard: mono, 8 kHz.
#[derive(Clone, Debug)]
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
        Self::of_pcm(&pairs.iter().map(|pair| i16::from_le_bytes(*pair)).collect::<Vec<_>>())
    }

    /// The channels of a WAV file as a strict reader takes it, which believes its head.
    pub fn channels(wav: &[u8]) -> Vec<Self> {
        let reader = hound::WavReader::new(wav).expect("a WAV file");
        let spec = reader.spec();
        assert_eq!((spec.sample_rate, spec.bits_per_sample), (RATE, 16));
        let (count, samples) = (reader.len() as usize, reader.into_samples::<i16>());
        let samples: Vec<i16> = samples.map(|sample| sample.expect("a sample")).collect();
        assert_eq!(samples.len(), count, "the head says what there is");
        let channels = usize::from(spec.channels);
        let channel =
            |n| Self::of_pcm(&samples.iter().copied().skip(n).step_by(channels).collect::<Vec<_>>());
        (0..channels).map(channel).collect()
    }

    /// What an English Say of this text is to sound like, by the engine itself.
    pub fn spoken(text: &str) -> Self {
        let folder = super::folder::Folder::new();
        let file = folder.path().join("spoken.wav");
        let text = folder.write("text", text);
        let status = Command::new(tool("flite"))
            .args(["-voice", "slt", "-f"])
            .arg(text)
            .arg("-o")
            .arg(&file)
            .status()
            .expect("flite runs");
        assert!(status.success(), "flite: {status}");
        Self::read(&file)
    }

    /// A sine of half the full scale.
    pub fn tone(hertz: f64, length: Duration) -> Self {
        let sample = |n: usize| (TAU * hertz * n as f64 / f64::from(RATE)).sin() * 0.488;
        Self { samples: (0..samples(length)).map(sample).collect() }
    }

    pub fn silence(length: Duration) -> Self {
        Self { samples: vec![0.0; samples(length)] }
    }

    /// As it goes over the wire (G.711 µ-law).
    pub fn of_ulaw(bytes: &[u8]) -> Self {
        let sample = |byte: &u8| {
            let (sign, step, level) = (byte & 0x80, (!byte >> 4) & 7, i32::from(!byte & 15));
            let size = f64::from((((level << 3) + 132) << step) - 132) / 32_768.0;
            if sign == 0 { -size } else { size }
        };
        Self { samples: bytes.iter().map(sample).collect() }
    }

    pub fn of_pcm(samples: &[i16]) -> Self {
        Self { samples: samples.iter().map(|&sample| f64::from(sample) / 32_768.0).collect() }
    }

    /// One after the other.
    pub fn then(mut self, next: &Self) -> Self {
        self.samples.extend_from_slice(&next.samples);
        self
    }

    /// A file of 16 bits, mono, 8 kHz.
    pub fn wav(&self) -> Vec<u8> {
        let bytes = u32::try_from(self.samples.len() * 2).expect("stories are short");
        let mut wav = Vec::with_capacity(self.samples.len() * 2 + 44);
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
        for sample in &self.samples {
            #[expect(clippy::cast_possible_truncation, reason = "a sample is in range by its scale")]
            let sample = (sample * 32_767.0) as i16;
            wav.extend_from_slice(&sample.to_le_bytes());
        }
        wav
    }

    pub fn length(&self) -> Duration {
        Duration::from_secs_f64(self.samples.len() as f64 / f64::from(RATE))
    }

    /// From here to there.
    pub fn cut(&self, from: Duration, to: Duration) -> Self {
        let at = |time: Duration| samples(time).min(self.samples.len());
        Self { samples: self.samples[at(from)..at(to)].to_vec() }
    }

    /// Where in this one the other is to be heard, and how much it is like it there, 0 to 1: that of their tenths of a
    /// second, each of which a telephone may have moved a little.
    pub fn find(&self, other: &Self) -> (Duration, f64) {
        // Who hangs up after the last word may not have heard the silence after it.
        let padded = Self { samples: [&self.samples[..], &vec![0.0; other.samples.len()]].concat() };
        let (here, there) = (padded.loudness(), other.loudness());
        let mut places: Vec<(usize, f64)> =
            here.windows(there.len()).map(|part| likeness(part, &there)).enumerate().collect();
        places.sort_by(|one, two| two.1.total_cmp(&one.1));
        let mut found = (0, 0.0);
        for (frame, _) in places.iter().take(5) {
            let (at, likeness) = padded.compare(frame * FRAME, other);
            if likeness > found.1 {
                found = (at, likeness);
            }
            if likeness > 0.9 {
                break;
            }
        }
        let (at, likeness) = found;
        (Duration::from_secs_f64(at as f64 / f64::from(RATE)), likeness)
    }

    /// Where nearby the first audible tenth of a second of the other begins, counted back to the other's beginning, and
    /// how alike they are.
    fn compare(&self, near: usize, other: &Self) -> (usize, f64) {
        const PART: usize = RATE as usize / 10;
        let parts = other.samples.chunks_exact(PART).enumerate();
        let (mut begin, mut alike, mut all, mut shift) = (None, 0.0, 0.0, 2 * FRAME);
        for (n, part) in parts.filter(|(_, part)| is_audible(part)) {
            let earliest = (near + n * PART).saturating_sub(2 * FRAME);
            let like = |shift: usize| {
                let here = self.samples.get(earliest + shift..earliest + shift + PART)?;
                Some((shift, likeness(here, part)))
            };
            let best = |shifts: std::ops::RangeInclusive<usize>| {
                shifts.filter_map(like).max_by(|one, two| one.1.total_cmp(&two.1)).unwrap_or((shift, 0.0))
            };
            // As a rule, where the one before led to.
            let found = best(shift.saturating_sub(2)..=shift + 2);
            let found = if found.1 > 0.9 { found } else { best(0..=4 * FRAME) };
            shift = found.0;
            begin = begin.or(Some((earliest + shift).saturating_sub(n * PART)));
            let energy = energy(part);
            (alike, all) = (alike + found.1 * energy, all + energy);
        }
        (begin.unwrap_or_default(), if all == 0.0 { 0.0 } else { alike / all })
    }

    /// Root mean square, frame by frame.
    fn loudness(&self) -> Vec<f64> {
        self.frames().map(|frame| (energy(frame) / frame.len() as f64).sqrt()).collect()
    }

    /// Which of these tones was heard after the other, and for how long each.
    pub fn tones(&self, known: &[f64]) -> Vec<(f64, Duration)> {
        let mut heard: Vec<(f64, Duration)> = Vec::new();
        for frame in self.frames().filter(|frame| is_audible(frame)) {
            let share = |hertz: f64| power_at(frame, hertz) * 2.0 / frame.len() as f64 / energy(frame);
            let Some(&tone) = known.iter().find(|&&hertz| share(hertz) > 0.8) else { continue };
            match heard.last_mut() {
                Some((last, length)) if last.total_cmp(&tone).is_eq() => *length += FRAME_TIME,
                _ => heard.push((tone, FRAME_TIME)),
            }
        }
        heard
    }

    /// The part of the energy of all audible frames that lies at this frequency, 0 to 1.
    pub fn share_of(&self, hertz: f64) -> f64 {
        let (mut at, mut all) = (0.0, 0.0);
        for frame in self.frames().filter(|frame| is_audible(frame)) {
            at += power_at(frame, hertz) * 2.0 / frame.len() as f64;
            all += energy(frame);
        }
        if all == 0.0 { 0.0 } else { at / all }
    }

    /// When the first sound begins and the last one ends, to within 5 ms.
    pub fn span(&self) -> Option<(Duration, Duration)> {
        const STEP: usize = FRAME / 4;
        let is: Vec<bool> = self.samples.chunks_exact(STEP).map(is_audible).collect();
        let (first, last) = (is.iter().position(|&is| is)?, is.iter().rposition(|&is| is)?);
        let at = |step: usize| FRAME_TIME / 4 * u32::try_from(step).unwrap_or(u32::MAX);
        Some((at(first), at(last + 1)))
    }

    /// How long something was to be heard.
    pub fn audible(&self) -> Duration {
        FRAME_TIME * u32::try_from(self.frames().filter(|frame| is_audible(frame)).count()).unwrap_or(0)
    }

    /// The longest silence between the first and the last sound.
    pub fn longest_gap(&self) -> Duration {
        let audible: Vec<bool> = self.frames().map(is_audible).collect();
        let first = audible.iter().position(|&is| is);
        let last = audible.iter().rposition(|&is| is);
        let (Some(first), Some(last)) = (first, last) else { return self.length() };
        let longest = audible[first..=last].split(|&is| is).map(<[bool]>::len).max();
        FRAME_TIME * u32::try_from(longest.unwrap_or(0)).unwrap_or(u32::MAX)
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

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a time is short and not negative"
)]
fn samples(time: Duration) -> usize {
    (time.as_secs_f64() * f64::from(RATE)).round() as usize
}

fn is_audible(frame: &[f64]) -> bool {
    (energy(frame) / frame.len() as f64).sqrt() > AUDIBLE
}

fn energy(frame: &[f64]) -> f64 {
    frame.iter().map(|s| s * s).sum()
}

/// How much two vectors of one length point the same way, -1 to 1.
fn likeness(one: &[f64], two: &[f64]) -> f64 {
    let both = (energy(one) * energy(two)).sqrt();
    let product: f64 = one.iter().zip(two).map(|(one, two)| one * two).sum();
    if both == 0.0 { 0.0 } else { product / both }
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

#[test]
fn a_sentence_is_found_among_others_and_another_is_not() {
    let (one, two) = (Sound::spoken("Press 1 for the time of day."), Sound::spoken("One moment please."));
    let samples = [&one.samples[..], &[0.0; 3333], &two.samples, &[0.0; 5000]].concat();
    let both = Sound { samples };
    let (at, likeness) = both.find(&two);
    let begins = one.length() + Duration::from_secs_f64(3333.0 / f64::from(RATE));
    assert!(likeness > 0.99 && at.abs_diff(begins) < Duration::from_millis(1), "{likeness} at {at:?}");
    let (_, likeness) = both.find(&Sound::spoken("It is half past seven."));
    assert!(likeness < 0.7, "{likeness}");
}
