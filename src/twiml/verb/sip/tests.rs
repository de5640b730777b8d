use super::*;
use crate::twiml::verb::rows::{hold, only_dial, only_noun};
use crate::twiml::verb::{Method, Noun, Progress};

fn sip(uri: &str) -> Sip {
    Sip {
        uri: uri.into(),
        secure: false,
        headers: vec![],
        username: None,
        password: None,
        hooks: Hooks::default(),
        alternatives: vec![],
    }
}

fn dialled(noun: &str) -> (Sip, Vec<u32>) {
    match only_noun(&format!("<Dial>{noun}</Dial>")) {
        (Noun::Sip(sip), codes) => (sip, codes),
        (noun, _) => panic!("a Sip is wanted, not {noun:?}"),
    }
}

fn header(name: &str, value: &str) -> (String, String) {
    (name.into(), value.into())
}

#[test]
fn each_attribute_has_its_default_and_its_code() {
    hold(
        |given| dialled(&format!("<Sip {given}>\n sip:kate@example.com \n</Sip>")),
        sip("sip:kate@example.com"),
        &[
            (
                "username='u' password='p'",
                |sip| (sip.username, sip.password) = (Some("u".into()), Some("p".into())),
                &[],
            ),
            ("username='u'", |_| {}, &[13_249]),
            ("password='p'", |_| {}, &[13_249]),
            ("username='' password='p'", |_| {}, &[13_249]),
            ("url='/screen'", |sip| sip.hooks.url = Some("/screen".into()), &[]),
            ("url=''", |_| {}, &[]),
            ("method='POST'", |_| {}, &[]),
            ("method='GET'", |sip| sip.hooks.method = Method::Get, &[]),
            ("method='PUT'", |_| {}, &[13_241]),
            (
                "statusCallback='/s'",
                |sip| {
                    sip.hooks.status_callback = Some("/s".into());
                    sip.hooks.status_callback_event = vec![Progress::Completed];
                },
                &[],
            ),
            (
                "statusCallback='/s' statusCallbackMethod='get' statusCallbackEvent='Initiated  ringing\n answered'",
                |sip| {
                    sip.hooks.status_callback = Some("/s".into());
                    sip.hooks.status_callback_method = Method::Get;
                    sip.hooks.status_callback_event =
                        vec![Progress::Initiated, Progress::Ringing, Progress::Answered];
                },
                &[],
            ),
            (
                "statusCallback='/s' statusCallbackEvent='sleeping'",
                |sip| {
                    sip.hooks.status_callback = Some("/s".into());
                    sip.hooks.status_callback_event = vec![Progress::Completed];
                },
                &[12_200],
            ),
            ("statusCallbackMethod='PUT'", |_| {}, &[12_200]),
            ("statusCallbackEvent='ringing'", |_| {}, &[]),
            ("machineDetection='Enable'", |_| {}, &[12_200]),
            ("machineDetectionTimeout='20'", |_| {}, &[12_200]),
            ("machineDetectionSpeechThreshold='2000'", |_| {}, &[12_200]),
            ("machineDetectionSpeechEndThreshold='1000'", |_| {}, &[12_200]),
            ("machineDetectionSilenceTimeout='4000'", |_| {}, &[12_200]),
            ("amdStatusCallback='/a'", |_| {}, &[12_200]),
            ("amdStatusCallbackMethod='GET'", |_| {}, &[12_200]),
            ("colour='red'", |_| {}, &[12_200]),
        ],
    );
}

#[test]
fn a_password_never_shows() {
    let (sip, _) =
        dialled("<Sip username='u' password='hunter2'><Uri password='hunter2' username='v'>a@b</Uri></Sip>");
    assert_eq!((sip.username.as_deref(), sip.password.as_deref()), (Some("v"), Some("hunter2")));
    assert!(!format!("{sip:?}").contains("hunter2"));
}

#[test]
fn an_address_has_its_scheme_and_the_parameters_that_others_understand() {
    for (written, uri) in [
        ("kate@example.com", "sip:kate@example.com"),
        ("SIP:kate@example.com:5080", "sip:kate@example.com:5080"),
        ("sips:kate@example.com", "sips:kate@example.com"),
        ("sip:example.com", "sip:example.com"),
        ("sip:kate@[2001:db8::1]:5060", "sip:kate@[2001:db8::1]:5060"),
        ("kate;phone-context=x@example.com", "sip:kate;phone-context=x@example.com"),
        ("kate@example.com;transport=tcp", "sip:kate@example.com;transport=tcp"),
        ("kate@example.com;transport=TLS;user=phone", "sip:kate@example.com;transport=TLS;user=phone"),
        ("kate@example.com;region=us1;transport=udp;edge=ashburn", "sip:kate@example.com;transport=udp"),
    ] {
        let wanted = Sip { secure: uri.starts_with("sips"), ..sip(uri) };
        assert_eq!(dialled(&format!("<Sip>{written}</Sip>")).0, wanted, "{written}");
    }
    let (secure, codes) = dialled("<Sip>kate@example.com;secure=TRUE</Sip>");
    assert_eq!(
        (secure, codes),
        (Sip { secure: true, ..sip("sip:kate@example.com") }, vec![12_200]),
        "not yet"
    );
    assert_eq!(dialled("<Sip>kate@example.com;secure=false</Sip>"), (sip("sip:kate@example.com"), vec![]));
}

#[test]
fn what_is_no_address_is_not_dialled() {
    let longest = format!("{}@b", "a".repeat(252));
    assert_eq!(dialled(&format!("<Sip>{longest}</Sip>")).0.uri.len(), 258, "254 and the scheme");
    let too_long = format!("a{longest}");
    for written in [
        "",
        "sip:",
        "@",
        "sip:@ x",
        "a@",
        "kate@&lt;b&gt;",
        "kate@b;transport=pigeon",
        "tel:+1",
        "a@b:0",
        "a@b:99999",
        &too_long,
    ] {
        let body = format!("<Dial><Sip>{written}</Sip></Dial>");
        let (dial, codes) = only_dial(&body);
        assert_eq!((dial.nouns, codes), (vec![], vec![13_243, 13_000]), "{written}");
    }
}

#[test]
fn headers_after_the_address_are_decoded_in_order() {
    let body = "<Sip>kate@b?X-Id=a%20b&amp;user-to-user=1%3Bencoding%3Dhex&amp;Remote-Party-ID=r&amp;\
                P-Preferred-Identity=p&amp;P-Called-Party-ID=c&amp;x-empty=&amp;X-Bare</Sip>";
    let headers = vec![
        header("X-Id", "a b"),
        header("user-to-user", "1;encoding=hex"),
        header("Remote-Party-ID", "r"),
        header("P-Preferred-Identity", "p"),
        header("P-Called-Party-ID", "c"),
        header("x-empty", ""),
        header("X-Bare", ""),
    ];
    assert_eq!(dialled(body), (Sip { headers, ..sip("sip:kate@b") }, vec![]));
}

#[test]
fn a_script_cannot_smuggle_lines_or_reserved_headers_into_a_request() {
    for header in [
        "X-Evil=1%0d%0aVia:%20x",
        "X-Evil=%00",
        "X-Evil=%zz",
        "X-Evil=%4",
        "X-Evil=%ff",
        "Via=x",
        "From=x",
        "Content-Length=0",
        "X-=x",
        "X-Evil%3a%20y=x",
        "X-Evil%0d%0aVia=x",
    ] {
        let read = dialled(&format!("<Sip>a@b?{header}&amp;X-Good=1</Sip>"));
        let headers = vec![("X-Good".into(), "1".into())];
        assert_eq!(read, (Sip { headers, ..sip("sip:a@b") }, vec![13_252]), "{header}");
    }
}

#[test]
fn headers_have_at_most_1023_characters_together() {
    let of = |length: usize| dialled(&format!("<Sip>a@b?X-A={}</Sip>", "a".repeat(length)));
    let headers = vec![header("X-A", &"a".repeat(1_019))];
    assert_eq!(of(1_019), (Sip { headers, ..sip("sip:a@b") }, vec![]));
    assert_eq!(of(1_020), (sip("sip:a@b"), vec![13_253]));
}

#[test]
fn several_uris_are_a_list_ordered_by_priority_and_then_by_weight() {
    let body = "<Sip username='u' password='p' url='/s'>\
                <Uri priority='2' weight='9'>last@h</Uri>\
                <Uri priority='1' weight='10'>second@h</Uri>\
                <Uri priority='1' weight='20' username='v' password='q'>first@h?X-A=1</Uri>\
                <Uri>unranked@h</Uri></Sip>";
    let (first, codes) = dialled(body);
    let order: Vec<_> = std::iter::once(&first).chain(&first.alternatives).collect();
    let told: Vec<_> = order.iter().map(|sip| (sip.uri.as_str(), sip.username.as_deref())).collect();
    assert_eq!(
        told,
        [
            ("sip:first@h", Some("v")),
            ("sip:second@h", Some("u")),
            ("sip:last@h", Some("u")),
            ("sip:unranked@h", Some("u"))
        ]
    );
    assert!(order.iter().all(|sip| sip.hooks.url.as_deref() == Some("/s")), "all are told of alike");
    assert_eq!(first.headers, [header("X-A", "1")]);
    assert_eq!(codes, [12_200], "the others are not tried yet");
}

#[test]
fn an_address_in_a_list_that_is_none_leaves_the_others() {
    let (sip, codes) = dialled("<Sip><Uri priority='1'>a b</Uri><Uri priority='x'>c@d</Uri></Sip>");
    assert_eq!((sip.uri.as_str(), sip.alternatives), ("sip:c@d", vec![]));
    assert_eq!(codes, [12_200, 13_243]);
    let many = format!("<Sip>{}</Sip>", "<Uri>a@b</Uri>".repeat(11));
    assert_eq!(dialled(&many).1, [13_250, 12_200]);
    let (_, codes) = dialled("<Sip>a@b<Headers><Header name='X-A' value='1'/></Headers><Say>x</Say></Sip>");
    assert_eq!(codes, [12_200, 12_200]);
}
