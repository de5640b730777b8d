//! A request with all that may become of it: tries, redirects, cookies, signatures, each hop under the policy.
//! It must never try again what has partly arrived, nor send a hop that was not judged and signed.

use std::time::Duration;

use reqwest::header::{self, HeaderMap, HeaderValue};

use super::client::Webhooks;
use super::connector::Dialler;
use super::failure::{Failure, Stage};
use super::hop::{Hop, is_redirect};
use super::hosts::Place;
use super::overrides::Overrides;
use super::{Cookies, WebhookError, code, policy, signature};
use crate::twiml::verb::Method;

/// Redirects that are followed.
const REDIRECTS: usize = 10;

/// Pause before the second try, at most; doubled for each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// Connections of earlier requests that may turn out to be dead before one request gets an answer.
const DEAD_CONNECTIONS: u32 = 3;

/// One request of a script, from its first try to its answer.
pub(super) struct Exchange<'w> {
    pub webhooks: &'w Webhooks,
    overrides: Overrides,
    retries: u32,
    /// Sent with every hop and try.
    headers: HeaderMap,
    pub cookies: Cookies,
    is_callback: bool,
}

/// An answer whose body has yet to come.
pub(super) struct Answer {
    pub response: reqwest::Response,
    /// Who answered.
    pub hop: Hop,
    /// Held until the body was read.
    _places: Places,
}

/// A place at a host; a callback holds one of the fewer that there are for callbacks as well.
type Places = (Option<Place>, Place);

impl<'w> Exchange<'w> {
    pub fn new(webhooks: &'w Webhooks, overrides: Overrides, token: &str, cookies: Cookies) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(header::USER_AGENT, HeaderValue::from_static("TwilioProxy/1.1"));
        headers.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
        if let Ok(token) = HeaderValue::from_str(token)
            && !token.is_empty()
        {
            headers.insert("I-Twilio-Idempotency-Token", token);
        }
        Self { webhooks, retries: overrides.retries, overrides, headers, cookies, is_callback: false }
    }

    /// Sends one more header with everything.
    pub fn with(mut self, name: header::HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// It tells something that no call waits for.
    pub fn for_callback(self) -> Self {
        Self { is_callback: true, ..self }
    }

    /// How long the other side may be silent.
    pub fn silence(&self) -> Duration {
        self.overrides.read
    }

    /// Asks, wherever the answers send it.
    pub async fn ask(&mut self, mut hop: Hop) -> Result<Answer, WebhookError> {
        for _ in 0..=REDIRECTS {
            let answer = self.answered(hop).await?;
            let status = answer.response.status().as_u16();
            self.keep_cookies(&answer);
            if !is_redirect(status) {
                return Ok(answer);
            }
            let location = answer.response.headers().get(header::LOCATION);
            let location = location.map(|location| String::from_utf8_lossy(location.as_bytes()).into_owned());
            let Some(location) = location else {
                let message = format!("a redirect ({status}) without a destination");
                return Err(WebhookError::new(code::REDIRECT, answer.hop.url.as_str(), message));
            };
            hop = answer.hop.redirected(status, &location)?;
        }
        let message = format!("more than {REDIRECTS} redirects");
        Err(WebhookError::new(code::REDIRECTS, hop.url.as_str(), message))
    }

    fn keep_cookies(&mut self, answer: &Answer) {
        for cookie in answer.response.headers().get_all(header::SET_COOKIE) {
            self.cookies.set(&answer.hop.url, &String::from_utf8_lossy(cookie.as_bytes()));
        }
    }

    /// One hop, tried again as the overrides say.
    async fn answered(&mut self, hop: Hop) -> Result<Answer, WebhookError> {
        let mut pause = FIRST_PAUSE;
        loop {
            let tried = self.try_once(&hop).await;
            let on = self.overrides.retry_on;
            let may_help = match &tried {
                Ok((response, _)) => on.status(response.status().as_u16()),
                Err(failure) => match failure.stage {
                    Stage::Connecting => on.connect,
                    Stage::Waiting => on.read,
                    Stage::Broken | Stage::Hopeless => false,
                },
            };
            if !may_help || self.retries == 0 {
                let (response, places) = tried.map_err(|failure| failure.error)?;
                return Ok(Answer { response, hop, _places: places });
            }
            self.retries -= 1;
            drop(tried);
            tokio::time::sleep(jittered(pause)).await;
            pause *= 2;
        }
    }

    /// One try. A connection of an earlier request that the server has closed meanwhile does not count as one: the
    /// request has not reached anybody, or one who recognises its token.
    async fn try_once(&self, hop: &Hop) -> Result<(reqwest::Response, Places), Failure> {
        let Some(host) = policy::authority_of(&hop.url) else {
            return Err(Failure::hopeless(WebhookError::new(
                code::BAD_URL,
                hop.url.as_str(),
                "it has no host",
            )));
        };
        let places = self.places(host).await;
        let mut dead = 0;
        loop {
            let dialler = Dialler::new(self.overrides.connect);
            match self.send(hop, &dialler).await {
                Err(Failure { stage: Stage::Broken, .. })
                    if !dialler.has_dialled() && dead < DEAD_CONNECTIONS =>
                {
                    dead += 1;
                }
                sent => return sent.map(|response| (response, places)),
            }
        }
    }

    /// Waits until the host may be asked.
    async fn places(&self, host: String) -> Places {
        // Its own line first: whoever waits in that takes nothing from those whom calls wait for.
        let of_callbacks = match self.is_callback {
            true => Some(self.webhooks.callbacks.place(host.clone()).await),
            false => None,
        };
        (of_callbacks, self.webhooks.hosts.place(host).await)
    }

    async fn send(&self, hop: &Hop, dialler: &Dialler) -> Result<reqwest::Response, Failure> {
        let url = hop.url.as_str();
        let is_trusted = self.webhooks.policy.trusts(&hop.url);
        if let Some(address) = self.webhooks.policy.refuses_literal(&hop.url).filter(|_| !is_trusted) {
            let message = format!("the destination policy refuses {address}");
            return Err(Failure::hopeless(WebhookError::forbidden(url, message)));
        }
        let client = self.webhooks.clients.of(is_trusted, self.overrides.sni);
        let signature = signature::sign(&self.webhooks.account.token, &hop.wire(), hop.form());
        // The client makes HTTP Basic of user and password.
        let request = match hop.method {
            Method::Get => client.get(hop.target()),
            Method::Post => client
                .post(hop.url.clone())
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded; charset=UTF-8")
                .body(hop.body()),
        };
        let request = request.headers(self.headers.clone()).header("X-Twilio-Signature", signature);
        let request = match self.cookies.header(&hop.url) {
            Some(cookies) => request.header(header::COOKIE, cookies),
            None => request,
        };
        let sent = dialler.run(async {
            tokio::select! {
                sent = request.send() => Some(sent),
                () = dialler.silence(self.overrides.read) => None,
            }
        });
        match sent.await {
            Some(Ok(response)) => {
                let (url, status) = (hop.wire(), response.status().as_u16());
                tracing::debug!(%url, status, "a webhook answers");
                Ok(response)
            }
            Some(Err(error)) => Err(Failure::of(url, &error)),
            None => Err(Failure { error: silent(url, self.overrides.read), stage: Stage::Waiting }),
        }
    }
}

/// Nothing came for too long.
pub(super) fn silent(url: &str, limit: Duration) -> WebhookError {
    WebhookError::new(code::CONNECTION, url, format!("nothing came for {} ms", limit.as_millis()))
}

/// Between half of `longest` and all of it, at random: those who failed together shall not come back together.
fn jittered(longest: Duration) -> Duration {
    // Without randomness the whole pause does.
    let chance = getrandom::u32().unwrap_or(u32::MAX);
    longest.mul_f64(0.5 + 0.5 * f64::from(chance) / f64::from(u32::MAX))
}
