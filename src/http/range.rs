//! Which bytes of a file are wanted (RFC 9110 §14). Pure.
//! It must never name bytes that the file does not have.

use std::ops::Range;

/// What a Range header comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// All of it: there is no range, it is none that we understand, or there are several.
    All,
    /// These bytes; never none.
    Part(Range<u64>),
    /// No byte of the file lies in it.
    Unsatisfiable,
}

/// What a Range header wants of a file of `length` bytes.
pub(super) fn wanted(header: Option<&str>, length: u64) -> Wanted {
    let range = header.and_then(|header| header.trim().strip_prefix("bytes="));
    let Some((first, last)) = range.and_then(|range| range.trim().split_once('-')) else {
        return Wanted::All;
    };
    let number = |text: &str| match text.trim() {
        "" => Some(None),
        // A number too large for us is larger than any file.
        digits if digits.bytes().all(|digit| digit.is_ascii_digit()) => {
            Some(Some(digits.parse().unwrap_or(u64::MAX)))
        }
        _ => None,
    };
    match (number(first), number(last)) {
        (Some(Some(first)), Some(Some(last))) if first > last => Wanted::All,
        (Some(Some(first)), Some(last)) => {
            part(first, last.map_or(length, |last| last.saturating_add(1)), length)
        }
        (Some(None), Some(Some(count))) => part(length.saturating_sub(count), length, length),
        _ => Wanted::All,
    }
}

fn part(first: u64, behind: u64, length: u64) -> Wanted {
    let behind = behind.min(length);
    if first < behind { Wanted::Part(first..behind) } else { Wanted::Unsatisfiable }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_is_served_and_what_is_not_understood_means_all() {
        for (header, expected) in [
            ("bytes=0-0", Wanted::Part(0..1)),
            ("bytes=0-", Wanted::Part(0..100)),
            ("bytes=10-19", Wanted::Part(10..20)),
            (" bytes= 10 - 19 ", Wanted::Part(10..20)),
            ("bytes=90-5000", Wanted::Part(90..100)),
            ("bytes=90-99999999999999999999999", Wanted::Part(90..100)),
            ("bytes=-10", Wanted::Part(90..100)),
            ("bytes=-1000", Wanted::Part(0..100)),
            ("bytes=100-", Wanted::Unsatisfiable),
            ("bytes=99999999999999999999999-", Wanted::Unsatisfiable),
            ("bytes=-0", Wanted::Unsatisfiable),
            ("bytes=20-10", Wanted::All),
            ("bytes=0-1,5-6", Wanted::All),
            ("bytes=-", Wanted::All),
            ("bytes=a-b", Wanted::All),
            ("bytes=+1-2", Wanted::All),
            ("bytes", Wanted::All),
            ("lines=1-2", Wanted::All),
            ("", Wanted::All),
        ] {
            assert_eq!(wanted(Some(header), 100), expected, "{header}");
        }
        assert_eq!(wanted(None, 100), Wanted::All);
        assert_eq!(wanted(Some("bytes=0-"), 0), Wanted::Unsatisfiable);
    }
}
