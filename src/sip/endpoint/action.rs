//! What the endpoint asks of those around it.
//! Must never hold a reference into the endpoint: actions outlive the step that made them.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::key::{ClientKey, ServerKey};
use crate::ids::LegId;
use crate::sip::flow::Flow;
use crate::sip::message::{Request, Response};

/// One thing to do, in the order in which it is polled.
#[derive(Clone, Debug)]
pub enum Action {
    /// Bytes for the transport.
    Transmit {
        /// The way they go.
        flow: Flow,
        /// One message.
        bytes: Bytes,
    },
    /// A request that nobody has seen yet. An INVITE gets its 100 from the endpoint if no answer comes in time.
    Incoming {
        /// Under which name to answer it.
        key: ServerKey,
        /// As it came, with `received` and `rport` filled in (RFC 3581).
        request: Request,
        /// The way it came.
        flow: Flow,
        /// The leg that owns its dialog. Without one it is outside of dialogs, and somebody has to adopt it.
        owner: Option<LegId>,
    },
    /// The ACK of a 2xx.
    Ack {
        /// The leg that owns the dialog.
        owner: LegId,
        /// The ACK, perhaps with an answer.
        request: Request,
    },
    /// The peer gave up an INVITE that has no final answer. The CANCEL is answered; the INVITE waits for its 487.
    Cancelled {
        /// The INVITE.
        key: ServerKey,
        /// Whose it is.
        owner: Option<LegId>,
        /// The CANCEL, for its Reason.
        request: Request,
    },
    /// An answer to a request of ours. Of a 2xx to INVITE every one, repeated and forked ones too (RFC 6026).
    Response {
        /// The leg that asked.
        owner: LegId,
        /// The request.
        key: ClientKey,
        /// The answer.
        response: Response,
        /// The way it came.
        flow: Flow,
    },
    /// A request of ours will get no answer.
    Failed {
        /// The leg that asked.
        owner: LegId,
        /// The request.
        key: ClientKey,
        /// Why.
        cause: FailureCause,
    },
    /// The ACK of a failure that we answered came.
    Confirmed {
        /// The INVITE.
        key: ServerKey,
        /// Whose it is.
        owner: Option<LegId>,
    },
    /// The ACK of a failure that we answered never came (Timer H).
    Unconfirmed {
        /// The INVITE.
        key: ServerKey,
        /// Whose it is.
        owner: Option<LegId>,
    },
}

impl Action {
    /// The leg to which this is told; `None` for what goes to the network or to whoever adopts it.
    pub fn owner(&self) -> Option<LegId> {
        match self {
            Action::Transmit { .. } => None,
            Action::Ack { owner, .. } | Action::Response { owner, .. } | Action::Failed { owner, .. } => {
                Some(*owner)
            }
            Action::Incoming { owner, .. }
            | Action::Cancelled { owner, .. }
            | Action::Confirmed { owner, .. }
            | Action::Unconfirmed { owner, .. } => *owner,
        }
    }

    /// True for what is told about this request of ours.
    pub(super) fn answers(&self, request: &ClientKey) -> bool {
        matches!(self, Action::Response { key, .. } | Action::Failed { key, .. } if key == request)
    }
}

/// Why a request got no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum FailureCause {
    /// Nothing came in time: treated as a 408 (RFC 3261 §8.1.3.1).
    Timeout,
    /// The peer cannot be reached: treated as a 503.
    Transport,
}

/// No server transaction has that name (any more).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such server transaction")]
pub struct UnknownTransaction;

/// How much is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Census {
    /// Client transactions.
    pub client: usize,
    /// Server transactions.
    pub server: usize,
    /// Dialogs.
    pub dialogs: usize,
    /// INVITE client transactions that outlive their leg.
    pub orphans: usize,
}
