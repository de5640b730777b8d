//! Tests that kill things.
//! Must never sleep.
