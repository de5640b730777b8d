//! The node: the whole switch assembled, from configuration to running actors.
//! It must never hold logic of calls: it joins the parts.

mod acceptor;
mod accounts;
mod admission;
mod admitted;
mod assets;
mod births;
mod cell;
mod connection;
mod control;
mod dialing;
mod drain;
mod fetching;
mod flights;
mod front;
pub mod gateway;
mod hosts;
mod house;
mod inspect;
pub mod limits;
mod listener;
mod lost;
pub mod metrics;
mod pace;
mod post;
mod reconcile;
mod recording;
mod records;
mod references;
mod reload;
mod screened;
mod settings;
mod shard_actor;
mod sound;
mod start;
mod tails;
mod together;
mod transmission;

pub use assets::Sounds;
pub use cell::Cell;
pub use control::Desk;
pub use house::{House, Plan};
pub use records::{CallLog, LegLog, Records};
pub use reload::{Draft, Reloader};
pub use settings::{Settings, leads_to};
pub use start::{Node, Pulse};
