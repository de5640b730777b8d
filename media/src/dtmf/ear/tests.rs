//! Keys that must be heard, and sounds that must not be taken for one.
//! Levels, deviations and lengths are those of ITU-T Q.24.

use proptest::prelude::*;

use super::super::COLUMNS;
use super::*;

/// Two tones with their amplitudes, after a silence that shifts them against the blocks.
fn tones(low: (f64, f64), high: (f64, f64), before: usize, length: usize) -> Vec<i16> {
    let wave = |(hertz, peak): (f64, f64), n: usize| {
        (std::f64::consts::TAU * hertz * n as f64 / 8000.0).sin() * peak
    };
    let silence = std::iter::repeat_n(0, before);
    silence.chain((0..length).map(|n| (wave(low, n) + wave(high, n)) as i16)).chain([0; 800]).collect()
}

fn heard(samples: &[i16]) -> String {
    let mut ear = Ear::default();
    samples.chunks(160).filter_map(|frame| ear.hear(frame)).map(Key::digit).collect()
}

/// The peak of a sine at this level in decibels below full load.
fn peak(decibels: f64) -> f64 {
    22_600.0 * 10f64.powf(-decibels / 20.0)
}

#[test]
fn what_keys_sound_like_is_heard_as_those_keys() {
    let mut samples = Vec::new();
    for code in 0..16 {
        let mut tone = [0; 800];
        Key::from_event(code).expect("a key").fill(0, &mut tone);
        samples.extend(tone);
        samples.extend([0; 400]);
    }
    assert_eq!(heard(&samples), "0123456789*#ABCD");
}

#[test]
fn a_tone_of_forty_milliseconds_is_heard_wherever_it_begins_and_one_of_twenty_is_not() {
    for (row, low) in ROWS.iter().enumerate() {
        for (column, high) in COLUMNS.iter().enumerate() {
            let key = Key::from_tones(row, column).expect("a key").digit().to_string();
            for before in (0..102).step_by(7) {
                for level in [3.0, 10.0, 25.0] {
                    let tone = |length| {
                        tones((*low as f64, peak(level)), (*high as f64, peak(level)), before, length)
                    };
                    assert_eq!(heard(&tone(320)), key, "{key} at -{level} dB, {before} samples late");
                    assert_eq!(heard(&tone(160)), "", "{key} for 20 ms");
                }
            }
        }
    }
}

#[test]
fn pitch_and_twist_within_the_limits_are_heard_and_beyond_them_are_not() {
    let five = |off: f64, low: f64, high: f64| {
        heard(&tones((770.0 * (1.0 + off), peak(low)), (1336.0 * (1.0 + off), peak(high)), 31, 800))
    };
    for off in [-0.015, 0.0, 0.015] {
        for (low, high) in [(10.0, 10.0), (10.0, 17.0), (13.5, 10.0)] {
            assert_eq!(five(off, low, high), "5", "{off} off at {low} and {high} dB");
        }
    }
    assert_eq!(five(0.0, 8.0, 18.0), "", "a column 10 dB too low");
    assert_eq!(five(0.0, 16.0, 8.0), "", "a row 8 dB too low");
    for off in [-0.045, 0.045] {
        assert_eq!(five(off, 10.0, 10.0), "", "{off} off");
    }
    assert_eq!(five(0.0, 50.0, 50.0), "", "too quiet");
}

#[test]
fn the_same_key_twice_needs_a_pause_and_a_click_in_a_press_is_none() {
    let press = tones((697.0, 5000.0), (1209.0, 5000.0), 0, 800);
    let (tone, _) = press.split_at(800);
    let after = |pause: usize| heard(&[tone, &vec![0; pause][..], tone].concat());
    assert_eq!(after(320), "11", "40 ms");
    assert_eq!(after(80), "1", "10 ms");
}

#[test]
fn a_key_is_heard_through_noise_and_noise_alone_is_none() {
    let mut seed = 1_u32;
    let mut noise = |peak: f64| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (f64::from(seed >> 8) / f64::from(1 << 23) - 1.0) * peak
    };
    let press = tones((852.0, peak(13.0)), (1477.0, peak(13.0)), 0, 800);
    let noisy: Vec<i16> = press.iter().map(|sample| sample.saturating_add(noise(1500.0) as i16)).collect();
    assert_eq!(heard(&noisy), "9");
    let hiss: Vec<i16> = (0..8000 * 30).map(|_| noise(20_000.0) as i16).collect();
    assert_eq!(heard(&hiss), "");
}

/// Half a minute of three synthetic voices (flite's `kal` and `rms`, espeak-ng), µ-law.
#[test]
fn speech_is_not_taken_for_keys() {
    let octets = include_bytes!("golden/speech.ul");
    let mut samples = vec![0; octets.len()];
    crate::codec::Codec::Pcmu.decode(octets, &mut samples);
    for volume in [1, 2, 4] {
        let louder: Vec<i16> = samples.iter().map(|sample| sample.saturating_mul(volume)).collect();
        assert_eq!(heard(&louder), "");
    }
}

proptest! {
    #[test]
    fn how_samples_are_cut_into_packets_is_of_no_concern(cuts in proptest::collection::vec(1usize..400, 1..40)) {
        let press = tones((941.0, 6000.0), (1336.0, 6000.0), 50, 500);
        let mut ear = Ear::default();
        let (mut rest, mut told) = (&press[..], String::new());
        for cut in cuts.iter().cycle() {
            let (frame, after) = rest.split_at((*cut).min(rest.len()));
            told.extend(ear.hear(frame).map(Key::digit));
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(told, "0");
    }

    #[test]
    fn no_sound_overflows(samples in proptest::collection::vec(prop_oneof![Just(i16::MIN), Just(i16::MAX), any::<i16>()], 0..2000)) {
        Ear::default().hear(&samples);
    }
}
