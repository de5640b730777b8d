//! Logs: where lines go and how they look, the span of a leg, SIP messages on demand, what is kept out of them.
//! It must never be how the parts of the switch tell each other something.

mod episodes;
mod fields;
mod recent;
mod redacted;
mod sip;
mod throttle;

use std::io::{self, IsTerminal};
use std::sync::Arc;

use tracing::Span;
use tracing::subscriber::SetGlobalDefaultError;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::{EnvFilter, Registry, reload};

use self::fields::Fields;
pub use self::recent::{Complaint, Recent};
pub use self::redacted::{Address, Number, Secret};
pub use self::sip::{Direction, Selection, SipTrace, TooMany};
use self::throttle::{FINDINGS, Throttle};
use crate::config::{Doubt, Finding, Log, LogFormat};
use crate::ids::{CallId, LegId};

/// Why there are no logs.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// `log.filter` is no filter.
    #[error("log.filter: {0}")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// Called twice.
    #[error("logs are set up already")]
    Twice(#[from] SetGlobalDefaultError),
    /// The subscriber is gone.
    #[error("log.filter cannot be changed: {0}")]
    Gone(#[from] reload::Error),
}

/// Puts another filter in force.
type Refilter = Arc<dyn Fn(&str) -> Result<(), LogError> + Send + Sync>;

/// The logs of the running process. Clones are the same ones.
#[derive(Clone)]
pub struct Logs {
    filter: Refilter,
    throttle: Throttle,
    recent: Recent,
}

impl Logs {
    /// Follows another filter from now on.
    ///
    /// # Errors
    /// It cannot be read; the former one stays.
    pub fn follow(&self, filter: &str) -> Result<(), LogError> {
        (self.filter)(filter)
    }

    /// Says how often the warnings came that were said once. To be called every few seconds.
    pub fn settle(&self) {
        self.throttle.settle();
    }

    /// The latest warnings and errors, the latest first.
    pub fn complaints(&self) -> Vec<Complaint> {
        self.recent.list()
    }
}

/// Sends logs to the standard error output from now on, as the configuration says; coloured if it is a terminal.
/// To be called once.
///
/// # Errors
/// The filter cannot be read, or logs go somewhere already.
pub fn start(config: &Log) -> Result<Logs, LogError> {
    let (subscriber, logs) = subscriber(config, io::stderr, io::stderr().is_terminal())?;
    tracing::subscriber::set_global_default(subscriber)?;
    Ok(logs)
}

/// What is wrong with the settings of the log.
pub fn doubt(config: &Log) -> Option<Doubt> {
    let fault = EnvFilter::try_new(&config.filter).err()?;
    Some(Doubt::error("log.filter", format!("is no filter: {fault}")))
}

/// Logs what is wrong with the operator's files, as `check` says it; `when` it was found.
pub fn tell(when: &'static str, findings: &[Finding]) {
    for finding in findings {
        if finding.is_error() {
            tracing::error!(target: FINDINGS, "{when}: {finding}");
        } else {
            tracing::warn!(target: FINDINGS, "{when}: {finding}");
        }
    }
}

/// The span of everything that is logged about one leg.
pub fn leg_span(call: CallId, leg: LegId) -> Span {
    tracing::info_span!("leg", call_id = %call, leg_id = %leg)
}

/// A subscriber for `writer`.
type Subscriber = Box<dyn tracing::Subscriber + Send + Sync>;

/// What the web server says of its threads is for whoever asks for it by name.
fn filter_of(filter: &str) -> Result<EnvFilter, tracing_subscriber::filter::ParseError> {
    EnvFilter::try_new(format!("actix_server=warn,{filter}"))
}

/// The parts of the log, put together for `writer`.
fn subscriber<W>(config: &Log, writer: W, colour: bool) -> Result<(Subscriber, Logs), LogError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let (filter, handle) = reload::Layer::new(filter_of(&config.filter)?);
    let (throttle, recent) = (Throttle::default(), Recent::default());
    let lines = tracing_subscriber::fmt::layer().with_writer(writer);
    let lines = match config.format {
        LogFormat::Text => lines.with_ansi(colour).fmt_fields(Fields).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_span_list(false).boxed(),
    };
    let subscriber =
        Registry::default().with(filter).with(lines.with_filter(throttle.clone())).with(recent.clone());
    let follow = move |filter: &str| Ok(handle.reload(filter_of(filter)?)?);
    Ok((Box::new(subscriber), Logs { filter: Arc::new(follow), throttle, recent }))
}

#[cfg(test)]
mod tests;
