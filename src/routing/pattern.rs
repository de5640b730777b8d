//! What a route says of the number dialled: one number, or a pattern of many.
//! Must never backtrack: matching is one walk over the number.

/// A number, or a pattern: `X` is any digit, `Z` one from 1 to 9, `N` one from 2 to 9, a `*` at the end whatever follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Pattern {
    Number(String),
    Pattern(String),
}

/// How closely a pattern describes numbers; the greater is the closer. The order of the fields is that of comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Precision {
    exact: bool,
    places: usize,
    literals: usize,
    closed: bool,
}

impl Pattern {
    /// A pattern as the dialplan writes it; none if it has characters that no number has.
    pub(super) fn read(written: &str) -> Option<Pattern> {
        let places = written.strip_suffix('*').unwrap_or(written);
        let valid = |c: char| matches!(c, '0'..='9' | '+' | '#' | 'X' | 'Z' | 'N');
        (!written.is_empty() && places.chars().all(valid)).then(|| Pattern::Pattern(written.to_owned()))
    }

    /// As the dialplan writes it.
    pub(super) fn written(&self) -> &str {
        let (Pattern::Number(written) | Pattern::Pattern(written)) = self;
        written
    }

    pub(super) fn matches(&self, dialled: &str) -> bool {
        let pattern = match self {
            Pattern::Number(number) => return number == dialled,
            Pattern::Pattern(pattern) => pattern,
        };
        let (places, open) =
            pattern.strip_suffix('*').map_or((pattern.as_str(), false), |places| (places, true));
        let mut rest = dialled.chars();
        places.chars().all(|place| rest.next().is_some_and(|c| admits(place, c)))
            && (open || rest.next().is_none())
    }

    pub(super) fn precision(&self) -> Precision {
        let written = self.written();
        let places = written.trim_end_matches('*');
        Precision {
            exact: matches!(self, Pattern::Number(_)),
            places: places.len(),
            literals: places.chars().filter(|c| !matches!(c, 'X' | 'Z' | 'N')).count(),
            closed: places.len() == written.len(),
        }
    }
}

fn admits(place: char, c: char) -> bool {
    match place {
        'X' => c.is_ascii_digit(),
        'Z' => matches!(c, '1'..='9'),
        'N' => matches!(c, '2'..='9'),
        literal => literal == c,
    }
}
