//! What `trunkline reload` and `trunkline check` print: findings, changes, and what was done.
//! It must never show a secret: findings and changes hold none.

use super::super::control::{Outcome, Reloaded};
use super::counted;
use crate::config::{Finding, Severity};

/// One line for each finding.
pub fn findings(findings: &[Finding]) -> String {
    findings.iter().map(|finding| format!("{finding}\n")).collect()
}

/// How many findings there are, in words; empty if there are none.
pub fn count(findings: &[Finding]) -> String {
    let of = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
    match (of(Severity::Error), of(Severity::Warning)) {
        (0, 0) => String::new(),
        (0, warnings) => counted(warnings, "warning"),
        (errors, 0) => counted(errors, "error"),
        (errors, warnings) => format!("{}, {}", counted(errors, "error"), counted(warnings, "warning")),
    }
}

/// What came of a reload.
pub fn reload(reloaded: &Reloaded) -> String {
    let Reloaded { outcome, changes, findings: found } = reloaded;
    let mut text = findings(found);
    changes.iter().for_each(|change| text.push_str(&format!("{change}\n")));
    let count = counted(changes.len(), "change");
    let done = match outcome {
        Outcome::Swapped => {
            format!("{count} in force for new calls; calls that are up keep what they began with")
        }
        Outcome::Unchanged => "nothing has changed".to_owned(),
        Outcome::Checked if changes.is_empty() => "nothing would change".to_owned(),
        Outcome::Checked => format!("{count} would be taken up"),
        Outcome::NeedsRestart => {
            let keys: Vec<&str> = changes
                .iter()
                .filter(|change| change.needs_restart)
                .map(|change| change.key.as_str())
                .collect();
            format!("nothing was taken up: only a restart changes {}", keys.join(", "))
        }
        Outcome::Broken => "nothing was taken up: see the errors above".to_owned(),
    };
    text + &done + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Change;

    fn change(key: &str, needs_restart: bool) -> Change {
        Change { key: key.to_owned(), old: Some("1".to_owned()), new: Some("2".to_owned()), needs_restart }
    }

    fn told(outcome: Outcome, changes: Vec<Change>, findings: Vec<Finding>) -> String {
        reload(&Reloaded { outcome, changes, findings })
    }

    #[test]
    fn a_reload_says_what_it_did_and_why_it_did_not() {
        let swapped = told(Outcome::Swapped, vec![change("limits.calls", false)], vec![]);
        assert!(swapped.starts_with("limits.calls: 1 → 2\n1 change in force for new calls"), "{swapped}");
        let restart = told(
            Outcome::NeedsRestart,
            vec![change("limits.calls", false), change("sip.listen", true), change("sip.shards", true)],
            vec![],
        );
        assert!(restart.contains("sip.listen: 1 → 2 (needs a restart)\n"), "{restart}");
        assert!(
            restart.ends_with("nothing was taken up: only a restart changes sip.listen, sip.shards\n"),
            "{restart}"
        );
        let broken = told(Outcome::Broken, vec![], vec![Finding::error("a.xml", "line 1: wrong")]);
        assert_eq!(broken, "a.xml: error: line 1: wrong\nnothing was taken up: see the errors above\n");
        assert_eq!(told(Outcome::Checked, vec![], vec![]), "nothing would change\n");
    }

    #[test]
    fn findings_are_counted_by_how_grave_they_are() {
        let (error, warning) = (Finding::error("", "a"), Finding::warning("", "b"));
        assert_eq!(count(&[]), "");
        assert_eq!(count(std::slice::from_ref(&warning)), "1 warning");
        assert_eq!(count(&[error.clone(), error, warning]), "2 errors, 1 warning");
    }
}
