//! Sounds by URL: fetched with GET and without parameters, signed, kept as long as their server allows.
//! It must never take for a sound what is not labelled as one.

use reqwest::header::{self, HeaderValue};
use tokio::time::Instant;

use super::cache::{Entry, Validators};
use super::client::{Webhooks, successful, within};
use super::content::{ContentType, Form};
use super::exchange::{Answer, Exchange};
use super::hop::Hop;
use super::overrides::Overrides;
use super::{Cookies, Media, WebhookError, body, code};

/// What begins the fragment of a sound that came in place of a document; the token of its request follows. It may be
/// meant for one call only: no other can name it.
const ANSWER: &str = "answer=";

impl Webhooks {
    /// Fetches a sound, or finds that the one that was fetched before still holds.
    ///
    /// # Errors
    /// It cannot be had in time, or is none.
    pub async fn media(&self, url: &str) -> Result<Media, WebhookError> {
        let (hop, fragment) = Hop::get(url)?;
        let (answers, fragment) = match fragment {
            Some(fragment) if fragment.starts_with(ANSWER) => (self.cache.get(url), None),
            fragment => (None, fragment),
        };
        if let Some(answer) = answers {
            return Ok(answer.media);
        }
        let (overrides, findings) = Overrides::read(fragment.as_deref());
        for finding in findings {
            tracing::warn!(url = super::shown(url), code = finding.code, "{}", finding.message);
        }
        let key = hop.url.to_string();
        let known = self.cache.get(&key);
        if let Some(entry) = known.as_ref().filter(|entry| entry.is_fresh(Instant::now())) {
            return Ok(entry.media.clone());
        }
        let total = overrides.total;
        // A file is taken as it is: compressing sound gains nothing, and what was announced is what comes.
        let mut exchange = Exchange::new(self, overrides, "", Cookies::default())
            .with(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        if let Some(Entry { validators, .. }) = &known {
            exchange = conditional(exchange, validators);
        }
        let entry = within(total, url, async {
            let answer = exchange.ask(hop).await?;
            match known {
                Some(entry) if answer.response.status().as_u16() == 304 => {
                    Ok(entry.renewed(&validators(&answer), Instant::now()))
                }
                _ => sound(answer, &exchange).await,
            }
        })
        .await?;
        let media = entry.media.clone();
        self.cache.put(key, entry);
        Ok(media)
    }
}

fn conditional<'w>(mut exchange: Exchange<'w>, known: &Validators) -> Exchange<'w> {
    for (name, value) in
        [(header::IF_NONE_MATCH, &known.etag), (header::IF_MODIFIED_SINCE, &known.last_modified)]
    {
        if let Some(value) = value.as_deref().and_then(|value| HeaderValue::from_str(value).ok()) {
            exchange = exchange.with(name, value);
        }
    }
    exchange
}

fn validators(answer: &Answer) -> Validators {
    let text = |name| answer.header(name).map(str::to_owned);
    Validators {
        etag: text(header::ETAG),
        last_modified: text(header::LAST_MODIFIED),
        cache_control: text(header::CACHE_CONTROL),
    }
}

async fn sound(answer: Answer, exchange: &Exchange<'_>) -> Result<Entry, WebhookError> {
    let answer = successful(answer)?;
    let no_sound = |why: String| WebhookError::new(code::SOUND_TYPE, answer.hop.url.as_str(), why);
    let Some(kind) = answer.header(header::CONTENT_TYPE).map(ContentType::read) else {
        return Err(no_sound("it has no content type".to_owned()));
    };
    if kind.form() != Form::Sound {
        return Err(no_sound(format!("the content type is {:.80}, which is no sound", kind.kind)));
    }
    body_of(answer, kind, exchange).await
}

/// Keeps the sound that answers the request for a document with this token, and names it. If it has been forgotten by
/// the time that it is wanted, it is fetched as any other.
pub(super) async fn keep_answer(
    answer: Answer,
    kind: ContentType,
    exchange: &Exchange<'_>,
    token: &str,
) -> Result<String, WebhookError> {
    let mut url = answer.hop.url.clone();
    url.set_fragment(Some(&format!("{ANSWER}{token}")));
    let source = String::from(url);
    let entry = body_of(answer, kind, exchange).await?;
    exchange.webhooks.cache.put(source.clone(), entry.lasting(Instant::now()));
    Ok(source)
}

async fn body_of(answer: Answer, kind: ContentType, exchange: &Exchange<'_>) -> Result<Entry, WebhookError> {
    let validators = validators(&answer);
    let bytes = answer.body(body::SOUND, exchange.silence()).await?;
    let version = exchange.webhooks.cache.next_version();
    Ok(Entry::new(Media { bytes, kind: kind.kind, version }, validators, Instant::now()))
}
