//! The systemd unit against the switch that it runs, and the switch against a service manager.
//! Nothing here may need systemd to be running, nor root.

// A test outside of the switch waits and reads the clock.
#![allow(clippy::disallowed_methods)]

use std::collections::BTreeMap;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use trunkline::config::Config;

const UNIT: &str = include_str!("../deploy/trunkline.service");
const BINARY: &str = env!("CARGO_BIN_EXE_trunkline");

/// Settings by section and name; a name may come more than once.
fn settings(unit: &str) -> BTreeMap<(String, String), Vec<String>> {
    let mut section = String::new();
    let mut all: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for line in unit.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            name.clone_into(&mut section);
            continue;
        }
        let (name, value) = line.split_once('=').unwrap_or_else(|| panic!("`{line}` is no setting"));
        all.entry((section.clone(), name.to_owned())).or_default().push(value.to_owned());
    }
    all
}

fn service(name: &str) -> String {
    let found = settings(UNIT).remove(&("Service".to_owned(), name.to_owned()));
    found.unwrap_or_else(|| panic!("{name} is not set")).concat()
}

fn seconds(name: &str) -> u64 {
    service(name).parse().unwrap_or_else(|_| panic!("{name} is a number of seconds"))
}

#[test]
fn the_unit_gives_the_switch_what_it_needs_and_nothing_else() {
    assert_eq!((service("Type").as_str(), service("Restart").as_str()), ("notify", "always"));
    for (name, value) in [
        ("DynamicUser", "yes"),
        ("NoNewPrivileges", "yes"),
        ("ProtectSystem", "strict"),
        ("ProtectHome", "yes"),
        ("PrivateTmp", "yes"),
        ("StateDirectory", "trunkline"),
        ("AmbientCapabilities", ""),
        ("CapabilityBoundingSet", ""),
        ("NotifyAccess", "main"),
    ] {
        assert_eq!(service(name), value, "{name}");
    }
    let config = Config::default();
    let descriptors = config.limits.legs * 4 + config.http.connections + config.sip.connections.total + 256;
    let limit: usize = service("LimitNOFILE").parse().expect("a number");
    assert!(limit >= descriptors, "the default limits need {descriptors} descriptors");
    let listeners = config.sip.listen.len() + config.sip.listen_tcp.len() + config.sip.listen_tls.len() + 1;
    let kept: usize = service("FileDescriptorStoreMax").parse().expect("a number");
    let sockets = config.limits.legs * 2 + listeners;
    assert!(kept >= sockets, "the default limits have {sockets} sockets to keep");
    assert!(kept < limit, "the switch gets them all at once");
    assert_eq!(service("RestartSec"), "100ms", "phones are waiting");
    assert!(config.sip.listen.iter().all(|address| address.port() >= 1024), "a low port takes a capability");
    assert!(seconds("TimeoutStopSec") > 7, "the last BYE is waited for");
    assert!(seconds("WatchdogSec") >= 10, "an arbiter has two seconds to answer");
}

#[test]
fn the_commands_of_the_unit_are_commands_of_the_switch() {
    for name in ["ExecStart", "ExecReload"] {
        let line = service(name);
        let mut words = line.split_whitespace();
        assert_eq!(words.next(), Some("/usr/bin/trunkline"));
        let help = Command::new(BINARY).args(words).arg("--help").output().expect("the binary runs");
        assert!(help.status.success(), "{line}: {}", String::from_utf8_lossy(&help.stderr));
    }
}

#[test]
fn systemd_understands_the_unit() {
    let Ok(version) = Command::new("systemd-analyze").arg("--version").output() else {
        // A host without systemd has no use for the unit either.
        return assert!(!Path::new("/run/systemd/system").exists(), "systemd without systemd-analyze");
    };
    assert!(version.status.success());
    let folder = Folder::new("verify");
    let unit = folder.0.join("trunkline.service");
    std::fs::write(&unit, UNIT.replace("/usr/bin/trunkline", BINARY)).expect("written");
    let verified = Command::new("systemd-analyze").arg("verify").arg(&unit).output().expect("it runs");
    let said = String::from_utf8_lossy(&verified.stderr);
    assert!(verified.status.success() && !said.contains("trunkline.service:"), "{said}");
}

/// A folder of this test alone.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("trunkline-deploy-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("the temporary folder is writable");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left behind harms nobody.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A switch started as a service manager would.
struct Service {
    child: Child,
    manager: UnixDatagram,
}

impl Service {
    fn start(folder: &Path) -> Self {
        let socket = folder.join("notify");
        let manager = UnixDatagram::bind(&socket).expect("a free path");
        manager.set_read_timeout(Some(Duration::from_millis(200))).expect("a time limit");
        std::fs::write(
            folder.join("trunkline.toml"),
            "[sip]\nlisten = [\"127.0.0.1:0\"]\n[http]\nlisten = \"127.0.0.1:0\"\n",
        )
        .expect("written");
        std::fs::create_dir_all(folder.join("dialplans")).expect("made");
        std::fs::write(folder.join("dialplans/routes.toml"), "").expect("written");
        let child = Command::new(BINARY)
            .args(["serve", "--data", "data"])
            .current_dir(folder)
            .env("NOTIFY_SOCKET", &socket)
            .env("WATCHDOG_USEC", "1000000")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary runs");
        Self { child, manager }
    }

    /// Waits until the manager is told this; what it is told before is dropped.
    #[track_caller]
    fn hears(&self, wanted: &str) {
        let end = Instant::now() + Duration::from_secs(30);
        let mut buffer = [0; 512];
        let mut heard = Vec::new();
        while Instant::now() < end {
            let Ok(length) = self.manager.recv(&mut buffer) else { continue };
            let told = String::from_utf8_lossy(&buffer[..length]).into_owned();
            if told.lines().any(|line| line == wanted) {
                return;
            }
            heard.push(told);
        }
        panic!("the manager is not told {wanted}, only {heard:?}");
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status();
        assert!(sent.is_ok_and(|status| status.success()), "no SIG{name}");
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // Either fails only when it has ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_service_manager_is_told_of_every_state() {
    let folder = Folder::new("notify");
    let mut service = Service::start(&folder.0);
    service.hears("READY=1");
    service.hears("WATCHDOG=1");
    service.hears("WATCHDOG=1");
    service.signal("HUP");
    service.hears("RELOADING=1");
    service.hears("READY=1");
    service.signal("TERM");
    service.hears("STOPPING=1");
    let status = service.child.wait().expect("it is our child");
    assert!(status.success(), "{status}");
}
