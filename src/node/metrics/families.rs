//! All metrics of a node: name, kind, labels and what each means. This table is their documentation.
//! It must never have a label whose values grow with calls, numbers or peers.

/// How a metric behaves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts values up to bounds.
    Histogram(&'static [f64]),
}

/// A metric with all its labels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Family {
    pub name: &'static str,
    pub kind: Kind,
    pub labels: &'static [&'static str],
    pub help: &'static str,
}

macro_rules! families {
    ($($constant:ident: $kind:expr, $name:literal $labels:expr, $help:literal;)*) => {
        $(pub(super) const $constant: Family = Family { name: $name, kind: $kind, labels: &$labels, help: $help };)*

        /// All of them.
        pub(super) const ALL: &[Family] = &[$($constant),*];
    };
}

use Kind::{Counter, Gauge, Histogram};

/// Seconds that somebody waits.
const WAITS: Kind = Histogram(&[0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 60.0]);

/// Seconds that a call lasts.
const TALKS: Kind = Histogram(&[1.0, 6.0, 15.0, 30.0, 60.0, 180.0, 600.0, 1_800.0, 3_600.0, 14_400.0]);

/// Seconds by which packets come unevenly.
const JITTERS: Kind = Histogram(&[0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5]);

families! {
    BUILD: Gauge, "trunkline_build_info" ["version"], "Always 1; the label says which version runs.";
    CALLS: Gauge, "trunkline_calls" [], "Calls that are up.";
    LEGS: Gauge, "trunkline_legs" [], "Legs that are up.";
    CALLS_LIMIT: Gauge, "trunkline_calls_limit" [], "Calls allowed at a time (limits.calls).";
    LEGS_LIMIT: Gauge, "trunkline_legs_limit" [], "Legs allowed at a time (limits.legs).";
    READY: Gauge, "trunkline_ready" [], "1 while new calls are taken, as /ready says; otherwise 0.";
    DRAINING: Gauge, "trunkline_draining" [], "1 while the switch is drained: no new calls, an end with the last one.";
    RECORDS_WAITING: Gauge, "trunkline_records_waiting" [], "Call records that are not on the disk yet.";
    RECORDS_LEFT_OUT: Counter, "trunkline_records_left_out_total" [],
        "Call records that were left out, as too many waited for a disk that fails.";
    ADMITTED: Counter, "trunkline_calls_admitted_total" [], "Incoming calls that were begun.";
    REFUSED: Counter, "trunkline_calls_refused_total" ["reason"],
        "Incoming calls that were refused before they began: stopping, draining, late, pace, calls, legs, ports or malformed.";
    LEGS_BEGUN: Counter, "trunkline_legs_begun_total" ["direction"], "Legs that began, inbound or outbound.";
    LEGS_ANSWERED: Counter, "trunkline_legs_answered_total" ["direction"], "Legs that were answered.";
    LEGS_ENDED: Counter, "trunkline_legs_ended_total" ["direction", "cause", "by"],
        "Legs that ended: why, and who brought it about (peer or switch).";
    POST_DIAL_DELAY: WAITS, "trunkline_post_dial_delay_seconds" [],
        "From the INVITE of an outbound leg to its first ringing, early media or answer.";
    TALK: TALKS, "trunkline_leg_talk_seconds" ["direction"], "From the answer of a leg to its end.";
    DIGITS: Counter, "trunkline_digits_total" [], "Keys that far ends pressed.";
    FINDINGS: Counter, "trunkline_script_findings_total" ["code"],
        "Warnings and errors in scripts, by Twilio's number.";
    WEBHOOKS: Counter, "trunkline_webhook_requests_total" ["kind", "code"],
        "Requests for documents and status callbacks over HTTP, by what came of them: ok, or Twilio's number.";
    WEBHOOK_TIME: WAITS, "trunkline_webhook_seconds" ["kind"],
        "From a request over HTTP, retries included, to its answer or failure.";
    CALLBACKS: Counter, "trunkline_callbacks_total" ["result"],
        "Tries to deliver status callbacks: delivered, or Twilio's number for what went wrong.";
    OUTBOXES: Gauge, "trunkline_outboxes" [], "Calls with status callbacks that are not delivered yet, or may still come.";
    SIP_REQUESTS: Counter, "trunkline_sip_requests_total" ["direction", "method"],
        "SIP requests on the wire, repeats included.";
    SIP_RESPONSES: Counter, "trunkline_sip_responses_total" ["direction", "status"],
        "SIP responses on the wire, repeats included.";
    SIP_SHED: Counter, "trunkline_sip_shed_total" [], "Datagrams dropped because a mailbox was full.";
    SIP_UNREADABLE: Counter, "trunkline_sip_unreadable_total" [], "Datagrams that were no SIP.";
    SIP_CONNECTIONS: Gauge, "trunkline_sip_connections" [], "TCP and TLS connections that are open.";
    SIP_CONNECTIONS_REFUSED: Counter, "trunkline_sip_connections_refused_total" [], "Connections beyond sip.connections.total or per_source.";
    TRANSACTIONS: Gauge, "trunkline_sip_transactions" ["side"],
        "SIP transactions: client, server, or orphan (a client that outlives its leg).";
    DIALOGS: Gauge, "trunkline_sip_dialogs" [], "SIP dialogs.";
    REGISTRATIONS: Gauge, "trunkline_registrations" [], "Telephones that are registered.";
    RTP: Counter, "trunkline_rtp_packets_total" ["direction"], "RTP packets of legs that have ended.";
    RTP_LOST: Counter, "trunkline_rtp_lost_packets_total" [], "RTP packets that never came, of legs that have ended.";
    RTP_FOREIGN: Counter, "trunkline_rtp_foreign_packets_total" [],
        "RTP packets of strangers that were dropped, of legs that have ended.";
    RTP_JITTER: JITTERS, "trunkline_rtp_jitter_seconds" [], "Interarrival jitter of a leg at its end (RFC 3550).";
    MEDIA_SESSIONS: Gauge, "trunkline_media_sessions" [], "Media sessions that are open.";
    MEDIA_QUEUED: Gauge, "trunkline_media_commands_queued" [], "Commands that wait for media workers.";
    MEDIA_RESTARTS: Counter, "trunkline_media_restarts_total" [], "Loops of media workers that were begun anew after a panic.";
    MEDIA_MISDIRECTED: Counter, "trunkline_media_misdirected_total" [], "Commands for media sessions that are not open.";
    PORTS: Gauge, "trunkline_media_ports_leased" [], "Pairs of RTP and RTCP ports that are leased.";
    RECORDINGS: Gauge, "trunkline_recordings_open" [], "Recordings that are written now.";
    RECORDING_BYTES: Gauge, "trunkline_recordings_bytes" [], "Bytes of all recordings on disk.";
    RECORDINGS_FAILED: Counter, "trunkline_recordings_failed_total" [], "Recordings that were refused or broke off.";
    RECORDING_LOST: Counter, "trunkline_recording_lost_blocks_total" [], "20 ms blocks that found the ring of their recording full.";
    RECORDING_MISPLACED: Counter, "trunkline_recording_misplaced_samples_total" [], "Samples that came too late for their place in a recording.";
    ACTORS: Gauge, "trunkline_actors" [], "Actors of calls, and their supervisors.";
    SCRIPTS: Gauge, "trunkline_scripts" [], "Scripts that are running.";
    TASKS: Gauge, "trunkline_tasks" [], "Tasks that serve calls: fetches, look-ups, letters that wait.";
    LETTERS: Gauge, "trunkline_letters" [], "Letters between actors that are not acknowledged.";
    SNAPSHOTS: Gauge, "trunkline_snapshots" [], "Snapshots kept for actors.";
    PANICS: Counter, "trunkline_actor_panics_total" ["actor"], "Actors that panicked, by kind.";
    RESTARTS: Counter, "trunkline_actor_restarts_total" ["actor"], "Actors that were brought back from their snapshot, by kind.";
    ARBITER_LAG: Gauge, "trunkline_arbiter_lag_seconds" ["arbiter"],
        "How long each signalling thread took to answer a question just now; 2 if it did not.";
    CPU: Counter, "process_cpu_seconds_total" [], "Time on the processor, in whole seconds.";
    MEMORY: Gauge, "process_resident_memory_bytes" [], "Memory in RAM.";
    DESCRIPTORS: Gauge, "process_open_fds" [], "File descriptors that are open.";
    DESCRIPTORS_LIMIT: Gauge, "process_max_fds" [], "File descriptors that may be open.";
    STARTED: Gauge, "process_start_time_seconds" [], "When the switch started, in seconds since 1970.";
}
