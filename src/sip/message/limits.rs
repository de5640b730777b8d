//! How large a message may be.
//! It must never hold a limit of zero: nothing could be received.

/// Bounds that a received message is held against before anything of it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a whole message.
    pub message: usize,
    /// Header lines, folded ones counted once.
    pub headers: usize,
    /// Via values, over all lines. One for each hop that Max-Forwards allows: RFC 4475 §3.1.1.7 has 34.
    pub vias: usize,
    /// Bytes of one header line with its continuations, or of the start line.
    pub line: usize,
}

impl Limits {
    /// No bounds: for what was already let in once, such as snapshots.
    pub const NONE: Limits =
        Limits { message: usize::MAX, headers: usize::MAX, vias: usize::MAX, line: usize::MAX };
}

impl Default for Limits {
    fn default() -> Self {
        Self { message: 65_535, headers: 128, vias: 70, line: 8_192 }
    }
}
