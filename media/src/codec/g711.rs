//! G.711 companding between 16-bit samples, µ-law and A-law (ITU-T G.711, Tables 1 and 2).
//! Must never branch on anything but the sample: the tables are computed when the crate is compiled.

const LINEAR_FROM_ULAW: [i16; 256] = {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        table[code] = expand_ulaw(code as u8);
        code += 1;
    }
    table
};

const LINEAR_FROM_ALAW: [i16; 256] = {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        table[code] = expand_alaw(code as u8);
        code += 1;
    }
    table
};

const ALAW_FROM_ULAW: [u8; 256] = {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        // By magnitude, so that both signs fall to the same side where two octets are equally near.
        let positive = alaw_from_linear(LINEAR_FROM_ULAW[code | 0x80]);
        table[code] = positive ^ if code & 0x80 == 0 { 0x80 } else { 0 };
        code += 1;
    }
    table
};

const ULAW_FROM_ALAW: [u8; 256] = {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        let positive = ulaw_from_linear(LINEAR_FROM_ALAW[code | 0x80]);
        table[code] = positive ^ if code & 0x80 == 0 { 0x80 } else { 0 };
        code += 1;
    }
    table
};

/// The sample that a µ-law octet stands for.
pub const fn linear_from_ulaw(code: u8) -> i16 {
    LINEAR_FROM_ULAW[code as usize]
}

/// The sample that an A-law octet stands for.
pub const fn linear_from_alaw(code: u8) -> i16 {
    LINEAR_FROM_ALAW[code as usize]
}

/// The A-law octet nearest to a µ-law octet.
pub const fn alaw_from_ulaw(code: u8) -> u8 {
    ALAW_FROM_ULAW[code as usize]
}

/// The µ-law octet nearest to an A-law octet.
pub const fn ulaw_from_alaw(code: u8) -> u8 {
    ULAW_FROM_ALAW[code as usize]
}

/// The µ-law octet of a sample: 14 significant bits, eight chords of sixteen steps, all bits inverted on the line.
pub const fn ulaw_from_linear(sample: i16) -> u8 {
    const BIAS: i32 = 33;
    const CLIP: i32 = 0x1FFF;
    let magnitude = ((sample as i32).abs() >> 2) + BIAS;
    let magnitude = if magnitude > CLIP { CLIP } else { magnitude };
    // The bias keeps bit 5 or a higher one set: the chord is the place of the highest bit above it.
    let chord = 26 - magnitude.leading_zeros() as i32;
    let step = (magnitude >> (chord + 1)) & 0x0F;
    let sign = if sample < 0 { 0x80 } else { 0 };
    !((sign | (chord << 4) | step) as u8)
}

/// The A-law octet of a sample: 13 significant bits, eight chords of sixteen steps, even bits inverted on the line.
pub const fn alaw_from_linear(sample: i16) -> u8 {
    // One's complement for negative samples: zero belongs to the positive side, -1 to the negative.
    let magnitude = if sample < 0 { !(sample as i32) } else { sample as i32 } >> 4;
    let (chord, step) = if magnitude < 32 {
        (magnitude >> 4, magnitude & 0x0F)
    } else {
        let chord = 28 - magnitude.leading_zeros() as i32;
        (chord, (magnitude >> (chord - 1)) & 0x0F)
    };
    let sign = if sample < 0 { 0 } else { 0x80 };
    ((sign | (chord << 4) | step) as u8) ^ 0x55
}

const fn expand_ulaw(code: u8) -> i16 {
    let code = !code as i32;
    let chord = (code >> 4) & 0x07;
    let magnitude = ((((code & 0x0F) << 1) + 33) << chord) - 33;
    let sample = magnitude << 2;
    (if code & 0x80 != 0 { -sample } else { sample }) as i16
}

const fn expand_alaw(code: u8) -> i16 {
    let code = (code ^ 0x55) as i32;
    let chord = (code >> 4) & 0x07;
    let step = ((code & 0x0F) << 1) + 1;
    let magnitude = if chord == 0 { step } else { (step + 32) << (chord - 1) };
    let sample = magnitude << 3;
    (if code & 0x80 != 0 { sample } else { -sample }) as i16
}

#[cfg(test)]
mod tests;
