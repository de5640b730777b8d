//! The HTTP clients: shared by all calls, so that connections are kept; what is limited is limited per request.
//! It must never let a stranger's URL use a connection that was made for the operator's.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use reqwest::header;
use rustls::{ClientConfig, RootCertStore};

use super::cache::Cache;
use super::connector::Limited;
use super::content::{ContentType, Form};
use super::document::Fetched;
use super::exchange::{Answer, Exchange};
use super::hop::Hop;
use super::hosts::Hosts;
use super::overrides::Overrides;
use super::policy::Policy;
use super::resolver::{self, LookUp, Resolver};
use super::{Content, Cookies, Reply, Request, WebhookError, body, code, media};
use crate::config;
use crate::twiml::document::Context;

/// How long an unused connection is kept. Servers close theirs after two to five seconds: ours goes first.
const IDLE: Duration = Duration::from_millis(1_500);

/// How long the rest of a callback's answer is waited for, so that its connection can be used again.
const LEFTOVERS: Duration = Duration::from_secs(1);

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
    pub(super) account: Account,
    pub(super) policy: Arc<Policy>,
    pub(super) clients: Clients,
    pub(super) hosts: Arc<Hosts>,
    /// The part of each host that callbacks may take.
    pub(super) callbacks: Arc<Hosts>,
    pub(super) cache: Cache,
}

/// One client for each way of connecting: a pool knows hosts, but neither who named them nor how TLS was begun.
pub(super) struct Clients {
    trusted: [reqwest::Client; 2],
    strange: [reqwest::Client; 2],
}

impl Clients {
    fn new(policy: &Arc<Policy>, roots: RootCertStore, look_up: &LookUp) -> anyhow::Result<Self> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let tls = tls.with_root_certificates(roots).with_no_client_auth();
        let pair = |policy: Option<Arc<Policy>>| -> anyhow::Result<_> {
            let resolver = Arc::new(Resolver::new(policy, Arc::clone(look_up)));
            let client = |sni: bool| {
                let mut tls = tls.clone();
                tls.enable_sni = sni;
                client(tls, Arc::clone(&resolver)).context("an HTTP client cannot be made")
            };
            Ok([client(false)?, client(true)?])
        };
        Ok(Self { trusted: pair(None)?, strange: pair(Some(Arc::clone(policy)))? })
    }

    pub fn of(&self, is_trusted: bool, sni: bool) -> &reqwest::Client {
        let [without, with] = if is_trusted { &self.trusted } else { &self.strange };
        if sni { with } else { without }
    }
}

fn client(tls: ClientConfig, resolver: Arc<Resolver>) -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .use_preconfigured_tls(tls)
        .dns_resolver(resolver)
        .connector_layer(Limited)
        .http1_only()
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .no_proxy()
        .pool_idle_timeout(IDLE)
        .build()
}

impl Webhooks {
    /// Clients with these settings that trust the certificates of the system. `trusted`: hosts that the operator's
    /// routes name, as [`authority`](super::authority) writes them.
    ///
    /// # Errors
    /// TLS cannot be set up.
    pub fn new(settings: &config::Webhooks, account: Account, trusted: Vec<String>) -> anyhow::Result<Self> {
        let mut roots = RootCertStore::empty();
        let found = rustls_native_certs::load_native_certs();
        let (usable, _) = roots.add_parsable_certificates(found.certs);
        if usable == 0 {
            tracing::warn!("this system has no root certificates: no https URL can be asked");
        }
        Self::with_roots(settings, account, trusted, roots)
    }

    /// The same with other root certificates.
    ///
    /// # Errors
    /// TLS cannot be set up.
    pub fn with_roots(
        settings: &config::Webhooks,
        account: Account,
        trusted: Vec<String>,
        roots: RootCertStore,
    ) -> anyhow::Result<Self> {
        Self::looking_up(settings, account, trusted, roots, resolver::system())
    }

    /// The same with another who knows addresses.
    pub(super) fn looking_up(
        settings: &config::Webhooks,
        account: Account,
        trusted: Vec<String>,
        roots: RootCertStore,
        look_up: LookUp,
    ) -> anyhow::Result<Self> {
        let policy = Arc::new(Policy::new(settings.allow.clone(), trusted));
        Ok(Self {
            account,
            clients: Clients::new(&policy, roots, &look_up)?,
            policy,
            hosts: Hosts::new(settings.concurrency_per_host),
            callbacks: Hosts::new(settings.concurrency_per_host / 2),
            cache: Cache::default(),
        })
    }

    /// The operator's routes name these hosts from now on.
    pub fn trust(&self, hosts: Vec<String>) {
        self.policy.trust(hosts);
    }

    /// Fetches a document.
    ///
    /// # Errors
    /// It cannot be had in time, or is of no use.
    pub async fn fetch(&self, request: Request) -> Result<Reply, WebhookError> {
        let Request { token, cookies, url, .. } = &request;
        let (token, cookies, url) = (token.clone(), cookies.clone(), url.clone());
        let (hop, fragment) = Hop::first(request)?;
        let (overrides, findings) = Overrides::read(fragment.as_deref());
        let total = overrides.total;
        let mut exchange = Exchange::new(self, overrides, &token, cookies);
        within(total, &url, async {
            let answer = exchange.ask(hop).await?;
            let (status, url) = (answer.response.status().as_u16(), answer.hop.url.to_string());
            let content = content(answer, &exchange, &token).await.map_err(|error| error.answered(status))?;
            Ok(Reply { status, url, content, cookies: exchange.cookies, findings })
        })
        .await
    }

    /// Fetches a document that is to run in `context`, and reads it.
    ///
    /// # Errors
    /// It cannot be had in time, or is none.
    pub async fn document(&self, request: Request, context: Context) -> Result<Fetched, WebhookError> {
        Fetched::read(self.fetch(request).await?, context)
    }

    /// Posts a callback. What is answered does not matter but for its status.
    ///
    /// # Errors
    /// There was no answer.
    pub async fn post(&self, request: Request) -> Result<u16, WebhookError> {
        let (token, url) = (request.token.clone(), request.url.clone());
        let (hop, fragment) = Hop::first(request)?;
        let (overrides, findings) = Overrides::read(fragment.as_deref());
        for finding in findings {
            tracing::warn!(url = super::shown(&url), code = finding.code, "{}", finding.message);
        }
        let total = overrides.total;
        let mut exchange = Exchange::new(self, overrides, &token, Cookies::default()).for_callback();
        let answer = within(total, &url, exchange.ask(hop)).await?;
        let status = answer.response.status().as_u16();
        // What is not read cannot be followed by another answer: the connection would be lost.
        drop(tokio::time::timeout(LEFTOVERS, answer.body(body::DOCUMENT, LEFTOVERS)).await);
        Ok(status)
    }
}

/// Everything together in the time that it has.
pub(super) async fn within<T>(
    total: Duration,
    url: &str,
    all: impl Future<Output = Result<T, WebhookError>>,
) -> Result<T, WebhookError> {
    tokio::time::timeout(total, all).await.unwrap_or_else(|_| {
        let message = format!("it took longer than {} ms altogether", total.as_millis());
        Err(WebhookError::new(code::TOTAL_TIMEOUT, url, message))
    })
}

/// An answer of 2xx, or what it is instead.
pub(super) fn successful(answer: Answer) -> Result<Answer, WebhookError> {
    let status = answer.response.status().as_u16();
    let code = match status {
        200..=299 => return Ok(answer),
        400..=599 => code::STATUS,
        _ => code::RETRIEVAL,
    };
    let error = WebhookError::new(code, answer.hop.url.as_str(), format!("it answers with {status}"));
    Err(error.answered(status))
}

/// What an answer holds to a request with this token (webhooks.md §5).
async fn content(answer: Answer, exchange: &Exchange<'_>, token: &str) -> Result<Content, WebhookError> {
    let (mut answer, silence) = (successful(answer)?, exchange.silence());
    let url = answer.hop.url.to_string();
    let of_no_use = |why: String| WebhookError::new(code::CONTENT_TYPE, &url, why);
    if let Some(encoding) = answer.header(header::CONTENT_ENCODING).filter(|name| *name != "identity") {
        return Err(of_no_use(format!("the content encoding is {encoding:.40}")));
    }
    let is_chunked =
        answer.header(header::TRANSFER_ENCODING).is_some_and(|coding| coding.contains("chunked"));
    let empty = || match is_chunked {
        true => Err(WebhookError::new(code::EMPTY_CHUNKED, &url, "the chunked body is empty")),
        false => Ok(Content::Empty),
    };
    let kind = answer.header(header::CONTENT_TYPE).map(ContentType::read);
    let Some(kind) = kind else {
        return match answer.chunk(silence).await? {
            None => empty(),
            Some(_) => Err(of_no_use("it has no content type".to_owned())),
        };
    };
    match kind.form() {
        Form::Sound => Ok(Content::Audio(media::keep_answer(answer, kind, exchange, token).await?)),
        Form::Other => match answer.chunk(silence).await? {
            None => empty(),
            Some(_) => Err(of_no_use(format!("the content type is {:.80}", kind.kind))),
        },
        Form::Document | Form::Text => {
            let body = answer.body(body::DOCUMENT, silence).await?;
            if body.is_empty() {
                return empty();
            }
            let unknown = |charset| of_no_use(format!("the charset is {charset:.40}, which nobody knows"));
            kind.content(body).map_err(unknown)
        }
    }
}
