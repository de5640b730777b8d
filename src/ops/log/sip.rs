//! SIP messages in the log, of everybody, of some peers or of some calls: a switch that is asked per message.
//! It must never cost more than one look while it is off, and never print credentials or keys.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::sip::flow::Flow;
use crate::sip::message::call_id_of;

/// Peers and calls that can be selected at a time.
const MOST: usize = 64;
/// Headers whose value would let a reader of the log work on a password.
const CREDENTIALS: [&str; 2] = ["authorization", "proxy-authorization"];
/// SDP attributes that carry keys (RFC 4568).
const KEYS: &str = "a=crypto:";

/// The target of these log lines: `log.filter = "info,sip=off"` silences them.
pub const TARGET: &str = "sip";

/// Whose messages are logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// Everybody's.
    All,
    /// Those from and to this host.
    Peer(IpAddr),
    /// Those with this Call-ID. Each dialog of a call has its own.
    Call(String),
}

/// Whether a message came or went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// It came.
    Received,
    /// It was sent.
    Sent,
}

/// More peers and calls are selected than can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{MOST} peers and calls are traced already: switch some off first")]
pub struct TooMany;

/// The switch. Clones are the same one; every thread may ask.
#[derive(Clone, Debug, Default)]
pub struct SipTrace(Arc<ArcSwap<Vec<Selection>>>);

impl SipTrace {
    /// A switch that is off.
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on these messages, too.
    ///
    /// # Errors
    /// Too many selections.
    pub fn select(&self, selection: Selection) -> Result<(), TooMany> {
        let before = self.0.rcu(|selected| {
            let mut selected = selected.as_ref().clone();
            if selected.len() < MOST && !selected.contains(&selection) {
                selected.push(selection.clone());
            }
            selected
        });
        if before.len() >= MOST && !before.contains(&selection) { Err(TooMany) } else { Ok(()) }
    }

    /// These no more; [`Selection::All`] switches everything off.
    pub fn dismiss(&self, selection: &Selection) {
        self.0.rcu(|selected| {
            let mut selected = selected.as_ref().clone();
            selected.retain(|one| *selection != Selection::All && one != selection);
            selected
        });
    }

    /// Logs this message if anybody wants to see it.
    pub fn message(&self, direction: Direction, flow: &Flow, bytes: &[u8]) {
        if self.wants(flow, bytes) {
            let (transport, local, remote) = (flow.transport.to_string(), flow.local, flow.remote);
            let text = Shown(bytes);
            match direction {
                Direction::Received => {
                    tracing::info!(target: TARGET, %transport, %local, %remote, "received\n{text}");
                }
                Direction::Sent => {
                    tracing::info!(target: TARGET, %transport, %local, %remote, "sent\n{text}")
                }
            }
        }
    }

    fn wants(&self, flow: &Flow, bytes: &[u8]) -> bool {
        self.0.load().iter().any(|selection| match selection {
            Selection::All => true,
            Selection::Peer(peer) => flow.remote.ip().to_canonical() == peer.to_canonical(),
            Selection::Call(call_id) => call_id_of(bytes) == Some(call_id),
        })
    }
}

/// A message for people: without credentials and keys, and without what could steer a terminal.
struct Shown<'a>(&'a [u8]);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut is_hidden = false;
        for line in String::from_utf8_lossy(self.0).lines() {
            // A line that begins with white space goes on with the header above it.
            let is_continued = line.starts_with([' ', '\t']);
            is_hidden = if is_continued { is_hidden } else { is_secret(line) };
            match (is_hidden, is_continued) {
                (true, true) => continue,
                (true, false) => {
                    let name = line.split(':').next().unwrap_or_default();
                    write!(f, "{}: (hidden)", Harmless(name))?;
                }
                (false, _) => write!(f, "{}", Harmless(line))?,
            }
            f.write_str("\n")?;
        }
        Ok(())
    }
}

fn is_secret(line: &str) -> bool {
    let name = line.split(':').next().unwrap_or_default().trim();
    CREDENTIALS.iter().any(|secret| name.eq_ignore_ascii_case(secret))
        || line.get(..KEYS.len()).is_some_and(|start| start.eq_ignore_ascii_case(KEYS))
}

/// Text with its control characters written out.
struct Harmless<'a>(&'a str);

impl fmt::Display for Harmless<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| {
            if c.is_control() { write!(f, "{}", c.escape_default()) } else { write!(f, "{c}") }
        })
    }
}
