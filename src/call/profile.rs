//! Who calls whom, as webhooks are told: the parameters that every request has (webhooks.md §2.1, §2.2). Pure.
//! It must never hold a password or a token.

use serde::{Deserialize, Serialize};
use trunkline_media::moment::Moment;

use super::country::country;
use super::dialing::status_of;
use crate::ids::LegId;
use crate::ops::events::Cause;
use crate::ops::trace::civil::Wall;
use crate::twiml::script::DialStatus;

/// The version of the API that webhooks speak.
const API_VERSION: &str = "2010-04-01";

/// Who brought a leg about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// A caller.
    Inbound,
    /// A Dial.
    OutboundDial,
}

/// How far a leg is: `CallStatus`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CallStatus {
    /// It was dialled.
    Initiated,
    /// It rings.
    Ringing,
    /// It is answered.
    InProgress,
    /// It was answered, and is over.
    Completed,
    /// It was busy.
    Busy,
    /// Nobody answered.
    NoAnswer,
    /// There was no way.
    Failed,
    /// Whoever called gave up.
    Canceled,
}

/// What is the same in every request about a leg.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// The leg.
    pub leg: LegId,
    /// The leg that dialled it.
    #[serde(default)]
    pub parent: Option<LegId>,
    /// The account.
    pub account: String,
    /// Who calls: `+…`, `client:…` or `sip:…`.
    pub from: String,
    /// Who is called.
    pub to: String,
    /// Who brought it about.
    pub direction: Direction,
    /// The wall time at a moment of the call.
    #[serde(default)]
    pub clock: WallClock,
    /// What SIP adds: domain, Call-ID, address, custom headers.
    #[serde(default)]
    pub further: Vec<(String, String)>,
}

/// A moment and the wall time of it: what a machine without a clock reads the time of day from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WallClock {
    /// The moment.
    pub at: Moment,
    /// Its wall time: microseconds since 1970.
    pub wall: u64,
}

impl WallClock {
    /// The wall time of another moment, as RFC 2822 writes it.
    pub fn stamp(&self, now: Moment) -> String {
        self.wall_at(now).rfc2822()
    }

    /// The wall time of another moment, earlier or later.
    pub fn wall_at(&self, moment: Moment) -> Wall {
        let micros = |later: Moment, earlier: Moment| later.as_micros().saturating_sub(earlier.as_micros());
        let later = self.wall.saturating_add(micros(moment, self.at));
        Wall::from_micros(later.saturating_sub(micros(self.at, moment)))
    }
}

impl CallStatus {
    /// How a leg ended, as its last callback and its record say it (webhooks.md §6).
    pub fn at_end(direction: Direction, is_answered: bool, cause: &Cause) -> Self {
        match (direction, cause) {
            _ if is_answered => Self::Completed,
            // A caller who gives up was not answered.
            (Direction::Inbound, Cause::Cancelled) => Self::NoAnswer,
            // We hung up on it: whoever called, or whoever runs the switch, has given up.
            (_, Cause::HungUp | Cause::Maintenance) => Self::Canceled,
            (_, cause) => match status_of(cause) {
                DialStatus::Busy => Self::Busy,
                DialStatus::NoAnswer => Self::NoAnswer,
                DialStatus::Canceled => Self::Canceled,
                DialStatus::Completed | DialStatus::Failed => Self::Failed,
            },
        }
    }

    /// As webhooks write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Initiated => "initiated",
            Self::Ringing => "ringing",
            Self::InProgress => "in-progress",
            Self::Completed => "completed",
            Self::Busy => "busy",
            Self::NoAnswer => "no-answer",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
        }
    }
}

impl Profile {
    /// The parameters of a request while the leg is in this state.
    pub fn parameters(&self, status: CallStatus) -> Vec<(String, String)> {
        let direction = match self.direction {
            Direction::Inbound => "inbound",
            Direction::OutboundDial => "outbound-dial",
        };
        let sid = self.leg.to_string();
        let mut all: Vec<(String, String)> = [
            ("CallSid", sid.as_str()),
            ("AccountSid", &self.account),
            ("From", &self.from),
            ("To", &self.to),
            ("Caller", &self.from),
            ("Called", &self.to),
            ("CallStatus", status.as_str()),
            ("ApiVersion", API_VERSION),
            ("Direction", direction),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        all.extend(self.parent.map(|parent| ("ParentCallSid".to_owned(), parent.to_string())));
        all.extend(places("From", "Caller", &self.from));
        all.extend(places("To", "Called", &self.to));
        all.extend(self.further.iter().cloned());
        all
    }
}

/// Where a telephone number is at home: of that no more is known than its country. Nothing for whoever has none.
fn places(side: &str, alias: &str, number: &str) -> Vec<(String, String)> {
    let Some(country) = country(number) else { return Vec::new() };
    let of = |side: &str| {
        [("City", ""), ("State", ""), ("Zip", ""), ("Country", country)]
            .map(|(name, value)| (format!("{side}{name}"), value.to_owned()))
    };
    of(side).into_iter().chain(of(alias)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_says_who_calls_whom_and_for_which_leg() {
        let leg = LegId::from_bytes([1; 16]);
        let mut profile = Profile {
            leg,
            parent: None,
            account: "AC1".into(),
            from: "sip:alice@example.com".into(),
            to: "sip:100@example.com".into(),
            direction: Direction::Inbound,
            clock: WallClock::default(),
            further: vec![("SipDomain".into(), "example.com".into())],
        };
        let value = |profile: &Profile, name: &str| {
            let all = profile.parameters(CallStatus::Ringing);
            all.into_iter().find(|(known, _)| known == name).map(|(_, value)| value)
        };
        for (name, wanted) in [
            ("CallSid", Some(leg.to_string())),
            ("AccountSid", Some("AC1".into())),
            ("From", Some("sip:alice@example.com".into())),
            ("Caller", Some("sip:alice@example.com".into())),
            ("To", Some("sip:100@example.com".into())),
            ("Called", Some("sip:100@example.com".into())),
            ("CallStatus", Some("ringing".into())),
            ("ApiVersion", Some("2010-04-01".into())),
            ("Direction", Some("inbound".into())),
            ("SipDomain", Some("example.com".into())),
            ("ParentCallSid", None),
            ("FromCountry", None),
        ] {
            assert_eq!(value(&profile, name), wanted, "{name}");
        }
        profile.from = "+4930123456".into();
        for (name, wanted) in [
            ("FromCountry", Some("DE")),
            ("CallerCountry", Some("DE")),
            ("FromCity", Some("")),
            ("CallerZip", Some("")),
            ("ToCountry", None),
        ] {
            assert_eq!(value(&profile, name).as_deref(), wanted, "{name}");
        }
        profile.parent = Some(LegId::from_bytes([2; 16]));
        profile.direction = Direction::OutboundDial;
        assert_eq!(value(&profile, "ParentCallSid"), Some(LegId::from_bytes([2; 16]).to_string()));
        assert_eq!(value(&profile, "Direction").as_deref(), Some("outbound-dial"));
    }
}
