//! What is found out when somebody asks: how much there is of everything at this moment.
//! It must never ask anybody itself: what it shows is handed in.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::families::{
    ACTORS, ARBITER_LAG, CALLS, CALLS_LIMIT, CPU, DESCRIPTORS, DESCRIPTORS_LIMIT, DIALOGS, DRAINING, Family,
    LEGS, LEGS_LIMIT, LETTERS, MEDIA_MISDIRECTED, MEDIA_QUEUED, MEDIA_RESTARTS, MEDIA_SESSIONS, MEMORY,
    OUTBOXES, PORTS, READY, RECORDING_BYTES, RECORDING_LOST, RECORDING_MISPLACED, RECORDINGS,
    RECORDINGS_FAILED, RECORDS_LEFT_OUT, RECORDS_WAITING, REGISTRATIONS, SCRIPTS, SIP_CONNECTIONS,
    SIP_CONNECTIONS_REFUSED, SIP_SHED, SIP_UNREADABLE, SNAPSHOTS, STARTED, TASKS, TRANSACTIONS,
};
use super::{Metrics, Process};
use crate::node::house::House;
use crate::ops::control::Census;

/// What was found out for a reader.
#[derive(Clone, Debug, Default)]
pub(in crate::node) struct Present {
    pub census: Census,
    pub process: Process,
    /// How long each arbiter took to answer.
    pub lags: Vec<Duration>,
    pub is_ready: bool,
    /// When the switch started: microseconds since 1970.
    pub started_us: u64,
}

impl Metrics {
    /// Takes over what was found out, and gives it all as text.
    pub(in crate::node) fn scrape(&self, house: &House, present: &Present) -> String {
        self.of_calls(house, present);
        self.of_parts(house);
        self.of_process(present);
        self.text()
    }

    fn of_calls(&self, house: &House, present: &Present) {
        let Present { census, lags, is_ready, .. } = present;
        let settings = house.settings();
        let limits = &settings.config.limits;
        for (family, value) in [
            (CALLS, census.calls),
            (LEGS, census.legs),
            (CALLS_LIMIT, limits.calls as u64),
            (LEGS_LIMIT, limits.legs as u64),
            (READY, u64::from(*is_ready)),
            (DRAINING, u64::from(house.drain().is_some())),
            (OUTBOXES, census.outboxes),
            (DIALOGS, census.dialogs),
            (MEDIA_SESSIONS, census.sessions),
            (PORTS, census.ports),
            (ACTORS, census.actors),
            (SCRIPTS, census.scripts),
            (TASKS, census.tasks),
            (LETTERS, census.mails),
            (SNAPSHOTS, census.snapshots),
        ] {
            self.show(&family, &[], value);
        }
        self.show(&TRANSACTIONS, &["client"], census.client_transactions);
        self.show(&TRANSACTIONS, &["server"], census.server_transactions);
        self.show(&TRANSACTIONS, &["orphan"], census.orphans);
        for (arbiter, lag) in lags.iter().enumerate() {
            self.gauge(&ARBITER_LAG, &[&arbiter.to_string()]).set(lag.as_secs_f64());
        }
    }

    fn of_parts(&self, house: &House) {
        let (recordings, engine) = (house.recordings.census(), house.engine.census());
        let registrations = house.registrar.list(house.clock.now()).len() as u64;
        let ledger = house.ledger.health();
        self.show(&RECORDS_WAITING, &[], ledger.waiting as u64);
        self.counter(&RECORDS_LEFT_OUT, &[]).absolute(ledger.left_out);
        self.show(&REGISTRATIONS, &[], registrations);
        self.show(&SIP_CONNECTIONS, &[], house.connections.count() as u64);
        self.show(&RECORDINGS, &[], recordings.open);
        self.show(&RECORDING_BYTES, &[], recordings.bytes);
        self.show(&MEDIA_QUEUED, &[], engine.queued as u64);
        for (family, total) in [
            (RECORDINGS_FAILED, recordings.failed),
            (RECORDING_LOST, recordings.lost_blocks),
            (RECORDING_MISPLACED, recordings.misplaced_samples),
            (MEDIA_RESTARTS, engine.restarts),
            (MEDIA_MISDIRECTED, engine.misdirected),
            (SIP_SHED, house.load.shed.load(Ordering::Relaxed) as u64),
            (SIP_CONNECTIONS_REFUSED, house.connections.refused() as u64),
            (SIP_UNREADABLE, house.load.unreadable.load(Ordering::Relaxed) as u64),
        ] {
            self.counter(&family, &[]).absolute(total);
        }
    }

    fn of_process(&self, present: &Present) {
        let process = &present.process;
        self.counter(&CPU, &[]).absolute(process.cpu.as_secs());
        self.show(&MEMORY, &[], process.memory);
        self.show(&DESCRIPTORS, &[], process.descriptors);
        self.show(&DESCRIPTORS_LIMIT, &[], process.descriptors_limit);
        self.show(&STARTED, &[], present.started_us / 1_000_000);
    }

    fn show(&self, family: &Family, labels: &[&str], value: u64) {
        self.gauge(family, labels).set(value as f64);
    }
}
