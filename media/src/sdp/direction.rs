//! Which way a stream flows, seen from the one who says it (RFC 3264 §5.1, §6.1).
//! Must never know whose description it stands in.

use serde::{Deserialize, Serialize};

/// The direction attribute of a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Direction {
    /// Both ways; what holds when nothing is said.
    #[default]
    SendRecv,
    /// The speaker only sends: it holds the other.
    SendOnly,
    /// The speaker only receives.
    RecvOnly,
    /// Nothing flows.
    Inactive,
}

impl Direction {
    /// The direction of one who sends or not, and receives or not.
    pub fn new(sends: bool, receives: bool) -> Self {
        match (sends, receives) {
            (true, true) => Self::SendRecv,
            (true, false) => Self::SendOnly,
            (false, true) => Self::RecvOnly,
            (false, false) => Self::Inactive,
        }
    }

    /// The speaker sends.
    pub fn is_sending(self) -> bool {
        matches!(self, Self::SendRecv | Self::SendOnly)
    }

    /// The speaker receives.
    pub fn is_receiving(self) -> bool {
        matches!(self, Self::SendRecv | Self::RecvOnly)
    }

    /// What remains of our wish when the peer says `theirs`: we send only what they receive, and the reverse.
    pub fn facing(self, theirs: Direction) -> Direction {
        Self::new(self.is_sending() && theirs.is_receiving(), self.is_receiving() && theirs.is_sending())
    }

    /// The name of the attribute.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SendRecv => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::RecvOnly => "recvonly",
            Self::Inactive => "inactive",
        }
    }

    /// The direction that an attribute of this name gives.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::SendRecv, Self::SendOnly, Self::RecvOnly, Self::Inactive]
            .into_iter()
            .find(|direction| name.eq_ignore_ascii_case(direction.as_str()))
    }
}
