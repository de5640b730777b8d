//! A telephone played by sipp: one user, one port, one scenario after the other.
//! It must never judge: the scenario does, by sipp's exit status.

use std::time::Duration;

use super::eventually;
use super::ports::is_bound;
use super::process::{Process, tail, tool};
use super::scenario::scenario;
use super::switch::{PASSWORD, Switch};

/// A user's telephone, or a stranger's.
#[derive(Debug)]
pub struct Telephone<'s> {
    switch: &'s Switch,
    user: String,
    password: String,
    port: u16,
    /// As sipp names it: `u1`, or `t1` for one connection.
    transport: &'static str,
    media: u16,
    calls: u32,
    rate: u32,
    limit: Duration,
    values: Vec<(String, String)>,
    /// Whether it answers OPTIONS within a call, whatever its scenario waits for.
    is_asked: bool,
}

impl<'s> Telephone<'s> {
    pub fn new(switch: &'s Switch, user: &str) -> Self {
        let values = [("talk", "500"), ("ring", "200"), ("deaf", "2000"), ("header", "")];
        Self {
            switch,
            user: user.to_owned(),
            password: PASSWORD.to_owned(),
            port: switch.ports(1),
            transport: "u1",
            media: switch.ports(4),
            calls: 1,
            rate: 10,
            limit: Duration::from_secs(30),
            values: values.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
            is_asked: false,
        }
    }

    /// At this port instead of one of the story's: for a peer that the switch is told of at its start.
    pub fn at(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// The port where it wants its sound.
    pub fn media(&self) -> u16 {
        self.media
    }

    /// Over TCP instead of UDP.
    pub fn over_tcp(mut self) -> Self {
        self.transport = "t1";
        self
    }

    /// As one that is asked within its call whether it is still there: sipp would end a call for that.
    pub fn asked(mut self) -> Self {
        self.is_asked = true;
        self
    }

    /// A value of the scenario; the milliseconds `talk`, `ring` and `deaf` have defaults, and
    /// a stranger's INVITE may have a further `header`.
    pub fn with(mut self, key: &str, value: impl ToString) -> Self {
        self.values.insert(0, (key.to_owned(), value.to_string()));
        self
    }

    pub fn password(mut self, password: &str) -> Self {
        password.clone_into(&mut self.password);
        self
    }

    /// Plays the scenario so often, so many times a second.
    pub fn calls(mut self, calls: u32, rate: u32) -> Self {
        (self.calls, self.rate) = (calls, rate);
        self.limit += Duration::from_secs(u64::from(calls / rate));
        self
    }

    /// Registers, and fails unless the switch accepts it.
    pub fn registered(self) -> Self {
        let calls = self.calls;
        let mut one = Self { calls: 1, ..self };
        one.run("register");
        one.calls = calls;
        one
    }

    /// Plays a scenario that starts by itself, to its good end.
    pub fn run(&self, name: &str) {
        self.start(name, &self.user.clone()).succeeds();
    }

    /// Starts a scenario that calls somebody.
    pub fn dials(&self, name: &str, whom: &str) -> Running {
        self.start(name, whom)
    }

    /// Starts a scenario that waits for a call.
    pub fn waits(&self, name: &str) -> Running {
        let mut running = self.start(name, &self.user.clone());
        let port = self.port;
        eventually("sipp listens", Duration::from_secs(10), || {
            assert!(running.process.ended().is_none(), "sipp: {}", running.complaint());
            is_bound(port)
        });
        running
    }

    fn start(&self, name: &str, service: &str) -> Running {
        let folder = self.switch.folder();
        let label = format!("{}-{name}", self.user);
        let file = folder.write(&format!("{label}.xml"), scenario(name, &self.values));
        let errors = format!("{label}.errors");
        let messages = format!("{label}.messages");
        let numbers = [self.port, self.media, self.switch.ports(1)].map(|port| port.to_string());
        let [port, media, control] = &numbers;
        let counts = [self.calls, self.rate, self.calls.min(2000)].map(|count| count.to_string());
        let [calls, rate, at_once] = &counts;
        let limit = format!("{}s", self.limit.as_secs());
        let switch = self.switch.address().to_string();
        let file = file.to_string_lossy();
        let mut arguments =
            vec!["-sf", &file, "-i", "127.0.0.1", "-p", port, "-mi", "127.0.0.1", "-mp", media];
        arguments.extend(["-cp", control, "-t", self.transport]);
        arguments.extend([
            "-s",
            service,
            "-key",
            "user",
            &self.user,
            "-au",
            &self.user,
            "-ap",
            &self.password,
        ]);
        arguments.extend([
            "-m",
            calls,
            "-r",
            rate,
            "-l",
            at_once,
            "-nostdin",
            "-timeout",
            &limit,
            "-timeout_error",
        ]);
        if self.is_asked {
            arguments.push("-aa");
        }
        arguments.extend(["-trace_err", "-error_file", &errors]);
        if self.calls == 1 {
            arguments.extend(["-trace_msg", "-message_file", &messages]);
        }
        arguments.push(&switch);
        let process = Process::start(&tool("sipp"), arguments, folder.path().join(format!("{label}.log")));
        Running {
            process,
            name: label.clone(),
            limit: self.limit + Duration::from_secs(5),
            errors: folder.path().join(errors),
            messages: folder.path().join(messages),
        }
    }
}

/// A scenario under way.
#[derive(Debug)]
pub struct Running {
    process: Process,
    name: String,
    limit: Duration,
    errors: std::path::PathBuf,
    messages: std::path::PathBuf,
}

impl Running {
    /// Waits for the end, and fails unless every call went as the scenario says.
    pub fn succeeds(mut self) {
        let status = self.process.wait(self.limit);
        assert!(status.success(), "{} went wrong ({status}): {}", self.name, self.complaint());
    }

    fn complaint(&self) -> String {
        let read = |file| std::fs::read_to_string(file).unwrap_or_default();
        let (errors, messages) = (read(&self.errors), read(&self.messages));
        format!("{}\n---- messages\n{}", tail(&errors, 40), tail(&messages, 80))
    }
}
