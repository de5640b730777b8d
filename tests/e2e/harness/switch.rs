//! The switch under test: the built binary, in a folder and on ports of its own.
//! It must never outlive its story, nor be believed without the judges of the wire.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::folder::Folder;
use super::ports::Ports;
use super::process::{Process, tail};
use super::telephone::Telephone;
use super::wire::{Capture, Sources, Wire};
use super::{Probe, eventually};

/// Every user's password in the stories.
pub const PASSWORD: &str = "correct-horse-battery";
/// AccountSid and AuthToken of the stories.
pub const ACCOUNT: (&str, &str) = ("AC00000000000000000000000000000000", "00000000000000000000000000000000");
const USERS: [&str; 3] = ["alice", "bob", "carol"];
const CONFIG: &str = "trunkline.toml";
/// Long enough for a debug build on a busy machine.
const START: Duration = Duration::from_secs(30);

/// How a story wants its switch. The default is that of an operator, on loopback.
#[derive(Debug)]
pub struct Options {
    /// T1; T2 and T4 in proportion. Shorter than the RFC's where a story would wait for 64 · T1.
    pub t1: Duration,
    /// RTP and RTCP ports of the switch.
    pub media_ports: u16,
    /// Ports of everybody else.
    pub peer_ports: u16,
    /// Folder of routes and scripts; that of the stories by default.
    pub dialplan: PathBuf,
    /// A further table of the configuration.
    pub more: String,
    /// Whether the users of the stories exist; otherwise the switch makes its own.
    pub credentials: bool,
    /// It listens over TCP, at the port of UDP, and over TLS.
    pub streams: bool,
    /// Threads for signalling, and as many for media: calls, and sounds, of different threads meet. By default as many
    /// as the machine is worth.
    pub threads: Option<usize>,
    /// It runs under `trunkline supervise`: whoever takes over belongs to the story, too.
    pub supervised: bool,
    /// No other story runs meanwhile: for those that would disturb others.
    pub alone: bool,
}

impl Default for Options {
    fn default() -> Self {
        let dialplan = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/dialplan");
        Self {
            t1: Duration::from_millis(500),
            media_ports: 80,
            peer_ports: 100,
            dialplan,
            more: String::new(),
            credentials: true,
            streams: false,
            threads: None,
            supervised: false,
            alone: false,
        }
    }
}

/// A running switch.
#[derive(Debug)]
pub struct Switch {
    // Dropped in this order: the switch ends before its ports and its folder go.
    process: Mutex<Process>,
    wire: Wire,
    address: SocketAddr,
    /// Where it listens over TLS, in stories with streams.
    tls: SocketAddr,
    streams: bool,
    media: (u16, u16),
    empty: BTreeMap<String, u64>,
    ports: Mutex<Ports>,
    folder: Folder,
    /// How it is started: `serve` or `supervise`.
    command: &'static str,
    _turn: Turn,
}

/// Stories run side by side, or one of them alone.
#[derive(Debug)]
enum Turn {
    Shared { _guard: RwLockReadGuard<'static, ()> },
    Alone { _guard: RwLockWriteGuard<'static, ()> },
}

impl Turn {
    fn wait(alone: bool) -> Self {
        static TURNS: RwLock<()> = RwLock::new(());
        // A story that failed leaves nothing behind that could disturb the next.
        if alone {
            Self::Alone { _guard: TURNS.write().unwrap_or_else(PoisonError::into_inner) }
        } else {
            Self::Shared { _guard: TURNS.read().unwrap_or_else(PoisonError::into_inner) }
        }
    }
}

impl Switch {
    /// With the operator's defaults.
    pub fn start() -> Self {
        Self::with(&Options::default())
    }

    /// Starts it, captures from its first packet on, and waits until it answers.
    pub fn with(options: &Options) -> Self {
        let turn = Turn::wait(options.alone);
        let folder = Folder::new();
        let mut ports = Ports::lease(options.media_ports + options.peer_ports);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, ports.one()));
        let tls = SocketAddr::from((Ipv4Addr::LOCALHOST, ports.one()));
        let first = ports.run(options.media_ports);
        let media = (first, first + options.media_ports - 1);
        let data = folder.sub("data");
        let web = SocketAddr::from((Ipv4Addr::LOCALHOST, ports.one()));
        folder.write(CONFIG, configuration(options, [address, tls, web], media, &data));
        if options.credentials {
            write_credentials(&data.join("credentials.toml"));
        }
        let wire = Wire::listen(&folder, ports.span());
        let command = if options.supervised { "supervise" } else { "serve" };
        let process = launch(command, &folder, &Probe::new(ports.one(), address));
        let ports = Mutex::new(ports);
        let mut switch = Self {
            process: process.into(),
            wire,
            address,
            tls,
            streams: options.streams,
            media,
            empty: BTreeMap::new(),
            ports,
            folder,
            command,
            _turn: turn,
        };
        switch.empty = switch.census();
        switch
    }

    fn process(&self) -> std::sync::MutexGuard<'_, Process> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stops it as an operator would, and starts it again in the same folder.
    pub fn restart(&self) {
        self.terminate();
        self.launch();
    }

    /// SIGKILL: what a crash of the host leaves of it.
    pub fn crash(&self) {
        self.process().kill();
    }

    /// Starts it again in the same folder.
    pub fn launch(&self) {
        let probe = self.probe();
        *self.process() = launch(self.command, &self.folder, &probe);
    }

    /// Where its web server is, as it says.
    pub fn web(&self) -> String {
        let log = self.process().log();
        let said = log.lines().find_map(|line| line.split_once("/ready are at ")?.1.strip_suffix('.'));
        said.unwrap_or_else(|| panic!("no word of a web server: {}", tail(&log, 40))).to_owned()
    }

    fn terminate(&self) {
        self.process().signal("TERM");
        let status = self.process().wait(Duration::from_secs(15));
        assert!(status.success(), "the switch stopped with {status}: {}", tail(&self.process().log(), 40));
    }

    /// SIGTERM while calls are up: the switch is to end them, and be gone before anybody loses patience.
    pub fn stop_with_calls(self) -> Capture {
        self.process().signal("TERM");
        let status = self.process().wait(Duration::from_secs(7));
        assert!(status.success(), "the switch stopped with {status}: {}", tail(&self.process().log(), 40));
        let from = Sources { sip: self.address.port(), media: self.media, is_hidden: self.streams };
        self.wire.close(self.folder, from)
    }

    /// A switch that is drained: it is to be gone by then, as one that has done what it was asked for.
    pub fn ends_by_itself(self, limit: Duration) -> Capture {
        let status = self.process().wait(limit);
        assert!(status.success(), "the switch ended with {status}: {}", tail(&self.process().log(), 40));
        let from = Sources { sip: self.address.port(), media: self.media, is_hidden: self.streams };
        self.wire.close(self.folder, from)
    }

    /// SIGTERM, and once more.
    pub fn stop_twice(self, limit: Duration) {
        self.process().signal("TERM");
        std::thread::sleep(Duration::from_millis(200));
        assert!(self.process().ended().is_none(), "there was nothing to wait for");
        self.process().signal("TERM");
        let status = self.process().wait(limit);
        assert!(status.success(), "the switch stopped with {status}: {}", tail(&self.process().log(), 40));
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where a telephone reaches it over this transport: `udp`, `tcp` or `tls`.
    pub fn reached_by(&self, transport: &str) -> SocketAddr {
        if transport == "tls" { self.tls } else { self.address }
    }

    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// The first of `count` ports of the story's lease.
    pub fn ports(&self, count: u16) -> u16 {
        self.ports.lock().expect("nobody panics while choosing").run(count)
    }

    /// A socket that speaks by hand.
    pub fn probe(&self) -> Probe {
        Probe::new(self.ports(1), self.address)
    }

    /// A telephone of sipp's for this user.
    pub fn telephone(&self, user: &str) -> Telephone<'_> {
        Telephone::new(self, user)
    }

    /// What a command of the switch prints; fails when the command does.
    pub fn command(&self, arguments: &[&str]) -> String {
        let output = Command::new(binary())
            .args(arguments)
            .arg("--data")
            .arg(self.folder.path().join("data"))
            .output()
            .expect("the binary runs");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "trunkline {arguments:?}: {said}{complaint}");
        said
    }

    /// The exit code of a command that is to fail, and what it says.
    pub fn refused(&self, arguments: &[&str]) -> (i32, String) {
        let output = Command::new(binary())
            .args(arguments)
            .arg("--data")
            .arg(self.folder.path().join("data"))
            .output()
            .expect("the binary runs");
        let said =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "trunkline {arguments:?}: {said}");
        (output.status.code().unwrap_or(-1), said)
    }

    /// A command that goes on until its story has seen enough.
    pub fn begin(&self, arguments: &[&str]) -> Process {
        let data = self.folder.path().join("data");
        let log = self.folder.path().join(format!("{}.out", arguments.join("-")));
        let arguments = arguments.iter().map(|argument| argument.as_ref());
        Process::start(&binary(), arguments.chain(["--data".as_ref(), data.as_os_str()]), log)
    }

    /// The same as JSON.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let mut arguments = arguments.to_vec();
        arguments.push("--json");
        let text = self.command(&arguments);
        serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("trunkline {arguments:?}: {error} in {text}"))
    }

    /// Everything that the switch counts of itself, by the path in its answer.
    pub fn census(&self) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        flatten("", &self.json(&["census"]), &mut counts);
        assert!(!counts.is_empty(), "an empty census proves nothing");
        counts
    }

    /// Waits until nothing is left of any call: no leg, port, timer, task, transaction or lease more than at the
    /// start. Registrations may stay.
    pub fn is_empty_within(&self, limit: Duration) {
        let mut left = String::new();
        let end = Instant::now() + limit;
        while Instant::now() < end {
            left = self.left(|_| true);
            if left.is_empty() {
                return;
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        panic!("{limit:?} after the last call the switch still holds: {left}");
    }

    fn left(&self, counts: impl Fn(&str) -> bool) -> String {
        let now = self.census();
        let more = now.iter().filter(|(name, count)| {
            !is_registration(name) && counts(name) && **count > self.empty.get(*name).copied().unwrap_or(0)
        });
        more.map(|(name, count)| format!("{name}: {count}; ")).collect()
    }

    /// The end of a story: no call is left, SIGTERM stops the switch, and the wire is judged.
    pub fn finish(self) -> Capture {
        let capture = self.stop();
        capture.judge();
        capture.each_leg_keeps_its_ssrc();
        capture
    }

    /// As [`Switch::finish`], for stories that end with a call under way or judge by themselves.
    pub fn stop(self) -> Capture {
        // Transactions rest for up to 64 · T1 after a call; what costs something is gone at once.
        let lasting = |name: &str| ["leg", "call", "session", "port"].iter().any(|part| name.contains(part));
        eventually("the end of every leg", Duration::from_secs(10), || {
            assert!(
                self.process().ended().is_none(),
                "the switch has died: {}",
                tail(&self.process().log(), 40)
            );
            self.left(lasting).is_empty()
        });
        self.terminate();
        let from = Sources { sip: self.address.port(), media: self.media, is_hidden: self.streams };
        self.wire.close(self.folder, from)
    }
}

/// Starts the binary and waits until it answers.
fn launch(command: &str, folder: &Folder, probe: &Probe) -> Process {
    let config = folder.path().join(CONFIG);
    let arguments = [command.as_ref(), "--config".as_ref(), config.as_os_str()];
    let mut process = Process::start(&binary(), arguments, folder.path().join("trunkline.log"));
    process.ends_gently = command == "supervise";
    let end = Instant::now() + START;
    for attempt in 0.. {
        assert!(process.ended().is_none(), "the switch ended at its start: {}", tail(&process.log(), 20));
        assert!(Instant::now() < end, "the switch does not answer OPTIONS within {START:?}");
        let id = format!("ready-{}-{attempt}", std::process::id());
        probe.send(probe.request("OPTIONS", "ready", &id, ""));
        if probe.final_status(Duration::from_millis(200)).is_some() {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    process
}

/// The binary that cargo has built, or another one, such as a release, by `TRUNKLINE_BIN`.
pub fn binary() -> PathBuf {
    std::env::var_os("TRUNKLINE_BIN").map_or_else(|| env!("CARGO_BIN_EXE_trunkline").into(), PathBuf::from)
}

fn is_registration(name: &str) -> bool {
    ["binding", "registration", "nonce", "throttle"].iter().any(|part| name.contains(part))
}

fn flatten(path: &str, value: &Value, counts: &mut BTreeMap<String, u64>) {
    match value {
        Value::Number(number) => drop(number.as_u64().map(|count| counts.insert(path.to_owned(), count))),
        Value::Object(entries) => {
            entries.iter().for_each(|(key, value)| flatten(&format!("{path}/{key}"), value, counts))
        }
        Value::Array(entries) => {
            entries.iter().enumerate().for_each(|(n, value)| flatten(&format!("{path}/{n}"), value, counts));
        }
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

fn configuration(
    options: &Options,
    [address, tls, web]: [SocketAddr; 3],
    (first, last): (u16, u16),
    data: &Path,
) -> String {
    let Options { t1, dialplan, more, streams, threads, .. } = options;
    let threads = |key: &str| threads.map(|count| format!("{key} = {count}\n")).unwrap_or_default();
    let (shards, workers) = (threads("shards"), threads("workers"));
    let streams = if *streams {
        format!("listen_tcp = [\"{address}\"]\nlisten_tls = [\"{tls}\"]\n")
    } else {
        String::new()
    };
    let (t2, t4) = (*t1 * 8, *t1 * 10);
    format!(
        "[sip]\nlisten = [\"{address}\"]\n{streams}{shards}\
         [sip.timers]\nt1 = \"{}ms\"\nt2 = \"{}ms\"\nt4 = \"{}ms\"\n\
         [media]\nports = \"{first}-{last}\"\nport_rest = \"1s\"\n{workers}\
         [http]\nlisten = \"{web}\"\n\
         [data]\nfolder = {data:?}\n\
         [dialplan]\nfolder = {dialplan:?}\n\
         [log]\nfilter = \"info,trunkline=debug\"\n\
         {more}\n",
        t1.as_millis(),
        t2.as_millis(),
        t4.as_millis(),
    )
}

fn write_credentials(file: &Path) {
    let users: String = USERS.iter().map(|user| format!("{user} = \"{PASSWORD}\"\n")).collect();
    let (sid, token) = ACCOUNT;
    let text = format!("account_sid = \"{sid}\"\nauth_token = \"{token}\"\n\n[users]\n{users}");
    std::fs::write(file, text).expect("the data folder is writable");
}
