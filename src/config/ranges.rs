//! Bounds that a value keeps by itself, whatever the others say: beyond them a switch starts, and does harm.
//! Must never ask the machine.

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

use super::Config;

/// Most threads of a kind: more than any host has cores.
const THREADS: usize = 1024;

/// Bytes of a file of call records: who reads it to find a SID holds those of a whole one in memory.
const RECORD_BYTES: RangeInclusive<u64> = 64 << 10..=256 << 20;

/// Most files of them besides the one that is written.
const RECORD_FILES: usize = 100;

impl Config {
    /// Keys, whether their value is within its bounds, and what would be right.
    pub(super) fn ranges(&self) -> Vec<(&'static str, bool, &'static str)> {
        let Self { sip, media, data, dialplan, recordings, records, .. } = self;
        let is_named = |folder: &Path| !folder.as_os_str().is_empty();
        let is_patient = media.timeout.is_zero() || media.timeout >= Duration::from_secs(1);
        let threads = "must not be greater than 1024; 0: as many as fit the host";
        vec![
            (
                "sip.domain",
                sip.domain.as_deref().is_none_or(is_host),
                "must be the name of a domain, such as \"example.com\", or \"auto\"",
            ),
            ("sip.shards", sip.shards <= THREADS, threads),
            ("media.workers", media.workers <= THREADS, threads),
            ("media.timeout", is_patient, "must not be shorter than 1s; \"0s\": never"),
            ("data.folder", is_named(&data.folder), "must name a folder, such as \"data\""),
            ("dialplan.folder", is_named(&dialplan.folder), "must name a folder, such as \"dialplans\""),
            (
                "records.bytes",
                RECORD_BYTES.contains(&records.bytes),
                "must lie between 65536 (64 KiB) and 268435456 (256 MiB)",
            ),
            ("records.files", records.files <= RECORD_FILES, "must not be greater than 100"),
            (
                "recordings.folder",
                recordings.folder.as_deref().is_none_or(is_named),
                "must name a folder, or \"auto\"",
            ),
        ]
    }
}

/// Whether a text can stand for a host in a SIP URI (RFC 3261 §25.1), or is used for one: names with `_` are.
fn is_host(text: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    let is_name = text.strip_suffix('.').unwrap_or(text).split('.').all(is_label);
    is_name || text.trim_matches(['[', ']']).parse::<IpAddr>().is_ok()
}
