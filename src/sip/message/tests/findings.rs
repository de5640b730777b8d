//! What other parsers were found to get wrong, input by input.
//! A finding must never be dropped because the right answer is hard.

use super::{BASIC, invite, parse, request, verdict};
use crate::sip::message::{Contacts, HeaderName, Host, Method, Rejected, Scheme, Transport};

fn other(name: &str) -> HeaderName {
    HeaderName::Other(name.into())
}

#[test]
fn a_display_name_never_forges_the_caller() {
    let from = |value: &str| {
        let text = format!("INVITE sip:b@c.example SIP/2.0\r\n{BASIC}\r\n");
        request(text.replace("\"Alice\" <sip:alice@atlanta.example>", value)).headers().from()
    };
    for display in [
        r#""Bank <sip:boss@bank.example>""#,
        r#""Bank, <sip:boss@bank.example>;tag=1, ""#,
        r#""a \" <sip:boss@bank.example>""#,
        r#""\\\" <sip:boss@bank.example>""#,
    ] {
        let address = from(&format!("{display} <sip:mallory@evil.example>")).unwrap();
        assert_eq!(address.uri.to_string(), "sip:mallory@evil.example", "{display}");
        assert_eq!(address.tag(), Some("1928301774"));
        assert_eq!(address.to_string().parse(), Ok(address));
    }
    for refused in [
        r#"sip:boss@bank.example <sip:mallory@evil.example>"#,
        r#"Bell, Alexander <sip:a@b.example>"#,
        r#""Bank" <sip:boss@bank.example> <sip:mallory@evil.example>"#,
        r#""Bank\" <sip:boss@bank.example>"#,
        r#"<sip:boss@bank.example@evil.example>"#,
        r#"<sip:boss@bank.example>;tag=1"#,
    ] {
        assert!(from(refused).is_err(), "{refused}");
    }
}

#[test]
fn folded_and_compact_headers_are_the_headers_that_they_stand_for() {
    let folded = invite("Subject: one\r\n two\r\n\tthree\r\nX-Odd:\r\n  value \r\n");
    assert_eq!(folded.headers().get(&HeaderName::Subject).as_deref(), Some("one two three"));
    assert_eq!(folded.headers().get(&other("x-odd")).as_deref(), Some("value"));
    let compact = request(
        "INVITE sip:b@c.example SIP/2.0\r\nv: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nf: <sip:a@c.example>;tag=1\r\n\
         t: <sip:b@c.example>\r\ni: 1@c.example\r\nCSeq: 1 INVITE\r\nm: <sip:a@192.0.2.1>\r\nk: 100rel, timer\r\n\
         s: hello\r\nc: text/plain\r\nx: 1800\r\nr: <sip:x@c.example>\r\nl: 2\r\n\r\nhi",
    );
    assert_eq!(compact.validate(), Ok(()));
    assert_eq!(compact.headers().call_id().unwrap(), "1@c.example");
    assert_eq!(compact.headers().tokens(&HeaderName::Supported), ["100rel", "timer"]);
    assert_eq!(compact.headers().content_length(), Ok(Some(2)));
    for name in
        [HeaderName::SessionExpires, HeaderName::ReferTo, HeaderName::Subject, HeaderName::ContentType]
    {
        assert!(compact.headers().contains(&name), "{name}");
    }
}

#[test]
fn lists_on_one_line_and_on_many_are_the_same() {
    let one = invite("Route: <sip:p1.example;lr>, \"p,2\" <sip:p2.example;lr>;x=\"a,b\"\r\n");
    let many = invite("Route: <sip:p1.example;lr>\r\nRoute: \"p,2\" <sip:p2.example;lr>;x=\"a,b\"\r\n");
    assert_eq!(one.headers().routes().unwrap(), many.headers().routes().unwrap());
    assert_eq!(one.headers().routes().unwrap()[1].params.value("x"), Some("a,b"));
    let vias =
        invite("Via: SIP/2.0/TCP a.example;branch=z9hG4bKa , SIP/2.0/TLS b.example;branch=z9hG4bKb\r\n");
    assert_eq!(vias.headers().vias().unwrap().len(), 3);
    let contacts =
        invite("Contact: <sip:a@192.0.2.1>;q=0.7, \"B, b\" <sip:b@192.0.2.2>\r\nm: sip:c@192.0.2.3;q=1\r\n");
    let Ok(Some(Contacts::List(list))) = contacts.headers().contacts() else { panic!("no list") };
    let users: Vec<_> = list.iter().filter_map(|contact| contact.uri.user()).collect();
    assert_eq!(users, ["a", "b", "c"]);
    assert_eq!(list[2].params.value("q"), Some("1"));
    for broken in ["Route: <sip:p1.example;lr>,\r\n", "Route: ,<sip:p1.example;lr>\r\n", "Contact: \r\n"] {
        assert!(invite(broken).validate().is_err(), "{broken}");
    }
}

#[test]
fn a_star_stands_alone() {
    assert_eq!(invite("Contact: *\r\n").headers().contacts(), Ok(Some(Contacts::Star)));
    assert_eq!(invite("Contact: *\r\n").headers().contact(), Ok(None));
    for broken in ["Contact: *\r\nContact: <sip:a@192.0.2.1>\r\n", "Contact: *\r\nContact: *\r\n"] {
        assert!(invite(broken).headers().contacts().is_err(), "{broken}");
    }
}

#[test]
fn quoted_parameters_and_headers_in_uris_are_kept() {
    let instance = "\"<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>\"";
    let contact =
        invite(&format!("Contact: <sip:a@192.0.2.1>;+sip.instance={instance};reg-id=1;expires=\"60\"\r\n"));
    let contact = contact.headers().contact().unwrap().unwrap();
    assert_eq!(
        contact.params.value("+sip.instance"),
        Some("<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>")
    );
    assert_eq!((contact.params.value("reg-id"), contact.params.value("expires")), (Some("1"), Some("60")));
    let refer = invite("Refer-To: <sip:b@c.example?Replaces=1%40a%3Bto-tag%3D2%3Bfrom-tag%3D3&X=>\r\n");
    let uri = refer.headers().addresses(HeaderName::ReferTo).unwrap().remove(0).uri;
    assert_eq!(uri.host(), Some(&Host::Name("c.example".to_owned())));
    let headers: Vec<_> = uri.headers().collect();
    assert_eq!(headers, [("Replaces".into(), "1@a;to-tag=2;from-tag=3".into()), ("X".into(), "".into())]);
    assert_eq!(uri.to_string(), "sip:b@c.example?Replaces=1%40a%3Bto-tag%3D2%3Bfrom-tag%3D3&X=");
}

#[test]
fn open_sets_are_open() {
    let method =
        format!("PUBLISHX tel:+1-201-555-0123 SIP/2.0\r\n{}\r\n", BASIC.replace("INVITE", "PUBLISHX"));
    let method = request(method);
    assert_eq!((method.method(), method.uri().scheme()), (&Method::Other("PUBLISHX".into()), &Scheme::Tel));
    assert_eq!((method.validate(), method.uri().user().as_deref()), (Ok(()), Some("+1-201-555-0123")));
    let lower = format!("invite sip:b@c.example SIP/2.0\r\n{BASIC}\r\n");
    assert_eq!(request(lower.clone()).method(), &Method::Other("invite".into()));
    assert_eq!(verdict(lower), "400 CSeq Names Another Method");
    let via = |transport: &str| {
        invite("")
            .to_bytes()
            .to_vec()
            .into_iter()
            .map(char::from)
            .collect::<String>()
            .replace("SIP/2.0/UDP", transport)
    };
    for (text, transport) in [
        ("SIP/2.0/WS", Transport::Ws),
        ("SIP/2.0/wss", Transport::Wss),
        ("SIP/2.0/SCTP", Transport::Other("SCTP".into())),
        ("sip / 2.0 / TLS-SCTP", Transport::Other("TLS-SCTP".into())),
    ] {
        assert_eq!(request(via(text)).headers().top_via().unwrap().transport, transport);
    }
}

#[test]
fn a_via_is_read_with_all_that_it_may_hold() {
    let via = |value: &str| {
        invite(&format!("X: 1\r\nVia: {value}\r\n")).headers().vias().map(|vias| vias[1].clone())
    };
    let full =
        via("SIP/2.0/UDP [2001:db8::1]:5070;rport=1024;received=192.0.2.9;branch=z9hG4bK-d87=;x=\"a;b\"")
            .unwrap();
    assert_eq!((full.rport(), full.received()), (Some(Some(1024)), Some("192.0.2.9".parse().unwrap())));
    assert_eq!((full.branch(), full.params.value("x")), (Some("z9hG4bK-d87="), Some("a;b")));
    assert_eq!(full.sent_by(), "[2001:db8::1]:5070");
    assert_eq!(full.to_string().parse(), Ok(full));
    let spaced = via("SIP / 2.0 / UDP  first.example : 4000 ; ttl = 16 ; branch = z9hG4bKa7").unwrap();
    assert_eq!((spaced.sent_by().as_str(), spaced.branch()), ("first.example:4000", Some("z9hG4bKa7")));
    for broken in [
        "SIP/2.0/UDP",
        "SIP/2.0 a.example",
        "HTTP/2.0/UDP a.example",
        "SIP/2.0/UDP a.example:0",
        "",
        "SIP/2.0/UDP a.example:70000",
        "SIP/2.0/UDP 10.0.0.256",
        "SIP/2.0/UDP a.example;branch=",
        "SIP/2.0/UDP a b",
    ] {
        assert!(via(broken).is_err(), "{broken}");
    }
}

#[test]
fn a_line_that_is_no_utf8_costs_no_other_line() {
    let mut text =
        format!("INVITE sip:b@c.example SIP/2.0\r\nSubject: caf\u{1}\r\n{BASIC}X-After: yes\r\n\r\n")
            .into_bytes();
    let at = text.iter().position(|byte| *byte == 1).unwrap();
    text[at] = 0xe9;
    let request = request(text.clone());
    assert_eq!(request.validate(), Ok(()));
    assert_eq!(request.headers().get(&HeaderName::Subject).as_deref(), Some("caf\u{fffd}"));
    assert_eq!(request.headers().get(&other("X-After")).as_deref(), Some("yes"));
    assert_eq!(request.to_bytes(), text);
    let mut changed = request.clone();
    changed.headers_mut().push(HeaderName::Server, "trunkline");
    assert!(changed.to_bytes().windows(14).any(|window| window == b"Subject: caf\xe9\r"));
}

#[test]
fn bodies_are_bytes_and_end_where_their_length_says() {
    let mut text = format!("INVITE sip:b@c.example SIP/2.0\r\n{BASIC}Content-Length: 8\r\n\r\n").into_bytes();
    let head = text.len();
    text.extend_from_slice(b"\xff\xfe\r\n\r\n\0\x80");
    assert_eq!(request(text.clone()).body(), &text[head..]);
    assert_eq!(request(text.clone()).to_bytes(), text);
    let exact = text.clone();
    text.extend_from_slice(b"more");
    assert_eq!(request(text).to_bytes(), exact);
    assert_eq!(request(format!("INVITE sip:b@c.example SIP/2.0\r\n{BASIC}\r\nrest")).body(), "rest");
}

#[test]
fn lengths_that_cannot_be_are_refused() {
    let bad = "400 Bad Content-Length";
    let short = "400 Body Shorter than Content-Length";
    for (length, wanted) in [
        ("4", short),
        ("4294967296", short),
        ("18446744073709551615", short),
        ("18446744073709551616", bad),
        ("-1", bad),
        ("+3", bad),
        ("0x3", bad),
        ("3 3", bad),
        ("", bad),
        ("3\r\nContent-Length: 3", bad),
        ("3\r\nl: 2", bad),
    ] {
        let text = format!("INVITE sip:b@c.example SIP/2.0\r\n{BASIC}Content-Length: {length}\r\n\r\nabc");
        assert_eq!(verdict(text), wanted, "{length}");
    }
}

#[test]
fn keep_alives_are_told_from_messages() {
    for silence in ["", "\r\n", "\r\n\r\n", "\0\0\0\0", "\n"] {
        assert!(matches!(parse(silence), Err(Rejected::KeepAlive)), "{silence:?}");
    }
    assert_eq!(verdict(format!("\r\n\r\nINVITE sip:b@c.example SIP/2.0\r\n{BASIC}\r\n")), "accept");
}

#[test]
fn head_lines_follow_the_grammar_or_are_refused() {
    let whole = |line: &str| format!("INVITE sip:b@c.example SIP/2.0\r\n{BASIC}{line}\r\n");
    for (lines, wanted) in [
        ("Subject:\r\n", "accept"),
        ("Subject \t : x\r\n", "accept"),
        ("no colon here\r\n", "400 Malformed Header"),
        (": no name\r\n", "400 Malformed Header"),
        ("Bad Name: x\r\n", "400 Malformed Header"),
        ("Subject: a\0b\r\n", "400 Control Character or Bare Line End"),
        ("Subject: a\u{8}b\r\n", "400 Control Character or Bare Line End"),
        ("Subject: a\nX-Evil: b\r\n", "400 Control Character or Bare Line End"),
        ("Subject: a\rX-Evil: b\r\n", "400 Control Character or Bare Line End"),
        ("Max-Forwards: 70\r\n", "400 Repeated Max-Forwards"),
        ("Expires: -1\r\n", "400 Malformed Expires: Wanted a decimal number in range"),
    ] {
        assert_eq!(verdict(whole(lines)), wanted, "{lines:?}");
    }
    assert_eq!(verdict(whole("").replace("\r\n", "\n")), "400 Malformed Request-Line");
    assert_eq!(verdict(whole("").replace("\r\n\r\n", "\r\n")), "400 No Empty Line behind the Headers");
    for (from, to, wanted) in [
        ("INVITE sip", "INVITE\tsip", "discard"),
        (" SIP/2.0\r\nVia", "\tSIP/2.0\r\nVia", "400 Malformed Request-Line"),
        (" SIP/2.0\r\nVia", " SIP/2.0\r\n Via", "discard"),
        (" SIP/2.0\r\nVia", " HTTP/1.1\r\nVia", "discard"),
        (" SIP/2.0\r\nVia", " SIP/3.0\r\nVia", "505 Version Not Supported"),
        (" SIP/2.0\r\nVia", " SIP/x\r\nVia", "discard"),
        ("sip:b@c.example", "sip:b@c.example:70000", "400 Malformed Request-URI"),
        ("sip:b@c.example", "sip:b@c.example.", "accept"),
        ("sip:b@c.example", "sip:*21*#@c.example", "accept"),
        ("sip:b@c.example", "sip:b%4@c.example", "400 Malformed Request-URI"),
        (
            "Max-Forwards: 70",
            "Max-Forwards: 256",
            "400 Malformed Max-Forwards: Wanted a decimal number in range",
        ),
        ("314159 INVITE", "4294967296 INVITE", "400 Malformed CSeq: Wanted a decimal number in range"),
        ("314159 INVITE", "4294967295 INVITE", "accept"),
        ("tag=1928301774", "tag=1;tag=2", "400 Malformed From: Wanted one tag with a value"),
        ("a84b4c76e66710@192.0.2.1", "a b", "400 Malformed Call-ID: Wanted a word, or two around an @"),
    ] {
        assert_eq!(verdict(whole("").replacen(from, to, 1)), wanted, "{to:?}");
    }
}

#[test]
fn digests_are_read_with_their_quotes_off() {
    let line = "Authorization: Digest username=\"al\\\"ice\", realm=\"a, b\",nonce=\"84a4\" , uri=\"sip:b@c.example\",\r\n \
                qop=auth, nc=00000001, cnonce=\"0a4f\", response=\"6629\", algorithm=MD5, opaque=\"\"\r\n";
    let digests = invite(line).headers().digest(&HeaderName::Authorization);
    let digest = digests[0].as_ref().unwrap();
    let seen =
        ["USERNAME", "realm", "nonce", "uri", "qop", "nc", "opaque"].map(|name| digest.get(name).unwrap());
    assert_eq!(seen, ["al\"ice", "a, b", "84a4", "sip:b@c.example", "auth", "00000001", ""]);
    assert_eq!(digest.get("auts"), None);
    assert!(!format!("{digest:?}").contains("6629"));
    for broken in ["nonce", "nonce=\"a\",nonce=\"b\"", "nonce=\"a", "nonce=a realm=b", ""] {
        let digests = invite(&format!("Authorization: Digest {broken}\r\n"))
            .headers()
            .digest(&HeaderName::Authorization);
        assert!(digests[0].is_err(), "{broken}");
    }
}

#[test]
fn a_message_over_the_limits_is_refused_before_it_is_kept() {
    let long = |line: &str| verdict(format!("INVITE sip:b@c.example SIP/2.0\r\n{BASIC}{line}\r\n"));
    assert_eq!(long(&format!("Subject: {}\r\n", "x".repeat(9_000))), "400 Header Too Long");
    assert_eq!(long(&"X: 1\r\n".repeat(200)), "400 Too Many Headers");
    assert_eq!(long(&"Via: SIP/2.0/UDP a.example\r\n".repeat(80)), "400 Too Many Via");
    assert_eq!(long(&format!("v: a{}\r\n", ",a".repeat(100))), "400 Too Many Via");
    assert_eq!(long(&"X: 1\r\n".repeat(20_000)), "discard");
}
