//! `trunkline supervise`: the tiny parent that starts the switch again when it dies, and keeps its sockets meanwhile.
//! It must never hold anything but descriptors, nor fail with the switch: what goes wrong is said, and tried again.

use std::ffi::OsString;
use std::future::pending;
use std::io::{self, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{ExitCode, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitOptions, getpid, kill_process, set_child_subreaper, test_kill_process, wait, waitpid,
};
use tokio::io::Interest;
use tokio::process::{Child, Command};
use tokio::signal::unix::{self, SignalKind, signal};
use trunkline::config::files::Origin;
use trunkline::keeper::{ANNOUNCEMENT, Channel, ChannelError, Heard, LANGUAGE, Store};
use trunkline::node::limits;
use trunkline::supervision::{Backoff, Clock as _, SystemClock};

/// Descriptors that are kept at most, and those that the parent needs for itself.
const SOCKETS: u64 = 65_536;
const OWN_DESCRIPTORS: u64 = 64;

/// A switch that lived for so long bounds the rate of its restarts by itself.
const SETTLED: Duration = Duration::from_secs(1);

/// After the second death in a row, up to twice this; after each further one up to twice as long, at most ten seconds.
const PAUSES: Backoff = Backoff::new(Duration::from_millis(25), Duration::from_secs(10));

/// Deaths in a row after which it is said that something is wrong.
const MANY: u32 = 3;

/// How often it is looked whether a switch that was not started here still lives, should a signal be missed.
const LOOK: Duration = Duration::from_millis(100);

/// The pause before a switch that has not read everything is offered the rest.
const OFFER: Duration = Duration::from_millis(2);

/// The parent.
struct Parent {
    binary: PathBuf,
    arguments: Vec<OsString>,
    store: Store,
    signals: Signals,
    row: Row,
}

/// How a switch ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct End {
    code: u8,
    /// It ended by itself or was told to: it is not started again.
    is_wanted: bool,
}

/// The channel to the switch, and a second descriptor of it for the runtime.
struct Line {
    channel: Channel,
    watched: tokio::net::UnixStream,
}

/// The switch that runs.
enum Switch {
    /// Started here.
    Born(Child),
    /// Started by the one before it, which has left.
    Adopted(Pid),
}

/// Deaths in a row, without a long life in between.
#[derive(Debug, Default)]
struct Row(u32);

/// Runs the switch, again and again, until it ends by itself or is told to.
///
/// # Errors
/// The parent itself cannot be started.
pub fn supervise(
    origin: &Origin,
    binary: Option<PathBuf>,
    arguments: Vec<OsString>,
) -> anyhow::Result<ExitCode> {
    // The path, not the file behind it: where a newer binary has taken its place, that one is started.
    let binary = match binary {
        Some(binary) => binary,
        None => std::env::current_exe().context("the switch's own binary cannot be found")?,
    };
    let descriptors = limits::raised().unwrap_or(SOCKETS);
    let limit = SOCKETS.min(descriptors.saturating_sub(OWN_DESCRIPTORS));
    let store = Store::new(usize::try_from(limit).unwrap_or(usize::MAX));
    let arguments = typed(origin, arguments);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let signals = Signals::follow().context("signals cannot be followed")?;
        // A switch that takes over was started by the one that leaves, and is ours from then on.
        set_child_subreaper(Some(getpid())).context("switches cannot be adopted")?;
        let parent = Parent { binary, arguments, store, signals, row: Row::default() };
        Ok(ExitCode::from(parent.run().await))
    })
}

/// What `serve` is told: the options before the command are meant for it, too.
fn typed(origin: &Origin, more: Vec<OsString>) -> Vec<OsString> {
    let option = |name: &str, value: &Option<PathBuf>| {
        value.as_ref().map(|value| [OsString::from(name), value.clone().into_os_string()])
    };
    let options = [option("--config", &origin.config), option("--data", &origin.data)];
    let serve = std::iter::once(OsString::from("serve"));
    serve.chain(options.into_iter().flatten().flatten()).chain(more).collect()
}

impl Parent {
    async fn run(mut self) -> u8 {
        loop {
            let born = SystemClock.now();
            let (end, what) = match self.live().await {
                Ok((end, status)) => (end, status.to_string()),
                Err(error) => {
                    (End::FAILED_TO_START, format!("{} cannot be started: {error}", self.binary.display()))
                }
            };
            reap();
            if end.is_wanted {
                return end.code;
            }
            let life = SystemClock.now().since(born);
            let pause = self.row.pause(life, random());
            self.tell_death(&what, life, pause);
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.signals.stop() => return end.code,
            }
        }
    }

    /// Starts a switch, and serves it until it is dead.
    async fn live(&mut self) -> io::Result<(End, ExitStatus)> {
        let mut children = signal(SignalKind::child())?;
        let (child, line) = self.start()?;
        let (mut switch, mut line) = (Switch::Born(child), Some(line));
        let mut is_told_to_stop = false;
        let status = loop {
            let is_due = line.as_ref().is_some_and(|line| line.channel.is_due());
            tokio::select! {
                status = switch.ended(&mut children) => {
                    self.hear_out(&mut line);
                    let Some(heir) = self.store.heir() else { break status? };
                    // Whatever is started from now on is what took over.
                    self.binary = heir.binary;
                    match Pid::from_raw(heir.process) {
                        Some(process) => switch = Switch::Adopted(process),
                        None => break status?,
                    }
                }
                signal = self.signals.next() => {
                    is_told_to_stop |= signal != Signal::HUP;
                    match self.store.successor() {
                        Some(process) => send(process, signal),
                        None => pass_on(&switch, signal),
                    }
                }
                heard = hear(&mut line, &mut self.store) => {
                    if let Err(error) = heard {
                        say(&format!("further sockets of the switch are not kept: {error}"));
                    }
                    line = None;
                }
                () = tokio::time::sleep(OFFER), if is_due => line.iter_mut().for_each(Line::hand_on),
            }
        };
        self.hear_out(&mut line);
        Ok((End::of(status, is_told_to_stop), status))
    }

    /// The last words of a switch: what it kept and forgot just before it died, and who takes its place.
    fn hear_out(&mut self, line: &mut Option<Line>) {
        if let Some(Line { channel, .. }) = line
            && let Err(error) = channel.hear_out(&mut self.store)
        {
            say(&format!("the last words of the switch cannot be understood: {error}"));
            *line = None;
        }
    }

    fn start(&self) -> io::Result<(Child, Line)> {
        let (channel, its_end) = self.store.open()?;
        // A process group of its own: what is typed at a terminal reaches the parent alone, and is passed on once.
        let child = Command::new(&self.binary)
            .args(&self.arguments)
            .env(ANNOUNCEMENT, LANGUAGE)
            .stdin(Stdio::from(its_end))
            .process_group(0)
            .spawn()?;
        let mut line = Line::of(channel)?;
        line.hand_on();
        Ok((child, line))
    }

    fn tell_death(&mut self, what: &str, life: Duration, pause: Duration) {
        let often = if self.row.0 >= MANY {
            format!(", for the {}th time in a row: it is tried again until SIGTERM", self.row.0)
        } else {
            String::new()
        };
        let (kept, refused) = (self.store.len(), self.store.refused());
        let refused = if refused == 0 { String::new() } else { format!(" ({refused} were too many)") };
        say(&format!(
            "the switch ended after {life:.1?} ({what}){often}; it is started again in {pause:.1?}, {kept} sockets \
             are kept{refused}"
        ));
    }
}

impl Switch {
    /// Waits for its end.
    async fn ended(&mut self, children: &mut unix::Signal) -> io::Result<ExitStatus> {
        let process = match self {
            Self::Born(child) => return child.wait().await,
            Self::Adopted(process) => *process,
        };
        loop {
            match waitpid(Some(process), WaitOptions::NOHANG) {
                Ok(Some((_, status))) => return Ok(ExitStatus::from_raw(status.as_raw())),
                // The process whose child it was is only just leaving.
                Err(Errno::CHILD) if test_kill_process(process).is_ok() => {}
                Ok(None) => {}
                Err(error) => return Err(error.into()),
            }
            let _ = tokio::time::timeout(LOOK, children.recv()).await;
        }
    }

    fn process(&self) -> Option<Pid> {
        match self {
            // Without an id it is dead, and that is noticed next.
            Self::Born(child) => child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw),
            Self::Adopted(process) => Some(*process),
        }
    }
}

impl End {
    const FAILED_TO_START: Self = Self { code: 1, is_wanted: false };

    fn of(status: ExitStatus, is_told_to_stop: bool) -> Self {
        let by_signal = || status.signal().map(|signal| 128 + signal);
        let code = status.code().or_else(by_signal).and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
        let signals = [Signal::TERM, Signal::INT].map(Signal::as_raw);
        // A switch that is told to stop before it listens to signals dies of them, as was wanted.
        let is_obedient = is_told_to_stop && status.signal().is_some_and(|signal| signals.contains(&signal));
        Self { code: if is_obedient { 0 } else { code }, is_wanted: is_told_to_stop || code == 0 }
    }
}

impl Row {
    /// The pause after a life of this length.
    fn pause(&mut self, life: Duration, random: u64) -> Duration {
        if life >= SETTLED {
            self.0 = 0;
        }
        let pause = if self.0 == 0 { Duration::ZERO } else { PAUSES.pause(self.0, random) };
        self.0 = self.0.saturating_add(1);
        pause
    }
}

/// The signals that are passed on.
struct Signals {
    terminate: unix::Signal,
    interrupt: unix::Signal,
    hangup: unix::Signal,
}

impl Signals {
    fn follow() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.terminate.recv() => Signal::TERM,
            _ = self.interrupt.recv() => Signal::INT,
            _ = self.hangup.recv() => Signal::HUP,
        }
    }

    /// Waits for one that asks for the end. A reload of a switch that is dead is none.
    async fn stop(&mut self) {
        while self.next().await == Signal::HUP {}
    }
}

impl Line {
    fn of(channel: Channel) -> io::Result<Self> {
        let second = UnixStream::from(channel.as_fd().try_clone_to_owned()?);
        second.set_nonblocking(true)?;
        Ok(Self { channel, watched: tokio::net::UnixStream::from_std(second)? })
    }

    /// Does what the switch asks for, until it has closed the channel.
    async fn hear(&mut self, store: &mut Store) -> Result<(), ChannelError> {
        loop {
            self.watched.readable().await?;
            let heard = self.watched.try_io(Interest::READABLE, || match self.channel.hear(store) {
                Ok(Heard::All) => Err(io::ErrorKind::WouldBlock.into()),
                heard => Ok(heard),
            });
            // The one error is that there is nothing more for now.
            if let Ok(heard) = heard
                && heard? == Heard::Closed
            {
                return Ok(());
            }
            // Signals and the death of the switch are looked for in between.
            tokio::task::yield_now().await;
        }
    }

    /// Hands on as many sockets as the switch takes now. One that is gone is noticed where it is heard.
    fn hand_on(&mut self) {
        if let Err(error) = self.channel.hand_on() {
            say(&format!("the kept sockets cannot be handed on: {error}"));
        }
    }
}

/// Hears a switch that can be heard.
async fn hear(line: &mut Option<Line>, store: &mut Store) -> Result<(), ChannelError> {
    match line {
        Some(line) => line.hear(store).await,
        None => pending().await,
    }
}

fn pass_on(switch: &Switch, signal: Signal) {
    if let Some(process) = switch.process() {
        send(process, signal);
    }
}

fn send(process: Pid, signal: Signal) {
    if let Err(error) = kill_process(process, signal) {
        say(&format!("a signal cannot be passed on: {error}"));
    }
}

/// Takes leave of what the dead switch has left: as the first process of a container nobody else does.
fn reap() {
    while let Ok(Some(_)) = wait(WaitOptions::NOHANG) {}
}

/// Without randomness the pause is the longest one.
fn random() -> u64 {
    getrandom::u64().unwrap_or(u64::MAX)
}

/// Tells whoever watches. Nobody may.
fn say(what: &str) {
    let _ = writeln!(io::stderr(), "trunkline supervise: {what}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_death_costs_no_pause_and_a_row_of_them_a_growing_one() {
        let mut row = Row::default();
        let (short, long) = (Duration::from_millis(10), SETTLED);
        let mut pause = |life| row.pause(life, u64::MAX).as_millis();
        let pauses: Vec<_> = (0..12).map(|_| pause(short)).collect();
        assert_eq!(pauses, [0, 49, 99, 199, 399, 799, 1599, 3199, 6399, 9999, 9999, 9999]);
        assert_eq!((pause(long), pause(short)), (0, 49), "a long life starts a new row");
    }

    #[test]
    fn an_end_is_wanted_if_it_was_told_or_in_order() {
        let status = ExitStatus::from_raw;
        let (exited, killed) = (|code: i32| status(code << 8), status);
        for (status, is_told, code, is_wanted) in [
            (exited(0), false, 0, true),
            (exited(0), true, 0, true),
            (exited(1), false, 1, false),
            (exited(1), true, 1, true),
            (killed(9), false, 137, false),
            (killed(15), false, 143, false),
            (killed(15), true, 0, true),
            (killed(9), true, 137, true),
        ] {
            assert_eq!(End::of(status, is_told), End { code, is_wanted }, "{status}, told: {is_told}");
        }
    }

    #[test]
    fn options_before_the_command_are_the_switchs() {
        let origin = Origin { config: Some("a.toml".into()), data: Some("data".into()) };
        let typed = typed(&origin, vec!["--more".into()]);
        assert_eq!(typed, ["serve", "--config", "a.toml", "--data", "data", "--more"]);
    }
}
