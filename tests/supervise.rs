//! The switch dies and is started again: by its parent, and by a service manager. What arrives meanwhile is answered.
//! Nothing here may need root, or systemd to be running.

// A test outside of the switch waits and reads the clock.
#![allow(clippy::disallowed_methods)]

use std::io::{IoSliceMut, Read as _, Write as _};
use std::mem::MaybeUninit;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::cmsg_space;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use rustix::process::{Pid, Signal, kill_process};

const BINARY: &str = env!("CARGO_BIN_EXE_trunkline");

/// Long enough for a debug build on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A folder with a configuration, and where the switch in it listens.
struct Place {
    folder: PathBuf,
    sip: SocketAddr,
    http: SocketAddr,
}

impl Place {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("trunkline-{name}-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("dialplans")).expect("the temporary folder is writable");
        std::fs::write(folder.join("dialplans/routes.toml"), "").expect("written");
        let any = (Ipv4Addr::LOCALHOST, 0);
        let udp = UdpSocket::bind(any).expect("a free port").local_addr().expect("bound");
        let tcp = TcpListener::bind(any).expect("a free port").local_addr().expect("bound");
        let place = Self { folder, sip: udp, http: tcp };
        place.configure(&format!("[sip]\nlisten = [\"{udp}\"]\n[http]\nlisten = \"{tcp}\"\n"));
        place
    }

    fn configure(&self, text: &str) {
        // Whole or not at all: a switch may be started at any moment, and an empty file is a sound one.
        let draft = self.folder.join("draft");
        std::fs::write(&draft, text).expect("written");
        std::fs::rename(draft, self.folder.join("trunkline.toml")).expect("the same folder");
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    fn command(&self, program: &str) -> Command {
        let log = std::fs::File::options().create(true).append(true).open(self.folder.join("log"));
        let mut command = Command::new(program);
        command.current_dir(&self.folder).stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(log.expect("the folder is writable"));
        command
    }

    /// One datagram; no second one follows.
    fn ask(&self, id: usize) -> UdpSocket {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let (own, switch) = (socket.local_addr().expect("bound"), self.sip);
        let options = format!(
            "OPTIONS sip:{switch} SIP/2.0\r\nVia: SIP/2.0/UDP {own};rport;branch=z9hG4bK-{id}\r\n\
             Max-Forwards: 70\r\nFrom: <sip:probe@{own}>;tag={id}\r\nTo: <sip:{switch}>\r\n\
             Call-ID: {id}@{own}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
        );
        socket.send_to(options.as_bytes(), switch).expect("loopback takes it");
        socket
    }

    /// Asks until it is answered: the switch has started.
    fn wait(&self) {
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            if answer(&self.ask(0), Duration::from_millis(100)).is_some() {
                return;
            }
        }
        panic!("the switch does not answer: {}", self.log());
    }

    #[track_caller]
    fn says(&self, wanted: &str) {
        eventually(
            || self.log().contains(wanted).then_some(()),
            || format!("`{wanted}` is not said: {}", self.log()),
        );
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // What is left behind harms nobody.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// `trunkline supervise`, and whatever it has started.
struct Parent(Child);

impl Parent {
    fn start(place: &Place) -> Self {
        let mut command = place.command(BINARY);
        Self(command.args(["--data", "data", "supervise"]).spawn().expect("the binary runs"))
    }

    /// The switch that it has started.
    fn switch(&self) -> Option<Pid> {
        let id = self.0.id();
        let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children")).ok()?;
        Pid::from_raw(children.split_whitespace().next()?.parse().ok()?)
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.0), signal).expect("it runs");
    }

    fn ends(&mut self) -> ExitStatus {
        eventually(|| self.0.try_wait().expect("our child"), || "the parent does not end".to_owned())
    }
}

impl Drop for Parent {
    fn drop(&mut self) {
        // A parent that is killed leaves its switch alone.
        let switch = self.switch();
        let _ = self.0.kill();
        let _ = self.0.wait();
        if let Some(switch) = switch {
            let _ = kill_process(switch, Signal::KILL);
        }
    }
}

/// The status line that comes in time.
fn answer(socket: &UdpSocket, limit: Duration) -> Option<String> {
    socket.set_read_timeout(Some(limit)).expect("a limit");
    let mut buffer = [0; 4_096];
    let length = socket.recv(&mut buffer).ok()?;
    let text = String::from_utf8_lossy(buffer.get(..length)?).into_owned();
    text.lines().next().map(str::to_owned)
}

#[track_caller]
fn eventually<T>(mut look: impl FnMut() -> Option<T>, told: impl Fn() -> String) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "{}", told());
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn what_arrives_while_the_switch_is_dead_is_answered_by_the_next_one() {
    let place = Place::new("supervise-kill");
    let mut parent = Parent::start(&place);
    place.wait();
    for round in 1..=5 {
        let switch = parent.switch().expect("it is started");
        let killed = Instant::now();
        kill_process(switch, Signal::KILL).expect("it runs");
        let asked = place.ask(round);
        // Nobody accepts it now; the kernel lets it wait.
        let mut browser = TcpStream::connect(place.http).expect("the web's port is open");
        browser.write_all(b"GET /health HTTP/1.1\r\nHost: here\r\n\r\n").expect("the kernel takes it");
        let status = answer(&asked, PATIENCE);
        println!("round {round}: answered {:.0?} after the kill", killed.elapsed());
        assert_eq!(status.as_deref(), Some("SIP/2.0 200 OK"), "{}", place.log());
        assert_ne!(parent.switch(), Some(switch), "it was the next one");
        browser.set_read_timeout(Some(PATIENCE)).expect("a limit");
        let mut page = [0; 12];
        browser.read_exact(&mut page).expect("an answer");
        assert!(page.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&page));
        assert!(parent.0.try_wait().expect("our child").is_none(), "the parent lives");
    }
    place.says("2 sockets are kept");
    assert!(!place.log().contains("2 sockets of an earlier process that nobody"), "each was taken");
    parent.signal(Signal::TERM);
    assert!(parent.ends().success());
    let free = UdpSocket::bind(place.sip);
    assert!(free.is_ok(), "both have ended and nobody holds the port: {free:?}");
}

#[test]
fn signals_are_passed_on_and_the_end_of_the_switch_is_that_of_its_parent() {
    let place = Place::new("supervise-signals");
    let mut parent = Parent::start(&place);
    place.wait();
    let switch = parent.switch();
    parent.signal(Signal::HUP);
    place.says("reload");
    assert_eq!(parent.switch(), switch, "a reload is no end");
    parent.signal(Signal::INT);
    assert!(parent.ends().success());

    let mut parent = Parent::start(&place);
    place.wait();
    kill_process(parent.switch().expect("it is started"), Signal::TERM).expect("it runs");
    assert!(parent.ends().success(), "it ended by itself, in order");
}

#[test]
fn a_switch_that_cannot_start_is_tried_again_in_growing_pauses_and_its_sockets_wait() {
    let place = Place::new("supervise-broken");
    let sound = std::fs::read_to_string(place.folder.join("trunkline.toml")).expect("written");
    let mut parent = Parent::start(&place);
    place.wait();
    place.configure("[sip]\nnonsense = true\n");
    kill_process(parent.switch().expect("it is started"), Signal::KILL).expect("it runs");
    let asked = place.ask(1);
    place.says("for the 5th time in a row: it is tried again until SIGTERM");
    assert!(parent.0.try_wait().expect("our child").is_none(), "the parent never gives up");
    place.configure(&sound);
    assert_eq!(answer(&asked, PATIENCE).as_deref(), Some("SIP/2.0 200 OK"), "{}", place.log());

    place.configure("[sip]\nnonsense = true\n");
    kill_process(parent.switch().expect("it is started"), Signal::KILL).expect("it runs");
    parent.signal(Signal::TERM);
    parent.ends();
}

#[test]
fn a_switch_goes_on_when_its_parent_dies() {
    let place = Place::new("supervise-orphan");
    let mut parent = Parent::start(&place);
    place.wait();
    let switch = parent.switch().expect("it is started");
    parent.0.kill().expect("it runs");
    parent.0.wait().expect("our child");
    place.says("the parent that keeps the sockets is gone");
    assert_eq!(answer(&place.ask(1), PATIENCE).as_deref(), Some("SIP/2.0 200 OK"));
    kill_process(switch, Signal::KILL).expect("it runs");
}

#[test]
fn without_a_keeper_what_arrives_while_the_switch_is_dead_is_lost() {
    let place = Place::new("supervise-none");
    let mut serve = place.command(BINARY);
    serve.args(["serve", "--data", "data"]);
    let mut first = serve.spawn().expect("the binary runs");
    place.wait();
    first.kill().expect("it runs");
    first.wait().expect("our child");
    let asked = place.ask(1);
    let mut next = serve.spawn().expect("the binary runs");
    place.wait();
    assert_eq!(answer(&asked, Duration::from_millis(200)), None);
    next.kill().expect("it runs");
    next.wait().expect("our child");
}

/// A service manager with a descriptor store, as far as a switch sees it.
struct ServiceManager(UnixDatagram);

impl ServiceManager {
    fn at(path: &Path) -> Self {
        let socket = UnixDatagram::bind(path).expect("a free path");
        socket.set_read_timeout(Some(PATIENCE)).expect("a limit");
        Self(socket)
    }

    /// The next socket that is to be kept, and by what name.
    fn stores(&self) -> (String, OwnedFd) {
        loop {
            let mut bytes = [0; 1_024];
            let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(4))];
            let mut control = RecvAncillaryBuffer::new(&mut space);
            let mut slices = [IoSliceMut::new(&mut bytes)];
            let received = recvmsg(&self.0, &mut slices, &mut control, RecvFlags::CMSG_CLOEXEC);
            let received = received.expect("the switch stores its sockets");
            let sockets: Vec<OwnedFd> = control
                .drain()
                .filter_map(|message| match message {
                    RecvAncillaryMessage::ScmRights(sockets) => Some(sockets),
                    _ => None,
                })
                .flatten()
                .collect();
            let text = String::from_utf8_lossy(&bytes[..received.bytes]).into_owned();
            let name = text.lines().find_map(|line| line.strip_prefix("FDNAME=")).map(str::to_owned);
            if let (Some(name), Ok([socket])) = (name, <[OwnedFd; 1]>::try_from(sockets)) {
                assert!(text.starts_with("FDSTORE=1\nFDPOLL=0\n"), "{text}");
                assert!(name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':'), "{name}");
                return (name, socket);
            }
        }
    }
}

#[test]
fn a_service_manager_that_stores_descriptors_gives_them_to_the_next_process() {
    let place = Place::new("supervise-manager");
    let path = place.folder.join("notify");
    let manager = ServiceManager::at(&path);
    let start = |mut command: Command| command.env("NOTIFY_SOCKET", &path).spawn().expect("it runs");
    let mut first = place.command(BINARY);
    first.args(["serve", "--data", "data"]);
    let mut first = start(first);
    let mut stored = [manager.stores(), manager.stores()];
    stored.sort_by_key(|(name, _)| name.starts_with("udp/"));
    place.wait();
    first.kill().expect("it runs");
    first.wait().expect("our child");
    let asked = place.ask(1);

    // sd_listen_fds(3): the first descriptor is 3. The shell puts them there and becomes the switch.
    let [(web, http), (udp, sip)] = stored;
    assert_eq!(web, format!("http/{}", place.http).replace(':', "%3A"));
    assert_eq!(udp, format!("udp/{}", place.sip).replace(':', "%3A"));
    let script = "exec 3<&0 4<&1 0</dev/null 1>/dev/null; LISTEN_PID=$$ LISTEN_FDS=2 exec \"$@\"";
    let mut next = place.command("/bin/sh");
    next.args(["-c", script, "sh", BINARY, "serve", "--data", "data"]);
    next.env("LISTEN_FDNAMES", format!("{udp}:{web}")).stdin(sip).stdout(http);
    let mut next = start(next);
    assert_eq!(answer(&asked, PATIENCE).as_deref(), Some("SIP/2.0 200 OK"), "{}", place.log());
    kill_process(Pid::from_child(&next), Signal::TERM).expect("it runs");
    assert!(next.wait().expect("our child").success(), "{}", place.log());
    place.says("an earlier process has left its sockets");
}
