//! Prompts from files of all sorts.
//! WAV files are written here by hound; the golden files by SoX and LAME: a sine of 500 Hz at half of full scale.

use std::io::Cursor;

use hound::{SampleFormat, WavSpec, WavWriter};
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

/// Whether it is the sine, away from both ends, which filters blur.
fn assert_sounds(asset: &Asset, tolerance: f64, name: &str) {
    let middle = asset.samples.len().saturating_sub(400);
    for (n, sample) in asset.samples.iter().enumerate().take(middle).skip(200) {
        let wanted = (n as f64 * 500.0 * std::f64::consts::TAU / 8000.0).sin() * 16_384.0;
        assert!(
            (f64::from(*sample) - wanted).abs() < tolerance,
            "sample {n} of {name}: {sample} for {wanted}"
        );
    }
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
        assert_sounds(&asset, 400.0, &format!("{kind:?}"));
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

const FILES: [(&str, &[u8]); 7] = [
    ("tone.aiff", include_bytes!("golden/tone.aiff")),
    ("tone-24.aiff", include_bytes!("golden/tone-24.aiff")),
    ("tone.aifc", include_bytes!("golden/tone.aifc")),
    ("tone.mp3", include_bytes!("golden/tone.mp3")),
    ("tone-stereo.mp3", include_bytes!("golden/tone-stereo.mp3")),
    ("speech-gsm.wav", include_bytes!("golden/speech-gsm.wav")),
    ("speech.gsm", include_bytes!("golden/speech.gsm")),
];

/// What a server would say of a file.
fn mime(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("aiff") => "audio/aiff",
        Some("aifc") => "audio/x-aifc",
        Some("mp3") => "audio/mpeg",
        Some("gsm") => "audio/gsm",
        _ => "audio/wav",
    }
}

#[test]
fn aiff_and_mp3_sound_the_same_and_are_as_long_as_they_were() {
    for (name, file) in FILES.iter().take(5) {
        let kind = AudioKind::of(mime(name), file).expect("a kind");
        let asset = Asset::decode(file, kind).expect(name);
        let length = Duration::from_millis(if kind == AudioKind::Mpeg { 500 } else { 200 });
        assert_eq!(asset.duration(), length, "{name}");
        let tolerance = if kind == AudioKind::Mpeg { 1000.0 } else { 100.0 };
        assert_sounds(&asset, tolerance, name);
    }
}

/// An AIFF-C file of one channel at 8 kHz.
fn aifc(compression: &[u8; 4], bits: u16, sound: &[u8]) -> Vec<u8> {
    let mut common = vec![0, 1, 0, 0, 0, 0];
    common.extend(bits.to_be_bytes());
    common.extend([0x40, 0x0B, 0xFA, 0, 0, 0, 0, 0, 0, 0]);
    common.extend(compression);
    common.extend([0, 0]);
    let mut file = b"FORM\0\0\0\0AIFC".to_vec();
    // The sound comes first here, behind an offset of two octets.
    let sound = [&[0, 0, 0, 2, 0, 0, 0, 0, 9, 9], sound].concat();
    for (name, body) in [(b"SSND", &sound), (b"COMM", &common)] {
        file.extend(name);
        file.extend((body.len() as u32).to_be_bytes());
        file.extend(body);
        file.extend(std::iter::repeat_n(0, body.len() % 2));
    }
    file
}

#[test]
fn every_encoding_of_aiff_c_reads_the_same_sample() {
    let wanted = 8192_i16;
    let single = 0.25_f32.to_be_bytes();
    let double = 0.25_f64.to_be_bytes();
    let files: [(&[u8; 4], u16, &[u8]); 9] = [
        (b"NONE", 8, &[0x20]),
        (b"NONE", 12, &[0x20, 0]),
        (b"twos", 16, &[0x20, 0]),
        (b"sowt", 16, &[0, 0x20]),
        (b"in24", 24, &[0x20, 0, 0]),
        (b"in32", 32, &[0x20, 0, 0, 0]),
        (b"raw ", 8, &[0xA0]),
        (b"fl32", 32, &single),
        (b"FL64", 64, &double),
    ];
    for (compression, bits, sound) in files {
        let asset = Asset::decode(&aifc(compression, bits, sound), AudioKind::Aiff).expect("readable");
        assert_eq!(*asset.samples, [wanted], "{}", String::from_utf8_lossy(compression));
    }
    for (compression, octet, sample) in [(b"ulaw", 0x80, 32_124), (b"alaw", 0xD5, 8)] {
        let asset = Asset::decode(&aifc(compression, 16, &[octet]), AudioKind::Aiff).expect("readable");
        assert_eq!(*asset.samples, [sample]);
    }
    let ima = Asset::decode(&aifc(b"ima4", 16, &[0; 34]), AudioKind::Aiff);
    assert_eq!(ima, Err(AssetError::Unreadable(AudioKind::Aiff)));
}

#[test]
fn numbers_that_are_none_are_silence() {
    let file = aifc(
        b"fl32",
        32,
        &[f32::NAN.to_be_bytes(), f32::INFINITY.to_be_bytes(), 7e30_f32.to_be_bytes()].concat(),
    );
    let asset = Asset::decode(&file, AudioKind::Aiff).expect("readable");
    assert_eq!(*asset.samples, [0, 0, i16::MAX]);
}

#[test]
fn a_kind_is_told_by_the_beginning_or_by_the_server() {
    use AudioKind::*;
    let [aiff, .., mp3, _, wav, gsm] = FILES.map(|(_, file)| file);
    for (mime, bytes, wanted) in [
        ("audio/wav", wav, Some(Wav)),
        ("Audio/MPEG; charset=x", mp3, Some(Mpeg)),
        ("audio/mpeg", wav, Some(Wav)),
        ("application/octet-stream", aiff, Some(Aiff)),
        ("", mp3, Some(Mpeg)),
        ("audio/x-gsm", gsm, Some(Gsm)),
        ("audio/basic", &[0xFF; 160], Some(Ulaw)),
        ("audio/ulaw", b"", Some(Ulaw)),
        ("", &[0xFF; 160], None),
        ("text/html", mp3, None),
        ("audio/ogg", b"OggS", None),
    ] {
        assert_eq!(AudioKind::of(mime, bytes), wanted, "{mime}");
    }
}

#[test]
fn a_file_that_is_too_long_or_too_large_is_refused() {
    let long = aifc(b"raw ", 8, &vec![0x80; 40 * 60 * 8000 + 1]);
    assert_eq!(Asset::decode(&long, AudioKind::Aiff), Err(AssetError::TooLong));
    assert_eq!(Asset::decode(&vec![0; Asset::LARGEST + 1], AudioKind::Wav), Err(AssetError::TooLarge));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn files_that_were_tampered_with_are_refused_or_read_but_never_panic(
        file in 0usize..7,
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0usize..3), 1..12),
        cut: prop::sample::Index,
        is_cut: bool,
    ) {
        let (name, bytes) = FILES[file];
        let mut bytes = bytes.to_vec();
        for (place, octet, near) in changes {
            // Two of three changes hit the beginning, where lengths and formats are.
            let place = place.index(if near == 0 { bytes.len() } else { 80 });
            bytes[place] = octet;
        }
        if is_cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        for kind in [AudioKind::of(mime(name), &bytes), AudioKind::of("", &bytes)].into_iter().flatten() {
            if let Ok(asset) = Asset::decode(&bytes, kind) {
                prop_assert!(asset.duration() <= Asset::LIMIT);
            }
        }
    }
}
