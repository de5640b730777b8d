//! Connection overrides: what the fragment of a webhook's URL says about time limits and retries (webhooks.md §4). Pure.
//! It must never refuse a request for a bad value: that is a finding, and the default counts.

use std::time::Duration;

use crate::twiml::finding::Finding;

/// An edge location that the original does not have.
const BAD_EDGE: u32 = 11_240;
/// An edge location behind a private interconnection, which nobody has here.
const INTERCONNECT: u32 = 11_242;
/// A time limit, count or condition of retries that is none.
const BAD_RETRY: u32 = 11_243;

/// Edge locations of the original: accepted, and without meaning for a switch that stands in one place.
const EDGES: [&str; 8] =
    ["ashburn", "dublin", "frankfurt", "sao-paulo", "singapore", "sydney", "tokyo", "umatilla"];

/// The longest that a request may take with all its tries, and what it gets unless its URL says less.
pub const LONGEST: Duration = Duration::from_secs(15);

/// How a request is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Overrides {
    /// Until a connection stands.
    pub connect: Duration,
    /// Until the first byte of the answer, and between any two.
    pub read: Duration,
    /// For everything: tries, redirects, the whole answer.
    pub total: Duration,
    /// Tries after the first.
    pub retries: u32,
    /// After what it is tried again.
    pub retry_on: RetryOn,
    /// Whether the server is told which of its names is meant, before TLS stands.
    pub sni: bool,
}

/// After what a request is tried again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct RetryOn {
    /// No connection came about.
    pub connect: bool,
    /// Nothing came in time.
    pub read: bool,
    /// An answer of 4xx.
    pub client_error: bool,
    /// An answer of 5xx.
    pub server_error: bool,
}

impl Default for Overrides {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            read: Duration::from_secs(15),
            total: LONGEST,
            retries: 1,
            retry_on: RetryOn { connect: true, ..RetryOn::default() },
            sni: true,
        }
    }
}

impl Overrides {
    /// Reads the fragment of a URL. What is no override is let alone: a fragment may have other uses.
    pub fn read(fragment: Option<&str>) -> (Self, Vec<Finding>) {
        let mut overrides = Self::default();
        let mut findings = Vec::new();
        for pair in fragment.unwrap_or_default().split('&') {
            let Some((key, value)) = pair.split_once('=') else { continue };
            if let Err(code) = overrides.set(key, value) {
                let message = format!("connection override {key}={value:.40} is ignored");
                findings.push(Finding { line: 1, column: 1, code, message });
            }
        }
        (overrides, findings)
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), u32> {
        let within = |least: u64, most: u64| {
            let number = value.parse().ok().filter(|number| (least..=most).contains(number));
            number.ok_or(BAD_RETRY)
        };
        match key {
            "ct" => self.connect = Duration::from_millis(within(100, 10_000)?),
            "rt" => self.read = Duration::from_millis(within(100, 15_000)?),
            "tt" => self.total = Duration::from_millis(within(100, 1_000 * LONGEST.as_secs())?),
            "rc" => self.retries = u32::try_from(within(0, 5)?).unwrap_or_default(),
            "rp" => self.retry_on = RetryOn::read(value).ok_or(BAD_RETRY)?,
            "sni" => {
                self.sni = match value {
                    "y" => true,
                    "n" => false,
                    _ => return Err(BAD_RETRY),
                }
            }
            "e" => value.split(',').try_for_each(edge)?,
            _ => {}
        }
        Ok(())
    }
}

impl RetryOn {
    fn read(list: &str) -> Option<Self> {
        let mut on = Self::default();
        for condition in list.split(',') {
            match condition.trim() {
                "ct" => on.connect = true,
                "rt" => on.read = true,
                "4xx" => on.client_error = true,
                "5xx" => on.server_error = true,
                "all" => on = Self { connect: true, read: true, client_error: true, server_error: true },
                _ => return None,
            }
        }
        Some(on)
    }

    /// Whether an answer of this status is a reason.
    pub fn status(self, status: u16) -> bool {
        match status {
            400..=499 => self.client_error,
            500..=599 => self.server_error,
            _ => false,
        }
    }
}

fn edge(name: &str) -> Result<(), u32> {
    match name.trim() {
        name if EDGES.contains(&name) => Ok(()),
        name if name.ends_with("-ix") => Err(INTERCONNECT),
        _ => Err(BAD_EDGE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(fragment: &str) -> Overrides {
        let (overrides, findings) = Overrides::read(Some(fragment));
        assert_eq!(findings, [], "{fragment}");
        overrides
    }

    #[test]
    fn every_override_is_read() {
        let all = read("ct=100&rt=200&tt=10000&rc=5&rp=4xx,rt&sni=n&e=ashburn,dublin");
        assert_eq!(
            all,
            Overrides {
                connect: Duration::from_millis(100),
                read: Duration::from_millis(200),
                total: Duration::from_secs(10),
                retries: 5,
                retry_on: RetryOn { client_error: true, read: true, ..RetryOn::default() },
                sni: false,
            }
        );
        assert!(all.retry_on.status(404) && !all.retry_on.status(500) && !all.retry_on.status(200));
        assert!(read("rp=all").retry_on.status(503));
    }

    #[test]
    fn without_any_the_original_defaults_count() {
        let defaults = Overrides {
            connect: Duration::from_millis(5_000),
            read: Duration::from_millis(15_000),
            total: Duration::from_millis(15_000),
            retries: 1,
            retry_on: RetryOn { connect: true, read: false, client_error: false, server_error: false },
            sni: true,
        };
        assert_eq!(Overrides::read(None), (defaults, vec![]));
        assert_eq!(read("section-2"), Overrides::default(), "a fragment may be a mere anchor");
        assert_eq!(read("x=1&"), Overrides::default());
    }

    #[test]
    fn the_bounds_are_those_of_the_reference() {
        for within in ["ct=100", "ct=10000", "rt=100", "rt=15000", "tt=100", "tt=15000", "rc=0", "rc=5"] {
            assert_eq!(Overrides::read(Some(within)).1, [], "{within}");
        }
        for beyond in ["ct=99", "ct=10001", "rt=99", "rt=15001", "tt=99", "tt=15001", "rc=6", "rc=-1"] {
            assert_eq!(Overrides::read(Some(beyond)).1.len(), 1, "{beyond}");
        }
        for (list, conditions) in [
            ("rp=4xx", [false, false, true, false]),
            ("rp=5xx", [false, false, false, true]),
            ("rp=ct", [true, false, false, false]),
            ("rp=rt", [false, true, false, false]),
            ("rp=all", [true; 4]),
        ] {
            let on = read(list).retry_on;
            assert_eq!([on.connect, on.read, on.client_error, on.server_error], conditions, "{list}");
        }
    }

    #[test]
    fn a_bad_value_is_a_finding_and_leaves_its_default_and_the_others() {
        for (bad, code) in [
            ("ct=99", BAD_RETRY),
            ("ct=10001", BAD_RETRY),
            ("rt=15001", BAD_RETRY),
            ("tt=-1", BAD_RETRY),
            ("rc=6", BAD_RETRY),
            ("rp=2xx", BAD_RETRY),
            ("rp=", BAD_RETRY),
            ("sni=maybe", BAD_RETRY),
            ("e=atlantis", BAD_EDGE),
            ("e=ashburn-ix", INTERCONNECT),
        ] {
            let (overrides, findings) = Overrides::read(Some(&format!("{bad}&rc=3&")));
            assert_eq!(findings.iter().map(|finding| finding.code).collect::<Vec<_>>(), [code], "{bad}");
            let expected = if bad == "rc=6" || !bad.starts_with("rc") { 3 } else { 1 };
            assert_eq!(overrides, Overrides { retries: expected, ..Overrides::default() }, "{bad}");
        }
    }
}
