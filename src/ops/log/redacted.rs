//! Wrappers that keep people and secrets out of logs: numbers, addresses, passwords.
//! They must never show the whole by any way of printing.

use std::fmt;

/// Digits from which on a number is somebody's; shorter ones are extensions of the dialplan.
const PRIVATE: usize = 5;
/// Last digits that are shown: enough to find a call again.
const SHOWN: usize = 3;

/// A telephone number: `…456`. Extensions such as `101` are shown.
#[derive(Clone, Copy)]
pub struct Number<'a>(pub &'a str);

/// A SIP or tel URI: the host is shown, the user only if it is an extension, its password and parameters never.
#[derive(Clone, Copy)]
pub struct Address<'a>(pub &'a str);

/// A password, a token, a key: nothing of it is shown.
#[derive(Clone, Copy)]
pub struct Secret<'a>(pub &'a str);

impl fmt::Display for Number<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = || self.0.chars().filter(char::is_ascii_digit);
        let is_extension = digits().count() < PRIVATE && self.0.chars().all(|c| c.is_ascii_digit());
        if is_extension {
            return f.write_str(self.0);
        }
        f.write_str("…")?;
        digits()
            .skip(digits().count().saturating_sub(SHOWN).max(PRIVATE - SHOWN))
            .try_for_each(|c| write!(f, "{c}"))
    }
}

impl fmt::Display for Address<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, rest) = self.0.split_once(':').unwrap_or(("", self.0));
        let is_scheme = ["sip", "sips", "tel"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
        let (scheme, rest) = if is_scheme { (scheme, rest) } else { ("", self.0) };
        if is_scheme {
            write!(f, "{scheme}:")?;
        }
        // The last @ ends the user: a password may hold one that was not escaped.
        let (user, host) = match rest.rsplit_once('@') {
            Some((user, host)) => (Some(user.split([':', ';']).next().unwrap_or_default()), host),
            None if scheme.eq_ignore_ascii_case("tel") => {
                (Some(rest.split(';').next().unwrap_or_default()), "")
            }
            None => (None, rest),
        };
        let host = host.split([';', '?', '>']).next().unwrap_or_default();
        match user {
            Some(user) if host.is_empty() => write!(f, "{}", Number(user)),
            Some(user) => write!(f, "{}@{host}", Number(user)),
            None => f.write_str(host),
        }
    }
}

impl fmt::Display for Secret<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

impl fmt::Debug for Number<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for Address<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for Secret<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
