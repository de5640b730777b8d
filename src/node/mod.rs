//! The node: the whole switch assembled, from configuration to running actors.
//! It must never hold logic of calls: it joins the parts.

mod admission;
mod admitted;
mod births;
mod cell;
mod control;
mod dialing;
mod fetching;
pub mod gateway;
mod hosts;
mod house;
pub mod limits;
mod listener;
mod lost;
mod pace;
mod post;
mod reconcile;
mod recording;
mod records;
mod shard_actor;
mod sound;
mod start;

pub use cell::Cell;
pub use house::{House, Plan, Sounds};
pub use records::{CallLog, LegLog, Records};
pub use start::Node;
