//! Dialogs (RFC 3261 §12) and what happens inside them.
//! They must never touch a socket or a clock.
