//! GSM 06.10 against SoX, which links the reference implementation.
//! The golden files are 0.8 s of a synthetic voice, encoded and decoded by it.

use super::*;
use crate::asset::Asset;

fn golden() -> Vec<i16> {
    let octets = include_bytes!("../golden/speech.s16");
    octets.as_chunks().0.iter().map(|pair| i16::from_le_bytes(*pair)).collect()
}

#[test]
fn speech_decodes_bit_by_bit_as_by_the_reference() {
    let asset = Asset::decode(include_bytes!("../golden/speech.gsm"), AudioKind::Gsm).expect("readable");
    assert_eq!(*asset.samples, golden());
}

#[test]
fn the_packing_of_wav_files_holds_the_same() {
    let asset = Asset::decode(include_bytes!("../golden/speech-gsm.wav"), AudioKind::Wav).expect("readable");
    assert_eq!(*asset.samples, golden());
}

#[test]
fn what_lacks_the_signature_is_refused_and_the_rest_of_a_frame_left_out() {
    assert!(matches!(Asset::decode(&[0; 66], AudioKind::Gsm), Err(AssetError::Unreadable(AudioKind::Gsm))));
    let cut = include_bytes!("../golden/speech.gsm").get(..100).expect("three frames and an octet");
    assert_eq!(Asset::decode(cut, AudioKind::Gsm).expect("readable").samples.len(), 480);
}
