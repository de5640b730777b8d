//! What holds for every input: nothing panics, reading undoes printing, the unchanged stays byte for byte.
//! A failing case must never be lost: `proptest` prints it with its seed.

use bytes::Bytes;
use proptest::prelude::*;

use super::{parse, torture};
use crate::sip::message::{
    CSeq, Frame, Framer, HeaderName, Host, Limits, Message, NameAddr, Rejected, Transport, Uri, Via,
};

/// Asks everything that can be asked.
fn read_all(message: &Message) {
    let headers = message.headers();
    let _ = (
        headers.vias(),
        headers.top_via(),
        headers.from(),
        headers.to(),
        headers.cseq(),
        headers.max_forwards(),
    );
    let _ =
        (headers.call_id(), headers.contact(), headers.routes(), headers.record_routes(), headers.expires());
    let _ = (headers.content_type(), headers.content_length(), headers.retry_after(), headers.min_expires());
    for name in
        [HeaderName::Authorization, HeaderName::WwwAuthenticate, HeaderName::Supported, HeaderName::ReferTo]
    {
        let _ = (headers.digest(&name), headers.tokens(&name), headers.addresses(name));
    }
    match message {
        Message::Request(request) => {
            if let Err(violation) = request.validate() {
                let _ = violation.response(request).to_bytes();
            }
            let _ = (request.uri().user(), request.uri().headers().count(), request.unsupported(&[]));
        }
        Message::Response(response) => {
            let _ = (response.validate(), response.reason().len());
        }
    }
}

/// One step of a mutation: what is done where.
#[derive(Clone, Debug)]
enum Step {
    Flip(usize, u8),
    Cut(usize, usize),
    Double(usize, usize),
    Insert(usize, &'static str),
}

fn step() -> impl Strategy<Value = Step> {
    let pieces = vec![
        "\r\n",
        "\n",
        "\r",
        "\0",
        " ",
        "\t",
        ";",
        ",",
        ":",
        "<",
        ">",
        "\"",
        "\\",
        "%",
        "@",
        "[",
        "]",
        "?",
        "=",
        "\r\n\r\n",
        "\r\n ",
        "Via: ",
        "Content-Length: 5\r\n",
        "sip:",
        "\u{e9}",
    ];
    prop_oneof![
        (any::<usize>(), any::<u8>()).prop_map(|(at, byte)| Step::Flip(at, byte)),
        (any::<usize>(), 1..40_usize).prop_map(|(at, length)| Step::Cut(at, length)),
        (any::<usize>(), 1..40_usize).prop_map(|(at, length)| Step::Double(at, length)),
        (any::<usize>(), prop::sample::select(pieces)).prop_map(|(at, piece)| Step::Insert(at, piece)),
    ]
}

fn mutate(bytes: &mut Vec<u8>, step: Step) {
    let length = bytes.len().max(1);
    let span = |at: usize, size: usize| (at % length)..(at % length + size).min(bytes.len());
    match step {
        Step::Flip(at, byte) => {
            if let Some(place) = bytes.get_mut(at % length) {
                *place = byte;
            }
        }
        Step::Cut(at, size) => drop(bytes.drain(span(at, size))),
        Step::Double(at, size) => bytes.extend_from_within(span(at, size)),
        Step::Insert(at, piece) => {
            drop(bytes.splice(at % length..at % length, piece.bytes()).collect::<Vec<_>>())
        }
    }
}

fn mutant() -> impl Strategy<Value = Bytes> {
    let seeds: Vec<_> = torture::all().map(|(_, bytes)| bytes).collect();
    (prop::sample::select(seeds), prop::collection::vec(step(), 1..6)).prop_map(|(mut bytes, steps)| {
        steps.into_iter().for_each(|step| mutate(&mut bytes, step));
        Bytes::from(bytes)
    })
}

fn host() -> impl Strategy<Value = Host> {
    prop_oneof![
        any::<std::net::IpAddr>().prop_map(Host::from),
        "[a-z][a-z0-9-]{0,8}[a-z0-9](\\.[a-z]{2,5})?".prop_map(Host::Name),
    ]
}

fn uri() -> impl Strategy<Value = Uri> {
    let param = ("[a-z]{1,8}", prop::option::of(".{1,8}"));
    let sip =
        (prop::option::of(".{1,10}"), host(), prop::option::of(1_u16..), prop::collection::vec(param, 0..3));
    sip.prop_map(|(user, host, port, params)| {
        let uri = Uri::sip(user.as_deref(), host, port);
        params.iter().fold(uri, |uri, (name, value)| uri.with_param(name, value.as_deref()))
    })
}

proptest! {
    #![proptest_config(super::cases(2_000))]

    #[test]
    fn mutated_torture_messages_never_panic_and_print_what_they_were(bytes in mutant()) {
        match parse(bytes.clone()) {
            Ok(message) => {
                read_all(&message);
                let printed = message.to_bytes();
                let start = bytes.windows(printed.len()).position(|window| window == printed);
                prop_assert!(start.is_some_and(|start| bytes[..start].iter().all(|byte| b"\r\n\0".contains(byte))));
                prop_assert_eq!(parse(printed.clone()).expect("what was read once").to_bytes(), printed);
            }
            Err(Rejected::Answer { request, violation }) => {
                let response = violation.response(&request).to_bytes();
                prop_assert!(parse(response).is_ok());
            }
            Err(_) => {}
        }
    }

    #[test]
    fn changed_messages_read_back_with_the_same_headers(bytes in mutant()) {
        let Ok(Message::Request(mut request)) = parse(bytes) else { return Ok(()) };
        request.headers_mut().push(HeaderName::Subject, "changed");
        let uri = request.uri().clone();
        request.set_uri(uri.clone());
        let Ok(Message::Request(back)) = parse(request.to_bytes()) else { panic!("unreadable") };
        prop_assert_eq!(back.uri(), &uri);
        prop_assert_eq!(back.headers().len(), request.headers().len() + usize::from(!request.headers().contains(&HeaderName::ContentLength)));
        prop_assert_eq!(back.headers().vias(), request.headers().vias());
        prop_assert_eq!(back.body(), request.body());
    }

    #[test]
    fn a_stream_of_anything_never_panics_nor_grows(bytes in mutant(), size in 1..50_usize) {
        let mut framer = Framer::new(Limits { message: 4_096, ..Limits::default() });
        for piece in bytes.chunks(size) {
            framer.push(piece);
            while let Some(Ok(frame)) = framer.next() {
                if let Frame::Message(message) = frame {
                    prop_assert!(message.len() <= 4_096);
                    let _ = parse(message);
                }
            }
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,40}") {
        let _ = (text.parse::<Uri>(), text.parse::<NameAddr>(), text.parse::<Via>(), text.parse::<CSeq>());
        let _ = (format!("sip:{text}").parse::<Uri>(), format!("<sip:{text}>").parse::<NameAddr>());
    }

    #[test]
    fn uris_read_back_as_what_was_printed(uri in uri()) {
        prop_assert_eq!(uri.to_string().parse::<Uri>(), Ok(uri.clone()));
        prop_assert!(uri.is_equivalent(&uri));
    }

    #[test]
    fn addresses_read_back_as_what_was_printed(uri in uri(), display in "[^\\p{Cc}]{0,12}", value in "[^\\p{Cc}]{1,12}") {
        let address = NameAddr::new(uri).with_display(&display).with_param("x", Some(&value)).with_tag("abc");
        let back: NameAddr = address.to_string().parse().expect("what was printed");
        prop_assert_eq!(back.params.unquoted("x").map(String::from), Some(value));
        prop_assert_eq!(back, address);
    }

    #[test]
    fn vias_read_back_as_what_was_printed(host in host(), port in prop::option::of(1_u16..), branch in "[a-zA-Z0-9.]{1,20}") {
        let via = Via::new(Transport::Tls, host, port, &branch);
        prop_assert_eq!(via.to_string().parse::<Via>(), Ok(via.clone()));
        prop_assert_eq!(via.branch(), Some(branch.as_str()));
    }
}
