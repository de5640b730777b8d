//! The head of a WAV file of 16-bit samples at 8 kHz, and the file behind it that is only ever appended to. Edge.
//! It must never say more in the head than lies behind it: the file can be read whenever the process dies.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use super::timeline::{Channels, RATE};

/// Bytes before the first sample.
pub(super) const HEAD: u64 = 44;

/// The most that the sizes of a WAV file can say, in whole frames.
const FULL: u64 = (u32::MAX as u64 - HEAD) & !3;

/// A file that grows.
#[derive(Debug)]
pub(super) struct Growing {
    file: Arc<File>,
    channels: Channels,
    /// Bytes of sound.
    bytes: u64,
}

impl Growing {
    /// Begins an empty file.
    pub(super) fn begin(file: File, channels: Channels) -> io::Result<Self> {
        file.write_all_at(&head(channels, 0), 0)?;
        Ok(Self { file: Arc::new(file), channels, bytes: 0 })
    }

    /// Goes on with a file that was [`repair`]ed: there are `bytes` of sound in it.
    pub(super) fn resume(file: File, channels: Channels, bytes: u64) -> Self {
        Self { file: Arc::new(file), channels, bytes }
    }

    /// Frames in the file.
    pub(super) fn frames(&self) -> u64 {
        self.bytes / self.channels.frame_bytes()
    }

    /// Appends whole frames, then says in the head that they are there.
    ///
    /// # Errors
    /// The disk says no, or the file is as long as a WAV file can be. What was there before can still be read.
    pub(super) fn append(&mut self, frames: &[u8]) -> io::Result<()> {
        let bytes = self.bytes + frames.len() as u64;
        if bytes > FULL {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "a WAV file holds no more than 4 GiB"));
        }
        self.file.write_all_at(frames, HEAD + self.bytes)?;
        self.file.write_all_at(&head(self.channels, bytes), 0)?;
        self.bytes = bytes;
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn replace(&mut self, file: File) {
        self.file = Arc::new(file);
    }

    /// The file, for whoever makes it durable.
    pub(super) fn file(&self) -> Arc<File> {
        Arc::clone(&self.file)
    }
}

/// Writes the head for `bytes` of sound into a file that has them.
pub(super) fn write_head(file: &File, channels: Channels, bytes: u64) -> io::Result<()> {
    file.write_all_at(&head(channels, bytes.min(FULL)), 0)
}

/// Makes the head of a file agree with its length, which is cut to whole frames, and says what it holds. `None`: it has
/// no head of ours, not even the beginning of one.
pub(super) fn repair(file: &File) -> io::Result<Option<(Channels, u64)>> {
    let length = file.metadata()?.len();
    let mut found = [0; HEAD as usize];
    match file.read_exact_at(&mut found, 0) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let is_like = |channels: &Channels| {
        let ours = head(*channels, 0);
        // Everything but the two sizes.
        found[8..40] == ours[8..40] && found[..4] == ours[..4]
    };
    let Some(channels) = [Channels::Mono, Channels::Dual].into_iter().find(is_like) else { return Ok(None) };
    let bytes = length.saturating_sub(HEAD).min(FULL);
    let bytes = bytes - bytes % channels.frame_bytes();
    file.set_len(HEAD + bytes)?;
    write_head(file, channels, bytes)?;
    Ok(Some((channels, bytes)))
}

/// RIFF/WAVE with a `fmt ` chunk for linear PCM and a `data` chunk of `bytes`.
fn head(channels: Channels, bytes: u64) -> [u8; HEAD as usize] {
    // At most `FULL`, as everyone above sees to.
    let bytes = u32::try_from(bytes).unwrap_or(u32::MAX - HEAD as u32);
    let (count, frame) = (u16::from(channels.count()), channels.count() * 2);
    let rate = RATE as u32;
    let mut head = [0; HEAD as usize];
    let fields: [&[u8]; 13] = [
        b"RIFF",
        &(bytes + HEAD as u32 - 8).to_le_bytes(),
        b"WAVE",
        b"fmt ",
        &16_u32.to_le_bytes(),
        &1_u16.to_le_bytes(),
        &count.to_le_bytes(),
        &rate.to_le_bytes(),
        &(rate * u32::from(frame)).to_le_bytes(),
        &u16::from(frame).to_le_bytes(),
        &16_u16.to_le_bytes(),
        b"data",
        &bytes.to_le_bytes(),
    ];
    head.iter_mut().zip(fields.into_iter().flatten()).for_each(|(to, from)| *to = *from);
    head
}
