//! How a journal fares, in words for the person who can help.
//! It must never be asked for a decision: the calls go on either way.

use std::io;
use std::path::Path;
use std::time::Duration;

use trunkline_media::moment::Moment;

use super::stamp::Stamp;

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// How a journal fares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// None if all is stored.
    pub trouble: Option<Trouble>,
    /// Bytes of this stream on disk.
    pub disk: u64,
    /// About how many bytes the live records take.
    pub live: u64,
    /// How many records live.
    pub records: usize,
}

impl Health {
    /// Whether a death of the process now would lose nothing.
    pub fn is_well(&self) -> bool {
        self.trouble.as_ref().is_none_or(|trouble| trouble.stores)
    }
}

/// What goes wrong, since when, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// When the episode began.
    pub since: Stamp,
    /// Whether changes are stored all the same (only old ones cannot be cleared away).
    pub stores: bool,
    /// What failed, where, and what to do; of the latest attempt.
    pub message: String,
    /// Failed attempts in this episode.
    pub attempts: u32,
    pub(super) retry: Moment,
    pause: Duration,
}

impl Trouble {
    pub(super) fn new(since: Stamp, stores: bool, message: String) -> Self {
        let pause = FIRST_PAUSE;
        Self { since, stores, message, attempts: 1, retry: since.at + pause, pause }
    }

    pub(super) fn again(&mut self, now: Stamp, stores: bool, message: String) {
        self.stores &= stores;
        self.message = message;
        self.attempts = self.attempts.saturating_add(1);
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        self.retry = now.at + self.pause;
    }
}

/// What failed, where, and what a person can do.
pub(super) fn explain(doing: &str, path: &Path, error: &io::Error) -> String {
    let remedy = match error.kind() {
        io::ErrorKind::StorageFull => "free some space on this disk",
        io::ErrorKind::QuotaExceeded => "raise the quota of the switch's user, or free some space",
        io::ErrorKind::FileTooLarge => {
            "let the state of the calls be larger in the configuration, or take fewer calls"
        }
        io::ErrorKind::ReadOnlyFilesystem => {
            "mount the disk writable again; disks become read-only when they fail"
        }
        io::ErrorKind::PermissionDenied => "let the switch's user write here",
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            "nothing in this folder may be moved or removed while the switch runs"
        }
        _ => "see the kernel's log about this disk",
    };
    format!("{doing} {}: {error}; {remedy}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_told_what_to_do_about_each_kind_of_failing_disk() {
        for (code, remedy) in [
            (nix::libc::ENOSPC, "free some space"),
            (nix::libc::EDQUOT, "raise the quota"),
            (nix::libc::EROFS, "mount the disk writable"),
            (nix::libc::EACCES, "let the switch's user write"),
            (nix::libc::ENOENT, "nothing in this folder may be moved"),
            (nix::libc::EIO, "kernel's log"),
        ] {
            let error = io::Error::from_raw_os_error(code);
            let message = explain(
                "the journal cannot be written:",
                Path::new("/data/journal/a.000001.journal"),
                &error,
            );
            assert!(
                message.contains(remedy) && message.contains("/data/journal/a.000001.journal"),
                "{message}"
            );
        }
    }
}
