//! The binaries of an upgrade: the one that is to run, the one that runs, and the one that ran before; and the moves.
//! It must never start a binary whose word on the configuration was not heard, nor end a call for one that fails.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use tokio::runtime::Handle;
use tokio::sync::{Mutex, Notify, mpsc};
use trunkline::config::files::Origin;
use trunkline::keeper::{ANNOUNCEMENT, Handover, Heir};
use trunkline::node::Succession;
use trunkline::ops::control::{Answer, ControlSocket};
use trunkline::ops::notify::Notifier;
use trunkline::supervision::{Clock as _, SystemClock};

/// The folder of binaries in the data folder.
const FOLDER: &str = "releases";
/// The binary that took over last; the one that it took over from; and one that is being tried.
const CURRENT: &str = "current";
const PREVIOUS: &str = "previous";
const NEXT: &str = "next";
/// The binary that runs, until the next one has taken over.
const LEAVING: &str = "leaving";

/// How long the previous binary is good for.
const KEPT: Duration = Duration::from_secs(36 * 3_600);

/// How long a binary may examine the configuration.
const EXAMINATION: Duration = Duration::from_secs(20);

/// How long requests to the web server may go on after everything else has left.
const LAST_REQUESTS: Duration = Duration::from_secs(10);

/// The pause before the process ends: whoever asked is to read the answer.
const LAST_WORD: Duration = Duration::from_millis(200);

/// What it takes to upgrade the running switch.
#[derive(Clone)]
pub struct Upgrading(Arc<Inner>);

struct Inner {
    succession: Succession,
    control: [OwnedFd; 2],
    /// Rung, it stops the accepting on the control socket.
    leaves: Arc<Notify>,
    /// Rung, it ends the process.
    left: Arc<Notify>,
    arguments: Vec<PathBuf>,
    folder: PathBuf,
    notifier: Arc<Notifier>,
    /// One at a time.
    turn: Mutex<()>,
}

impl Upgrading {
    /// # Errors
    /// There is no descriptor left.
    pub fn new(
        succession: Succession,
        control: &ControlSocket,
        origin: &Origin,
        data: &Path,
        notifier: Arc<Notifier>,
    ) -> io::Result<Self> {
        let option = |name: &str, value: &Option<PathBuf>| {
            value.clone().map(|value| [PathBuf::from(name), value]).into_iter().flatten()
        };
        let arguments = option("--config", &origin.config).chain(option("--data", &origin.data)).collect();
        let (control, leaves) = (control.descriptors()?, control.leaves());
        let (folder, left, turn) = (data.join(FOLDER), Arc::default(), Mutex::default());
        Ok(Self(Arc::new(Inner { succession, control, leaves, left, arguments, folder, notifier, turn })))
    }

    /// Rung when another process has taken over.
    pub fn left(&self) -> Arc<Notify> {
        Arc::clone(&self.0.left)
    }

    /// Hands over to `binary`, by default to the previous one; what came of it is answered.
    pub fn begin(&self, binary: Option<PathBuf>) -> mpsc::Receiver<Answer> {
        let (answer, answers) = mpsc::channel(1);
        let this = Arc::clone(&self.0);
        tokio::spawn(async move {
            let Ok(_turn) = this.turn.try_lock() else {
                let message = "another upgrade is under way".to_owned();
                return drop(answer.send(Answer::Error { message }).await);
            };
            let (runtime, moving) = (Handle::current(), Arc::clone(&this));
            let moved = tokio::task::spawn_blocking(move || moving.upgrade(binary, &runtime)).await;
            let said = match moved.context("the upgrade panicked").and_then(|moved| moved) {
                Ok(upgraded) => {
                    this.leaves.notify_one();
                    this.left.notify_one();
                    upgraded
                }
                Err(error) => {
                    let message = super::told(&error);
                    tracing::error!("no upgrade: {message}; the switch goes on as it was");
                    Answer::Error { message }
                }
            };
            drop(answer.send(said).await);
        });
        answers
    }
}

impl Inner {
    fn upgrade(&self, binary: Option<PathBuf>, runtime: &Handle) -> anyhow::Result<Answer> {
        let binary = binary.map_or_else(|| self.previous(), Ok)?;
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        let place = |name| self.folder.join(name);
        copy(&binary, &place(NEXT)).with_context(|| format!("{} cannot be copied", binary.display()))?;
        copy(Path::new("/proc/self/exe"), &place(LEAVING)).context("the running binary cannot be kept")?;
        let complaints = self.examine(&place(NEXT), runtime)?;
        let (mut channel, its_end) = Handover::open()?;
        let child = Nursling(Some(self.start(&place(NEXT), its_end)?));
        let greeted = self.succession.greet(&mut channel).context("the other binary does not start");
        let to = match complaints {
            // What is wrong with a script keeps nobody from starting: the process itself decides.
            Some(words) => greeted.with_context(|| format!("of the configuration it says:\n{words}"))?,
            None => greeted?,
        };
        let begun = SystemClock.now();
        let mut frozen = self.succession.freeze(runtime.clone())?;
        let control = [self.control[0].as_fd(), self.control[1].as_fd()];
        let still = match frozen.hand_over(&mut channel, control) {
            Ok(still) => still,
            Err(error) => {
                // It is dead before anything goes on here.
                drop(child);
                drop(frozen);
                return Err(anyhow::Error::from(error).context("the other binary does not take over"));
            }
        };
        let process = child.grown_up();
        tracing::warn!(process, took = ?SystemClock.now().since(begun), sound = ?still, "another process has taken over");
        self.settle(process);
        let from = env!("CARGO_PKG_VERSION").to_owned();
        let stood_still_us = u64::try_from(still.as_micros()).unwrap_or(u64::MAX);
        Ok(Answer::Upgraded { from, to, process, stood_still_us })
    }

    /// Names the binaries by what they are from now on, and tells whoever waits for this process.
    fn settle(&self, process: u32) {
        let place = |name| self.folder.join(name);
        for (from, to) in [(NEXT, CURRENT), (LEAVING, PREVIOUS)] {
            if let Err(error) = fs::rename(place(from), place(to)) {
                tracing::error!(%error, from, to, "a binary is not kept");
            }
        }
        let heir = Heir { process: i32::try_from(process).unwrap_or(0), binary: place(CURRENT) };
        if let Err(error) = self.succession.house().keeper.succeed(&heir) {
            tracing::error!(%error, "the parent does not know who took over");
        }
        self.notifier.succeeded_by(process);
    }

    fn previous(&self) -> anyhow::Result<PathBuf> {
        let binary = self.folder.join(PREVIOUS);
        let Ok(about) = fs::metadata(&binary) else { bail!("there was no upgrade that could be taken back") };
        let age = about.modified()?.elapsed().unwrap_or_default();
        ensure!(
            age <= KEPT,
            "the binary that ran before is older than 36 h: name it to `upgrade` if it is to run"
        );
        Ok(binary)
    }

    /// Has the binary read our configuration and everything that it names: what it complains of.
    fn examine(&self, binary: &Path, runtime: &Handle) -> anyhow::Result<Option<String>> {
        let check = async {
            let mut check = tokio::process::Command::new(binary);
            check.arg("check").args(&self.arguments).stdin(Stdio::null()).kill_on_drop(true);
            tokio::time::timeout(EXAMINATION, check.output()).await
        };
        let output =
            runtime.block_on(check).context("the other binary does not come to an end with `check`")?;
        let output = output.context("the other binary cannot be started")?;
        let words = [output.stdout, output.stderr].map(|words| String::from_utf8_lossy(&words).into_owned());
        Ok((!output.status.success()).then(|| words.concat().trim().to_owned()))
    }

    fn start(&self, binary: &Path, channel: OwnedFd) -> anyhow::Result<Child> {
        let mut serve = Command::new(binary);
        serve.args(["serve", "--takeover"]).args(&self.arguments).stdin(Stdio::from(channel));
        // Both are meant for this process: standard input is another channel there.
        serve.env_remove(ANNOUNCEMENT).env_remove("WATCHDOG_PID");
        serve.spawn().context("the other binary cannot be started")
    }
}

/// A process that does not outlive whoever started it, until it has grown up.
struct Nursling(Option<Child>);

impl Nursling {
    fn grown_up(mut self) -> u32 {
        self.0.take().map_or(0, |child| child.id())
    }
}

impl Drop for Nursling {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            // One that has ended already is only taken leave of.
            drop(child.kill());
            drop(child.wait());
        }
    }
}

/// Lets what has begun come to its end, before the process does.
pub async fn leave(succession: &Succession) {
    drop(tokio::time::timeout(LAST_REQUESTS, succession.leave()).await);
    tokio::time::sleep(LAST_WORD).await;
}

/// A copy that nobody else can read, or none.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let draft = to.with_extension("draft");
    fs::copy(from, &draft)?;
    fs::set_permissions(&draft, Permissions::from_mode(0o700))?;
    fs::rename(draft, to)
}
