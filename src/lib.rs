//! Trunkline: a self-hosted programmable voice cloud.
//! This file is the map; it must never hold logic.
//!
//! Pure machines (level 0, no I/O, no clock, no randomness): [`sip`], [`twiml`], [`routing`], [`config`],
//! [`ids`] and the `trunkline-media` crate. Above them the actors and edges that execute what the machines decide.

pub mod call;
pub mod callbacks;
pub mod config;
pub mod http;
pub mod ids;
pub mod journal;
pub mod keeper;
pub mod ledger;
pub mod leg;
pub mod node;
pub mod ops;
pub mod recorded;
pub mod recording;
pub mod registrar;
pub mod routing;
pub mod sip;
pub mod speech;
pub mod supervision;
pub mod twiml;
pub mod webhook;
