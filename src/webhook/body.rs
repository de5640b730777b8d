//! Bodies, read up to a bound and without waiting for ever between two bytes.
//! It must never keep more of a body than the bound, compressed or not.

use std::time::Duration;

use bytes::{Bytes, BytesMut};

use super::exchange::{Answer, silent};
use super::{WebhookError, code, failure};

/// Longest document, in bytes, decompressed.
pub(super) const DOCUMENT: usize = 64 << 10;

/// Longest sound, in bytes.
pub(super) const SOUND: usize = 20 << 20;

impl Answer {
    /// The whole body, if it is not longer than `limit`. `silence`: how long the other side may be silent.
    pub async fn body(mut self, limit: usize, silence: Duration) -> Result<Bytes, WebhookError> {
        let announced = self.response.content_length().unwrap_or(0);
        if usize::try_from(announced).map_or(true, |length| length > limit) {
            return Err(self.too_large(limit));
        }
        let mut body = BytesMut::new();
        while let Some(chunk) = self.chunk(silence).await? {
            if body.len() + chunk.len() > limit {
                return Err(self.too_large(limit));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }

    /// The next piece of the body, of a bounded size, decompressed.
    pub async fn chunk(&mut self, silence: Duration) -> Result<Option<Bytes>, WebhookError> {
        let url = self.hop.url.as_str();
        match tokio::time::timeout(silence, self.response.chunk()).await {
            Ok(chunk) => chunk.map_err(|error| failure::of_body(url, &error)),
            Err(_) => Err(silent(url, silence)),
        }
    }

    /// A header as text.
    pub fn header(&self, name: reqwest::header::HeaderName) -> Option<&str> {
        self.response.headers().get(name)?.to_str().ok()
    }

    fn too_large(&self, limit: usize) -> WebhookError {
        let message = format!("it is larger than {} kB", limit >> 10);
        WebhookError::new(code::TOO_LARGE, self.hop.url.as_str(), message)
    }
}
