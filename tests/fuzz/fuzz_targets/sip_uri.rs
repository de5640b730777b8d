//! Any text is a URI or an address, or it is refused; what was read prints as something that reads the same.
//! Seeds: the URIs of `tests/torture`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use trunkline::sip::message::{NameAddr, Uri, Via};

fuzz_target!(|text: &str| {
    if let Ok(uri) = text.parse::<Uri>() {
        assert_eq!(uri.to_string().parse::<Uri>().as_ref(), Ok(&uri));
        assert!(uri.is_equivalent(&uri));
    }
    if let Ok(address) = text.parse::<NameAddr>() {
        let printed = address.to_string();
        let again = printed.parse::<NameAddr>().expect("what was printed");
        assert_eq!((&again.uri, &again.params), (&address.uri, &address.params));
    }
    if let Ok(via) = text.parse::<Via>() {
        assert_eq!(via.to_string().parse::<Via>().as_ref(), Ok(&via));
    }
});
