//! Mends the mistakes that deployed devices make in session descriptions, before the strict parser reads them.
//! Must never change the meaning of a line that was right.

use std::borrow::Cow;

/// The text with the known mistakes mended: blanks at the ends of lines, blank and CR-only line ends, text that is
/// not UTF-8, `o=` lines with blanks in the user or numbers that are none, doubled blanks or no format in `m=`,
/// unreadable `b=` and `t=`, and repetitions of what may stand only once.
pub(super) fn mend(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let mut mended = String::with_capacity(text.len() + 64);
    let mut seen = String::new();
    for line in text.split(['\r', '\n']) {
        let line = line.trim_matches([' ', '\t', '\0', '\u{feff}']);
        if line.is_empty() || is_repetition(line, &mut seen) {
            continue;
        }
        if let Some(line) = mend_line(line) {
            mended.push_str(&line);
            mended.push_str("\r\n");
        }
    }
    mended
}

/// A second session-level line of a kind that may stand once; the first is the one that counts.
fn is_repetition(line: &str, seen: &mut String) -> bool {
    let Some((key, _)) = line.split_once('=') else { return false };
    let may_stand_once = match key {
        "m" => {
            // From here on it is the stream's own title and key.
            seen.clear();
            seen.push('m');
            return false;
        }
        "i" | "k" => true,
        "v" | "o" | "s" | "u" | "c" | "z" => !seen.starts_with('m'),
        _ => false,
    };
    let is_repeated = may_stand_once && seen.contains(key);
    if may_stand_once && !is_repeated {
        seen.push_str(key);
    }
    is_repeated
}

/// The line mended, or nothing where it is beyond mending and no call needs it.
fn mend_line(line: &str) -> Option<Cow<'_, str>> {
    let Some((key, value)) = line.split_once('=') else { return Some(line.into()) };
    match key {
        "v" => Some(format!("v={}", value.trim()).into()),
        "o" => mend_origin(value).map(Cow::from),
        "m" => Some(mend_stream(value).into()),
        "b" => {
            let (_, number) = value.split_once(':')?;
            number.parse::<u64>().is_ok().then_some(line.into())
        }
        "t" => {
            let numbers = value.split_whitespace().map(|field| field.parse::<u64>());
            (numbers.filter(Result::is_ok).count() == 2).then_some(line.into())
        }
        _ => Some(line.into()),
    }
}

/// `o=<user> <id> <version> IN IP4 <address>`: the user may have lost or gained blanks, the numbers may be none.
fn mend_origin(value: &str) -> Option<String> {
    let fields: Vec<&str> = value.split_whitespace().collect();
    let (user, rest) = fields.split_at_checked(fields.len().checked_sub(5)?)?;
    let [id, version, network, family, address] = rest else { return None };
    let user = if user.is_empty() { "-".to_owned() } else { user.join("_") };
    Some(format!("o={user} {} {} {network} {family} {address}", number(id), number(version)))
}

/// A number as the grammar wants it (RFC 8866 §5.2): digits of at most 64 bits. Identity is all that it is for, so
/// of anything else the last digits are kept, as many as fit.
fn number(text: &str) -> u64 {
    text.parse().unwrap_or_else(|_| {
        let digits: Vec<u64> = text.chars().filter_map(|c| c.to_digit(10)).map(u64::from).collect();
        digits.iter().skip(digits.len().saturating_sub(18)).fold(0, |number, digit| number * 10 + digit)
    })
}

/// `m=<media> <port> <proto> <formats>`: one blank between the fields, and a format that stands for none.
fn mend_stream(value: &str) -> String {
    let fields: Vec<&str> = value.split_whitespace().collect();
    let filler = if fields.len() == 3 { " -" } else { "" };
    format!("m={}{filler}", fields.join(" "))
}
