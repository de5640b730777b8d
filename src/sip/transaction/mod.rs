//! The four transactions of RFC 3261 §17 with RFC 6026, as pure machines.
//! They must never touch a socket or a clock.
