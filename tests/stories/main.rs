//! The whole switch on virtual time: its machines, the letters between them, phones and a network, without a runtime.
//! A story must never depend on anything but its own lines: no clock, no socket, no randomness.
//!
//! Each story is told once without a mishap and judged by what the phones saw, the event log, what was to be heard and
//! a census of zero. Then it is told again for every commit, with everything but the committed bytes lost right after
//! it, and for every input, with one actor lost on it: the phones must not notice.

mod answering;
mod cancelling;
mod dialling;
mod endings;
mod falling;
mod forking;
mod groups;
mod holding;
mod house;
mod identities;
mod media;
mod network;
mod offers;
mod outbox;
mod outcome;
mod parcel;
mod phone;
mod post;
mod reasons;
mod records;
mod refusals;
mod registration;
mod reliability;
mod runner;
mod scripts;
mod sessions;
mod shard;
mod story;
mod together;
mod transfers;
mod weather;
mod web;
mod webhooks;
mod world;
