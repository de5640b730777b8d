//! Text to audio through engines behind a trait, with a deadline and a cache.
//! It must never run on the thread of an arbiter.
