//! What kind of sound some bytes are: by what they begin with, and by what their sender says.
//! Must never take a page for a sound: what neither tells is none.

use std::fmt;

/// A format that prompts come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AudioKind {
    /// RIFF WAVE: linear, floating point, G.711 or GSM 06.10.
    Wav,
    /// MPEG audio, layer 3.
    Mpeg,
    /// AIFF, and AIFF-C where it is linear, floating point or G.711.
    Aiff,
    /// Raw µ-law, one channel at 8 kHz.
    Ulaw,
    /// Raw GSM 06.10 full rate.
    Gsm,
}

/// Media types, without their parameters.
const TYPES: [(&str, AudioKind); 18] = [
    ("audio/wav", AudioKind::Wav),
    ("audio/wave", AudioKind::Wav),
    ("audio/x-wav", AudioKind::Wav),
    ("audio/vnd.wave", AudioKind::Wav),
    ("audio/mpeg", AudioKind::Mpeg),
    ("audio/mp3", AudioKind::Mpeg),
    ("audio/mpeg3", AudioKind::Mpeg),
    ("audio/x-mpeg", AudioKind::Mpeg),
    ("audio/aiff", AudioKind::Aiff),
    ("audio/x-aiff", AudioKind::Aiff),
    ("audio/x-aifc", AudioKind::Aiff),
    ("audio/ulaw", AudioKind::Ulaw),
    ("audio/x-mulaw", AudioKind::Ulaw),
    ("audio/basic", AudioKind::Ulaw),
    ("audio/mulaw", AudioKind::Ulaw),
    ("audio/pcmu", AudioKind::Ulaw),
    ("audio/gsm", AudioKind::Gsm),
    ("audio/x-gsm", AudioKind::Gsm),
];

/// Types that say nothing.
const VAGUE: [&str; 3] = ["", "application/octet-stream", "binary/octet-stream"];

impl AudioKind {
    /// The kind of a body with this media type: one of the accepted types, or one that says nothing and a beginning
    /// that does. Where both speak, the beginning is believed.
    pub fn of(mime: &str, bytes: &[u8]) -> Option<AudioKind> {
        let mime = mime.split(';').next().unwrap_or_default().trim();
        let is = |name: &&str| name.eq_ignore_ascii_case(mime);
        let said = TYPES.iter().find(|(name, _)| is(name)).map(|(_, kind)| *kind);
        if said.is_none() && !VAGUE.iter().any(is) {
            return None;
        }
        Self::sniff(bytes).or(said)
    }

    fn sniff(bytes: &[u8]) -> Option<AudioKind> {
        match bytes {
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'A', b'V', b'E', ..] => Some(AudioKind::Wav),
            [b'F', b'O', b'R', b'M', _, _, _, _, b'A', b'I', b'F', b'F' | b'C', ..] => Some(AudioKind::Aiff),
            [b'I', b'D', b'3', ..] => Some(AudioKind::Mpeg),
            // A frame of layer 3 whose bit rate and sampling rate are ones; raw µ-law may well begin with 0xFF 0xFF.
            [0xFF, second, third, ..]
                if second & 0xE6 == 0xE2
                    && third & 0xF0 != 0xF0
                    && third & 0x0C != 0x0C
                    && third & 0xF0 != 0 =>
            {
                Some(AudioKind::Mpeg)
            }
            _ => None,
        }
    }
}

impl fmt::Display for AudioKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            AudioKind::Wav => "wav",
            AudioKind::Mpeg => "mp3",
            AudioKind::Aiff => "aiff",
            AudioKind::Ulaw => "µ-law",
            AudioKind::Gsm => "gsm",
        })
    }
}
