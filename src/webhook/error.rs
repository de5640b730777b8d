//! Why a webhook failed, by the code of the error dictionary.
//! It must never show a password that stands in a URL.

use serde::{Deserialize, Serialize};

/// Codes of the error dictionary (twiml.md §9).
pub mod code {
    /// The URL is none, or not one that can be asked.
    pub const BAD_URL: u32 = 11_100;
    /// The document could not be had, for no reason that has a code of its own.
    pub const RETRIEVAL: u32 = 11_200;
    /// No connection came about in time.
    pub const CONNECT_TIMEOUT: u32 = 11_201;
    /// Nobody listens there.
    pub const REFUSED: u32 = 11_202;
    /// It took too long altogether.
    pub const TOTAL_TIMEOUT: u32 = 11_203;
    /// The connection could not be made, broke, or fell silent.
    pub const CONNECTION: u32 = 11_205;
    /// What came is no HTTP.
    pub const PROTOCOL: u32 = 11_206;
    /// The host has no address, or none that may be asked.
    pub const HOST: u32 = 11_210;
    /// More than ten redirects.
    pub const REDIRECTS: u32 = 11_215;
    /// A redirect to nowhere.
    pub const REDIRECT: u32 = 11_216;
    /// An answer of 4xx or 5xx.
    pub const STATUS: u32 = 11_217;
    /// TLS could not be agreed on.
    pub const TLS: u32 = 11_220;
    /// The certificate is another host's.
    pub const CERTIFICATE_HOST: u32 = 11_235;
    /// The certificate is expired, or not valid yet.
    pub const CERTIFICATE_TIME: u32 = 11_236;
    /// Nobody who is trusted vouches for the certificate.
    pub const CERTIFICATE_CHAIN: u32 = 11_237;
    /// The answer is too large.
    pub const TOO_LARGE: u32 = 11_750;
    /// The answer is chunked and has no chunk.
    pub const EMPTY_CHUNKED: u32 = 11_770;
    /// The answer's content type is not one that can be used.
    pub const CONTENT_TYPE: u32 = 12_300;
    /// What a Play names is no sound.
    pub const SOUND_TYPE: u32 = 13_420;
}

/// Why a webhook failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{url}: {message} ({code})")]
pub struct WebhookError {
    /// Code of the error dictionary.
    pub code: u32,
    /// The URL that was asked last, without fragment and user.
    pub url: String,
    /// What is wrong, for a developer.
    pub message: String,
    /// Whether the same request can never succeed: the destination policy refuses it.
    #[serde(default)]
    pub is_forbidden: bool,
    /// The status of the answer, where that is what is wrong.
    #[serde(default)]
    pub status: Option<u16>,
}

impl WebhookError {
    /// The error of this code.
    pub fn new(code: u32, url: &str, message: impl Into<String>) -> Self {
        Self { code, url: super::shown(url), message: message.into(), is_forbidden: false, status: None }
    }

    /// The answer has this status.
    pub fn answered(self, status: u16) -> Self {
        Self { status: Some(status), ..self }
    }

    /// The destination policy refuses to go there.
    pub fn forbidden(url: &str, message: impl Into<String>) -> Self {
        Self { is_forbidden: true, ..Self::new(code::HOST, url, message) }
    }

    /// Whether the same request may succeed later: the network or the receiver failed, not the request.
    pub fn is_passing(&self) -> bool {
        use code::*;
        let may_pass = matches!(
            self.code,
            RETRIEVAL
                | CONNECT_TIMEOUT
                | REFUSED
                | TOTAL_TIMEOUT
                | CONNECTION
                | PROTOCOL
                | HOST
                | TLS
                | CERTIFICATE_HOST
                | CERTIFICATE_TIME
                | CERTIFICATE_CHAIN
        );
        may_pass && !self.is_forbidden
    }
}
