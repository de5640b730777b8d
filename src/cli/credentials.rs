//! `trunkline credentials`: the users and their passwords, shown or made anew; no running switch is needed.
//! It must never write them anywhere but into their file and to whoever asked.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use trunkline::config::{CREDENTIALS, Credentials, files};
use trunkline::ids::Minter;
use trunkline::ops::print;

use super::show::{json, say};

/// The demo's users. Their passwords are minted at the first start and kept.
pub const USERS: [&str; 3] = ["alice", "bob", "carol"];

/// Shows the credentials of a data folder, or makes new ones.
pub fn credentials(data: &Path, as_json: bool, replace: bool) -> anyhow::Result<ExitCode> {
    let file = data.join(CREDENTIALS);
    let kept = files::load_credentials(&file)?;
    let credentials = if replace {
        let minted = anew(kept.as_ref(), new_random()?);
        files::save_credentials(&file, &minted)?;
        minted
    } else {
        kept.with_context(|| format!("there is no {}: it is made at the first start", file.display()))?
    };
    say(&if as_json { json(&credentials)? } else { print::credentials(&credentials) })
}

/// New secrets for the users that there are; where there are none yet, for those of the demo.
fn anew(kept: Option<&Credentials>, random: impl FnMut() -> [u8; 16]) -> Credentials {
    let kept: Option<Vec<&str>> = kept.map(|kept| kept.users.keys().map(String::as_str).collect());
    Credentials::mint(random, kept.as_deref().unwrap_or(&USERS))
}

/// Random bytes for secrets.
pub fn new_random() -> anyhow::Result<impl FnMut() -> [u8; 16]> {
    let mut seed = [0; 16];
    getrandom::fill(&mut seed).map_err(|error| anyhow::anyhow!("no randomness from the system: {error}"))?;
    let mut minter = Minter::new(seed);
    Ok(move || minter.bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_secrets_are_those_of_the_same_users() {
        let kept = Credentials::mint(|| [1; 16], &["alice", "dora"]);
        let replaced = anew(Some(&kept), || [2; 16]);
        assert!(replaced.users.keys().eq(kept.users.keys()));
        assert!(replaced.users.values().all(|password| !kept.users.values().any(|old| old == password)));
        assert!(anew(None, || [2; 16]).users.keys().eq(USERS));
    }
}
