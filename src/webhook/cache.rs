//! Sounds that were fetched, as long as their servers allow (RFC 9111, as far as one client of GET needs it).
//! It must never hand out what its server wants to be asked about first, nor grow beyond its bound.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::Media;

/// Bytes kept, with all that belongs to them; past it the sound that was not asked for longest goes.
const LIMIT: usize = 64 << 20;

/// What an entry counts for besides its bytes, in bytes: what it takes itself, and so much that there are never so many
/// that looking for the oldest takes long.
const ENTRY: usize = 4 << 10;

/// No sound counts as fresh for longer, whatever its server says: operators change their announcements.
const FRESHEST: Duration = Duration::from_secs(24 * 3600);

/// What an answer says about how long it holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Validators {
    pub etag: Option<String>,
    pub last_modified: Option<String>,
    pub cache_control: Option<String>,
}

/// A sound that was fetched.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub media: Media,
    pub validators: Validators,
    fresh_until: Instant,
}

impl Entry {
    pub fn new(media: Media, validators: Validators, now: Instant) -> Self {
        let fresh_until = now + validators.freshness();
        Self { media, validators, fresh_until }
    }

    /// Whether it may be used without asking.
    pub fn is_fresh(&self, now: Instant) -> bool {
        now < self.fresh_until
    }

    /// Its server says that it still holds.
    pub fn renewed(mut self, said: &Validators, now: Instant) -> Self {
        if said.cache_control.is_some() {
            self.validators.cache_control.clone_from(&said.cache_control);
        }
        if said.etag.is_some() {
            self.validators.etag.clone_from(&said.etag);
        }
        Self::new(self.media, self.validators, now)
    }

    /// It holds as long as there is room for it: nobody will be asked about it.
    pub fn lasting(self, now: Instant) -> Self {
        let cache_control = Some(format!("max-age={}", FRESHEST.as_secs()));
        Self::new(self.media, Validators { cache_control, ..Validators::default() }, now)
    }

    fn is_worth_keeping(&self) -> bool {
        let Validators { etag, last_modified, .. } = &self.validators;
        !self.validators.says("no-store")
            && (etag.is_some() || last_modified.is_some() || !self.validators.freshness().is_zero())
    }
}

impl Validators {
    fn directives(&self) -> impl Iterator<Item = &str> {
        self.cache_control.iter().flat_map(|header| header.split(',')).map(str::trim)
    }

    fn says(&self, directive: &str) -> bool {
        self.directives().any(|said| said.eq_ignore_ascii_case(directive))
    }

    fn freshness(&self) -> Duration {
        if self.says("no-cache") || self.says("no-store") {
            return Duration::ZERO;
        }
        let age = self.directives().find_map(|said| {
            let (name, value) = said.split_once('=')?;
            name.trim()
                .eq_ignore_ascii_case("max-age")
                .then(|| value.trim().trim_matches('"').parse().ok())?
        });
        age.map_or(Duration::ZERO, Duration::from_secs).min(FRESHEST)
    }
}

/// Sounds by URL.
#[derive(Debug, Default)]
pub(super) struct Cache {
    shelf: Mutex<Shelf>,
    /// Bodies that were fetched, whether kept or not.
    versions: AtomicU64,
}

#[derive(Debug, Default)]
struct Shelf {
    entries: HashMap<String, (u64, Entry)>,
    bytes: usize,
    /// Counts look-ups: who has the smallest was not asked for longest.
    clock: u64,
}

impl Cache {
    /// Names one more body.
    pub fn next_version(&self) -> u64 {
        1 + self.versions.fetch_add(1, Ordering::Relaxed)
    }

    pub fn get(&self, url: &str) -> Option<Entry> {
        let mut shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        shelf.clock += 1;
        let clock = shelf.clock;
        let (asked, entry) = shelf.entries.get_mut(url)?;
        *asked = clock;
        Some(entry.clone())
    }

    pub fn put(&self, url: String, entry: Entry) {
        let mut shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        shelf.remove(&url);
        let size = size(&url, &entry);
        if !entry.is_worth_keeping() || size > LIMIT {
            return;
        }
        shelf.clock += 1;
        let clock = shelf.clock;
        shelf.bytes += size;
        shelf.entries.insert(url, (clock, entry));
        while shelf.bytes > LIMIT {
            let oldest =
                shelf.entries.iter().min_by_key(|(_, (asked, _))| *asked).map(|(url, _)| url.clone());
            let Some(oldest) = oldest else { return };
            shelf.remove(&oldest);
        }
    }
}

/// What an entry under this URL takes.
fn size(url: &str, entry: &Entry) -> usize {
    let Validators { etag, last_modified, cache_control } = &entry.validators;
    let texts = [etag, last_modified, cache_control].into_iter().flatten().map(String::len).sum::<usize>();
    ENTRY + url.len() + texts + entry.media.kind.len() + entry.media.bytes.len()
}

impl Shelf {
    fn remove(&mut self, url: &str) {
        if let Some((_, entry)) = self.entries.remove(url) {
            self.bytes -= size(url, &entry);
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn entry(cache_control: Option<&str>, etag: Option<&str>, length: usize, now: Instant) -> Entry {
        let media = Media { bytes: Bytes::from(vec![0; length]), kind: "audio/wav".to_owned(), version: 1 };
        let validators = Validators {
            etag: etag.map(str::to_owned),
            last_modified: None,
            cache_control: cache_control.map(str::to_owned),
        };
        Entry::new(media, validators, now)
    }

    #[tokio::test]
    async fn a_sound_is_fresh_as_long_as_its_server_says() {
        let now = Instant::now();
        let second = Duration::from_secs(1);
        for (said, fresh) in [
            (Some("public, max-age=60"), 60),
            (Some("Max-Age=\"60\""), 60),
            (Some("max-age=60, no-cache"), 0),
            (Some("no-store"), 0),
            (Some("max-age=-1"), 0),
            (Some("max-age=99999999999"), 86_400),
            (None, 0),
        ] {
            let entry = entry(said, Some("x"), 1, now);
            let lasts = |seconds: u32| entry.is_fresh(now + second * seconds - Duration::from_millis(1));
            assert_eq!((fresh == 0 || lasts(fresh), lasts(fresh + 1)), (true, false), "{said:?}");
        }
    }

    #[tokio::test]
    async fn what_may_not_be_kept_or_could_never_be_renewed_is_not_kept() {
        let (cache, now) = (Cache::default(), Instant::now());
        for (url, said, etag, is_kept) in [
            ("a", Some("no-store"), Some("x"), false),
            ("b", None, None, false),
            ("c", None, Some("x"), true),
            ("d", Some("max-age=1"), None, true),
        ] {
            cache.put(url.to_owned(), entry(said, etag, 1, now));
            assert_eq!(cache.get(url).is_some(), is_kept, "{url}");
        }
        cache.put("c".to_owned(), entry(Some("no-store"), None, 1, now));
        assert!(cache.get("c").is_none(), "the older one is not kept either");
    }

    /// Four of them fill the cache, with what else is counted.
    const A_QUARTER: usize = LIMIT / 4 - (8 << 10);

    #[tokio::test]
    async fn empty_sounds_and_long_urls_take_room_as_well() {
        let (cache, now) = (Cache::default(), Instant::now());
        cache.put("first".to_owned(), entry(None, Some("x"), 0, now));
        for number in 0..64 {
            cache.put(format!("{number}{}", "x".repeat(1 << 20)), entry(None, Some("x"), 0, now));
        }
        assert!(cache.get("first").is_none());
        let most = LIMIT / ENTRY;
        for number in 0..=most {
            cache.put(number.to_string(), entry(None, Some("x"), 0, now));
        }
        let shelf = cache.shelf.lock().expect("no test panics with it");
        assert!(shelf.entries.len() < most && shelf.bytes <= LIMIT);
        assert!(shelf.entries.contains_key(&most.to_string()), "the newest is there");
    }

    #[tokio::test]
    async fn what_was_not_asked_for_longest_makes_room() {
        let (cache, now) = (Cache::default(), Instant::now());
        for number in 0..4 {
            cache.put(number.to_string(), entry(None, Some("x"), A_QUARTER, now));
        }
        cache.get("0");
        cache.put("4".to_owned(), entry(None, Some("x"), A_QUARTER, now));
        let kept: Vec<bool> = (0..5).map(|number| cache.get(&number.to_string()).is_some()).collect();
        assert_eq!(kept, [true, false, true, true, true]);
    }

    #[tokio::test]
    async fn a_renewed_sound_is_fresh_again_under_the_new_terms() {
        let now = Instant::now();
        let later = now + Duration::from_secs(100);
        let renewed = entry(Some("max-age=10"), Some("x"), 1, now).renewed(&Validators::default(), later);
        assert!(renewed.is_fresh(later + Duration::from_secs(9)));
        let said = Validators { cache_control: Some("no-cache".to_owned()), ..Validators::default() };
        assert!(!renewed.renewed(&said, later).is_fresh(later));
    }
}
