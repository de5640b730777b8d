//! Mends the mistakes that devices make in session descriptions, before the strict parser reads them.
//! Must never change a line that is right.

use std::borrow::Cow;

/// The text with the known mistakes mended: NULs behind it, blanks before a line, CR-only line ends, text
/// that is not UTF-8, `o=` lines with blanks in the user or numbers that are none, doubled blanks or no
/// format in `m=`, unreadable `b=` and `t=`, and repetitions of what may stand only once.
pub(super) fn mend(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let mut mended = String::with_capacity(text.len().saturating_add(64));
    let mut once = Once::default();
    for line in text.split(['\r', '\n']) {
        let line = line.trim_start_matches([' ', '\t', '\u{feff}']).trim_end_matches('\0');
        if line.is_empty() || once.is_repetition(line) {
            continue;
        }
        if let Some(line) = mend_line(line) {
            mended.push_str(&line);
            mended.push_str("\r\n");
        }
    }
    mended
}

/// The lines seen so far that may stand only once, for the session or for a stream; the first is the one that
/// counts.
#[derive(Default)]
struct Once {
    is_in_stream: bool,
    seen: Vec<char>,
}

impl Once {
    fn is_repetition(&mut self, line: &str) -> bool {
        let Some(key) = line.chars().next() else { return false };
        if key == 'm' {
            self.is_in_stream = true;
            self.seen.clear();
        }
        let may_stand_once = if self.is_in_stream { "ik" } else { "vosiuczk" };
        let is_repetition = self.seen.contains(&key);
        if may_stand_once.contains(key) && !is_repetition {
            self.seen.push(key);
        }
        is_repetition
    }
}

/// The line mended, or nothing where it is beyond mending and no call needs it.
fn mend_line(line: &str) -> Option<Cow<'_, str>> {
    let (key, value) = line.split_once('=').unwrap_or((line, ""));
    match key {
        "v" => Some(format!("v={}", value.trim()).into()),
        "o" => mend_origin(value).map(Cow::from),
        "m" => Some(mend_stream(value).into()),
        "b" => {
            let (kind, number) = value.split_once(':')?;
            number.trim().parse::<u64>().ok().map(|number| format!("b={kind}:{number}").into())
        }
        "t" => {
            let fields: Vec<_> = value.split(' ').filter(|field| !field.is_empty()).collect();
            let is_time = fields.len() == 2 && fields.iter().all(|field| field.parse::<u64>().is_ok());
            is_time.then_some(line.into())
        }
        _ => Some(line.into()),
    }
}

/// `o=<user> <id> <version> IN IP4 <address>`: the user may have lost or gained blanks, the numbers may be
/// none.
fn mend_origin(value: &str) -> Option<String> {
    let fields: Vec<&str> = value.split_whitespace().collect();
    let (user, rest) = fields.split_at_checked(fields.len().checked_sub(5)?)?;
    let [id, version, network, family, address] = rest else { return None };
    let user = if user.is_empty() { "-".to_owned() } else { user.join("_") };
    let is_number = id.bytes().all(|byte| byte.is_ascii_digit());
    let id = if is_number { (*id).to_owned() } else { number(id).to_string() };
    Some(format!("o={user} {id} {} {network} {family} {address}", number(version)))
}

/// A number as the grammar wants it (RFC 8866 §5.2): digits, of at most 64 bits. All that it has to do is to
/// differ when the original does, so of anything else the last digits are kept.
fn number(text: &str) -> u64 {
    text.parse().unwrap_or_else(|_| {
        let digits: Vec<u64> = text.chars().filter_map(|c| c.to_digit(10)).map(u64::from).collect();
        // Eighteen digits never exceed 64 bits.
        digits.iter().skip(digits.len().saturating_sub(18)).fold(0, |number, digit| number * 10 + digit)
    })
}

/// `m=<media> <port> <proto> <formats>`: one blank between the fields, and a dash where no format stands.
fn mend_stream(value: &str) -> String {
    let fields: Vec<&str> = value.split_whitespace().collect();
    let filler = if fields.len() == 3 { " -" } else { "" };
    format!("m={}{filler}", fields.join(" "))
}
