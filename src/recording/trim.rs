//! Where the sound of a recording begins and ends. Pure.
//! It must never cut into speech: what is kept has a margin at both ends.

/// Samples that are judged together: 20 ms.
pub(super) const SPAN: u64 = 160;

/// Spans kept before the first and behind the last sound: 200 ms, so that soft beginnings and endings stay.
const MARGIN: u64 = 10;

/// Mean square of a span from which on it is sound: about -46 dB of full scale, between the noise of a quiet telephone
/// line and soft speech.
const SOUND: i64 = 160 * 160;

/// Whether a span holds sound on any of its channels, which are interleaved.
pub(super) fn is_sound(samples: &[i16], channels: usize) -> bool {
    (0..channels).any(|channel| {
        let of_channel = samples.iter().skip(channel).step_by(channels.max(1));
        let (count, energy) = of_channel.fold((0, 0), |(count, energy), sample| {
            (count + 1, energy + i64::from(*sample) * i64::from(*sample))
        });
        count > 0 && energy / count >= SOUND
    })
}

/// The spans to keep of `spans`, with their margin; `None`: all is silent.
///
/// # Errors
/// Those of `is_sound`, which is asked from both ends inwards and nowhere else.
pub(super) fn kept<E>(
    spans: u64,
    mut is_sound: impl FnMut(u64) -> Result<bool, E>,
) -> Result<Option<std::ops::Range<u64>>, E> {
    let mut first = 0;
    while first < spans && !is_sound(first)? {
        first += 1;
    }
    if first == spans {
        return Ok(None);
    }
    let mut behind = spans;
    while behind > first + 1 && !is_sound(behind - 1)? {
        behind -= 1;
    }
    Ok(Some(first.saturating_sub(MARGIN)..(behind + MARGIN).min(spans)))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    fn of(sounds: &[u64], spans: u64) -> Option<std::ops::Range<u64>> {
        kept(spans, |span| Ok::<_, Infallible>(sounds.contains(&span))).unwrap_or_else(|never| match never {})
    }

    #[test]
    fn silence_goes_at_both_ends_but_for_a_margin_and_stays_within() {
        assert_eq!(of(&[50, 90], 200), Some(40..101));
        assert_eq!(of(&[3, 198], 200), Some(0..200));
        assert_eq!(of(&[0], 1), Some(0..1));
        assert_eq!(of(&[], 200), None);
        assert_eq!(of(&[], 0), None);
    }

    #[test]
    fn hiss_is_silence_and_soft_speech_is_not() {
        let wave =
            |height: i16| (0..SPAN).map(|at| if at % 2 == 0 { height } else { -height }).collect::<Vec<_>>();
        assert!(!is_sound(&wave(40), 1), "-58 dB");
        assert!(is_sound(&wave(330), 1), "-40 dB");
        assert!(is_sound(&[0, 330, 0, -330], 2), "one side is enough");
        assert!(!is_sound(&[], 2) && !is_sound(&[1], 0));
        assert!(is_sound(&[i16::MIN; SPAN as usize], 1));
    }
}
