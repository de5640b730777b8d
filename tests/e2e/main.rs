//! End-to-end stories: the built switch with real peers, judged by tshark.
//! Nothing here may know the inside of the switch, nor pass by skipping: a missing tool fails.

// A test outside of the switch waits, reads the clock and writes to the terminal.
#![allow(clippy::disallowed_methods, clippy::print_stderr)]

mod harness;

mod bad_input;
mod calls;
mod command_line;
mod deaths;
mod dialplans;
mod draining;
mod endings;
mod faults;
mod gateway;
mod load;
mod messages;
mod operating;
mod phones;
mod poison;
mod prompts;
mod registration;
mod transfer;
mod transports;
mod upgrades;
#[path = "../webhook/validators.rs"]
mod validators;
mod webhooks;
