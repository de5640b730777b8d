use super::*;

fn headers(lines: &[(HeaderName, &str)]) -> Headers {
    let mut headers = Headers::new();
    lines.iter().for_each(|(name, value)| headers.push(name.clone(), value));
    headers
}

const SUPPORTED: (HeaderName, &str) = (HeaderName::Supported, "100rel, timer");

fn at(seconds: u64) -> Moment {
    Moment::from_micros(seconds * 1_000_000)
}

/// What our 2xx says to a request, and whether it requires the extension.
fn granted(timer: &mut SessionTimer, request: &[(HeaderName, &str)]) -> (Option<String>, bool) {
    let mut answer = Headers::new();
    timer.grant(&headers(request), &mut answer, at(0));
    let said = answer.get(&HeaderName::SessionExpires).map(String::from);
    (said, answer.contains(&HeaderName::Require))
}

fn timer() -> SessionTimer {
    SessionTimer::new(SessionPolicy::default())
}

#[test]
fn a_peer_chooses_who_refreshes_and_we_do_where_it_does_not_care() {
    use HeaderName::SessionExpires as Se;
    for (asked, said) in [
        ("600", "600;refresher=uas"),
        ("600;refresher=uas", "600;refresher=uas"),
        ("600;refresher=uac", "600;refresher=uac"),
        ("100000;refresher=uac", "1800;refresher=uac"),
    ] {
        assert_eq!(
            granted(&mut timer(), &[SUPPORTED, (Se, asked)]),
            (Some(said.to_owned()), true),
            "{asked}"
        );
    }
    assert_eq!(granted(&mut timer(), &[SUPPORTED]), (Some("1800;refresher=uas".to_owned()), true));
}

#[test]
fn a_peer_without_session_timers_has_none_unless_a_proxy_puts_one_in() {
    assert_eq!(granted(&mut timer(), &[]), (None, false));
    let proxied = [(HeaderName::SessionExpires, "600;refresher=uac")];
    assert_eq!(granted(&mut timer(), &proxied), (Some("600;refresher=uas".to_owned()), false));
}

#[test]
fn an_interval_that_is_too_short_is_refused_to_whoever_understands_that() {
    use HeaderName::SessionExpires as Se;
    let policy = SessionPolicy { expires: 1800, min_se: 120 };
    assert_eq!(policy.refuses(&headers(&[SUPPORTED, (Se, "119")])), Some(120));
    assert_eq!(policy.refuses(&headers(&[SUPPORTED, (Se, "120")])), None);
    assert_eq!(policy.refuses(&headers(&[(Se, "60")])), None);
    assert_eq!(granted(&mut timer(), &[(Se, "1")]).0.as_deref(), Some("90;refresher=uas"), "RFC 4028 §4");
}

#[test]
fn we_shorten_an_interval_only_to_what_everybody_on_the_way_puts_up_with() {
    let asked = [SUPPORTED, (HeaderName::SessionExpires, "7200"), (HeaderName::MinSe, "3600")];
    assert_eq!(granted(&mut timer(), &asked).0.as_deref(), Some("3600;refresher=uas"));
}

#[test]
fn a_refresh_is_due_at_half_and_the_end_a_third_or_32_s_before_the_last_second() {
    for (seconds, end) in [(1800, 1768), (90, 60), (96, 64)] {
        let mut timer = timer();
        let asked = format!("{seconds};refresher=uas");
        granted(&mut timer, &[SUPPORTED, (HeaderName::SessionExpires, &asked)]);
        assert_eq!((timer.refresh_at(), timer.ends_at()), (Some(at(seconds / 2)), Some(at(end))));
        let asked = format!("{seconds};refresher=uac");
        granted(&mut timer, &[SUPPORTED, (HeaderName::SessionExpires, &asked)]);
        assert_eq!((timer.refresh_at(), timer.ends_at()), (None, Some(at(end))), "the peer does");
    }
}

#[test]
fn what_we_ask_for_is_raised_by_a_422_and_never_without_end() {
    let mut timer = timer();
    let mut invite = Headers::new();
    timer.ask(&mut invite);
    assert_eq!(invite.get(&HeaderName::SessionExpires).as_deref(), Some("1800"));
    assert_eq!(invite.get(&HeaderName::MinSe).as_deref(), Some("90"));
    let refusal = |min_se: &str| headers(&[(HeaderName::MinSe, min_se)]);
    assert!(timer.is_raised_by(&refusal("3600")));
    timer.ask(&mut invite);
    assert_eq!(invite.get(&HeaderName::SessionExpires).as_deref(), Some("3600"));
    assert_eq!(invite.get(&HeaderName::MinSe).as_deref(), Some("3600"));
    for useless in ["3600", "90", "4000000000", "soon"] {
        assert!(!timer.is_raised_by(&refusal(useless)), "{useless}");
    }
    assert!(!timer.is_raised_by(&Headers::new()));
}

#[test]
fn the_answer_to_what_we_asked_decides() {
    let mut timer = timer();
    let said = |text: &str| headers(&[(HeaderName::SessionExpires, text)]);
    timer.settle(&said("600;refresher=uac"), at(0));
    assert_eq!(timer.running(), Some((Refresher::Us, 600)));
    let mut refresh = Headers::new();
    timer.ask(&mut refresh);
    assert_eq!(refresh.get(&HeaderName::SessionExpires).as_deref(), Some("600;refresher=uac"));
    timer.settle(&said("600;refresher=uas"), at(300));
    assert_eq!(timer.running(), Some((Refresher::Peer, 600)));
    assert_eq!(timer.ends_at(), Some(at(300 + 568)));
    timer.ask(&mut refresh);
    assert_eq!(refresh.get(&HeaderName::SessionExpires).as_deref(), Some("600;refresher=uas"));
    timer.settle(&Headers::new(), at(400));
    assert_eq!(timer.running(), None, "turned off (RFC 4028 §7.2)");
}

#[test]
fn a_change_of_the_session_leaves_the_roles_as_they_are() {
    let mut timer = timer();
    granted(&mut timer, &[SUPPORTED, (HeaderName::SessionExpires, "600;refresher=uac")]);
    assert_eq!(granted(&mut timer, &[SUPPORTED]).0.as_deref(), Some("600;refresher=uac"));
    assert_eq!(granted(&mut timer, &[]).0.as_deref(), Some("600;refresher=uas"), "it says that it cannot");
}

#[test]
fn an_operator_may_do_without() {
    let mut timer = SessionTimer::new(SessionPolicy { expires: 0, min_se: 90 });
    let mut invite = Headers::new();
    timer.ask(&mut invite);
    assert!(invite.is_empty());
    assert_eq!(granted(&mut timer, &[SUPPORTED]), (None, false));
    let asked = [SUPPORTED, (HeaderName::SessionExpires, "600;refresher=uac")];
    assert_eq!(granted(&mut timer, &asked).0.as_deref(), Some("600;refresher=uac"), "the peer's wish holds");
}
