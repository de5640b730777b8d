//! Text to audio through engines behind a trait, with a deadline and a cache.
//! It must never run on the thread of an arbiter.

mod cache;
mod engine;
pub mod espeak;
pub mod flite;

use std::collections::HashMap;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use bytes::Bytes;
use tokio::sync::{OnceCell, Semaphore};

use cache::Cache;
use espeak::Espeak;
use flite::Flite;

/// Longest text in characters.
pub const MAX_TEXT: usize = 4_096;

/// Engines that run at a time: more would only slow each other, and the calls, down.
const MAX_ENGINES: usize = 4;

/// Audio on its way: a WAV file.
pub type Synthesis<'a> = Pin<Box<dyn Future<Output = Result<Vec<u8>, SpeechError>> + Send + 'a>>;

/// An engine that speaks.
pub trait Provider: Send + Sync {
    /// Its name, for logs.
    fn name(&self) -> &str;

    /// Whether it knows a language, by its BCP 47 tag.
    fn speaks(&self, language: &str) -> bool;

    /// Speaks a text, never empty and at most [`MAX_TEXT`] characters without control characters. A voice that it does
    /// not know means the language's own. Dropping the future stops the work.
    fn synthesize<'a>(&'a self, text: &'a str, language: &'a str, voice: Option<&'a str>) -> Synthesis<'a>;
}

/// Why a text could not be spoken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpeechError {
    /// The text is empty.
    #[error("there is nothing to say")]
    Empty,
    /// The text is longer than [`MAX_TEXT`].
    #[error("the text is longer than {MAX_TEXT} characters")]
    TooLong,
    /// No engine knows the language.
    #[error("no engine speaks {0}")]
    NoVoice(String),
    /// The engine is not installed.
    #[error("{0} is not installed")]
    NotInstalled(String),
    /// The engine was not done in time, and was stopped.
    #[error("{0} took too long")]
    Late(String),
    /// The engine did not do its work.
    #[error("{engine} failed: {reason}")]
    Engine {
        /// Which.
        engine: String,
        /// How.
        reason: String,
    },
}

/// Speaks texts: each once, however many ask for it.
pub struct Speech {
    providers: Vec<Box<dyn Provider>>,
    cache: Cache,
    engines: Semaphore,
    /// Texts being spoken right now. Whoever asks for one of them waits for the same result; if the one who began is
    /// gone, another goes on.
    flights: Mutex<HashMap<String, Weak<Flight>>>,
}

type Flight = OnceCell<Result<Bytes, SpeechError>>;

/// What is spoken, and how.
struct Utterance {
    text: String,
    language: String,
    voice: Option<String>,
}

impl Speech {
    /// The engines of this switch: flite for English, espeak-ng for everything else and where flite fails. Audio is
    /// kept in `folder`, at most `limit` bytes of it.
    pub fn new(folder: &Path, limit: u64) -> Self {
        let engines: Vec<Box<dyn Provider>> =
            vec![Box::new(Flite::new(folder)), Box::new(Espeak::new(folder))];
        Self::with_providers(folder, limit, engines)
    }

    /// Engines of one's own; the first that speaks a language and does not fail is used.
    pub fn with_providers(folder: &Path, limit: u64, providers: Vec<Box<dyn Provider>>) -> Self {
        Self {
            providers,
            cache: Cache::new(PathBuf::from(folder), limit),
            engines: Semaphore::new(MAX_ENGINES),
            flights: Mutex::default(),
        }
    }

    /// A WAV file of the spoken text.
    ///
    /// # Errors
    /// The text is empty or too long, no engine speaks the language, or all that do fail.
    pub async fn say(&self, text: &str, language: &str, voice: Option<&str>) -> Result<Bytes, SpeechError> {
        let text = text.replace(char::is_control, " ").trim().to_owned();
        if text.is_empty() {
            return Err(SpeechError::Empty);
        }
        if text.chars().count() > MAX_TEXT {
            return Err(SpeechError::TooLong);
        }
        let said = Utterance { text, language: language.to_owned(), voice: voice.map(str::to_owned) };
        let key = said.key();
        let flight = self.flight(&key);
        flight.get_or_init(|| self.find_or_speak(&key, &said)).await.clone()
    }

    /// The flight that all who ask for `key` at this time share.
    fn flight(&self, key: &str) -> Arc<Flight> {
        let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = flights.get(key).and_then(Weak::upgrade) {
            return flight;
        }
        flights.retain(|_, flight| flight.strong_count() > 0);
        let flight = Arc::new(Flight::new());
        flights.insert(key.to_owned(), Arc::downgrade(&flight));
        flight
    }

    async fn find_or_speak(&self, key: &str, said: &Utterance) -> Result<Bytes, SpeechError> {
        if let Some(kept) = self.cache.get(key).await {
            return Ok(kept);
        }
        let spoken = Bytes::from(self.speak(said).await?);
        self.cache.put(key, spoken.clone()).await;
        Ok(spoken)
    }

    /// Asks the engines in turn.
    async fn speak(&self, said: &Utterance) -> Result<Vec<u8>, SpeechError> {
        let mut outcome = Err(SpeechError::NoVoice(said.language.clone()));
        // Held while the engines run; the semaphore is never closed, so that an error only means less order.
        let _turn = self.engines.acquire().await;
        for provider in self.providers.iter().filter(|provider| provider.speaks(&said.language)) {
            match provider.synthesize(&said.text, &said.language, said.voice.as_deref()).await {
                Ok(audio) => return Ok(audio),
                Err(error) => {
                    tracing::warn!(engine = provider.name(), %error, "speech engine failed");
                    outcome = Err(error);
                }
            }
        }
        outcome
    }
}

impl Utterance {
    /// Names the audio: hex of a SHA-256 over all that it depends on.
    fn key(&self) -> String {
        use sha2::{Digest, Sha256};
        let parts = [self.language.as_str(), self.voice.as_deref().unwrap_or_default(), self.text.as_str()];
        let mut hash = Sha256::new();
        for part in parts {
            // With its length, so that no two sets of parts run into the same bytes.
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Whether a voice's name is that of a man: the engines here have one of each.
fn is_man(voice: &str) -> bool {
    const MEN: [&str; 21] = [
        "arthur", "brian", "daniel", "enrique", "geraint", "giorgio", "gregory", "hans", "jacek", "joey",
        "justin", "kevin", "mathieu", "matthew", "maxim", "miguel", "ricardo", "ruben", "russell", "stephen",
        "takumi",
    ];
    let name = voice.strip_prefix("Polly.").unwrap_or(voice).to_ascii_lowercase();
    let name = name.split('-').next().unwrap_or_default();
    name == "man" || MEN.contains(&name)
}

#[cfg(test)]
mod tests;
