//! However a stream is cut into pieces, the same frames come out of it, none over the limit.
//! Seeds: `tests/torture`, one behind the other.
#![no_main]

use libfuzzer_sys::fuzz_target;
use trunkline::sip::message::{Frame, Framer, Limits};

fn messages(data: &[u8], size: usize) -> Vec<Frame> {
    let mut framer = Framer::new(Limits { message: 4_096, ..Limits::default() });
    let mut frames = Vec::new();
    for piece in data.chunks(size) {
        framer.push(piece);
        while let Some(Ok(frame)) = framer.next() {
            frames.push(frame);
        }
    }
    frames.retain(|frame| matches!(frame, Frame::Message(message) if message.len() <= 4_096));
    frames
}

fuzz_target!(|input: (u8, &[u8])| {
    let (size, data) = input;
    assert_eq!(messages(data, usize::from(size.max(1))), messages(data, 1));
});
