//! Recordings as the node sees them: what legs wish becomes taps of their sessions, Sids become URLs.
//! It must never make a leg wait for the disk, nor leave it without the end of its taping.

use std::io::{self, Read as _};
use std::sync::Arc;

use trunkline_media::tap::Tap;

use super::house::House;
use crate::call::sound::SoundError;
use crate::ids::RecordingSid;
use crate::leg::{Layout, Taping};
use crate::recording::Channels;
use crate::webhook::code;

/// The path of recordings, behind the account.
const PATH: &str = "/Recordings/";

/// Bytes of a recording that may be played: twenty minutes.
const LONGEST: u64 = 20 << 20;

impl House {
    /// The tap of a session whose leg wishes to be recorded.
    pub(super) fn tap(&self, taping: Taping) -> Tap {
        let Taping { recording, activity, layout, channel, origin, silence, limit } = taping;
        let channels = match layout {
            Layout::Mono => Channels::Mono,
            Layout::Dual => Channels::Dual,
        };
        let ring = self.recordings.ring(recording, channels, origin);
        Tap { activity, channel, origin, silence, limit, ring }
    }

    /// Where a recording can be fetched once it is finished: without a suffix, as scripts are told.
    pub fn recording_url(&self, sid: RecordingSid) -> String {
        format!("{}{sid}", self.recordings_url())
    }

    /// Where recordings can be fetched: a SID follows.
    pub(super) fn recordings_at(&self) -> std::sync::Arc<str> {
        self.recordings_url().into()
    }

    /// The recording of ours that a URL names, with or without `.wav`: no network is needed to play it.
    pub fn recording_at(&self, url: &str) -> Option<RecordingSid> {
        let name = url.strip_prefix(&self.recordings_url())?;
        name.strip_suffix(".wav").unwrap_or(name).parse().ok()
    }

    /// The sound of a recording of ours, as a file.
    ///
    /// # Errors
    /// There is none, or it is too long to be played.
    pub(super) async fn recorded(self: &Arc<Self>, sid: RecordingSid) -> Result<Vec<u8>, SoundError> {
        let house = Arc::clone(self);
        let read = move || {
            let file = house.recordings.open(sid)?.ok_or(io::ErrorKind::NotFound)?;
            if file.metadata()?.len() > LONGEST {
                return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it has more than 20 MB"));
            }
            let mut bytes = Vec::new();
            file.take(LONGEST).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        let read = tokio::task::spawn_blocking(read).await.map_err(io::Error::other).and_then(|read| read);
        read.map_err(|error| {
            let code = match error.kind() {
                io::ErrorKind::FileTooLarge => code::TOO_LARGE,
                _ => code::STATUS,
            };
            SoundError { code, message: format!("recording {sid}: {error}") }
        })
    }

    fn recordings_url(&self) -> String {
        let (public, account) = (&self.public_url, &self.credentials.account_sid);
        format!("{public}/2010-04-01/Accounts/{account}{PATH}")
    }
}
