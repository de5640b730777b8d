//! What an error of the client means: its code in the error dictionary, and whether another try is due.
//! It must never read an error's words where it has a type.

use std::error::Error;
use std::io;

use rustls::CertificateError;

use super::connector::ConnectTimeout;
use super::resolver::NameError;
use super::{WebhookError, code};

/// Why a try did not come to an answer.
#[derive(Debug)]
pub(super) struct Failure {
    pub error: WebhookError,
    pub stage: Stage,
}

/// How far a try came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// No connection.
    Connecting,
    /// A connection, but nothing came in time.
    Waiting,
    /// The connection ended before the answer began.
    Broken,
    /// Another try would come to the same.
    Hopeless,
}

impl Failure {
    pub fn hopeless(error: WebhookError) -> Self {
        Self { error, stage: Stage::Hopeless }
    }

    /// Of an error in asking `url`, before its answer began.
    pub fn of(url: &str, error: &reqwest::Error) -> Self {
        let (code, message) = meaning(error);
        let new = |stage| Self { error: WebhookError::new(code, url, message.clone()), stage };
        match code {
            _ if is_forbidden(error) => Self::hopeless(WebhookError::forbidden(url, message)),
            code::CONNECTION if !error.is_connect() => new(Stage::Broken),
            code::PROTOCOL | code::BAD_URL => new(Stage::Hopeless),
            _ => new(Stage::Connecting),
        }
    }
}

/// What became of an answer that had begun.
pub(super) fn of_body(url: &str, error: &reqwest::Error) -> WebhookError {
    let (code, message) = match meaning(error) {
        (code::PROTOCOL, _) if error.is_decode() && !is_cut(error) => {
            (code::PROTOCOL, "its body cannot be read".to_owned())
        }
        (code::PROTOCOL, _) if is_cut(error) => (code::CONNECTION, "its body broke off".to_owned()),
        other => other,
    };
    WebhookError::new(code, url, message)
}

fn chain<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'e (dyn Error + 'static)| {
        let error: &'e (dyn Error + 'static) = *error;
        match error.downcast_ref::<io::Error>() {
            // The source of an I/O error that wraps another is that one's source: it would be skipped.
            Some(wrapper) => wrapper.get_ref().map(|inner| inner as &(dyn Error + 'static)),
            None => error.source(),
        }
    })
}

fn find<T: Error + 'static>(error: &reqwest::Error) -> Option<&T> {
    chain(error).find_map(|error| error.downcast_ref::<T>())
}

fn is_forbidden(error: &reqwest::Error) -> bool {
    matches!(find::<NameError>(error), Some(NameError::Forbidden { .. }))
}

/// Whether the connection ended where more had to come. The client's own error types are not public: its words are
/// all that tells a cut from nonsense, and the fault server of the tests would notice other words.
fn is_cut(error: &reqwest::Error) -> bool {
    chain(error).any(|error| {
        error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::UnexpectedEof)
            || ["connection closed before message completed", "end of file before message length reached"]
                .contains(&error.to_string().as_str())
    })
}

fn meaning(error: &reqwest::Error) -> (u32, String) {
    if let Some(error) = find::<NameError>(error) {
        return (code::HOST, error.to_string());
    }
    if let Some(error) = find::<ConnectTimeout>(error) {
        return (code::CONNECT_TIMEOUT, error.to_string());
    }
    if let Some(error) = find::<rustls::Error>(error) {
        return (of_tls(error), error.to_string());
    }
    if error.is_builder() {
        return (code::BAD_URL, "it cannot be asked".to_owned());
    }
    match find::<io::Error>(error).map(io::Error::kind) {
        Some(io::ErrorKind::ConnectionRefused) => (code::REFUSED, "nobody listens there".to_owned()),
        Some(io::ErrorKind::UnexpectedEof) => (code::CONNECTION, "the connection broke off".to_owned()),
        Some(io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData) => {
            (code::PROTOCOL, "what came is no HTTP".to_owned())
        }
        Some(kind) => (code::CONNECTION, format!("the connection failed: {kind}")),
        None if is_cut(error) => (code::CONNECTION, "the connection broke off".to_owned()),
        None if error.is_connect() => (code::CONNECTION, "no connection came about".to_owned()),
        None => (code::PROTOCOL, "what came is no HTTP".to_owned()),
    }
}

fn of_tls(error: &rustls::Error) -> u32 {
    use CertificateError as Certificate;
    match error {
        rustls::Error::InvalidCertificate(certificate) => match certificate {
            Certificate::NotValidForName | Certificate::NotValidForNameContext { .. } => {
                code::CERTIFICATE_HOST
            }
            Certificate::Expired
            | Certificate::ExpiredContext { .. }
            | Certificate::NotValidYet
            | Certificate::NotValidYetContext { .. } => code::CERTIFICATE_TIME,
            Certificate::UnknownIssuer | Certificate::BadSignature | Certificate::Revoked => {
                code::CERTIFICATE_CHAIN
            }
            _ => code::CERTIFICATE_CHAIN,
        },
        _ => code::TLS,
    }
}
