//! What the end of an INVITE means, and which status a caller is told: the one table of both.
//! It must never depend on who asks: webhooks, Dial and refusals read the same causes.
//!
//! | What the far end said | Cause | A caller is told | `CallStatus` |
//! | --- | --- | --- | --- |
//! | 486, 600 | busy | 486 | busy |
//! | 603 | declined | 603 | busy |
//! | 480, 487, 408; we gave up in time | no answer | 480 | no-answer |
//! | 404, 410, 484, 604 | not found | 404 | failed |
//! | 488, 606 | not acceptable | 488 | failed |
//! | 503, or nothing at all | unreachable | 480 | failed |
//! | any other | refused, with the status | the same | failed |

use crate::ops::events::Cause;
use crate::sip::message::StatusCode;

/// Why the calls of a switch end that is taken out of service (RFC 3326): 503 for SIP, and for the telephone network what
/// RFC 3398 §8.2.6.1 makes of that, 41, so that both sides of a gateway know that another try makes sense.
pub(super) const MAINTENANCE: &str =
    "SIP;cause=503;text=\"Maintenance\", Q.850;cause=41;text=\"Temporary failure\"";

/// What a refusal of the far end means.
pub(crate) fn cause_of(status: StatusCode) -> Cause {
    match status.code() {
        486 | 600 => Cause::Busy,
        603 => Cause::Declined,
        408 | 480 | 487 => Cause::NoAnswer,
        404 | 410 | 484 | 604 => Cause::NotFound,
        488 | 606 => Cause::NotAcceptable,
        503 => Cause::Unreachable,
        other => Cause::Refused(other),
    }
}

/// Which of several refusals is told, the lowest first: a decision of the callee before a fault on the way.
pub(super) fn rank(status: u16, cause: &Cause) -> u8 {
    match (status, cause) {
        (600 | 603, _) => 0,
        (486, _) => 1,
        (601..=699, _) => 2,
        (404 | 410 | 484, _) => 4,
        (_, Cause::NoAnswer) => 5,
        (500, _) | (_, Cause::Unreachable) => 6,
        _ => 3,
    }
}

/// What a caller is told when its call cannot be completed.
pub(crate) fn status_of(cause: &Cause) -> StatusCode {
    match cause {
        Cause::Busy => StatusCode::BUSY_HERE,
        Cause::NoAnswer => StatusCode::TEMPORARILY_UNAVAILABLE,
        Cause::Declined => StatusCode::DECLINE,
        Cause::NotFound => StatusCode::NOT_FOUND,
        Cause::Unreachable | Cause::AnsweredElsewhere => StatusCode::TEMPORARILY_UNAVAILABLE,
        Cause::Overloaded | Cause::Maintenance => StatusCode::SERVICE_UNAVAILABLE,
        Cause::NotAcceptable => StatusCode::NOT_ACCEPTABLE_HERE,
        Cause::Refused(status) => StatusCode::new(*status).unwrap_or(StatusCode::SERVER_INTERNAL_ERROR),
        Cause::Cancelled => StatusCode::REQUEST_TERMINATED,
        Cause::HungUp => StatusCode::DECLINE,
        Cause::NoAck | Cause::MediaTimeout | Cause::Internal => StatusCode::SERVER_INTERNAL_ERROR,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_means_what_the_table_says_and_is_told_to_the_caller_as_it_says() {
        for (statuses, cause, told) in [
            (&[486, 600][..], Cause::Busy, 486),
            (&[603], Cause::Declined, 603),
            (&[408, 480, 487], Cause::NoAnswer, 480),
            (&[404, 410, 484, 604], Cause::NotFound, 404),
            (&[488, 606], Cause::NotAcceptable, 488),
            (&[503], Cause::Unreachable, 480),
            (&[401], Cause::Refused(401), 401),
            (&[403], Cause::Refused(403), 403),
            (&[500], Cause::Refused(500), 500),
        ] {
            for status in statuses {
                let status = StatusCode::new(*status).expect("a status");
                assert_eq!((cause_of(status), status_of(&cause).code()), (cause.clone(), told), "{status:?}");
            }
        }
    }
}
