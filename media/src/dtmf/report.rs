//! The payload of a telephone event (RFC 4733 §2.3).
//! Must never read beyond the first report: keys have pauses between them, so no packet holds two.

/// How loud our keys are said to be: 10 dB below the reference level.
const VOLUME: u8 = 10;
const END: u8 = 0x80;

/// What one packet says of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// The event's code.
    pub event: u8,
    /// Whether it is over.
    pub is_end: bool,
    /// How long it has lasted since the packet's timestamp, in ticks of it.
    pub duration: u16,
}

impl Report {
    /// Octets of a payload.
    pub const LENGTH: usize = 4;

    /// Reads a payload; `None` if it is too short.
    pub fn read(payload: &[u8]) -> Option<Report> {
        let (&[event, flags, d0, d1], _) = payload.split_first_chunk::<{ Report::LENGTH }>()?;
        let duration = u16::from_be_bytes([d0, d1]);
        Some(Report { event, is_end: flags & END != 0, duration })
    }

    /// The payload that says it.
    pub const fn octets(&self) -> [u8; Report::LENGTH] {
        let [d0, d1] = self.duration.to_be_bytes();
        [self.event, if self.is_end { END | VOLUME } else { VOLUME }, d0, d1]
    }
}
