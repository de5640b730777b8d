//! A child process with a log, that cannot outlive its story.
//! It must never be waited for without a limit.

use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// A tool that the stories need, and the Debian package that brings it.
const TOOLS: &[(&str, &str)] = &[
    ("sipp", "sip-tester"),
    ("baresip", "baresip-core"),
    ("dumpcap", "tshark"),
    ("tshark", "tshark"),
    ("sipsak", "sipsak"),
    ("sox", "sox"),
    ("setpriv", "util-linux"),
];

/// Fails, with the package to install, where the tool is missing: a story is never skipped.
pub fn tool(name: &str) -> PathBuf {
    let package = TOOLS.iter().find(|(tool, _)| *tool == name).map_or(name, |(_, package)| package);
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
        .unwrap_or_else(|| panic!("{name} is missing: apt-get install {package} (`make test` does it)"))
}

/// Killed when dropped; killed by the kernel when the thread of its story ends in another way.
#[derive(Debug)]
pub struct Process {
    child: Child,
    name: String,
    log: PathBuf,
    /// It is asked to end before it is killed: a parent that is killed leaves its child behind.
    pub ends_gently: bool,
}

impl Process {
    /// Both output streams go to the file `log`.
    pub fn start(
        program: &Path,
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
        log: PathBuf,
    ) -> Self {
        let out = File::create(&log).expect("the story's folder is writable");
        let err = out.try_clone().expect("a descriptor is left");
        let name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let child = Command::new(tool("setpriv"))
            .args(["--pdeathsig", "KILL", "--"])
            .arg(program)
            .args(arguments)
            .current_dir(log.parent().expect("the log lies in the story's folder"))
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .spawn()
            .unwrap_or_else(|error| panic!("{name} does not start: {error}"));
        Self { child, name, log, ends_gently: false }
    }

    pub fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// The exit status, if it has ended.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("it is our child")
    }

    /// Sends a signal by name, such as `TERM`.
    pub fn signal(&self, signal: &str) {
        // The library has no call for it without `unsafe`.
        let sent = Command::new("kill").arg(format!("-{signal}")).arg(self.child.id().to_string()).status();
        assert!(sent.is_ok_and(|status| status.success()), "{} took no SIG{signal}", self.name);
    }

    /// Waits for its end; kills it and fails when that takes too long.
    pub fn wait(&mut self, limit: Duration) -> ExitStatus {
        let end = Instant::now() + limit;
        loop {
            if let Some(status) = self.ended() {
                return status;
            }
            if Instant::now() > end {
                self.kill();
                panic!("{} still ran after {limit:?}\n{}", self.name, tail(&self.log(), 60));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn kill(&mut self) {
        // Either fails only when it has ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.ends_gently && self.ended().is_none() {
            self.signal("TERM");
            let end = Instant::now() + Duration::from_secs(10);
            while self.ended().is_none() && Instant::now() < end {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        self.kill();
        if std::thread::panicking() {
            eprintln!("---- {} said ({})\n{}", self.name, self.log.display(), tail(&self.log(), 60));
        }
    }
}

/// The last lines of a text, each as a terminal would leave it after carriage returns.
pub fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.lines().map(|line| line.rsplit('\r').next().unwrap_or(line)).collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}
