//! The torture messages of RFC 4475 and RFC 5118 (`tests/torture`), each with the reaction that its section wants.
//! A verdict must never be softened to what the parser happens to do.

use std::path::PathBuf;

use super::{parse, request, response, verdict};
use crate::sip::message::{HeaderName, Host, Message, Method, Rejected, Transport};

/// File, section, and the reaction.
const TABLE: [(&str, &str, &str); 61] = [
    ("wsinv", "4475 3.1.1.1", "accept"),
    ("intmeth", "4475 3.1.1.2", "accept"),
    ("esc01", "4475 3.1.1.3", "accept"),
    ("escnull", "4475 3.1.1.4", "accept"),
    ("esc02", "4475 3.1.1.5", "accept"),
    ("lwsdisp", "4475 3.1.1.6", "accept"),
    ("longreq", "4475 3.1.1.7", "accept"),
    ("dblreq", "4475 3.1.1.8", "accept"),
    ("semiuri", "4475 3.1.1.9", "accept"),
    ("transports", "4475 3.1.1.10", "accept"),
    ("mpart01", "4475 3.1.1.11", "accept"),
    ("unreason", "4475 3.1.1.12", "accept"),
    ("noreason", "4475 3.1.1.13", "accept"),
    ("badinv01", "4475 3.1.2.1", "400 Malformed Via: Wanted a parameter name"),
    ("clerr", "4475 3.1.2.2", "400 Body Shorter than Content-Length"),
    ("ncl", "4475 3.1.2.3", "400 Bad Content-Length"),
    ("scalar02", "4475 3.1.2.4", "400 Malformed CSeq: Wanted a decimal number in range"),
    ("scalarlg", "4475 3.1.2.5", "discard"),
    ("quotbal", "4475 3.1.2.6", "400 Malformed To: Wanted a closed quoted string"),
    ("ltgtruri", "4475 3.1.2.7", "400 Malformed Request-URI"),
    ("lwsruri", "4475 3.1.2.8", "400 Malformed Request-Line"),
    ("lwsstart", "4475 3.1.2.9", "400 Malformed Request-Line"),
    ("trws", "4475 3.1.2.10", "400 Malformed Request-Line"),
    ("escruri", "4475 3.1.2.11", "400 Request-URI Has Headers"),
    ("baddate", "4475 3.1.2.12", "accept"),
    ("regbadct", "4475 3.1.2.13", "400 Malformed Contact: Wanted the end of the value"),
    ("badaspec", "4475 3.1.2.14", "400 Malformed To: Wanted a URI scheme"),
    ("baddn", "4475 3.1.2.15", "400 Malformed From: Wanted a URI scheme"),
    ("badvers", "4475 3.1.2.16", "505 Version Not Supported"),
    ("mismatch01", "4475 3.1.2.17", "400 CSeq Names Another Method"),
    ("mismatch02", "4475 3.1.2.18", "400 CSeq Names Another Method"),
    ("bigcode", "4475 3.1.2.19", "discard"),
    ("badbranch", "4475 3.2.1", "accept"),
    ("insuf", "4475 3.3.1", "400 Missing From"),
    ("unkscm", "4475 3.3.2", "416 Unsupported URI Scheme"),
    ("novelsc", "4475 3.3.3", "416 Unsupported URI Scheme"),
    ("unksm2", "4475 3.3.4", "400 To of a REGISTER Is No SIP URI"),
    ("bext01", "4475 3.3.5", "accept"),
    ("invut", "4475 3.3.6", "accept"),
    ("regaut01", "4475 3.3.7", "accept"),
    ("multi01", "4475 3.3.8", "400 Repeated From"),
    ("mcl01", "4475 3.3.9", "400 Bad Content-Length"),
    ("bcast", "4475 3.3.10", "accept"),
    ("zeromf", "4475 3.3.11", "accept"),
    ("cparam01", "4475 3.3.12", "accept"),
    ("cparam02", "4475 3.3.13", "accept"),
    ("regescrt", "4475 3.3.14", "accept"),
    ("sdp01", "4475 3.3.15", "accept"),
    ("inv2543", "4475 3.4.1", "accept"),
    ("ipv6-good", "5118 4.1", "accept"),
    ("ipv6-bad", "5118 4.2", "400 Malformed Request-URI"),
    ("port-ambiguous", "5118 4.3", "accept"),
    ("port-unambiguous", "5118 4.4", "accept"),
    ("via-received-param-with-delim", "5118 4.5", "accept"),
    ("via-received-param-no-delim", "5118 4.5", "accept"),
    ("ipv6-in-sdp", "5118 4.6", "accept"),
    ("mult-ip-in-header", "5118 4.7", "accept"),
    ("mult-ip-in-sdp", "5118 4.8", "accept"),
    ("ipv4-mapped-ipv6", "5118 4.9", "accept"),
    ("ipv6-bug-abnf-3-colons", "5118 4.10", "accept"),
    ("ipv6-correct-abnf-2-colons", "5118 4.10", "accept"),
];

pub(super) fn message(name: &str) -> Vec<u8> {
    let path =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/torture").join(name).with_extension("dat");
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub(super) fn all() -> impl Iterator<Item = (&'static str, Vec<u8>)> {
    TABLE.iter().map(|(name, ..)| (*name, message(name)))
}

#[test]
fn every_torture_message_gets_the_reaction_of_its_section() {
    let wrong: Vec<_> = TABLE
        .iter()
        .map(|(name, section, wanted)| (name, section, wanted, verdict(message(name))))
        .filter(|(.., wanted, got)| *wanted != got)
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_file_is_in_the_table() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/torture");
    let files = std::fs::read_dir(folder).unwrap().filter_map(Result::ok);
    let dats = files.filter(|file| file.path().extension().is_some_and(|extension| extension == "dat"));
    assert_eq!(dats.count(), TABLE.len());
}

#[test]
fn what_is_accepted_is_printed_back_byte_for_byte() {
    for (name, bytes) in all() {
        let Ok(message) = parse(bytes.clone()) else { continue };
        let printed = message.to_bytes();
        let behind = if name == "dblreq" { printed.len() } else { bytes.len() };
        assert_eq!(printed, bytes[..behind], "{name}");
    }
}

#[test]
fn a_bad_request_still_tells_whom_to_answer() {
    for (name, bytes) in all() {
        let Err(Rejected::Answer { request, violation }) = parse(bytes) else { continue };
        let response = violation.response(&request);
        let headers = response.headers();
        headers.top_via().unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(headers.cseq().unwrap().method, *request.method(), "{name}");
        assert!(headers.call_id().unwrap().starts_with(name) || name == "ipv6-bad", "{name}");
        assert!(headers.to().unwrap().tag().is_some(), "{name}");
        let printed = response.to_bytes();
        assert_eq!(parse(printed.clone()).unwrap().to_bytes(), printed, "{name}");
    }
}

#[test]
fn folded_headers_with_white_space_everywhere_are_read() {
    let wsinv = request(message("wsinv"));
    let headers = wsinv.headers();
    assert_eq!(headers.to().unwrap().tag(), Some("1918181833n"));
    assert_eq!(headers.from().unwrap().display.as_deref(), Some("J Rosenberg \\\""));
    assert_eq!(headers.max_forwards(), Ok(Some(68)));
    assert_eq!(headers.cseq().unwrap().number, 9);
    let vias = headers.vias().unwrap();
    let seen: Vec<_> =
        vias.iter().map(|via| (via.transport.as_str(), via.sent_by(), via.branch().unwrap())).collect();
    assert_eq!(
        seen,
        [
            ("UDP", "192.0.2.2".to_owned(), "390skdjuw"),
            ("TCP", "spindle.example.com".to_owned(), "z9hG4bK9ikj8"),
            ("UDP", "192.168.255.111".to_owned(), "z9hG4bK30239"),
        ]
    );
    let contact = headers.contact().unwrap().unwrap();
    assert_eq!(contact.display.as_deref(), Some("Quoted string \"\""));
    assert_eq!(contact.params.value("newparam"), Some("newvalue"));
    assert_eq!((contact.params.get("secondparam"), contact.params.value("Q")), (Some(None), Some("0.33")));
    assert_eq!(headers.get(&HeaderName::Subject).as_deref(), Some(""));
    let strange = HeaderName::Other("unknownheaderwithunusualvalue".into());
    assert_eq!(headers.get(&strange).as_deref(), Some(";;,,;;,;"));
    assert_eq!(
        headers.get(&HeaderName::Other("NewFangledHeader".into())).as_deref(),
        Some("newfangled value continued newfangled value")
    );
    let route = headers.routes().unwrap().remove(0);
    assert_eq!((route.uri.param("lr"), route.uri.param("unknownwith")), (Some(None), Some(Some("value"))));
}

#[test]
fn unusual_characters_stay_where_they_belong() {
    let intmeth = request(message("intmeth"));
    assert_eq!(intmeth.method(), &Method::Other("!interesting-Method0123456789_*+`.%indeed'~".into()));
    assert_eq!(intmeth.uri().user().as_deref(), Some("1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"));
    assert_eq!(intmeth.uri().password().as_deref(), Some("&it+has=1,weird!*pas$wo~d_too.(doesn't-it)"));
    assert_eq!(intmeth.uri().host(), Some(&Host::Name("example.com".to_owned())));
    let from = intmeth.headers().from().unwrap();
    assert_eq!(from.display.as_deref(), Some("token1~` token2'+_ token3*%!.-"));
    assert_eq!(from.tag(), Some("_token~1'+`*%!-."));
    assert_eq!(from.params.value("fromParam''~+*_!.-%"), Some("работающий"));
    assert_eq!(intmeth.headers().to().unwrap().display.as_deref(), Some("BEL:\u{7} NUL:\0 DEL:\u{7f}"));
}

#[test]
fn escapes_are_undone_once_and_only_in_uris() {
    let esc01 = request(message("esc01"));
    assert_eq!(esc01.uri().user().as_deref(), Some("sips:user@example.com"));
    assert_eq!(esc01.headers().to().unwrap().uri.user().as_deref(), Some("user"));
    let contact = esc01.headers().contact().unwrap().unwrap().uri;
    assert_eq!((contact.param("lr"), contact.param("name")), (Some(None), Some(Some("v%61lue%25%34%31"))));
    let escnull = request(message("escnull"));
    assert_eq!(escnull.headers().to().unwrap().uri.user().as_deref(), Some("null-\0-null"));
    let esc02 = request(message("esc02"));
    assert_eq!(esc02.method().as_str(), "RE%47IST%45R");
    assert_eq!(esc02.headers().from().unwrap().display.as_deref(), Some("%Z%45"));
    assert_eq!(esc02.headers().all(&HeaderName::Contact).count(), 2);
    let semiuri = request(message("semiuri"));
    assert_eq!(semiuri.uri().user().as_deref(), Some("user;par=u@example.net"));
}

#[test]
fn what_follows_the_content_length_is_dropped() {
    let dblreq = request(message("dblreq"));
    assert_eq!((dblreq.method(), dblreq.body().len()), (&Method::Register, 0));
    assert!(!dblreq.to_bytes().windows(6).any(|window| window == b"INVITE"));
}

#[test]
fn reason_phrases_and_bodies_may_hold_any_bytes() {
    assert!(response(message("unreason")).reason().starts_with("= 2**3 * 5**2 но"));
    assert_eq!(response(message("noreason")).reason(), "");
    let mpart = request(message("mpart01"));
    assert!(mpart.body().windows(4).any(|window| window == [0x00, 0xff, 0xfe, 0x0d]));
    assert_eq!(mpart.headers().content_type().as_deref(), Some("multipart/mixed"));
}

#[test]
fn unknown_transports_and_extensions_are_told() {
    let transports = request(message("transports")).headers().vias().unwrap();
    assert_eq!(transports[1].transport, Transport::Other("SCTP".into()));
    assert_eq!(transports[3].transport, Transport::Other("UNKNOWN".into()));
    let unsupported = request(message("bext01")).unsupported(&["100rel", "timer"]);
    assert_eq!(unsupported, ["nothingSupportsThis", "nothingSupportsThisEither"]);
    assert_eq!(request(message("zeromf")).headers().max_forwards(), Ok(Some(0)));
    assert!(request(message("regaut01")).headers().digest(&HeaderName::Authorization).is_empty());
    assert_eq!(request(message("longreq")).headers().vias().unwrap().len(), 34);
}

#[test]
fn parameters_belong_to_the_header_without_brackets_and_to_the_uri_within() {
    let outside = request(message("cparam01")).headers().contact().unwrap().unwrap();
    assert!(outside.params.contains("unknownparam") && outside.uri.params().is_empty());
    let inside = request(message("cparam02")).headers().contact().unwrap().unwrap();
    assert!(inside.params.is_empty() && inside.uri.param("unknownparam").is_some());
    let escaped = request(message("regescrt")).headers().contact().unwrap().unwrap();
    let headers: Vec<_> = escaped.uri.headers().collect();
    assert_eq!(headers, [("Route".into(), "<sip:sip.example.com>".into())]);
}

#[test]
fn ipv6_addresses_are_read_with_and_without_their_port() {
    let ambiguous = request(message("port-ambiguous"));
    assert_eq!(ambiguous.uri().host(), Some(&Host::V6("2001:db8::10:5070".parse().unwrap())));
    assert_eq!(ambiguous.uri().port(), None);
    assert_eq!(request(message("port-unambiguous")).uri().port(), Some(5070));
    let received = Some("2001:db8::9:255".parse().unwrap());
    for name in ["via-received-param-with-delim", "via-received-param-no-delim"] {
        assert_eq!(request(message(name)).headers().top_via().unwrap().received(), received, "{name}");
    }
    let three = request(message("ipv6-bug-abnf-3-colons"));
    assert_eq!(three.uri(), request(message("ipv6-correct-abnf-2-colons")).uri());
    let mapped = request(message("ipv4-mapped-ipv6")).headers().top_via().unwrap();
    assert_eq!((mapped.sent_by().as_str(), mapped.port), ("[::ffff:192.0.2.10]:19823", Some(19823)));
}

#[test]
fn an_ack_is_never_answered() {
    let text = String::from_utf8(message("ltgtruri")).unwrap().replace("INVITE", "ACK");
    assert!(matches!(parse(text), Err(Rejected::Discard(_))));
}

#[test]
fn messages_cross_threads() {
    fn crosses<T: Send + Sync + Clone + 'static>() {}
    crosses::<Message>();
}
