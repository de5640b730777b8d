//! Supervision: a panic fence around each actor, restart rules, handles that survive restarts.
//! It must never know what a call is.
