//! Logs: where lines go and how they look, the span of a leg, SIP messages on demand, what is kept out of them.
//! It must never be how the parts of the switch tell each other something.

mod redacted;
mod sip;

use std::io::{self, IsTerminal};

use tracing::Span;
use tracing::subscriber::SetGlobalDefaultError;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

pub use self::redacted::{Address, Number, Secret};
pub use self::sip::{Direction, Selection, SipTrace, TooMany};
use crate::config::{Log, LogFormat};
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
}

/// Sends logs to the standard error output from now on, as the configuration says; coloured if it is a terminal.
/// To be called once.
///
/// # Errors
/// The filter cannot be read, or logs go somewhere already.
pub fn start(config: &Log) -> Result<(), LogError> {
    let subscriber = subscriber(config, io::stderr, io::stderr().is_terminal())?;
    Ok(tracing::subscriber::set_global_default(subscriber)?)
}

/// The span of everything that is logged about one leg.
pub fn leg_span(call: CallId, leg: LegId) -> Span {
    tracing::info_span!("leg", call_id = %call, leg_id = %leg)
}

/// The parts of the log, put together for `writer`.
fn subscriber<W>(
    config: &Log,
    writer: W,
    colour: bool,
) -> Result<Box<dyn tracing::Subscriber + Send + Sync>, LogError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_new(&config.filter)?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer);
    Ok(match config.format {
        LogFormat::Text => Box::new(lines.with_ansi(colour).finish()),
        LogFormat::Json => Box::new(lines.json().flatten_event(true).with_span_list(false).finish()),
    })
}

#[cfg(test)]
mod tests;
