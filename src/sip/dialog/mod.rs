//! Dialogs (RFC 3261 §12) and what happens inside them.
//! They must never touch a socket or a clock.

#[expect(
    clippy::module_inception,
    reason = "the folder holds what happens in dialogs, the file the dialog itself"
)]
mod dialog;
mod route;

pub use dialog::{Dialog, DialogError, Refusal};
