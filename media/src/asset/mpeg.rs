//! MPEG audio of layer 3.
//! Must never let a fault of the decoder out: a file that breaks it is one that cannot be read.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use symphonia::core::audio::SampleBuffer;
use symphonia::core::codecs::{Decoder, DecoderOptions};
use symphonia::core::errors::Error;
use symphonia::core::formats::{FormatOptions, FormatReader};
use symphonia::core::io::MediaSourceStream;
use symphonia::default::codecs::MpaDecoder;
use symphonia::default::formats::MpaReader;

use super::intake::Intake;
use super::{AssetError, AudioKind};

/// Reads a whole file.
pub(super) fn read(file: &[u8]) -> Result<Intake, AssetError> {
    // The decoder takes what it reads for its own.
    let file = behind_tag(file).to_vec();
    catch_unwind(AssertUnwindSafe(|| decode(file))).unwrap_or(Err(AssetError::Unreadable(AudioKind::Mpeg)))
}

fn decode(file: Vec<u8>) -> Result<Intake, AssetError> {
    let unreadable = |_: Error| AssetError::Unreadable(AudioKind::Mpeg);
    let stream = MediaSourceStream::new(Box::new(Cursor::new(file)), Default::default());
    let options = FormatOptions { enable_gapless: true, ..Default::default() };
    let mut reader = MpaReader::try_new(stream, &options).map_err(unreadable)?;
    let track = reader.default_track().ok_or(AssetError::Unreadable(AudioKind::Mpeg))?;
    let mut decoder =
        MpaDecoder::try_new(&track.codec_params, &DecoderOptions::default()).map_err(unreadable)?;
    let mut recording = None;
    // The end of the file is an error too, and nothing behind an error is worth the search for it.
    while let Ok(packet) = reader.next_packet() {
        let frame = match decoder.decode(&packet) {
            Ok(frame) => frame,
            // A damaged frame is a hole: its successors may need what it held.
            Err(Error::DecodeError(_)) => continue,
            Err(error) => return Err(unreadable(error)),
        };
        let spec = *frame.spec();
        let (intake, samples, first) = match &mut recording {
            Some(known) => known,
            none => {
                let samples = SampleBuffer::<f32>::new(frame.capacity() as u64, spec);
                none.insert((Intake::new(spec.rate, spec.channels.count() as u16)?, samples, spec))
            }
        };
        // A frame of another rate or width is from another recording.
        if *first == spec {
            samples.copy_interleaved_ref(frame);
            intake.take(samples.samples().iter().map(|sample| sample.clamp(-1.0, 1.0)))?;
        }
    }
    recording.map(|(intake, ..)| intake).ok_or(AssetError::Unreadable(AudioKind::Mpeg))
}

/// The file without the tag that it may begin with: a picture in there can look like sound.
fn behind_tag(file: &[u8]) -> &[u8] {
    let [b'I', b'D', b'3', _, _, flags, s0, s1, s2, s3, ..] = file else { return file };
    let length = [s0, s1, s2, s3].iter().fold(0, |length, octet| length << 7 | usize::from(**octet & 0x7F));
    let footer = if flags & 0x10 != 0 { 10 } else { 0 };
    file.get(10 + length + footer..).unwrap_or_default()
}
