//! The switch under test: the built binary with bounds that the load does not reach, in a folder of its own.
//! It must never outlive the bench.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use anyhow::Context as _;
use trunkline::config::{Credentials, files};
use trunkline::ops::control::{Question, ask};

use crate::meter::{self, now, rest_until};
use crate::registrations;

const DIALPLAN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/switch");
const START: Duration = Duration::from_secs(10);

/// A running switch.
pub struct Switch {
    process: Child,
    folder: PathBuf,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Switch {
    /// Starts a fresh one and waits until it answers.
    pub fn start() -> anyhow::Result<Switch> {
        Self::with(Path::new(DIALPLAN), true)
    }

    /// One whose calls do not outlive the process: what the journal costs is measured against it.
    pub fn forgetful() -> anyhow::Result<Switch> {
        Self::with(Path::new(DIALPLAN), false)
    }

    /// The same, with a dialplan of one number, `prompt`, that asks this web application.
    pub fn asking(webhook: &str) -> anyhow::Result<Switch> {
        let dialplan = std::env::temp_dir().join(format!("trunkline-bench-{}-dialplan", std::process::id()));
        std::fs::create_dir_all(&dialplan)?;
        let route = format!("[[route]]\nnumber = \"prompt\"\nwebhook = \"{webhook}\"\npublic = true\n");
        std::fs::write(dialplan.join("routes.toml"), route)?;
        let switch = Self::with(&dialplan, true);
        std::fs::remove_dir_all(&dialplan)?;
        switch
    }

    fn with(dialplan: &Path, journal: bool) -> anyhow::Result<Switch> {
        let folder = std::env::temp_dir().join(format!("trunkline-bench-{}", std::process::id()));
        let address = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let users = registrations::users().map(|user| (user, registrations::PASSWORD.to_owned())).collect();
        let credentials = Credentials { users, ..Credentials::mint(|| [7; 16], &[]) };
        files::save_credentials(&folder.join("credentials.toml"), &credentials)?;
        let config = folder.join("trunkline.toml");
        std::fs::write(&config, configuration(address, &folder, dialplan, journal))?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_trunkline"));
        command.arg("serve").arg("--config").arg(config).stdout(std::process::Stdio::null());
        let switch = Switch { process: command.spawn()?, folder, address };
        let deadline = now() + START;
        loop {
            match ask(&switch.folder, &Question::Census) {
                Ok(_) => return Ok(switch),
                Err(error) if now() > deadline => return Err(error).context("the switch does not start"),
                Err(_) => rest_until(now() + Duration::from_millis(50)),
            }
        }
    }

    /// CPU time so far.
    pub fn spent(&self) -> Duration {
        meter::spent(self.process.id(), "")
    }

    /// Bytes of memory.
    pub fn resident(&self) -> u64 {
        meter::resident(self.process.id())
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Audio has a loopback address of its own, where nobody else takes ports.
fn configuration(address: SocketAddr, folder: &Path, dialplan: &Path, journal: bool) -> String {
    let (folder, dialplan) = (folder.display(), dialplan.display());
    format!(
        r#"
        sip.listen = ["{address}"]
        media.address = "127.0.0.5"
        http.listen = "127.0.0.1:0"
        data.folder = "{folder}"
        dialplan.folder = "{dialplan}"
        log.filter = "error"
        journal.enabled = {journal}
        [limits]
        calls = 4000
        legs = 8000
        calls_per_second = 2000
        transactions = 100000
        "#
    )
}
