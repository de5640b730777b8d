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
    let credentials = if replace {
        let minted = Credentials::mint(new_random()?, &USERS);
        files::save_credentials(&file, &minted)?;
        minted
    } else {
        files::load_credentials(&file)?
            .with_context(|| format!("there is no {}: it is made at the first start", file.display()))?
    };
    say(&if as_json { json(&credentials)? } else { print::credentials(&credentials) })
}

/// Random bytes for secrets.
pub fn new_random() -> anyhow::Result<impl FnMut() -> [u8; 16]> {
    let mut seed = [0; 16];
    getrandom::fill(&mut seed).map_err(|error| anyhow::anyhow!("no randomness from the system: {error}"))?;
    let mut minter = Minter::new(seed);
    Ok(move || minter.bytes())
}
