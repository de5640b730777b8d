//! G.711 against SoX, in both directions, and against its own definition.
//! The golden files are SoX's, without dither: all 256 octets decoded and transcoded, every eighth sample encoded.

use super::*;

fn samples(golden: &[u8]) -> Vec<i16> {
    golden.as_chunks().0.iter().map(|pair| i16::from_le_bytes(*pair)).collect()
}

fn every_eighth_sample() -> impl Iterator<Item = i16> {
    (i16::MIN..=i16::MAX).step_by(8)
}

#[test]
fn every_octet_decodes_as_by_sox() {
    let ulaw: Vec<i16> = (0..=255).map(linear_from_ulaw).collect();
    let alaw: Vec<i16> = (0..=255).map(linear_from_alaw).collect();
    assert_eq!(ulaw, samples(include_bytes!("golden/decoded-ul.s16")));
    assert_eq!(alaw, samples(include_bytes!("golden/decoded-al.s16")));
}

#[test]
fn samples_encode_as_by_sox() {
    let ulaw: Vec<u8> = every_eighth_sample().map(ulaw_from_linear).collect();
    let alaw: Vec<u8> = every_eighth_sample().map(alaw_from_linear).collect();
    assert!(ulaw == include_bytes!("golden/encoded.ul"));
    assert!(alaw == include_bytes!("golden/encoded.al"));
}

#[test]
fn every_octet_survives_decoding_and_encoding() {
    for code in 0..=255 {
        assert_eq!(alaw_from_linear(linear_from_alaw(code)), code);
        // µ-law has two zeros; the negative one comes back as the positive one.
        let expected = if code == 0x7F { 0xFF } else { code };
        assert_eq!(ulaw_from_linear(linear_from_ulaw(code)), expected);
    }
}

#[test]
fn ulaw_becomes_the_nearest_alaw() {
    let distance = |a: i16, b: i16| (i32::from(a) - i32::from(b)).abs();
    for code in 0..=255 {
        let sample = linear_from_ulaw(code);
        let taken = distance(linear_from_alaw(alaw_from_ulaw(code)), sample);
        let nearest = (0..=255).map(|other| distance(linear_from_alaw(other), sample)).min();
        assert_eq!(Some(taken), nearest, "octet {code}");
    }
}

#[test]
fn alaw_becomes_ulaw_as_by_sox() {
    // Not always the nearest: the decision values of G.711 are no means of neighbours where two chords meet.
    let ulaw: Vec<u8> = (0..=255).map(ulaw_from_alaw).collect();
    assert!(ulaw == include_bytes!("golden/transcoded-al.ul"));
}

#[test]
fn transcoding_treats_both_signs_alike() {
    for code in 0..=255 {
        assert_eq!(alaw_from_ulaw(code ^ 0x80), alaw_from_ulaw(code) ^ 0x80);
        assert_eq!(ulaw_from_alaw(code ^ 0x80), ulaw_from_alaw(code) ^ 0x80);
    }
}
