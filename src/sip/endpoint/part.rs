//! The endpoint in pieces: what is committed after a step, and from which it is built again.
//! Must never hold what follows from other parts: indexes and deadlines are rebuilt.

use serde::{Deserialize, Serialize};
use trunkline_media::moment::Moment;

use super::client::Client;
use super::key::{ClientKey, DialogKey, ServerKey};
use super::server::Server;
use crate::ids::LegId;

/// One piece of an endpoint's durable state.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Part {
    /// A client transaction.
    Client(Box<Client>),
    /// A client transaction that is over; its name must not begin a new one for a while.
    Spent {
        /// Its name.
        key: ClientKey,
        /// When the name is forgotten.
        until: Moment,
    },
    /// A server transaction.
    Server(Box<Server>),
    /// A dialog and its owner.
    Dialog {
        /// The dialog.
        key: DialogKey,
        /// Its owner.
        owner: LegId,
    },
}

/// The name of a part.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum PartKey {
    /// A client transaction, open or spent.
    Client(ClientKey),
    /// A server transaction.
    Server(ServerKey),
    /// A dialog.
    Dialog(DialogKey),
}

/// What became of a part since it was last asked.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Change {
    /// It is new, or it is now so.
    Put(Part),
    /// It is gone. Named even if it never was put.
    Gone(PartKey),
}

impl Part {
    /// The name under which it is kept.
    pub fn key(&self) -> PartKey {
        match self {
            Part::Client(client) => PartKey::Client(client.key.clone()),
            Part::Spent { key, .. } => PartKey::Client(key.clone()),
            Part::Server(server) => PartKey::Server(server.key.clone()),
            Part::Dialog { key, .. } => PartKey::Dialog(key.clone()),
        }
    }
}
