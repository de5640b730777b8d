//! What the service manager is told: ready, reloading, alive, stopping (sd_notify(3)); datagrams on a Unix socket.
//! It must never fail the switch: without a service manager nothing is said, and what it does not hear is lost.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

/// The way to a service manager.
#[derive(Debug)]
pub struct Notifier {
    way: Option<(UnixDatagram, SocketAddr)>,
    watchdog: Option<Duration>,
}

impl Notifier {
    /// The one that started this process, if it wants to be told (`NOTIFY_SOCKET`, `WATCHDOG_USEC`, `WATCHDOG_PID`).
    pub fn from_environment() -> Self {
        let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
        // The variables are handed on to children: they are meant for the process that they name.
        let is_ours = number("WATCHDOG_PID").is_none_or(|pid| pid == u64::from(std::process::id()));
        let watchdog = number("WATCHDOG_USEC").filter(|micros| is_ours && *micros > 0);
        Self::new(std::env::var_os("NOTIFY_SOCKET"), watchdog.map(Duration::from_micros))
    }

    fn new(socket: Option<OsString>, watchdog: Option<Duration>) -> Self {
        let open = |socket: OsString| -> io::Result<(UnixDatagram, SocketAddr)> {
            Ok((UnixDatagram::unbound()?, address(&socket)?))
        };
        let way = socket.filter(|socket| !socket.is_empty()).and_then(|socket| {
            open(socket)
                .inspect_err(|error| tracing::warn!(%error, "the service manager cannot be told"))
                .ok()
        });
        Self { watchdog: watchdog.filter(|_| way.is_some()), way }
    }

    /// How often [`Self::alive`] is to be said: twice within the manager's patience. `None`: it does not ask.
    pub fn heartbeat(&self) -> Option<Duration> {
        self.watchdog.map(|patience| patience / 2)
    }

    /// The switch answers calls.
    pub fn ready(&self, status: &str) {
        self.say(&format!("READY=1\nSTATUS={}", one_line(status)));
    }

    /// A reload has begun; [`Self::ready`] ends it.
    pub fn reloading(&self) {
        let now = clock_gettime(ClockId::CLOCK_MONOTONIC).map(Duration::from).unwrap_or_default();
        self.say(&format!("RELOADING=1\nMONOTONIC_USEC={}", now.as_micros()));
    }

    /// Every part of the switch still answers.
    pub fn alive(&self) {
        self.say("WATCHDOG=1");
    }

    /// Another process has taken this one's place.
    pub fn succeeded_by(&self, process: u32) {
        self.say(&format!("MAINPID={process}\nSTATUS=another process has taken over"));
    }

    /// It ends calls and goes.
    pub fn stopping(&self) {
        self.say("STOPPING=1\nSTATUS=ending calls");
    }

    fn say(&self, state: &str) {
        if let Some((socket, to)) = &self.way
            && let Err(error) = socket.send_to_addr(state.as_bytes(), to)
        {
            tracing::debug!(%error, "the service manager does not listen");
        }
    }
}

/// A path, or a name in the abstract namespace where it begins with `@`.
pub(crate) fn address(socket: &OsStr) -> io::Result<SocketAddr> {
    match socket.as_bytes().split_first() {
        Some((b'@', name)) => SocketAddr::from_abstract_name(name),
        _ => SocketAddr::from_pathname(socket),
    }
}

fn one_line(text: &str) -> String {
    text.replace(char::is_control, " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(manager: &UnixDatagram) -> String {
        let mut buffer = [0; 256];
        let length = manager.recv(&mut buffer).expect("something was said");
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    }

    #[test]
    fn the_manager_hears_of_each_state_on_a_path_or_an_abstract_name() {
        let name = format!("trunkline-notify-{}", std::process::id());
        let path = std::env::temp_dir().join(&name);
        let on_path = UnixDatagram::bind(&path).expect("a free path");
        let abstract_name = SocketAddr::from_abstract_name(&name).expect("a short name");
        let on_name = UnixDatagram::bind_addr(&abstract_name).expect("a free name");
        for (manager, socket) in
            [(on_path, path.clone().into_os_string()), (on_name, format!("@{name}").into())]
        {
            let notifier = Notifier::new(Some(socket), Some(Duration::from_secs(30)));
            assert_eq!(notifier.heartbeat(), Some(Duration::from_secs(15)));
            notifier.ready("2 calls\nMAINPID=1");
            assert_eq!(heard(&manager), "READY=1\nSTATUS=2 calls MAINPID=1");
            notifier.reloading();
            let reloading = heard(&manager);
            let at = reloading.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").expect("as the manager wants it");
            assert!(at.parse::<u64>().is_ok_and(|micros| micros > 0), "{reloading}");
            notifier.alive();
            assert_eq!(heard(&manager), "WATCHDOG=1");
            notifier.stopping();
            assert!(heard(&manager).starts_with("STOPPING=1\n"));
        }
        std::fs::remove_file(path).expect("it was bound");
    }

    #[test]
    fn without_a_manager_nothing_is_said_and_nothing_is_wanted() {
        for socket in
            [None, Some(OsString::new()), Some("x".repeat(200).into()), Some("/nobody/listens".into())]
        {
            let notifier = Notifier::new(socket.clone(), Some(Duration::from_secs(1)));
            notifier.ready("");
            assert_eq!(notifier.heartbeat().is_some(), socket == Some("/nobody/listens".into()));
        }
        let no_watchdog = Notifier::new(Some("/nobody/listens".into()), None);
        assert_eq!(no_watchdog.heartbeat(), None);
    }
}
