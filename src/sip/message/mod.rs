//! The SIP message layer: lossless on bytes, lazily typed (RFC 3261 §7, §25).
//! It must never panic on what the network sends, and never change what it passes on.
