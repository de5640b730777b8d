//! A set of numbers, as patterns: which of them leave the house.
//! Must never reach beyond the patterns that it was read from.

use super::pattern::Pattern;

/// A set of numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Numbers(Vec<Pattern>);

impl Numbers {
    /// Reads patterns as routes write them: `X`, `Z`, `N` for digits, a `*` at the end for whatever follows; `None` if
    /// one of them is none.
    pub fn read(patterns: &[String]) -> Option<Self> {
        patterns.iter().map(|pattern| Pattern::read(pattern)).collect::<Option<_>>().map(Self)
    }

    /// Whether it is one of them.
    pub fn contains(&self, number: &str) -> bool {
        self.0.iter().any(|pattern| pattern.matches(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_in_the_set_if_one_pattern_fits() {
        let numbers = Numbers::read(&["+49*".into(), "00X*".into(), "110".into()]).expect("patterns");
        for (number, is_in) in
            [("+4930", true), ("+48", false), ("001", true), ("00", false), ("110", true), ("1101", false)]
        {
            assert_eq!(numbers.contains(number), is_in, "{number}");
        }
        assert_eq!(Numbers::read(&["4[9]".into()]), None);
        assert!(!Numbers::default().contains("1"));
    }
}
