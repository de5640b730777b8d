//! Recordings as the node sees them: what legs wish becomes taps of their sessions, Sids become URLs.
//! It must never make a leg wait for the disk, nor leave it without the end of its taping.

use trunkline_media::tap::Tap;

use super::house::House;
use crate::ids::RecordingSid;
use crate::leg::{Layout, Taping};
use crate::recording::Channels;

/// The path of recordings, behind the account.
const PATH: &str = "/Recordings/";

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

    /// The recording of ours that a URL names, with or without `.wav`: no network is needed to play it.
    pub fn recording_at(&self, url: &str) -> Option<RecordingSid> {
        let name = url.strip_prefix(&self.recordings_url())?;
        name.strip_suffix(".wav").unwrap_or(name).parse().ok()
    }

    fn recordings_url(&self) -> String {
        let (public, account) = (&self.public_url, &self.credentials.account_sid);
        format!("{public}/2010-04-01/Accounts/{account}{PATH}")
    }
}
