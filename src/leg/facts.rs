//! What the signalling of a leg said, as far as others want to know.
//! It must never grow with what a far end sends.

use super::{Facts, Remarks};
use crate::sip::message::{HeaderName, Headers, Protocol, Reason, Response};

/// Headers told at most, and their letters together.
const MOST: (usize, usize) = (32, 4096);

/// The longest pause that is passed on, in seconds: nobody means more than a day.
const LONGEST_PAUSE: u32 = 86_400;

/// The `X-…` headers and `User-to-User` of a message, in order, within bounds.
pub fn custom_headers(headers: &Headers) -> Vec<(String, String)> {
    let is_custom = |name: &HeaderName| {
        *name == HeaderName::UserToUser
            || name.as_str().get(..2).is_some_and(|start| start.eq_ignore_ascii_case("x-"))
    };
    let (fields, mut letters) = MOST;
    let custom = headers.iter().filter(|(name, _)| is_custom(name));
    let fitting = custom.take(fields).take_while(|(name, value)| {
        let left = letters.checked_sub(name.as_str().len() + value.len());
        letters = left.unwrap_or_default();
        left.is_some()
    });
    fitting.map(|(name, value)| (name.as_str().to_owned(), value.into_owned())).collect()
}

impl Facts {
    /// What is known of a dialog from its Call-ID alone.
    pub(super) fn of_dialog(call_id: &str) -> Self {
        Self { call_id: call_id.to_owned(), ..Self::default() }
    }

    /// What a final answer of the far end says.
    pub(super) fn of_answer(answer: &Response) -> Self {
        let is_end = !answer.status().is_success();
        Self {
            call_id: answer.headers().call_id().map(|id| id.into_owned()).unwrap_or_default(),
            status: Some(answer.status().code()),
            source: None,
            headers: custom_headers(answer.headers()),
            remarks: if is_end { Remarks::of(answer.headers()) } else { Remarks::default() },
        }
    }
}

impl Remarks {
    /// Those of a CANCEL, a BYE or a final answer.
    pub(super) fn of(headers: &Headers) -> Self {
        let retry_after = headers.retry_after().map(|seconds| seconds.min(LONGEST_PAUSE));
        Self { reasons: headers.reasons(), retry_after }
    }

    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The value of a Reason header, of a request.
    pub(super) fn reason(&self) -> Option<String> {
        joined(self.reasons.iter())
    }

    /// Writes into a final answer what may stand there: causes of Q.850 (RFC 6432 §4), and a pause where the status
    /// admits one (RFC 3261 §20.33).
    pub(super) fn annotate(&self, refusal: &mut Response) {
        let is_q850 = |reason: &&Reason| reason.protocol == Protocol::Q850;
        if let Some(reason) = joined(self.reasons.iter().filter(is_q850)) {
            refusal.headers_mut().set(HeaderName::Reason, reason);
        }
        let may_come_again = matches!(refusal.status().code(), 404 | 413 | 480 | 486 | 500 | 503 | 600 | 603);
        if let Some(pause) = self.retry_after.filter(|_| may_come_again) {
            refusal.headers_mut().set(HeaderName::RetryAfter, pause);
        }
    }
}

fn joined<'a>(reasons: impl Iterator<Item = &'a Reason>) -> Option<String> {
    let reasons: Vec<String> = reasons.map(Reason::to_string).collect();
    (!reasons.is_empty()).then(|| reasons.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::message::StatusCode;

    #[test]
    fn custom_headers_are_told_and_no_others() {
        let mut response = Response::new(StatusCode::OK);
        for (name, value) in [("x-Ticket", "7"), ("Subject", "s"), ("User-to-User", "beef"), ("X", "1")] {
            response.headers_mut().push(name.parse().expect("a name"), value);
        }
        let told = custom_headers(response.headers());
        assert_eq!(told, [("x-Ticket".into(), "7".into()), ("User-to-User".into(), "beef".into())]);
    }

    #[test]
    fn a_far_end_that_says_too_much_is_told_in_part() {
        let mut response = Response::new(StatusCode::OK);
        let name: HeaderName = "X-Long".parse().expect("a name");
        (0..100).for_each(|_| response.headers_mut().push(name.clone(), "short"));
        assert_eq!(custom_headers(response.headers()).len(), MOST.0);
        response.headers_mut().set(name, "y".repeat(MOST.1));
        assert_eq!(custom_headers(response.headers()), []);
    }
}
