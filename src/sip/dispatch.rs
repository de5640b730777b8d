//! What passes between the endpoint machine and the owners of dialogs.
//! It must never carry anything but data: each value here may lie in a snapshot.

use serde::{Deserialize, Serialize};

use super::dialog::{RELIABLE, TIMER};
use super::endpoint::{ClientKey, DialogKey, FailureCause, ServerKey};
use super::flow::Flow;
use super::message::{Request, Response};

/// The methods that a leg understands, as told in `Allow`.
pub const ALLOW: &str = "INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, PRACK, UPDATE, REFER";

/// The extensions that a leg understands, as told in `Supported`.
pub const SUPPORTED: &str = "100rel, timer";

/// The same one by one: a request may require them.
pub const EXTENSIONS: [&str; 2] = [RELIABLE, TIMER];

/// From the endpoint to a leg.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Delivery {
    /// A new request inside one of its dialogs.
    Request {
        /// Names the server transaction, for the response.
        key: ServerKey,
        /// What was asked.
        request: Request,
        /// How it came.
        flow: Flow,
    },
    /// The ACK of a 2xx.
    Ack {
        /// It may bring the answer to a late offer.
        request: Request,
    },
    /// The INVITE of this transaction is given up by its sender. The CANCEL itself is answered.
    Cancelled {
        /// Names the transaction of the INVITE.
        key: ServerKey,
        /// The CANCEL, which may tell a reason.
        request: Request,
    },
    /// A response to one of its requests.
    Response {
        /// Names the client transaction.
        key: ClientKey,
        /// What was answered.
        response: Response,
        /// How it came.
        flow: Flow,
    },
    /// One of its requests will not be answered.
    Failed {
        /// Names the client transaction.
        key: ClientKey,
        /// Why.
        cause: FailureCause,
    },
}

/// From a leg to the endpoint. Each can be repeated: keys come from the leg's snapshot.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Errand {
    /// Send this request in a transaction of its own, named by its branch.
    Request {
        /// What to ask.
        request: Request,
        /// Along which way.
        flow: Flow,
    },
    /// Answer the request of this transaction.
    Respond {
        /// Names the server transaction.
        key: ServerKey,
        /// The answer.
        response: Response,
    },
    /// Send the ACK of a 2xx.
    Ack {
        /// The ACK.
        request: Request,
        /// Along which way.
        flow: Flow,
    },
    /// Give up this INVITE, when the rules allow (RFC 3261 §9.1).
    Cancel {
        /// Names the client transaction.
        key: ClientKey,
        /// A Reason header for it.
        reason: Option<String>,
    },
    /// Requests inside this dialog are mine.
    Bind {
        /// The dialog.
        dialog: DialogKey,
    },
    /// I am gone: whatever is still open is yours to bring to its end.
    Abandon,
}
