//! SIP messages on the wire by method and status: read off the first bytes, counted by an addition.
//! It must never believe a peer: what it makes up is counted as `other`.

use std::fmt;
use std::ops::RangeInclusive;

use metrics::Counter;

use super::families::{Family, SIP_REQUESTS, SIP_RESPONSES};

/// Methods that are counted by name.
const METHODS: [&str; 14] = [
    "INVITE",
    "ACK",
    "BYE",
    "CANCEL",
    "OPTIONS",
    "REGISTER",
    "PRACK",
    "UPDATE",
    "INFO",
    "REFER",
    "NOTIFY",
    "SUBSCRIBE",
    "MESSAGE",
    "PUBLISH",
];

/// Statuses that are counted by number; others by their class.
const STATUSES: [u16; 40] = [
    100, 180, 181, 182, 183, 200, 202, 204, 300, 301, 302, 400, 401, 403, 404, 405, 406, 407, 408, 410, 415,
    420, 421, 422, 423, 480, 481, 482, 483, 484, 486, 487, 488, 491, 500, 501, 503, 504, 600, 603,
];

/// Classes of responses.
const CLASSES: RangeInclusive<u16> = 1..=6;

/// The counters of both directions.
pub(super) struct Wire {
    received: Side,
    sent: Side,
}

/// The counters of one direction.
struct Side {
    methods: Vec<Counter>,
    other_methods: Counter,
    statuses: Vec<Counter>,
    classes: Vec<Counter>,
}

impl Wire {
    /// Takes its counters from a registry.
    pub(super) fn new(register: impl Fn(&Family, &[&str]) -> Counter) -> Self {
        Self { received: Side::new(&register, "received"), sent: Side::new(&register, "sent") }
    }

    pub(super) fn received(&self, message: &[u8]) {
        self.received.count(message);
    }

    pub(super) fn sent(&self, message: &[u8]) {
        self.sent.count(message);
    }
}

impl Side {
    fn new(register: &impl Fn(&Family, &[&str]) -> Counter, direction: &str) -> Self {
        let request = |method: &str| register(&SIP_REQUESTS, &[direction, method]);
        let response = |status: String| register(&SIP_RESPONSES, &[direction, &status]);
        Self {
            methods: METHODS.into_iter().map(request).collect(),
            other_methods: request("other"),
            statuses: STATUSES.into_iter().map(|status| response(status.to_string())).collect(),
            classes: CLASSES.map(|class| response(format!("{class}xx"))).collect(),
        }
    }

    fn count(&self, message: &[u8]) {
        let counter = match message.strip_prefix(b"SIP/2.0 ") {
            Some(rest) => self.response(rest),
            None => self.request(message),
        };
        if let Some(counter) = counter {
            counter.increment(1);
        }
    }

    fn response(&self, rest: &[u8]) -> Option<&Counter> {
        let status: u16 = std::str::from_utf8(rest.get(..3)?).ok()?.parse().ok()?;
        match STATUSES.iter().position(|known| *known == status) {
            Some(place) => self.statuses.get(place),
            None => self.classes.get(usize::from((status / 100).checked_sub(1)?)),
        }
    }

    fn request(&self, message: &[u8]) -> Option<&Counter> {
        // What keeps a flow alive is no message.
        let length = message.iter().position(|byte| *byte == b' ')?;
        let method = message.get(..length).filter(|method| method.iter().all(u8::is_ascii_graphic))?;
        match METHODS.iter().position(|known| known.as_bytes() == method) {
            Some(place) => self.methods.get(place),
            None => Some(&self.other_methods),
        }
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}
