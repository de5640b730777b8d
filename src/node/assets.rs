//! Sounds in memory: fetched, decoded and resampled once, shared by all who hear them.
//! It must never decode on a thread that serves calls.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use dashmap::DashMap;
use trunkline_media::asset::{Asset, AudioKind};
use trunkline_media::tone::Tone;

use super::flights::Flights;
use super::house::House;
use crate::call::sound::{Sound, SoundError};
use crate::ids::RecordingSid;
use crate::webhook::{Media, code};

/// Samples kept in memory, 256 MB of them; past it all but the newest go, and what plays keeps its own.
const SAMPLES: usize = 128 << 20;

/// Sounds in memory, by key.
#[derive(Debug, Default)]
pub struct Sounds {
    kept: DashMap<String, Kept>,
    samples: AtomicUsize,
    /// Those that are being loaded.
    loading: Flights<Result<(), SoundError>>,
}

#[derive(Debug)]
struct Kept {
    asset: Arc<Asset>,
    /// Which body of its URL it was made of; that of other sounds does not change.
    version: u64,
}

impl Sounds {
    /// Forgets the files of the dialplan: they are read anew when somebody wants them. What plays keeps its own.
    pub(super) fn forget_files(&self) {
        self.retain(|key| !matches!(serde_json::from_str(key), Ok(Sound::File(_))));
    }

    /// A sound that was loaded before.
    pub fn get(&self, key: &str) -> Option<Arc<Asset>> {
        self.kept.get(key).map(|kept| Arc::clone(&kept.asset))
    }

    fn is_of(&self, key: &str, version: u64) -> bool {
        self.kept.get(key).is_some_and(|kept| kept.version == version)
    }

    fn keep(&self, key: &str, asset: Asset, version: u64) {
        let asset = Arc::new(asset.named(key));
        // Counted before it is in the table, and not counted any more after it has left: the count never runs below zero.
        self.samples.fetch_add(asset.samples.len(), Ordering::Relaxed);
        let replaced = self.kept.insert(key.to_owned(), Kept { asset, version });
        replaced.iter().for_each(|kept| self.discount(kept));
        if self.samples.load(Ordering::Relaxed) > SAMPLES {
            self.retain(|other| other == key);
        }
    }

    fn retain(&self, stays: impl Fn(&str) -> bool) {
        self.kept.retain(|key, kept| {
            let stays = stays(key);
            if !stays {
                self.discount(kept);
            }
            stays
        });
    }

    fn discount(&self, kept: &Kept) {
        self.samples.fetch_sub(kept.asset.samples.len(), Ordering::Relaxed);
    }
}

impl House {
    /// Makes a sound available under the key that names it in snapshots: whoever takes one up can fetch it anew.
    ///
    /// # Errors
    /// It cannot be had, or not be decoded.
    pub async fn fetch(self: &Arc<Self>, sound: &Sound) -> Result<String, SoundError> {
        let key = serde_json::to_string(sound).map_err(|error| SoundError::skipped(error.to_string()))?;
        // Only what stands behind a URL may have changed.
        if matches!(sound, Sound::Url(_)) || self.sounds.get(&key).is_none() {
            self.sounds.loading.join(&key, self.load(&key, sound)).await?;
        }
        Ok(key)
    }

    async fn load(self: &Arc<Self>, key: &str, sound: &Sound) -> Result<(), SoundError> {
        let (bytes, format, version) = match sound {
            Sound::Url(url) => {
                // One of our own recordings: neither the network nor a password is needed.
                if let Some(sid) = self.recording_at(url) {
                    return self.load_recording(key, sid).await;
                }
                let Media { bytes, kind, version } = self.webhooks.media(url).await?;
                if self.sounds.is_of(key, version) {
                    return Ok(());
                }
                let format = AudioKind::of(&kind, &bytes).ok_or_else(|| unknown(&kind))?;
                (bytes, format, version)
            }
            Sound::Speech { text, language, voice } => {
                let spoken = self.speech.say(text, language, voice.as_deref()).await;
                let wav = spoken.map_err(|error| SoundError::skipped(error.to_string()))?;
                (wav, AudioKind::Wav, 0)
            }
            Sound::Beep => {
                self.sounds.keep(key, Asset::from_tone(Tone::Beep, Asset::LIMIT), 0);
                return Ok(());
            }
            Sound::File(source) => {
                let (bytes, format) = self.read(source.clone()).await?;
                (bytes, format, 0)
            }
        };
        let decoded = tokio::task::spawn_blocking(move || decode(&bytes, format)).await;
        let asset = decoded.map_err(|error| error.to_string()).and_then(|asset| asset);
        let asset = asset.map_err(|why| match sound {
            Sound::Url(_) => SoundError { code: code::SOUND_TYPE, message: why },
            Sound::File(source) => SoundError::skipped(format!("{source}: {why}")),
            Sound::Speech { .. } | Sound::Beep => SoundError::skipped(why),
        })?;
        self.sounds.keep(key, asset, version);
        Ok(())
    }

    async fn load_recording(self: &Arc<Self>, key: &str, sid: RecordingSid) -> Result<(), SoundError> {
        if self.sounds.get(key).is_none() {
            let bytes = self.recorded(sid).await?;
            let decoded = tokio::task::spawn_blocking(move || decode(&bytes, AudioKind::Wav)).await;
            let asset = decoded.map_err(|error| error.to_string()).and_then(|asset| asset);
            self.sounds.keep(key, asset.map_err(SoundError::skipped)?, 0);
        }
        Ok(())
    }

    /// Reads a file of the dialplan.
    async fn read(self: &Arc<Self>, source: String) -> Result<(Bytes, AudioKind), SoundError> {
        let Some(path) = self.settings().plan.sound(&source) else {
            return Err(SoundError::skipped(format!("{source}: not a file of the dialplan")));
        };
        let named = path.clone();
        let read = tokio::task::spawn_blocking(move || std::fs::read(&path)).await;
        let bytes = read.map_err(std::io::Error::other).and_then(|read| read);
        let bytes = bytes.map_err(|error| SoundError::skipped(format!("{source}: {error}")))?;
        let format = kind_of_file(&named, &bytes);
        Ok((bytes.into(), format))
    }
}

/// What a file of the dialplan holds: its beginning tells, or else its name.
fn kind_of_file(path: &Path, bytes: &[u8]) -> AudioKind {
    let by_name = match path.extension().and_then(|kind| kind.to_str()) {
        Some("ulaw" | "ul" | "pcmu") => "audio/basic",
        Some("gsm") => "audio/gsm",
        Some("mp3") => "audio/mpeg",
        _ => "audio/wav",
    };
    AudioKind::of(by_name, bytes).unwrap_or(AudioKind::Wav)
}

fn decode(bytes: &[u8], kind: AudioKind) -> Result<Asset, String> {
    Asset::decode(bytes, kind).map_err(|error| error.to_string())
}

fn unknown(kind: &str) -> SoundError {
    SoundError { code: code::SOUND_TYPE, message: format!("{kind} is no sound that can be played") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sound_of_a_url_holds_for_one_version_of_it() {
        let sounds = Sounds::default();
        sounds.keep("key", Asset::from_samples(&[1, 2]), 7);
        assert!(sounds.is_of("key", 7) && !sounds.is_of("key", 8) && !sounds.is_of("other", 7));
        assert_eq!(sounds.get("key").map(|asset| asset.key.clone()), Some("key".to_owned()));
    }

    #[test]
    fn a_file_is_what_it_begins_with_and_what_begins_with_nothing_is_what_it_is_called() {
        let (wav, mp3) = (b"RIFF\0\0\0\0WAVEfmt ", b"ID3\x04");
        for (name, bytes, kind) in [
            ("a.wav", &wav[..], AudioKind::Wav),
            ("a.mp3", &mp3[..], AudioKind::Mpeg),
            ("a.wav", &mp3[..], AudioKind::Mpeg),
            ("a.ul", &wav[..], AudioKind::Wav),
            ("a.ul", b"\xFF\xFF", AudioKind::Ulaw),
            ("a.gsm", b"\xD0\x00", AudioKind::Gsm),
            ("a", b"", AudioKind::Wav),
        ] {
            assert_eq!(kind_of_file(Path::new(name), bytes), kind, "{name}");
        }
    }

    #[test]
    fn sounds_beyond_the_bound_make_room_and_whoever_plays_one_keeps_it() {
        let sounds = Sounds::default();
        let minute = Asset::from_samples(&[0; 480_000]);
        sounds.keep("first", minute.clone(), 0);
        let playing = sounds.get("first").expect("kept");
        (0..SAMPLES / 480_000).for_each(|number| sounds.keep(&number.to_string(), minute.clone(), 0));
        assert!(sounds.get("first").is_none());
        assert_eq!((sounds.kept.len(), playing.samples.len()), (1, 480_000));
    }

    #[test]
    fn a_sound_in_a_newer_version_and_a_file_that_is_forgotten_give_their_room_back() {
        let sounds = Sounds::default();
        let minute = Asset::from_samples(&[0; 480_000]);
        let file = |number: usize| serde_json::to_string(&Sound::File(number.to_string())).expect("a key");
        sounds.keep("first", minute.clone(), 0);
        for number in 0..SAMPLES / 480_000 {
            sounds.keep("changing", minute.clone(), number as u64);
            sounds.keep(&file(number), minute.clone(), 0);
            sounds.forget_files();
        }
        assert!(sounds.get("first").is_some(), "two minutes are all that was kept");
        assert_eq!(sounds.samples.load(Ordering::Relaxed), 2 * 480_000);
    }
}
