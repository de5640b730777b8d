//! Sounds in memory: fetched, decoded and resampled once, shared by all who hear them.
//! It must never decode on a thread that serves calls.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use dashmap::DashMap;
use trunkline_media::asset::Asset;
use trunkline_media::tone::Tone;

use super::house::House;
use crate::call::sound::{Sound, SoundError};
use crate::ids::RecordingSid;
use crate::webhook::{Media, code};

/// Samples kept in memory, 256 MB of them; past it the table is emptied, and what plays keeps its own.
const SAMPLES: usize = 128 << 20;

/// Sounds in memory, by key.
#[derive(Debug, Default)]
pub struct Sounds {
    kept: DashMap<String, Kept>,
    samples: AtomicUsize,
}

#[derive(Debug)]
struct Kept {
    asset: Arc<Asset>,
    /// Which body of its URL it was made of; that of other sounds does not change.
    version: u64,
}

/// How a file holds its sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Wav,
    Mulaw,
}

impl Sounds {
    /// A sound that was loaded before.
    pub fn get(&self, key: &str) -> Option<Arc<Asset>> {
        self.kept.get(key).map(|kept| Arc::clone(&kept.asset))
    }

    /// Forgets the files of the dialplan: they are read anew when somebody wants them. What plays keeps its own.
    pub(super) fn forget_files(&self) {
        self.kept.retain(|key, _| !matches!(serde_json::from_str(key), Ok(Sound::File(_))));
    }

    fn is_of(&self, key: &str, version: u64) -> bool {
        self.kept.get(key).is_some_and(|kept| kept.version == version)
    }

    fn keep(&self, key: String, asset: Asset, version: u64) {
        let samples = asset.samples.len();
        if self.samples.fetch_add(samples, Ordering::Relaxed) + samples > SAMPLES {
            self.samples.store(samples, Ordering::Relaxed);
            self.kept.clear();
        }
        let asset = Arc::new(asset.named(key.clone()));
        self.kept.insert(key, Kept { asset, version });
    }
}

impl House {
    /// Makes a sound available under the key that names it in snapshots: whoever takes one up can fetch it anew.
    ///
    /// # Errors
    /// It cannot be had, or not be decoded.
    pub async fn fetch(self: &Arc<Self>, sound: &Sound) -> Result<String, SoundError> {
        let key = serde_json::to_string(sound).map_err(|error| SoundError::skipped(error.to_string()))?;
        let (bytes, format, version) = match sound {
            Sound::Url(url) => {
                // One of our own recordings: neither the network nor a password is needed.
                if let Some(sid) = self.recording_at(url) {
                    return self.fetch_recording(key, sid).await;
                }
                let Media { bytes, kind, version } = self.webhooks.media(url).await?;
                if self.sounds.is_of(&key, version) {
                    return Ok(key);
                }
                (bytes, format_of(&kind).ok_or_else(|| undecodable(&kind))?, version)
            }
            _ if self.sounds.get(&key).is_some() => return Ok(key),
            Sound::Speech { text, language, voice } => {
                let spoken = self.speech.say(text, language, voice.as_deref()).await;
                let wav = spoken.map_err(|error| SoundError::skipped(error.to_string()))?;
                (wav, Format::Wav, 0)
            }
            Sound::Beep => {
                self.sounds.keep(key.clone(), beep(), 0);
                return Ok(key);
            }
            Sound::File(source) => {
                let (bytes, format) = self.read(source.clone()).await?;
                (bytes, format, 0)
            }
        };
        let decoded = tokio::task::spawn_blocking(move || format.decode(&bytes)).await;
        let asset = decoded.map_err(|error| error.to_string()).and_then(|asset| asset);
        let asset = asset.map_err(|why| match sound {
            Sound::Url(url) => SoundError {
                code: code::SOUND_TYPE,
                message: format!("{}: {why}", crate::webhook::shown(url)),
            },
            Sound::File(source) => SoundError::skipped(format!("{source}: {why}")),
            Sound::Speech { .. } | Sound::Beep => SoundError::skipped(why),
        })?;
        self.sounds.keep(key.clone(), asset, version);
        Ok(key)
    }

    async fn fetch_recording(self: &Arc<Self>, key: String, sid: RecordingSid) -> Result<String, SoundError> {
        if self.sounds.get(&key).is_none() {
            let bytes = self.recorded(sid).await?;
            let decoded = tokio::task::spawn_blocking(move || Format::Wav.decode(&bytes)).await;
            let asset = decoded.map_err(|error| error.to_string()).and_then(|asset| asset);
            self.sounds.keep(key.clone(), asset.map_err(SoundError::skipped)?, 0);
        }
        Ok(key)
    }

    /// Reads a file of the dialplan.
    async fn read(self: &Arc<Self>, source: String) -> Result<(Bytes, Format), SoundError> {
        let Some(path) = self.settings().plan.sound(&source) else {
            return Err(SoundError::skipped(format!("{source}: not a file of the dialplan")));
        };
        let format = Format::of_file(&path);
        let read = tokio::task::spawn_blocking(move || std::fs::read(&path)).await;
        let bytes = read.map_err(std::io::Error::other).and_then(|read| read);
        let bytes = bytes.map_err(|error| SoundError::skipped(format!("{source}: {error}")))?;
        Ok((bytes.into(), format))
    }
}

/// The tone after which a caller speaks.
fn beep() -> Asset {
    let samples = Tone::Beep.length().and_then(|samples| usize::try_from(samples).ok()).unwrap_or(0);
    let mut beep = vec![0; samples];
    Tone::Beep.fill(0, &mut beep);
    Asset::from_samples(&beep)
}

impl Format {
    fn of_file(path: &Path) -> Self {
        match path.extension().and_then(|kind| kind.to_str()) {
            Some("ulaw" | "ul" | "pcmu") => Self::Mulaw,
            _ => Self::Wav,
        }
    }

    fn decode(self, bytes: &[u8]) -> Result<Asset, String> {
        let asset = match self {
            Self::Wav => Asset::from_wav(bytes),
            Self::Mulaw => Asset::from_mulaw(bytes),
        };
        asset.map_err(|error| error.to_string())
    }
}

/// The format behind a content type of Play.
fn format_of(kind: &str) -> Option<Format> {
    match kind {
        "audio/wav" | "audio/wave" | "audio/x-wav" | "audio/vnd.wave" => Some(Format::Wav),
        "audio/ulaw" | "audio/basic" | "audio/pcmu" | "audio/mulaw" | "audio/x-mulaw" => Some(Format::Mulaw),
        _ => None,
    }
}

fn undecodable(kind: &str) -> SoundError {
    SoundError { code: code::SOUND_TYPE, message: format!("{kind} cannot be decoded yet") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sound_of_a_url_holds_for_one_version_of_it() {
        let sounds = Sounds::default();
        sounds.keep("key".to_owned(), Asset::from_samples(&[1, 2]), 7);
        assert!(sounds.is_of("key", 7) && !sounds.is_of("key", 8) && !sounds.is_of("other", 7));
        assert_eq!(sounds.get("key").map(|asset| asset.key.clone()), Some("key".to_owned()));
    }

    #[test]
    fn sounds_beyond_the_bound_make_room_and_whoever_plays_one_keeps_it() {
        let sounds = Sounds::default();
        let minute = Asset::from_samples(&[0; 480_000]);
        sounds.keep("first".to_owned(), minute.clone(), 0);
        let playing = sounds.get("first").expect("kept");
        (0..SAMPLES / 480_000).for_each(|number| sounds.keep(number.to_string(), minute.clone(), 0));
        assert!(sounds.get("first").is_none());
        assert_eq!((sounds.kept.len(), playing.samples.len()), (1, 480_000));
    }
}
