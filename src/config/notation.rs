//! How the configuration writes what TOML has no type for: spans of time, and `auto`.
//! Must never guess: a number without a unit is refused.

use std::ops::Range;
use std::time::Duration;

/// The units of a span of time, the largest first, with their length in milliseconds.
const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Reads a span such as `30s`, `500ms`, `2m`, `4h` or `1d`.
pub fn read_span(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(digits)?;
    let (_, length) = UNITS.iter().find(|(name, _)| *name == unit.trim_start())?;
    number.parse::<u64>().ok()?.checked_mul(*length).map(Duration::from_millis)
}

/// Writes a span in the largest unit that holds it exactly; what is finer than a millisecond is cut off.
pub(super) fn write_span(span: Duration) -> String {
    let millis = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    if millis == 0 {
        return "0s".into();
    }
    let exact = UNITS.iter().find(|(_, length)| millis % length == 0);
    exact.map_or_else(|| format!("{millis}ms"), |(unit, length)| format!("{}{unit}", millis / length))
}

/// The line, from 1, in which a span of bytes begins.
pub(super) fn line_of(text: &str, span: Option<Range<usize>>) -> usize {
    let until = span.map_or(0, |span| span.start);
    1 + text.bytes().take(until).filter(|byte| *byte == b'\n').count()
}

/// Serde for a [`Duration`] as `30s`.
pub(super) mod span {
    use std::borrow::Cow;
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer, de};

    pub fn serialize<S: Serializer>(span: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&super::write_span(*span))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        super::read_span(&text).ok_or_else(|| {
            de::Error::custom("a span of time is a whole number and ms, s, m, h or d, such as \"30s\"")
        })
    }
}

/// Serde for an option whose absence is written `auto`, so that every key shows in the effective configuration.
pub(super) mod auto {
    use std::borrow::Cow;
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::{Deserialize, Deserializer, Serializer, de};

    const AUTO: &str = "auto";

    pub fn serialize<T: Display, S: Serializer>(value: &Option<T>, serializer: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => serializer.collect_str(value),
            None => serializer.serialize_str(AUTO),
        }
    }

    pub fn deserialize<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        if text == AUTO { Ok(None) } else { text.parse().map(Some).map_err(de::Error::custom) }
    }
}

/// As [`auto`], for a path: those print only by way of `display`.
pub(super) mod auto_path {
    use std::path::PathBuf;

    use serde::{Deserializer, Serializer};

    use super::auto;

    pub fn serialize<S: Serializer>(path: &Option<PathBuf>, serializer: S) -> Result<S::Ok, S::Error> {
        auto::serialize(&path.as_ref().map(|path| path.display()), serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PathBuf>, D::Error> {
        auto::deserialize::<String, _>(deserializer).map(|path| path.map(PathBuf::from))
    }
}
