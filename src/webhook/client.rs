//! The HTTP client: one for all calls, so that connections are kept and shared.
//! It must never be used but through the limits of one request.

use std::time::Duration;

use super::document::Fetched;
use super::{Content, Media, Reply, Request, WebhookError, code};
use crate::config;
use crate::twiml::document::Document;
use crate::twiml::verb::Method;

/// Whose requests these are.
#[derive(Clone)]
pub struct Account {
    /// `AC` and 32 hex digits.
    pub sid: String,
    /// What requests are signed with.
    pub token: String,
}

/// Fetches documents and sounds, and posts callbacks.
pub struct Webhooks {
    client: reqwest::Client,
}

impl Webhooks {
    /// A client with these settings. `trusted` are hosts, with their ports, that the operator's routes name.
    ///
    /// # Errors
    /// TLS cannot be set up.
    pub fn new(_: &config::Webhooks, _: Account, _trusted: Vec<String>) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy();
        Ok(Self { client: client.timeout(Duration::from_secs(15)).build()? })
    }

    /// Fetches a document.
    ///
    /// # Errors
    /// It cannot be had, or is none.
    pub async fn fetch(&self, request: Request) -> Result<Reply, WebhookError> {
        let cookies = request.cookies.clone();
        let response = self.send(&request).await?;
        let (status, url) = (response.status().as_u16(), response.url().to_string());
        let body = response.bytes().await.map_err(|error| failed(&request.url, &error))?;
        Ok(Reply { status, url, content: Content::Twiml(body), cookies })
    }

    /// Fetches a document and reads it.
    ///
    /// # Errors
    /// It cannot be had, or is none.
    pub async fn document(&self, request: Request) -> Result<Fetched, WebhookError> {
        let reply = self.fetch(request).await?;
        let document = match reply.content {
            Content::Twiml(xml) => Document::parse(&xml)
                .map_err(|error| WebhookError::new(error.code, &reply.url, error.to_string()))?,
            _ => return Err(WebhookError::new(code::CONTENT_TYPE, &reply.url, "not read yet")),
        };
        Ok(Fetched { url: reply.url, document, cookies: reply.cookies })
    }

    /// Posts a callback. What is answered does not matter but for its status.
    ///
    /// # Errors
    /// There was no answer.
    pub async fn post(&self, request: Request) -> Result<u16, WebhookError> {
        Ok(self.send(&request).await?.status().as_u16())
    }

    /// Fetches a sound.
    ///
    /// # Errors
    /// It cannot be had, or is none.
    pub async fn media(&self, url: &str) -> Result<Media, WebhookError> {
        Err(WebhookError::new(code::SOUND_TYPE, url, "sounds are not fetched yet"))
    }

    async fn send(&self, request: &Request) -> Result<reqwest::Response, WebhookError> {
        let builder = match request.method {
            Method::Get => self.client.get(&request.url).query(&request.parameters),
            Method::Post => self.client.post(&request.url).form(&request.parameters),
        };
        builder.send().await.map_err(|error| failed(&request.url, &error))
    }
}

fn failed(url: &str, error: &reqwest::Error) -> WebhookError {
    WebhookError::new(code::RETRIEVAL, url, error.to_string())
}
