//! A session description as it came, lossless: the wire format under the typed view of its streams.
//! Must never refuse what a deployed phone sends as long as its meaning is plain.

use bytes::Bytes;
use sdp_types::Session;

use super::error::SdpError;
use super::mend::mend;
use super::stream::Stream;

/// No description of a phone call comes near 64 kB.
pub(super) const MAX_BYTES: usize = 64 * 1024;
const MAX_STREAMS: usize = 32;
const MAX_FORMATS: usize = 64;

/// A parsed session description; what it does not know it keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description(Session);

impl Description {
    /// Reads a description, after mending what devices are known to get wrong.
    ///
    /// # Errors
    /// When the text is beyond mending, or larger than 64 kB, 32 streams or 64 formats a stream.
    pub fn parse(text: &[u8]) -> Result<Self, SdpError> {
        if text.len() > MAX_BYTES {
            return Err(SdpError::TooLong(text.len()));
        }
        let session = Session::parse(mend(text).as_bytes())?;
        if session.medias.len() > MAX_STREAMS {
            return Err(SdpError::TooManyStreams(session.medias.len()));
        }
        let formats = session.medias.iter().map(|media| media.fmt.split_whitespace().count());
        match formats.max() {
            Some(most) if most > MAX_FORMATS => Err(SdpError::TooManyFormats(most)),
            _ => Ok(Self(session)),
        }
    }

    /// The description in its canonical order of lines (RFC 8866 §5), attributes untouched.
    pub fn to_bytes(&self) -> Bytes {
        write(&self.0)
    }

    /// The streams, in the order of their m-lines.
    pub fn streams(&self) -> impl ExactSizeIterator<Item = Stream<'_>> {
        self.0.medias.iter().map(|media| Stream::new(&self.0, media))
    }

    /// The untyped layer below.
    pub fn session(&self) -> &Session {
        &self.0
    }
}

/// The text of `session`.
pub(super) fn write(session: &Session) -> Bytes {
    let mut text = Vec::with_capacity(512);
    session.write(&mut text).expect("writing into a Vec never fails");
    text.into()
}
