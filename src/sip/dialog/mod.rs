//! Dialogs (RFC 3261 §12) and what happens inside them.
//! They must never touch a socket or a clock.

#[expect(
    clippy::module_inception,
    reason = "the folder holds what happens in dialogs, the file the dialog itself"
)]
mod dialog;
mod provisionals;
mod route;
mod session_timer;

pub use dialog::{Dialog, DialogError, Refusal};
pub use provisionals::{Heard, Overdue, Provisionals, RELIABLE, is_reliable};
pub use session_timer::{Refresher, SessionPolicy, SessionTimer, TIMER};
