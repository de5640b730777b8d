//! Metrics of a node: counted as events are committed, read when somebody asks.
//! It must never be global, cost a call more than an addition, or grow while nobody asks.

mod families;
mod fold;
mod process;
mod scrape;
mod wire;

#[cfg(test)]
mod tests;

use std::time::Duration;

use metrics::{Counter, Gauge, Histogram, Key, Label, Level, Metadata, Recorder};
use metrics_exporter_prometheus::{
    BuildError, Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder,
};

use self::families::{ALL, Family, Kind};
pub(super) use self::process::Process;
pub(super) use self::scrape::Present;
use self::wire::Wire;
use crate::sip::message::StatusCode;
use crate::webhook::WebhookError;

/// The recorder asks where a metric comes from; ours all come from here.
const METADATA: Metadata<'static> = Metadata::new("trunkline", Level::INFO, None);

/// Why an incoming call was refused before it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The node is being stopped.
    Stopping,
    /// It is being drained.
    Draining,
    /// Signalling does not keep up.
    Late,
    /// Calls come too fast.
    Pace,
    /// The limit of calls is reached.
    Calls,
    /// The limit of legs is reached.
    Legs,
    /// There are no ports.
    Ports,
    /// The INVITE makes no dialog.
    Malformed,
}

/// What was asked for over HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Errand {
    /// A document of a script.
    Document,
    /// A status callback.
    Callback,
}

/// All metrics of a node.
#[derive(Debug)]
pub struct Metrics {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
    wire: Wire,
}

impl Metrics {
    /// Metrics that start from nothing.
    ///
    /// # Errors
    /// A histogram of the table has no bounds.
    pub fn new() -> Result<Self, BuildError> {
        let mut builder = PrometheusBuilder::new();
        for family in ALL {
            if let Kind::Histogram(bounds) = family.kind {
                builder = builder.set_buckets_for_metric(Matcher::Full(family.name.to_owned()), bounds)?;
            }
        }
        let recorder = builder.build_recorder();
        ALL.iter().for_each(|family| describe(&recorder, family));
        let wire = Wire::new(|family, labels| recorder.register_counter(&key(family, labels), &METADATA));
        let metrics = Self { handle: recorder.handle(), recorder, wire };
        metrics.begin_at_zero();
        Ok(metrics)
    }

    /// What has no labels, or few known ones, is there from the start: a rate over it is then right from the first event.
    fn begin_at_zero(&self) {
        for family in ALL.iter().filter(|family| family.labels.is_empty()) {
            match family.kind {
                Kind::Counter => drop(self.counter(family, &[])),
                Kind::Gauge => drop(self.gauge(family, &[])),
                Kind::Histogram(_) => drop(self.histogram(family, &[])),
            }
        }
        for reason in Refusal::ALL {
            drop(self.counter(&families::REFUSED, &[reason.label()]));
        }
        for direction in ["inbound", "outbound"] {
            drop(self.counter(&families::LEGS_BEGUN, &[direction]));
            drop(self.counter(&families::LEGS_ANSWERED, &[direction]));
        }
        self.gauge(&families::BUILD, &[env!("CARGO_PKG_VERSION")]).set(1);
    }

    /// Everything, in the text format of Prometheus.
    pub(super) fn text(&self) -> String {
        self.handle.render()
    }

    /// Puts what histograms heard into their counts. Without it their values pile up until somebody asks.
    pub(super) fn tidy(&self) {
        self.handle.run_upkeep();
    }

    /// An incoming call was begun, or not.
    pub(super) fn admission(&self, refused: Option<Refusal>) {
        match refused {
            None => self.counter(&families::ADMITTED, &[]).increment(1),
            Some(refusal) => self.counter(&families::REFUSED, &[refusal.label()]).increment(1),
        }
    }

    /// A request over HTTP took so long, and failed like this or not.
    pub(super) fn webhook(&self, errand: Errand, took: Duration, failure: Option<&WebhookError>) {
        let kind = match errand {
            Errand::Document => "document",
            Errand::Callback => "callback",
        };
        let code = failure.map_or_else(|| "ok".to_owned(), |failure| failure.code.to_string());
        self.counter(&families::WEBHOOKS, &[kind, &code]).increment(1);
        self.histogram(&families::WEBHOOK_TIME, &[kind]).record(took);
    }

    /// A SIP message came.
    pub(super) fn received(&self, message: &[u8]) {
        self.wire.received(message);
    }

    /// A SIP message was sent.
    pub(super) fn sent(&self, message: &[u8]) {
        self.wire.sent(message);
    }

    fn counter(&self, family: &Family, labels: &[&str]) -> Counter {
        self.recorder.register_counter(&key(family, labels), &METADATA)
    }

    fn gauge(&self, family: &Family, labels: &[&str]) -> Gauge {
        self.recorder.register_gauge(&key(family, labels), &METADATA)
    }

    fn histogram(&self, family: &Family, labels: &[&str]) -> Histogram {
        self.recorder.register_histogram(&key(family, labels), &METADATA)
    }
}

impl Refusal {
    const ALL: [Refusal; 8] = [
        Refusal::Stopping,
        Refusal::Draining,
        Refusal::Late,
        Refusal::Pace,
        Refusal::Calls,
        Refusal::Legs,
        Refusal::Ports,
        Refusal::Malformed,
    ];

    /// What the caller is answered with.
    pub(super) const fn status(self) -> StatusCode {
        match self {
            Refusal::Malformed => StatusCode::BAD_REQUEST,
            _ => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    const fn label(self) -> &'static str {
        match self {
            Refusal::Stopping => "stopping",
            Refusal::Draining => "draining",
            Refusal::Late => "late",
            Refusal::Pace => "pace",
            Refusal::Calls => "calls",
            Refusal::Legs => "legs",
            Refusal::Ports => "ports",
            Refusal::Malformed => "malformed",
        }
    }
}

fn describe(recorder: &PrometheusRecorder, family: &Family) {
    let (name, help) = (family.name.into(), family.help.into());
    match family.kind {
        Kind::Counter => recorder.describe_counter(name, None, help),
        Kind::Gauge => recorder.describe_gauge(name, None, help),
        Kind::Histogram(_) => recorder.describe_histogram(name, None, help),
    }
}

fn key(family: &Family, values: &[&str]) -> Key {
    debug_assert_eq!(family.labels.len(), values.len(), "{}", family.name);
    let labels = family.labels.iter().zip(values);
    let labels: Vec<Label> = labels.map(|(name, value)| Label::new(*name, (*value).to_owned())).collect();
    Key::from_parts(family.name, labels)
}
