//! `trunkline serve`: configuration, start, signals, control socket, drain.
//! It must never hold a part of the switch itself: it starts the node and hands questions to it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use trunkline::config::files::{self, Origin};
use trunkline::config::{Config, Finding};
use trunkline::keeper::{Inherited, Keeper};
use trunkline::node::{Desk, Draft, House, Node, Predecessor, Reloader, limits};
use trunkline::ops::control::{self, Answer, ControlSocket, Outcome, Question, Reloaded, Reply};
use trunkline::ops::log::{self, Logs};
use trunkline::ops::notify::Notifier;
use trunkline::ops::print;

use super::check::numbers;
use super::credentials::{USERS, new_random};
use super::releases::{self, Upgrading};

/// How long a stop waits for the last BYE to be answered, and the last callback to be delivered.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often repeated warnings are summed up.
const SUMMING_UP: Duration = Duration::from_secs(5);

/// Runs the switch until it is told to stop. `kept`: who keeps its sockets, and those of an earlier process.
pub async fn serve(origin: Origin, kept: (Keeper, Inherited)) -> anyhow::Result<()> {
    begin(origin, Before::Nobody(kept)).await
}

/// Runs the switch in the place of another process.
pub async fn take_over(origin: Origin, predecessor: Predecessor) -> anyhow::Result<()> {
    begin(origin, Before::Runs(predecessor)).await
}

/// Who served calls before.
enum Before {
    /// Nobody does any more; these sockets were left.
    Nobody((Keeper, Inherited)),
    /// A process that is to hand over.
    Runs(Predecessor),
}

/// What the process may be told.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    fn follow() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }
}

async fn begin(origin: Origin, before: Before) -> anyhow::Result<()> {
    let (config, plan, findings) = Draft::read(&origin, limits::of_host).start().map_err(refusal)?;
    let logs = log::start(&config.log)?;
    let notifier = Arc::new(Notifier::from_environment());
    tell_start(&config, origin.file());
    log::tell("start", &findings);
    let data = config.data.folder.clone();
    std::fs::create_dir_all(&data)
        .with_context(|| format!("cannot make the data folder {}", data.display()))?;
    let (credentials, are_new) = files::load_or_mint(&config.credentials_file(), new_random()?, &USERS)?;
    // Before the first call can be there: a signal that nobody follows would end the process without a BYE.
    let signals = Signals::follow()?;
    let (node, control) = match before {
        Before::Nobody(kept) => {
            kept.1.tell();
            let control = ControlSocket::open(&data)?;
            (Node::start_after(config, credentials, plan, kept).await?, control)
        }
        Before::Runs(mut predecessor) => {
            let estate = predecessor.estate().context("the running switch does not hand over")?;
            let node = Node::succeed(config, credentials, plan, estate.kept, Some(predecessor)).await?;
            let control = match estate.control {
                Some((socket, lock)) => ControlSocket::adopt(&data, socket, lock)?,
                None => ControlSocket::open(&data)?,
            };
            (node, control)
        }
    };
    println!("{}", ready(node.house(), &data, are_new));
    run(node, control, (origin, data), (logs, notifier), signals).await
}

/// Serves calls until it is told to stop, or another process has taken over.
async fn run(
    mut node: Node,
    control: ControlSocket,
    (origin, data): (Origin, PathBuf),
    (logs, notifier): (Logs, Arc<Notifier>),
    Signals { mut interrupt, mut terminate, hangup }: Signals,
) -> anyhow::Result<()> {
    let upgrading = Upgrading::new(node.succession(), &control, &origin, &data, notifier.clone())?;
    let left = upgrading.left();
    let reloader = Reloader::new(node.house().clone(), origin, logs.clone());
    let reloading = Arc::new(Reloading { reloader, notifier: notifier.clone() });
    let (stop, mut stopped) = mpsc::channel(1);
    // Outlives the choice below: where another process takes over, the socket and its lock are not to be given back.
    let mut answering =
        Box::pin(answer(control, node.desk(), logs.clone(), (reloading.clone(), upgrading), stop));
    keep_telling(&node, logs, notifier.clone());
    let hangups = follow_hangups(reloading, hangup);
    notifier.ready("serving calls");
    let drained = node.drained();
    let failed = tokio::select! {
        _ = interrupt.recv() => None,
        _ = terminate.recv() => None,
        exit = node.failure() => exit,
        () = drained => None,
        _ = stopped.recv() => None,
        () = left.notified() => {
            releases::leave(&node.succession()).await;
            // Everything belongs to the other process: nothing is to be given back on the way out.
            std::process::exit(0);
        }
        ended = &mut answering => {
            ended.context("the control socket failed")?;
            None
        }
    };
    drop(answering);
    hangups.abort();
    notifier.stopping();
    tracing::info!("stopping: calls are ended, no new ones are taken");
    tokio::select! {
        () = node.stop(PATIENCE) => {}
        _ = interrupt.recv() => tracing::warn!("told twice: ended at once"),
        _ = terminate.recv() => tracing::warn!("told twice: ended at once"),
    }
    match failed {
        Some(exit) => anyhow::bail!("{} {}", exit.child, exit.reason),
        None => Ok(()),
    }
}

/// Why there is no start: everything that is wrong with the files.
fn refusal(findings: Vec<Finding>) -> anyhow::Error {
    anyhow::anyhow!("cannot start:\n{}", print::findings(&findings).trim_end())
}

fn tell_start(config: &Config, file: Option<PathBuf>) {
    let file = file.map_or_else(|| "none: the defaults hold".to_owned(), |file| file.display().to_string());
    let Config { sip, http, limits, data, dialplan, media, .. } = config;
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        configuration = %file,
        data = %data.folder.display(),
        dialplan = %dialplan.folder.display(),
        udp = ?sip.listen,
        tcp = ?sip.listen_tcp,
        tls = ?sip.listen_tls,
        http = %http.listen,
        media = %media.ports,
        calls = limits.calls,
        legs = limits.legs,
        calls_per_second = limits.calls_per_second,
        "starting"
    );
}

/// Answers on the control socket.
fn answer(
    control: ControlSocket,
    desk: Desk,
    logs: Logs,
    (reloading, upgrading): (Arc<Reloading>, Upgrading),
    stop: mpsc::Sender<()>,
) -> impl Future<Output = std::io::Result<()>> {
    control::serve(control, move |question| {
        let (desk, stop, logs, reloading) = (desk.clone(), stop.clone(), logs.clone(), reloading.clone());
        let upgrading = upgrading.clone();
        Box::pin(async move {
            match question {
                Question::Stop => {
                    // A stop that is asked for twice is asked for.
                    let _ = stop.try_send(());
                    Answer::Done.into()
                }
                Question::Upgrade { binary } => Reply::Many(upgrading.begin(Some(binary))),
                Question::Rollback => Reply::Many(upgrading.begin(None)),
                Question::Reload { dry_run } => Answer::Reloaded(reloading.reload(dry_run).await).into(),
                question => match desk.answer(question).await {
                    Reply::One(mut answer) => {
                        if let Answer::Overview(overview) = &mut *answer {
                            overview.complaints = logs.complaints();
                        }
                        Reply::One(answer)
                    }
                    many => many,
                },
            }
        })
    })
}

/// A reload, told to the service manager and to the log.
struct Reloading {
    reloader: Reloader,
    notifier: Arc<Notifier>,
}

impl Reloading {
    async fn reload(&self, dry_run: bool) -> Reloaded {
        if dry_run {
            return self.reloader.reload(true).await;
        }
        self.notifier.reloading();
        let reloaded = self.reloader.reload(false).await;
        self.notifier.ready("serving calls");
        log::tell("reload", &reloaded.findings);
        reloaded.changes.iter().for_each(|change| tracing::info!("reload: {change}"));
        match reloaded.outcome {
            Outcome::Broken | Outcome::NeedsRestart => {
                tracing::error!(outcome = ?reloaded.outcome, "reload: nothing was taken up");
            }
            outcome => tracing::info!(?outcome, changes = reloaded.changes.len(), "reload"),
        }
        reloaded
    }
}

/// SIGHUP is a reload.
fn follow_hangups(reloading: Arc<Reloading>, mut hangups: Signal) -> tokio::task::JoinHandle<()> {
    actix_rt::spawn(async move {
        while hangups.recv().await.is_some() {
            reloading.reload(false).await;
        }
    })
}

/// Sums up repeated warnings; tells the service manager that every part still answers, as often as it wants.
fn keep_telling(node: &Node, logs: Logs, notifier: Arc<Notifier>) {
    actix_rt::spawn(async move {
        loop {
            tokio::time::sleep(SUMMING_UP).await;
            logs.settle();
        }
    });
    let pulse = node.pulse();
    let Some(pause) = notifier.heartbeat() else { return };
    actix_rt::spawn(async move {
        loop {
            // A node that does not answer is not told of: the manager starts it again.
            if pulse.is_there().await {
                notifier.alive();
            }
            tokio::time::sleep(pause).await;
        }
    });
}

/// What is told once the switch answers.
fn ready(house: &House, data: &Path, is_first_start: bool) -> String {
    let settings = house.settings();
    let numbers = numbers(&settings.plan);
    print::banner(&print::Banner {
        addresses: &house.reachable(),
        transports: &house.transports(),
        users: &settings.credentials.users,
        numbers: &numbers,
        web: &house.web_url,
        data,
        is_first_start,
    })
}
