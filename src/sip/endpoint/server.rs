//! One server transaction of the endpoint: the machine, the request while it is unanswered, the last answer.
//! Must never reach into the endpoint: it tells effects, the endpoint carries them out.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use trunkline_media::moment::Moment;

use super::course::Course;
use super::key::{Origin, ServerKey};
use crate::ids::LegId;
use crate::sip::flow::Flow;
use crate::sip::message::{Limits, Message, Request};
use crate::sip::transaction::{Effect, Timing, invite_server::InviteServer, server};

/// A request of a peer in its course.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Server {
    pub(super) key: ServerKey,
    pub(super) owner: Option<LegId>,
    /// The way it came.
    pub(super) flow: Flow,
    /// The way answers go (RFC 3261 §18.2.2).
    pub(super) reply: Flow,
    /// The request, until it has its final answer.
    pub(super) request: Option<Request>,
    /// The CANCEL that came for it, until it has its final answer.
    pub(super) cancel: Option<Request>,
    /// The last answer, as sent.
    pub(super) answer: Option<Bytes>,
    /// By what copies of it are known that come by another way; none inside of dialogs.
    pub(super) origin: Option<Origin>,
    pub(super) course: Course<InviteServer, server::Server>,
    /// Where the agenda has it.
    #[serde(skip)]
    pub(super) scheduled: Option<Moment>,
}

/// A request as it came: what a server transaction begins with.
pub(super) struct Arrival {
    pub(super) key: ServerKey,
    pub(super) owner: Option<LegId>,
    pub(super) request: Request,
    pub(super) flow: Flow,
    pub(super) reply: Flow,
    pub(super) origin: Option<Origin>,
}

impl Server {
    /// Begins; also what is to be done first.
    pub(super) fn begin(arrival: Arrival, timing: &Timing, now: Moment) -> (Self, &'static [Effect]) {
        let Arrival { key, owner, request, flow, reply, origin } = arrival;
        let reliable = flow.transport.is_reliable();
        let (course, effects) = Course::begin(request.method(), reliable, timing, now);
        let request = Some(request);
        let server = Self {
            key,
            owner,
            flow,
            reply,
            request,
            cancel: None,
            answer: None,
            origin,
            course,
            scheduled: None,
        };
        (server, effects)
    }

    /// True for an INVITE that was answered with a 2xx: its ACK is the dialog's business (RFC 6026 §7.1).
    pub(super) fn is_accepted(&self) -> bool {
        self.course.invite() == Some(InviteServer::Accepted)
    }

    /// The To tag under which it was answered so far: a CANCEL is answered under the same (RFC 3261 §9.2).
    pub(super) fn answered_tag(&self) -> Option<String> {
        let message = Message::parse(self.answer.clone()?, &Limits::NONE).ok()?;
        message.headers().to().ok()?.tag().map(str::to_owned)
    }

    /// True for an INVITE without final answer.
    pub(super) fn is_unanswered_invite(&self) -> bool {
        self.course.invite() == Some(InviteServer::Proceeding)
    }
}
