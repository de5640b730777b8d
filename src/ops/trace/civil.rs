//! Wall time for people: a count of microseconds as date and time of day, UTC.
//! It must never know a time zone: two machines print the same moment alike.

use std::fmt;

const SECOND: u64 = 1_000_000;
const DAY: u64 = 86_400 * SECOND;

/// A moment of civil time, UTC. Prints as `2026-11-24 10:31:07`, with `{:.3}` as `2026-11-24 10:31:07.204`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wall {
    year: u64,
    month: u64,
    day: u64,
    /// Microseconds since midnight.
    time: u64,
}

impl Wall {
    /// The civil time of this many microseconds since 1970-01-01 UTC.
    pub const fn from_micros(micros: u64) -> Self {
        // Counted from 0000-03-01, so that the leap day is the last one of a year; an era is 400 years.
        let days = micros / DAY + 719_468;
        let (era, of_era) = (days / 146_097, days % 146_097);
        let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let march_month = (5 * of_year + 2) / 153;
        let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
        Self {
            year: era * 400 + year + (month <= 2) as u64,
            month,
            day: of_year - (153 * march_month + 2) / 5 + 1,
            time: micros % DAY,
        }
    }
}

impl Wall {
    /// As logs and records write it (RFC 3339 §5.6), to the millisecond: `2026-11-24T10:31:07.204Z`.
    pub fn rfc3339(&self) -> String {
        format!("{}Z", format!("{self:.3}").replace(' ', "T"))
    }

    /// As mail and webhooks write it (RFC 2822 §3.3): `Tue, 24 Nov 2026 10:31:07 +0000`.
    pub fn rfc2822(&self) -> String {
        const DAYS: [&str; 7] = ["Sat", "Sun", "Mon", "Tue", "Wed", "Thu", "Fri"];
        const MONTHS: [&str; 12] =
            ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let Self { year, month, day, time } = self;
        // Zeller's congruence: January and February count as months of the year before.
        let (m, y) = if *month < 3 { (month + 12, year - 1) } else { (*month, *year) };
        let weekday = (day + 13 * (m + 1) / 5 + y + y / 4 - y / 100 + y / 400) % 7;
        let name = |names: &[&'static str], at: u64| {
            usize::try_from(at).ok().and_then(|at| names.get(at).copied()).unwrap_or_default()
        };
        let seconds = time / SECOND;
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        let (weekday, month) = (name(&DAYS, weekday), name(&MONTHS, month - 1));
        format!("{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} +0000")
    }
}

impl fmt::Display for Wall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { year, month, day, time } = self;
        let (seconds, micros) = (time / SECOND, time % SECOND);
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        write!(f, "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")?;
        match f.precision() {
            Some(_) => write!(f, ".{:03}", micros / 1000),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_right_at_the_corners_of_the_calendar() {
        for (seconds, printed) in [
            (0, "1970-01-01 00:00:00"),
            (951_782_399, "2000-02-28 23:59:59"),
            (951_782_400, "2000-02-29 00:00:00"),
            (951_868_800, "2000-03-01 00:00:00"),
            (1_735_689_599, "2024-12-31 23:59:59"),
            (4_107_542_400, "2100-03-01 00:00:00"),
        ] {
            assert_eq!(Wall::from_micros(seconds * SECOND).to_string(), printed);
        }
        assert_eq!(format!("{:.3}", Wall::from_micros(1_764_000_123_456_789)), "2025-11-24 16:02:03.456");
        assert_eq!(Wall::from_micros(1_764_000_123_456_789).rfc3339(), "2025-11-24T16:02:03.456Z");
        for (seconds, printed) in [
            (0, "Thu, 01 Jan 1970 00:00:00 +0000"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 +0000"),
            (1_764_000_123, "Mon, 24 Nov 2025 16:02:03 +0000"),
            (1_735_689_599, "Tue, 31 Dec 2024 23:59:59 +0000"),
        ] {
            assert_eq!(Wall::from_micros(seconds * SECOND).rfc2822(), printed);
        }
        assert!(!Wall::from_micros(u64::MAX).to_string().is_empty());
    }
}
