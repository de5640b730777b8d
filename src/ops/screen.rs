//! Text as a terminal shows it: how wide it is, cut and broken to fit; spans of time for people.
//! It must never let through what could move a cursor: names and reasons come from strangers.

use std::time::Duration;

/// Columns of a terminal that a line may use.
pub(in crate::ops) const WIDTH: usize = 100;

/// The second cell of a wide character.
pub(in crate::ops) const REST_OF_WIDE: char = '\0';

/// Text as cells: control characters become `?`, those without width go, wide ones take two.
pub(in crate::ops) fn cells(text: &str) -> Vec<char> {
    let mut cells = Vec::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' | '\n' | '\r' => cells.push(' '),
            c if c.is_control() => cells.push('?'),
            c if is_weightless(c) => {}
            c if is_wide(c) => cells.extend([c, REST_OF_WIDE]),
            c => cells.push(c),
        }
    }
    cells
}

/// Combining marks, joiners and the characters that turn the direction of writing.
fn is_weightless(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}')
}

/// East Asian wide and emoji, roughly as Unicode's annex 11 has them.
fn is_wide(c: char) -> bool {
    matches!(c, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}' | '\u{ff00}'..='\u{ff60}' | '\u{1f300}'..='\u{1faff}' | '\u{20000}'..='\u{3fffd}')
}

/// Text of at most `width` cells; what does not fit ends in `…`.
pub(in crate::ops) fn shortened(text: &str, width: usize) -> String {
    let mut cells = cells(text);
    if cells.len() > width {
        cells.truncate(width.saturating_sub(1));
        if cells.last().copied().is_some_and(is_wide) {
            cells.pop();
        }
        cells.push('…');
    }
    cells.into_iter().filter(|c| *c != REST_OF_WIDE).collect()
}

/// Text in lines of at most `width` cells, broken between words, later lines indented; `…` after `most` lines.
pub(in crate::ops) fn wrapped(text: &str, width: usize, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let word = shortened(word, width.saturating_sub(2));
        if !line.trim().is_empty() && cells(&line).len() + 1 + cells(&word).len() > width {
            lines.push(std::mem::replace(&mut line, " ".to_owned()));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&word);
    }
    lines.push(line);
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            *last = shortened(&format!("{last} {}", "…".repeat(width)), width);
        }
    }
    lines
}

/// A span for people: `12.4 s`, `3 min 05 s`, `2 h 07 min`.
pub(in crate::ops) fn span(span: Duration) -> String {
    match span.as_secs() {
        0..60 => format!("{}.{} s", span.as_secs(), span.subsec_millis() / 100),
        seconds @ 60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        seconds => format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_and_broken_by_what_it_takes_on_a_screen() {
        assert_eq!(shortened("receptionist", 12), "receptionist");
        assert_eq!(shortened("receptionist", 8), "recepti…");
        assert_eq!(shortened("日本語", 5), "日本…");
        assert_eq!(shortened("日本語", 4), "日…");
        assert_eq!(wrapped("one two three four", 9, 3), ["one two", "  three", "  four"]);
        assert_eq!(wrapped("one two three four", 9, 2), ["one two", "  three …"]);
        assert_eq!(wrapped("", 9, 2), [""]);
    }

    #[test]
    fn spans_are_as_exact_as_one_wants_to_know() {
        for (millis, printed) in [
            (0, "0.0 s"),
            (12_499, "12.4 s"),
            (60_000, "1 min 00 s"),
            (3_599_999, "59 min 59 s"),
            (7_620_000, "2 h 07 min"),
        ] {
            assert_eq!(span(Duration::from_millis(millis)), printed);
        }
    }
}
