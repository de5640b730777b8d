//! Reject (twiml.md §5), attribute by attribute.

use super::*;

#[test]
fn a_caller_is_rejected_as_unknown_unless_as_busy_and_an_answered_one_is_hung_up_on() {
    begin_with(&[
        ("reason: rejected", "<Reject/>", &["reject, busy false"]),
        ("reason: rejected", "<Reject reason='rejected'/>", &["reject, busy false"]),
        ("reason: busy", "<Reject reason='busy'/>", &["reject, busy true"]),
        ("13810, the default is used", "<Reject reason='tired'/>", &["reject, busy false"]),
        ("what follows never runs", "<Reject/><Say>Never</Say>", &["reject, busy false"]),
    ]);
    for (busy, words) in [
        (false, "caller: refuse { status: 404, cause: noanswer }"),
        (true, "caller: refuse { status: 486, cause: busy }"),
    ] {
        assert_eq!(
            Bench::new().wanted(Wanted::Reject { busy }),
            [words],
            "SIP 404 for rejected, 486 for busy"
        );
        let mut bench = Bench::new();
        bench.wanted(Wanted::Prompt { activity: 1, asset: "hello".to_owned(), loops: 1 });
        assert_eq!(bench.wanted(Wanted::Reject { busy }), ["caller: hang up, HungUp"], "already answered");
    }
}
