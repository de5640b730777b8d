use crate::sip::message::{Host, Scheme, Uri};

fn uri(text: &str) -> Uri {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn a_uri_prints_what_was_read() {
    for text in [
        "sip:alice@atlanta.example",
        "sip:alice:secretword@atlanta.example;transport=tcp",
        "sips:alice@atlanta.example?subject=project%20x&priority=urgent",
        "sip:+1-212-555-1212:1234@gateway.example;user=phone",
        "sip:alice;day=tuesday@atlanta.example",
        "sip:atlanta.example;method=REGISTER?to=alice%40atlanta.example",
        "sip:[2001:db8::1]:5070;lr",
        "sip:10.0.0.1",
        "sip:_switch.ci-runner_2:5060",
        "tel:+358-555-1234567;postd=pp22",
        "tel:7042;phone-context=example.com",
        "urn:service:sos",
        "http://www.example.com/a;b?c=d",
    ] {
        assert_eq!(uri(text).to_string(), text);
    }
}

#[test]
fn what_is_no_uri_is_refused() {
    for text in [
        "",
        "sip",
        "sip:",
        "sip:@a.example",
        "sip:a@",
        "sip:a@@b.example",
        "sip:a b@c.example",
        "sip:a@b.example:",
        "sip:a@b.example:0",
        "sip:a@b.example:65536",
        "sip:a@b.example:+80",
        "sip:a@b.example;",
        "sip:a@b.example;=x",
        "sip:a@b.example;x=",
        "sip:a@b.example?",
        "sip:a@b.example?x",
        "sip:a@b.example?=y",
        "sip:a@b.example;x=\"y\"",
        "sip:a@-b.example",
        "sip:a@b..example",
        "sip:a@10.0.0.256",
        "sip:a@10.0.0.1.2",
        "sip:2001:db8::10",
        "sip:[2001:db8::10",
        "sip:[2001:db8:::10]",
        "sip:[::1%25eth0]",
        "sip:a%4@b.example",
        "sip:a%zz@b.example",
        "sip:\u{e9}@b.example",
        "sip:a@b.example\r\nX: y",
        "sip:a@b.example>",
        "tel:",
        "tel:alice",
        "tel:+1;",
        "1x:y",
        "x:",
        "x:a b",
        "x:\u{e9}",
        ":x",
    ] {
        assert!(text.parse::<Uri>().is_err(), "{text}");
    }
}

#[test]
fn built_uris_escape_what_would_break_out() {
    let host = Host::Name("b.example".to_owned());
    let evil = Uri::sip(Some("a@evil.example;x\r\nVia: y"), host.clone(), Some(5070));
    assert_eq!(evil.to_string(), "sip:a%40evil.example;x%0D%0AVia%3A%20y@b.example:5070");
    let read = uri(&evil.to_string());
    assert_eq!((read.host(), read.user()), (Some(&host), evil.user()));
    assert_eq!(Uri::sip(None, host.clone(), None).to_string(), "sip:b.example");
    let built =
        Uri::sip(Some("#31#"), host, None).with_param("transport", Some("tcp")).with_param("lr", None);
    let built =
        built.with_param("x", Some("a;b@c")).with_param("lr", None).with_header("Replaces", "1@a;to-tag=2");
    assert_eq!(
        built.to_string(),
        "sip:%2331%23@b.example;transport=tcp;lr;x=a%3Bb%40c?Replaces=1%40a%3Bto-tag%3D2"
    );
    assert_eq!(uri(&built.to_string()), built);
    assert_eq!(
        built.without_headers().without_param("TRANSPORT").with_user("").to_string(),
        "sip:b.example;lr;x=a%3Bb%40c"
    );
    assert_eq!(Uri::tel("+1 (201) 555-0123;ext=1\r\n").to_string(), "tel:+1(201)555-0123e1");
}

#[test]
fn schemes_are_an_open_set_in_any_case() {
    assert_eq!(uri("SIP:a@b.example").scheme(), &Scheme::Sip);
    assert!(uri("SipS:a@b.example").is_secure());
    assert_eq!(uri("Soap.Beep://x").scheme(), &Scheme::Other("soap.beep".into()));
    assert_eq!(uri("urn:service:sos").opaque(), Some("service:sos"));
    assert_eq!(uri("sip:a@b.example").with_secure(true), uri("sips:a@b.example"));
}

#[test]
fn equivalence_follows_the_examples_of_rfc_3261_and_3966() {
    for (one, two) in [
        ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtlanTa.CoM;Transport=tcp"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
        ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;newparam=5"),
        (
            "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
            "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
        ),
        (
            "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
            "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
        ),
        ("sip:a@[2001:db8::1]", "sip:a@[2001:DB8:0::1]"),
        ("tel:+1-201-555-0123", "tel:+12015550123"),
        ("tel:7042;phone-context=Example.com;x=1", "tel:70.42;X=1;phone-context=example.com"),
    ] {
        assert!(uri(one).is_equivalent(&uri(two)) && uri(two).is_equivalent(&uri(one)), "{one} {two}");
    }
    for (one, two) in [
        ("sip:alice@atlanta.com", "sip:ALICE@AtLanTa.CoM"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com;user=phone"),
        ("sip:bob@biloxi.com;maddr=10.0.0.1", "sip:bob@biloxi.com"),
        ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"),
        ("sip:carol@chicago.com;x", "sip:carol@chicago.com;x=1"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
        ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
        ("sip:bob@biloxi.com", "sips:bob@biloxi.com"),
        ("sip:bob:1@biloxi.com", "sip:bob@biloxi.com"),
        ("tel:+12015550123", "tel:12015550123"),
        ("tel:7042;phone-context=a.example", "tel:7042;phone-context=b.example"),
        ("urn:a:b", "urn:a:c"),
    ] {
        assert!(!uri(one).is_equivalent(&uri(two)) && !uri(two).is_equivalent(&uri(one)), "{one} {two}");
    }
}

#[test]
fn a_subscriber_is_named_as_it_is_dialled() {
    for (uri, subscriber) in [
        ("tel:+1-201-555-0123", Some("+12015550123")),
        ("tel:(863)12.34;phone-context=+1-914-555", Some("8631234")),
        ("sip:+1-201-555-0123@a.example;user=phone", Some("+12015550123")),
        ("sip:863-1234;phone-context=a.example@a.example;user=phone", Some("8631234")),
        ("sip:mary-ann@a.example", Some("mary-ann")),
        ("sip:mary-ann@a.example;user=ip", Some("mary-ann")),
        ("sip:a.example", None),
    ] {
        let uri: Uri = uri.parse().expect("a URI");
        assert_eq!(uri.subscriber().as_deref(), subscriber, "{uri}");
    }
}
