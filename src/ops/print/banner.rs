//! What `trunkline serve` says when it is ready: where to register, as whom, what to dial.
//! It must never take more than one screen of 24 lines.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

use super::table::Table;
use crate::ops::screen::{WIDTH, shortened};

/// Lines for users, and for numbers.
const USERS: usize = 5;
const NUMBERS: usize = 9;

/// What a first call takes.
#[derive(Clone, Copy, Debug)]
pub struct Banner<'a> {
    /// Where telephones register; not the unspecified address, which nobody can dial.
    pub addresses: &'a [SocketAddr],
    /// Passwords by user.
    pub users: &'a BTreeMap<String, String>,
    /// Numbers or patterns of the dialplan, with what they do, in its order.
    pub numbers: &'a [(String, String)],
    /// Where the web server is.
    pub web: &'a str,
    /// The data folder.
    pub data: &'a Path,
    /// The passwords were made just now.
    pub is_first_start: bool,
}

/// The banner of a switch that is ready.
pub fn banner(ready: &Banner<'_>) -> String {
    let addresses: Vec<String> = ready.addresses.iter().map(SocketAddr::to_string).collect();
    let mut text = format!("Trunkline {} is ready.\n\n", env!("CARGO_PKG_VERSION"));
    let made = if ready.is_first_start { "new passwords" } else { "user and password" };
    line(&mut text, &format!("Register a softphone at {} (SIP over UDP), {made}:", addresses.join(" or ")));
    let users = ready.users.iter().map(|(user, password)| [user.clone(), password.clone()]);
    table(&mut text, users, USERS, "trunkline credentials");
    text.push_str("\nThen dial\n");
    let numbers = ready.numbers.iter().map(|(number, does)| [number.clone(), does.clone()]);
    table(&mut text, numbers, NUMBERS, "trunkline check");
    text.push('\n');
    line(&mut text, &first_call(ready));
    line(&mut text, "Afterwards `trunkline trace last` draws what happened.");
    line(&mut text, &format!("Recordings, /metrics, /health and /ready are at {}.", ready.web));
    line(
        &mut text,
        &format!("Data lies in {}; `trunkline credentials` shows the passwords again.", ready.data.display()),
    );
    text
}

/// The shortest way to hear something.
fn first_call(ready: &Banner<'_>) -> String {
    let mut users = ready.users.keys();
    match (users.next(), users.next(), ready.numbers.first()) {
        (Some(one), Some(other), _) => {
            format!(
                "First call: register as {one} here and as {other} there, and dial {other} on {one}’s telephone."
            )
        }
        (Some(one), None, Some((number, _))) => format!("First call: register as {one} and dial {number}."),
        _ => "There are no users yet: add some to credentials.toml in the data folder.".to_owned(),
    }
}

fn line(text: &mut String, words: &str) {
    text.push_str(&shortened(words, WIDTH));
    text.push('\n');
}

/// Two columns of at most `most` lines; what is left out can be seen with `elsewhere`.
fn table(text: &mut String, rows: impl ExactSizeIterator<Item = [String; 2]>, most: usize, elsewhere: &str) {
    let count = rows.len();
    let shown = if count > most { most - 1 } else { count };
    // The head of this table is the sentence above it.
    let mut table = Table::of(&[("", 20), ("", 72)]);
    rows.take(shown).for_each(|row| table.row(row));
    for row in table.print().lines().skip(1) {
        text.push_str(&format!("    {row}\n"));
    }
    if count > shown {
        text.push_str(&format!("    … and {} more: `{elsewhere}`\n", count - shown));
    }
}
