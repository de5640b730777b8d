//! Webhooks against receivers that behave, and against those that do all they can to hang, flood or mislead a switch.
//! Nothing here leaves the loopback interface but for the official clients, which are installed once.

mod faults;
mod official;
mod requests;
mod server;
mod sounds;
mod tls;
mod validators;
