//! Prints transition tables, for tests to compare with what the RFCs say.
//! Must never be used outside of tests.

use std::fmt::Debug;

use super::machine::{Effect, Input, Stage};

/// Fails unless `golden` holds every move of the machine with these states, and nothing else. Columns
/// are separated by any number of spaces.
pub fn is_exactly<S: Stage + Debug>(states: &[S], golden: &str) {
    let mut table = vec![row("begin", "", S::BEGIN.to, S::BEGIN.effects)];
    for state in states {
        for input in Input::all() {
            if let Some(step) = state.on(input) {
                table.push(row(&format!("{state:?}"), &name(input), step.to, step.effects));
            }
        }
    }
    let golden: Vec<String> = golden.lines().map(words).collect();
    assert_eq!(table, golden, "\nthe table is:\n{}\n", table.join("\n"));
}

fn row<S: Debug>(from: &str, input: &str, to: S, effects: &[Effect]) -> String {
    let effects: Vec<String> = effects.iter().map(|effect| format!("{effect:?}")).collect();
    words(&format!("{from} {input} {to:?} {}", effects.join(" ")))
}

fn name(input: Input) -> String {
    match input {
        Input::Response(class) => format!("{class:?}"),
        other => format!("{other:?}"),
    }
}

fn words(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}
