//! The nouns of Dial (twiml.md §4): what all of them have, and what each has of its own.

use super::*;
use crate::call::opening::domain_sid;
use crate::leg::Facts;

const NOUNS: [(&str, &str, &str); 3] = [
    ("Number", "+4930123456", "+4930123456"),
    ("Client", "alice", "client:alice"),
    ("Sip", "sip:kate@far.example:5080", "sip:kate@far.example:5080"),
];

/// A call with one callee.
fn dialled(noun: &str, attributes: &str, content: &str) -> Bench {
    let mut bench = Bench::new();
    bench.dial(&format!("<Dial><{noun} {attributes}>{content}</{noun}></Dial>"));
    bench
}

/// The callee lives through everything that can be told.
fn live(bench: &mut Bench) {
    bench.callee(1, Report::Ringing);
    bench.callee(1, answered());
    bench.callee(1, ended(Cause::HungUp));
}

fn told<'b>(bench: &'b Bench, name: &str) -> Vec<&'b str> {
    bench.posted.iter().map(|told| value(&told.parameters, name).unwrap_or("-")).collect()
}

#[test]
fn the_end_is_told_by_post_and_whatever_else_is_asked_for() {
    const ALL: [&str; 4] = ["initiated", "ringing", "in-progress", "completed"];
    for (noun, content, to) in NOUNS {
        for (says, attributes, statuses, method) in [
            ("statusCallback: none", "statusCallbackEvent='initiated'", &[][..], Method::Post),
            ("statusCallbackEvent: completed; POST", "statusCallback='http://t/'", &ALL[3..], Method::Post),
            (
                "statusCallbackMethod: GET",
                "statusCallback='http://t/' statusCallbackMethod='GET'",
                &ALL[3..],
                Method::Get,
            ),
            (
                "initiated",
                "statusCallback='http://t/' statusCallbackEvent='initiated'",
                &ALL[..1],
                Method::Post,
            ),
            ("ringing", "statusCallback='http://t/' statusCallbackEvent='ringing'", &ALL[1..2], Method::Post),
            (
                "answered is delivered as in-progress",
                "statusCallback='http://t/' statusCallbackEvent='answered'",
                &ALL[2..3],
                Method::Post,
            ),
            (
                "space list",
                "statusCallback='http://t/' statusCallbackEvent='initiated ringing answered completed'",
                &ALL,
                Method::Post,
            ),
        ] {
            let mut bench = dialled(noun, attributes, content);
            live(&mut bench);
            assert_eq!(told(&bench, "CallStatus"), statuses, "{noun}, {says}");
            assert!(bench.posted.iter().all(|posted| posted.method == method), "{noun}, {says}");
            assert!(told(&bench, "To").iter().all(|told| *told == to), "{noun}, {says}");
            assert!(told(&bench, "Called").iter().all(|told| *told == to), "{noun}, {says}");
        }
    }
}

#[test]
fn a_callee_with_a_url_is_asked_by_post_and_one_without_is_joined() {
    for (noun, content, _) in NOUNS {
        for (says, attributes, method) in [
            ("url: none", "method='GET'", None),
            ("method: POST", "url='http://app/ask'", Some(Method::Post)),
            ("method: GET", "url='http://app/ask' method='GET'", Some(Method::Get)),
            ("method: bad, the default is used", "url='http://app/ask' method='PUT'", Some(Method::Post)),
        ] {
            let mut bench = dialled(noun, attributes, content);
            let words = bench.callee(1, answered());
            assert_eq!(bench.screenings.first().map(|one| one.hook.method), method, "{noun}, {says}");
            assert_eq!(words.contains(&"1: hear caller".to_owned()), method.is_none(), "{noun}, {says}");
        }
    }
}

#[test]
fn a_number_may_have_keys_sent_to_it_first() {
    let joined = |attributes: &str| dialled("Number", attributes, "101").callee(1, answered());
    assert_eq!(joined("sendDigits='wW12#'"), ["1: press wW12#"], "after answer, before bridging");
    assert_eq!(joined("").len(), 4, "sendDigits: none");
    assert_eq!(joined("sendDigits='12-34'").len(), 4, "13222, the default is used");
}

#[test]
fn a_number_that_sends_keys_and_is_asked_hears_the_keys_first() {
    let mut bench = dialled("Number", "sendDigits='1' url='http://app/ask'", "101");
    assert_eq!(bench.callee(1, answered()), ["1: press 1"]);
    let activity = super::super::super::OWN_ACTS + 1;
    assert_eq!(bench.callee(1, Report::Pressed { activity }), ["ask 1 by http://app/ask"]);
}

#[test]
fn what_a_sip_address_has_answered_is_told_with_its_domain_and_nothing_of_that_for_others() {
    for (noun, content, domain) in [
        ("Sip", "sip:kate@far.example:5080;transport=tcp", "far.example"),
        ("Sip", "sips:kate@[2001:db8::1]", "[2001:db8::1]"),
        ("Number", "+4930123456", "-"),
        ("Client", "alice", "-"),
    ] {
        let mut bench = dialled(
            noun,
            "statusCallback='http://t/' statusCallbackEvent='initiated answered' url='http://app/ask'",
            content,
        );
        let headers = vec![("User-to-User".to_owned(), "beef".to_owned())];
        let source = Some("203.0.113.7".parse().expect("an address"));
        let call_id = "one@far".to_owned();
        let facts = Facts { call_id, status: Some(200), source, headers, ..Facts::default() };
        bench.callee(1, Report::Answered { voice: None, facts: Some(Box::new(facts)) });
        assert_eq!(told(&bench, "SipDomain"), ["-", domain], "{noun}: once it has answered");
        let asked = bench.screenings[0].profile.parameters(crate::call::profile::CallStatus::InProgress);
        let of = |name: &str| value(&asked, name).unwrap_or("-");
        assert_eq!(of("SipDomain"), domain, "{noun}: its screening is told the same");
        let (ip, sid) = if domain == "-" { ("-", None) } else { ("203.0.113.7", Some(domain)) };
        let sid = sid.map_or("-".to_owned(), |domain| domain_sid("AC1", domain));
        assert_eq!((of("SipSourceIp"), of("SipDomainSid")), (ip, &*sid), "{noun}");
        assert_eq!(told(&bench, "SipSourceIp"), ["-", ip], "{noun}");
        let uui = if domain == "-" { "-" } else { "beef" };
        assert_eq!(of("SipHeader_User-to-User"), uui, "{noun}");
        let child = bench.children[0].to_string();
        for (name, wanted) in [
            ("CallSid", child.as_str()),
            ("ParentCallSid", &PARENT.to_string()),
            ("Direction", "outbound-dial"),
        ] {
            assert_eq!(of(name), wanted, "requests of a screening carry the child's");
        }
    }
}
