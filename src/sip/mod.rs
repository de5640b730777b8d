//! SIP: messages, transactions, dialogs, the endpoint machine; and the edges that carry them.
//! Everything but `shard` and `transport` is pure: it must never touch a socket, a clock or a task.

pub mod auth;
pub mod dialog;
pub mod dispatch;
pub mod endpoint;
pub mod flow;
pub mod message;
pub mod shard;
pub mod stateless;
pub mod transaction;
pub mod transport;
