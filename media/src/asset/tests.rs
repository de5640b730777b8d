//! Prompts from files of all sorts.
//! Files are written here, not stored: hound is its own inverse.

use std::io::Cursor;

use hound::{WavSpec, WavWriter};
use proptest::prelude::*;

use super::*;

fn spec(channels: u16, sample_rate: u32, bits_per_sample: u16, sample_format: SampleFormat) -> WavSpec {
    WavSpec { channels, sample_rate, bits_per_sample, sample_format }
}

/// One second of a 500 Hz sine at half of full scale, on every channel.
fn wav(spec: WavSpec) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    let mut writer = WavWriter::new(&mut file, spec).expect("a valid format");
    for n in 0..spec.sample_rate {
        let sample = (f64::from(n) * 500.0 * std::f64::consts::TAU / f64::from(spec.sample_rate)).sin() * 0.5;
        for _ in 0..spec.channels {
            match spec.sample_format {
                SampleFormat::Float => writer.write_sample(sample as f32),
                SampleFormat::Int => {
                    writer.write_sample((sample * 2f64.powi(i32::from(spec.bits_per_sample) - 1)) as i32)
                }
            }
            .expect("memory");
        }
    }
    writer.finalize().expect("memory");
    file.into_inner()
}

#[test]
fn every_kind_of_wav_file_sounds_the_same() {
    let kinds = [
        spec(1, 8000, 8, SampleFormat::Int),
        spec(1, 8000, 16, SampleFormat::Int),
        spec(2, 16_000, 16, SampleFormat::Int),
        spec(1, 22_050, 24, SampleFormat::Int),
        spec(2, 44_100, 16, SampleFormat::Int),
        spec(6, 48_000, 32, SampleFormat::Int),
        spec(2, 48_000, 32, SampleFormat::Float),
    ];
    for kind in kinds {
        let asset = Asset::from_wav(&wav(kind)).expect("a readable file");
        assert_eq!(asset.duration(), Duration::from_secs(1), "{kind:?}");
        for (n, sample) in asset.samples.iter().enumerate().skip(200).take(7600) {
            let wanted = (n as f64 * 500.0 * std::f64::consts::TAU / 8000.0).sin() * 16_384.0;
            assert!(
                (f64::from(*sample) - wanted).abs() < 400.0,
                "sample {n} of {kind:?}: {sample} for {wanted}"
            );
        }
    }
}

#[test]
fn mulaw_is_taken_as_it_is_and_keys_tell_contents_apart() {
    let asset = Asset::from_mulaw(&[0xFF, 0x80, 0x00]).expect("three samples");
    assert_eq!(*asset.samples, [0, 32_124, -32_124]);
    assert_ne!(asset.key, Asset::from_samples(&[0, 1, 2]).key);
    assert_eq!(asset.named("welcome").key, "welcome");
}

#[test]
fn what_is_too_long_is_refused() {
    let octets = vec![0xFF; 40 * 60 * 8000 + 1];
    assert!(matches!(Asset::from_mulaw(&octets), Err(AssetError::TooLong)));
}

#[test]
fn a_wild_sampling_rate_is_refused() {
    let file = wav(spec(1, 500, 16, SampleFormat::Int));
    assert!(matches!(Asset::from_wav(&file), Err(AssetError::Rate(500))));
}

proptest! {
    #[test]
    fn a_damaged_file_is_refused_or_read_but_never_panics(place in 0usize..60, octet: u8, cut in 0usize..200) {
        let mut file = wav(spec(1, 1000, 16, SampleFormat::Int));
        if let Some(at) = file.get_mut(place) {
            *at = octet;
        }
        file.truncate(file.len() - cut);
        if let Ok(asset) = Asset::from_wav(&file) {
            prop_assert!(asset.duration() <= Asset::LIMIT);
        }
    }
}

/// A WAV file of G.711, with a chunk of odd length before the sound as some programs write it.
fn companded_wav(tag: u16, rate: u32, octets: &[u8]) -> Vec<u8> {
    let mut format = Vec::new();
    [tag, 1].iter().for_each(|word| format.extend(word.to_le_bytes()));
    [rate, rate].iter().for_each(|word| format.extend(word.to_le_bytes()));
    [1_u16, 8].iter().for_each(|word| format.extend(word.to_le_bytes()));
    let mut file = b"RIFF\0\0\0\0WAVE".to_vec();
    for (name, body) in [(b"fmt ", &format[..]), (b"LIST", b"abc"), (b"data", octets)] {
        file.extend(name);
        file.extend((body.len() as u32).to_le_bytes());
        file.extend(body);
        file.extend(std::iter::repeat_n(0, body.len() % 2));
    }
    file
}

#[test]
fn a_wav_file_of_g711_is_read_like_the_raw_octets() {
    let octets: Vec<u8> = (0..=255).collect();
    for (tag, codec) in [(7, Codec::Pcmu), (6, Codec::Pcma)] {
        let mut samples = vec![0; octets.len()];
        codec.decode(&octets, &mut samples);
        let asset = Asset::from_wav(&companded_wav(tag, 8000, &octets)).expect("it is read");
        assert_eq!(asset, Asset::from_samples(&samples));
    }
}

#[test]
fn a_wav_file_of_g711_that_is_cut_or_lies_about_itself_is_refused_or_short() {
    let whole = companded_wav(7, 8000, &[0x55; 160]);
    for length in 0..whole.len() {
        if let Ok(asset) = Asset::from_wav(&whole[..length]) {
            assert!(asset.samples.len() <= 160);
        }
    }
    assert!(Asset::from_wav(&companded_wav(7, 3, &[0; 8])).is_err());
}
