//! Entry point of the switch: arguments, configuration, runtime, signals, drain.
//! It must never hold logic of its own.

fn main() {}
