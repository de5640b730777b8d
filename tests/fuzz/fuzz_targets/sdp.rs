//! Any body is a description, or it is refused; what was read prints as something that can be read.
//! Seeds: the bodies of `tests/torture`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use trunkline_media::sdp::Description;

fuzz_target!(|data: &[u8]| {
    if let Ok(description) = Description::parse(data) {
        assert!(Description::parse(&description.to_bytes()).is_ok());
    }
});
