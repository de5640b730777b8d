//! What a far end says of its end, and what it is told of the other side's.

use super::*;
use crate::sip::message::Reason;

const Q850: &str = "Q.850;cause=34;text=\"No circuit available\"";
const SIP: &str = "SIP;cause=480;text=\"Gone home\"";

fn remarks(reasons: &[&str], retry_after: Option<u32>) -> Remarks {
    let reasons = reasons.iter().map(|reason| reason.parse::<Reason>().expect("a reason")).collect();
    Remarks { reasons, retry_after }
}

fn reason(text: &str) -> (HeaderName, &str) {
    (HeaderName::Reason, text)
}

#[test]
fn a_bye_a_cancel_and_a_refusal_may_say_why() {
    let mut bench = talking();
    bench.asked_with("BYE", 2, &[reason(Q850), reason(SIP)], &nothing());
    assert_eq!(bench.facts().remarks, remarks(&[Q850, SIP], None));
    assert_eq!(bench.has_told(&Event::Remarked { reason: format!("{Q850}, {SIP}") }), 1);

    let mut bench = called(&both());
    let mut cancel = invite(&both());
    cancel.headers_mut().push(HeaderName::Reason, "SIP;cause=200;text=\"Call completed elsewhere\"");
    bench.cancelled(&cancel);
    assert_eq!(bench.facts().remarks.reasons.len(), 1);

    let mut bench = calling(&[5062]);
    let invite = bench.last_request();
    let lines = [reason(Q850), (HeaderName::RetryAfter, "120 (lunch)")];
    bench.told(&invite, 480, "alice", &lines, &nothing());
    assert_eq!(bench.facts().remarks, remarks(&[Q850], Some(120)));
    let (mut bench, _) = connected();
    bench.hang_up();
    assert!(bench.facts().remarks.is_empty(), "nobody said anything");
}

#[test]
fn a_far_end_is_told_why_the_other_side_has_ended() {
    let mut bench = talking();
    bench.order(Order::Remark(remarks(&[Q850, SIP], None)));
    bench.hang_up();
    assert_eq!(bench.request_says(&HeaderName::Reason), Some(format!("{Q850}, {SIP}")));

    let mut bench = calling(&[5062]);
    bench.order(Order::Remark(remarks(&[SIP], None)));
    let words = bench.order(Order::Hangup { cause: Cause::Cancelled });
    assert_eq!(words[0], format!("cancel ({SIP})"));
}

#[test]
fn a_cause_of_our_own_says_it_better() {
    let mut bench = talking();
    bench.order(Order::Remark(remarks(&[Q850], None)));
    bench.order(Order::Hangup { cause: Cause::Internal });
    let said = bench.request_says(&HeaderName::Reason);
    assert_eq!(said.as_deref(), Some("Q.850;cause=41;text=\"Temporary failure\""));

    let mut bench = calling(&[5062]);
    bench.order(Order::Remark(remarks(&[Q850], None)));
    let words = bench.order(Order::Hangup { cause: Cause::AnsweredElsewhere });
    assert!(words[0].contains("cause=200"), "{words:?}");
}

#[test]
fn a_refusal_bears_causes_of_exchanges_and_a_pause_only_where_they_belong() {
    let mut bench = called(&both());
    bench.order(Order::Remark(remarks(&[Q850, SIP], Some(120))));
    bench.order(Order::Hangup { cause: Cause::NoAnswer });
    assert_eq!(bench.answer_says(&HeaderName::Reason).as_deref(), Some(Q850), "RFC 6432 §4");
    assert_eq!(bench.answer_says(&HeaderName::RetryAfter).as_deref(), Some("120"));

    let mut bench = called(&both());
    bench.order(Order::Remark(remarks(&[], Some(120))));
    bench.order(Order::Hangup { cause: Cause::NotAcceptable });
    assert_eq!(bench.answer_says(&HeaderName::RetryAfter), None, "488 has none (RFC 3261 §20.33)");
}
