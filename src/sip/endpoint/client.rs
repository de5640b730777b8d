//! One client transaction of the endpoint: the machine, its request, and who wants to hear of it.
//! Must never reach into the endpoint: it tells effects, the endpoint carries them out.

use serde::{Deserialize, Serialize};
use trunkline_media::moment::Moment;

use super::course::Course;
use super::key::ClientKey;
use crate::ids::LegId;
use crate::sip::flow::Flow;
use crate::sip::message::{Request, Response};
use crate::sip::transaction::{Effect, Timing, client, invite_client::InviteClient};

/// A request of ours in its course.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Client {
    pub(super) key: ClientKey,
    /// `None`: nobody wants to hear of it; a 2xx to an INVITE is then an orphan.
    pub(super) owner: Option<LegId>,
    pub(super) request: Request,
    pub(super) flow: Flow,
    pub(super) cancel: Cancel,
    /// The final answer, kept for an owner that comes back without having taken note of it.
    pub(super) answer: Option<Response>,
    pub(super) course: Course<InviteClient, client::Client>,
    /// Where the agenda has it.
    #[serde(skip)]
    pub(super) scheduled: Option<Moment>,
}

/// Whether an INVITE is to be given up (RFC 3261 §9.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Cancel {
    /// It is wanted.
    No,
    /// A CANCEL is due as soon as a provisional answer shows that the peer knows the INVITE.
    Wanted {
        /// The value of its Reason header.
        reason: Option<String>,
    },
    /// The CANCEL is on its way.
    Sent,
}

impl Client {
    /// Begins; also what is to be done first.
    pub(super) fn begin(
        key: ClientKey,
        owner: Option<LegId>,
        request: Request,
        flow: Flow,
        timing: &Timing,
        now: Moment,
    ) -> (Self, &'static [Effect]) {
        let reliable = flow.transport.is_reliable();
        let (course, effects) = Course::begin(request.method(), reliable, timing, now);
        (
            Self { key, owner, request, flow, cancel: Cancel::No, answer: None, course, scheduled: None },
            effects,
        )
    }

    pub(super) fn is_invite(&self) -> bool {
        self.course.invite().is_some()
    }

    /// True for an INVITE that the peer may still answer with a 2xx, and for which a CANCEL is legal now or later.
    pub(super) fn is_unanswered_invite(&self) -> bool {
        matches!(self.course.invite(), Some(InviteClient::Calling | InviteClient::Proceeding))
    }

    /// True when a provisional answer came to an INVITE, and no final one: a CANCEL may go (RFC 3261 §9.1).
    pub(super) fn may_cancel(&self) -> bool {
        self.course.invite() == Some(InviteClient::Proceeding)
    }

    /// Whether it is an INVITE whose leg is gone.
    pub fn is_orphan(&self) -> bool {
        self.course.invite().is_some() && self.owner.is_none()
    }

    /// True while it waits for a first answer on a transport on which nothing is repeated: only then has the request
    /// to be sent again after a restart, as it may never have left.
    pub(super) fn may_have_been_lost(&self) -> bool {
        self.is_unheard() && self.flow.transport.is_reliable()
    }

    /// True while nothing shows that the peer has the request.
    pub(super) fn is_unheard(&self) -> bool {
        self.course.invite() == Some(InviteClient::Calling)
            || self.course.other() == Some(client::Client::Trying)
    }
}
