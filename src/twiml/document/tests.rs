use super::*;
use crate::twiml::verb::{
    Client, Dial, Hooks, Method, Noun, Number, Pause, Play, Progress, Recording, Say, Sip, recording,
};

/// Parses what stands inside `<Response>`.
fn parse(body: &str) -> Parsed {
    Document::parse(format!("<Response>{body}</Response>").as_bytes()).expect("well-formed")
}

fn verbs(body: &str) -> Vec<Verb> {
    parse(body).document.steps.into_iter().map(|step| step.verb).collect()
}

/// The codes of the warnings.
fn codes(body: &str) -> Vec<u32> {
    parse(body).warnings.into_iter().map(|finding| finding.code).collect()
}

fn refusal(xml: impl AsRef<[u8]>) -> (u32, u32, u32) {
    let error = Document::parse(xml.as_ref()).expect_err("not a document");
    (error.code, error.line, error.column)
}

fn say(text: &str) -> Say {
    Say { text: text.into(), language: "en-US".into(), voice: None, loops: 1 }
}

fn dial(nouns: Vec<Noun>) -> Dial {
    Dial {
        nouns,
        timeout: 30,
        time_limit: 14_400,
        hangup_on_star: false,
        caller_id: None,
        answer_on_bridge: false,
        ring_tone: None,
        sequential: false,
        action: None,
        method: Method::Post,
        recording: Recording::default(),
    }
}

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

fn only_dial(body: &str) -> Dial {
    match verbs(body).as_slice() {
        [Verb::Dial(dial)] => (**dial).clone(),
        other => panic!("one Dial expected, got {other:?}"),
    }
}

#[test]
fn a_document_becomes_its_verbs_with_their_defaults_and_places() {
    let xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- hello -->\n<Response>\n  <Say>Hello &amp; welcome</Say>\n  \
               <Play>tone.wav</Play><Pause/>\n<Dial>+4930123456</Dial>\n<Echo/><Hangup/>\n</Response>\n";
    let Parsed { document, warnings } = Document::parse(xml.as_bytes()).expect("well-formed");
    let number = Number { number: "+4930123456".into(), send_digits: None, hooks: Hooks::default() };
    let expected = [
        (4, 3, Verb::Say(say("Hello & welcome"))),
        (5, 3, Verb::Play(Play { source: "tone.wav".into(), loops: 1, digits: None })),
        (5, 24, Verb::Pause(Pause { seconds: 1 })),
        (6, 1, Verb::Dial(Box::new(dial(vec![Noun::Number(number)])))),
        (7, 1, Verb::Echo),
        (7, 8, Verb::Hangup),
    ];
    assert_eq!(document.steps, expected.map(|(line, column, verb)| Step { line, column, verb }));
    assert_eq!(warnings, []);
}

#[test]
fn what_is_not_xml_is_refused_with_its_place() {
    for (xml, place) in [
        ("", (12_100, 1, 1)),
        ("hello", (12_100, 1, 1)),
        ("<Response>\n  <Say>a & b</Say></Response>", (12_100, 2, 10)),
        ("<Response><Say>a</Play></Response>", (12_100, 1, 17)),
        ("<Response><Say>a</Say>", (12_100, 1, 23)),
        ("<Response/><Response/>", (12_100, 1, 12)),
        ("<Response/>more", (12_100, 1, 12)),
        ("<Response><Say loop='1' loop='2'>a</Say></Response>", (12_100, 1, 11)),
        ("<Response><Say loop=1>a</Say></Response>", (12_100, 1, 11)),
        ("<Response><Say>&nbsp;</Say></Response>", (12_100, 1, 16)),
        ("<Response><Say>&#0;</Say></Response>", (12_100, 1, 16)),
        ("<Response><Say voice='&#8;'>a</Say></Response>", (12_100, 1, 11)),
        ("<Response>\u{1}</Response>", (12_100, 1, 11)),
        ("\n<?xml version=\"1.0\"?><Response/>", (12_100, 1, 1)),
        ("\u{feff}<?xml version=\"1.0\"?><Response/>", (12_100, 1, 1)),
        ("<Response/><?xml version=\"1.0\"?>", (12_100, 1, 12)),
        ("<?xml version=\"1.0\" encoding=\"latin1\"?><Response/>", (12_100, 1, 1)),
        ("<?xml version=\"1.1\"?><Response/>", (12_101, 1, 1)),
        ("<response/>", (12_102, 1, 1)),
        ("<html><body/></html>", (12_102, 1, 1)),
    ] {
        assert_eq!(refusal(xml), place, "{xml}");
    }
    assert_eq!(refusal(b"<Response>\n\xff</Response>"), (12_100, 2, 1));
}

#[test]
fn entities_of_a_documents_own_are_never_declared_nor_resolved() {
    let bomb = "<!DOCTYPE r [<!ENTITY a \"aa\"><!ENTITY b \"&a;&a;\">]><Response><Say>&b;</Say></Response>";
    assert_eq!(refusal(bomb).0, 12_100);
    let outside = "<!DOCTYPE r SYSTEM \"file:///etc/passwd\"><Response/>";
    assert_eq!(refusal(outside), (12_100, 1, 1));
}

#[test]
fn size_depth_and_number_of_elements_are_bounded() {
    let filled = |length: usize| format!("<Response><Say>{}</Say></Response>", "a".repeat(length));
    assert_eq!(refusal(filled(64 << 10)).0, 11_750);
    assert!(Document::parse(filled((64 << 10) - 33).as_bytes()).is_ok(), "exactly 64 kB");

    let nested = |depth: usize| format!("{}{}", "<Response>".repeat(depth), "</Response>".repeat(depth));
    assert!(Document::parse(nested(32).as_bytes()).is_ok());
    assert_eq!(refusal(nested(33)).0, 12_100);

    let many = |count: usize| format!("<Response>{}</Response>", "<Hangup/>".repeat(count));
    assert_eq!(verbs(&"<Hangup/>".repeat(3_999)).len(), 3_999);
    assert_eq!(refusal(many(4_000)).0, 12_100);
}

#[test]
fn what_is_unknown_is_told_and_skipped_and_the_document_goes_on() {
    let parsed = parse("text<Enqueue>x</Enqueue>\n<Sing/><Hangup colour='red'/><Pause><Say>y</Say></Pause>");
    let kept: Vec<_> = parsed.document.steps.iter().map(|step| step.verb.name()).collect();
    assert_eq!(kept, ["Hangup", "Pause"]);
    let told: Vec<_> = parsed.warnings.iter().map(|f| (f.line, f.code, f.message.as_str())).collect();
    assert_eq!(
        told,
        [
            (1, 12_200, "<Response>: text between verbs is ignored"),
            (1, 12_200, "<Enqueue> is not supported yet; it is skipped"),
            (2, 12_200, "<Sing> is no verb; it is skipped"),
            (2, 12_200, "<Hangup>: unknown attribute colour; it is ignored"),
            (2, 12_200, "<Say> is not allowed in <Pause>"),
        ]
    );
    assert_eq!(codes(&"<Sing/>".repeat(1_000)).len(), 100, "findings are bounded");
}

#[test]
fn namespace_declarations_are_no_attributes() {
    let xml = "<Response xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' xml:lang='en'/>";
    assert_eq!(Document::parse(xml.as_bytes()).expect("well-formed").warnings, []);
}

#[test]
fn say_takes_its_attributes_and_falls_back_to_defaults() {
    let full = "<Say voice='Polly.Amy' language='en-GB' loop='3'>Hi</Say>";
    let expected =
        Say { text: "Hi".into(), language: "en-GB".into(), voice: Some("Polly.Amy".into()), loops: 3 };
    assert_eq!((verbs(full), codes(full)), (vec![Verb::Say(expected)], vec![]));

    let bad = "<Say voice='robot' language='english please' loop='-1'>Hi</Say>";
    assert_eq!((verbs(bad), codes(bad)), (vec![Verb::Say(say("Hi"))], vec![13_512, 13_511, 13_510]));

    let endless = "<Say loop='0'>Hi</Say><Say loop='5000'>Hi</Say>";
    assert!(verbs(endless).iter().all(|verb| matches!(verb, Verb::Say(say) if say.loops == 1_000)));

    assert_eq!((verbs("<Say> \n </Say>"), codes("<Say> \n </Say>")), (vec![], vec![13_520]));
}

#[test]
fn say_speaks_what_stands_inside_markup() {
    let body = "<Say>Hello<break time='1s'/>my <emphasis>dear</emphasis>\n  <sub alias='World Wide Web'>WWW</sub> \
                <![CDATA[a < b]]> &#x41;<blink>!</blink></Say>";
    assert_eq!(verbs(body), [Verb::Say(say("Hello my dear World Wide Web a < b A!"))]);
    assert_eq!(codes(body), [12_200], "blink is no markup of speech");
}

#[test]
fn say_speaks_at_most_4096_characters() {
    let long = format!("<Say>{}</Say>", "ä".repeat(5_000));
    assert_eq!(codes(&long), [13_521]);
    assert!(matches!(verbs(&long).as_slice(), [Verb::Say(say)] if say.text.chars().count() == 4_096));
}

#[test]
fn play_and_pause_take_their_attributes() {
    let body = "<Play loop='2'>\n http://example.com/a.wav?x=1&amp;y=2 \n</Play><Pause length='10'/>";
    let play = Play { source: "http://example.com/a.wav?x=1&y=2".into(), loops: 2, digits: None };
    assert_eq!(verbs(body), [Verb::Play(play), Verb::Pause(Pause { seconds: 10 })]);
    assert_eq!(
        codes("<Play loop='x'>a</Play><Play digits='12x'>a</Play><Pause length='-1'/>"),
        [13_410, 13_430, 13_910]
    );
    let digits_only = "<Play digits='1w2'/>";
    let play = Play { source: String::new(), loops: 1, digits: Some("1w2".into()) };
    assert_eq!((verbs(digits_only), codes(digits_only)), (vec![Verb::Play(play)], vec![]));
}

#[test]
fn dial_takes_its_attributes_in_any_case_of_their_values() {
    let body = "<Dial timeout='10' timeLimit='60' hangupOnStar='TRUE' callerId='+15551234' answerOnBridge='True' \
                ringTone='DE' sequential='true' action='/next' method='get' record='true' trim='trim-silence' \
                recordingStatusCallback='/rec' recordingStatusCallbackEvent='in-progress completed'>\n 101 \n</Dial>";
    let expected = Dial {
        timeout: 10,
        time_limit: 60,
        hangup_on_star: true,
        caller_id: Some("+15551234".into()),
        answer_on_bridge: true,
        ring_tone: Some("de".into()),
        sequential: true,
        action: Some("/next".into()),
        method: Method::Get,
        recording: Recording {
            mode: recording::Mode::RecordFromAnswer,
            trim: true,
            track: recording::Track::Both,
            status_callback: Some("/rec".into()),
            status_callback_method: Method::Post,
            status_callback_event: vec![recording::Stage::InProgress, recording::Stage::Completed],
        },
        ..dial(vec![Noun::Number(Number {
            number: "101".into(),
            send_digits: None,
            hooks: Hooks::default(),
        })])
    };
    assert_eq!(only_dial(body), expected);
    assert!(codes(body).is_empty());
}

#[test]
fn dial_falls_back_to_defaults_with_the_verbs_own_warnings() {
    let body = "<Dial timeout='3' timeLimit='0' method='PUT' ringTone='xx' record='maybe' callerId='a b' \
                answerOnBridge='perhaps'>101</Dial>";
    let number = Number { number: "101".into(), send_digits: None, hooks: Hooks::default() };
    assert_eq!(only_dial(body), dial(vec![Noun::Number(number)]));
    assert_eq!(codes(body), [13_212, 13_216, 13_214, 13_219, 13_220, 13_210, 13_217]);
}

#[test]
fn dial_calls_clients_numbers_and_addresses_in_the_documents_order() {
    let body = "<Dial>\n<Client>\n alice \n</Client>\n<Client><Identity>bob</Identity></Client>\n\
                <Number statusCallback='/s' statusCallbackEvent='ringing answered'>(415) 555-1212</Number>\n\
                <Sip username='u' password='p'>kate@example.com;transport=tcp?X-Id=a%20b&amp;User-to-User=1</Sip></Dial>";
    let client = |name: &str| {
        Noun::Client(Client { identity: name.into(), parameters: vec![], hooks: Hooks::default() })
    };
    let hooks = Hooks {
        status_callback: Some("/s".into()),
        status_callback_event: vec![Progress::Ringing, Progress::Answered],
        ..Hooks::default()
    };
    let sip = Sip {
        headers: vec![("X-Id".into(), "a b".into()), ("User-to-User".into(), "1".into())],
        username: Some("u".into()),
        password: Some("p".into()),
        ..sip("sip:kate@example.com;transport=tcp")
    };
    assert!(!format!("{sip:?}").contains("\"p\""), "a password never shows");
    let number = Number { number: "+14155551212".into(), send_digits: None, hooks };
    assert_eq!(only_dial(body).nouns, [client("alice"), client("bob"), Noun::Number(number), Noun::Sip(sip)]);
}

#[test]
fn a_script_cannot_smuggle_lines_or_reserved_headers_into_a_request() {
    for body in [
        "<Dial><Sip>a@b?X-Evil=1%0d%0aVia:%20x</Sip></Dial>",
        "<Dial><Sip>a@b?X-Evil=%zz</Sip></Dial>",
        "<Dial><Sip>a@b?Via=x</Sip></Dial>",
        "<Dial><Sip>a@b?X-Evil%3a%20y=x</Sip></Dial>",
    ] {
        assert!(
            matches!(only_dial(body).nouns.as_slice(), [Noun::Sip(sip)] if sip.headers.is_empty()),
            "{body}"
        );
        assert_eq!(codes(body), [13_252], "{body}");
    }
    let long = format!("<Dial><Sip>a@b?X-A={}</Sip></Dial>", "a".repeat(1_024));
    assert_eq!(codes(&long), [13_253]);
    assert_eq!(only_dial("<Dial callerId='a&#13;&#10;b'>101</Dial>").caller_id, None);
    assert_eq!(verbs("<Dial><Client>alice&#10;bob</Client></Dial>"), []);
    assert_eq!(verbs("<Play>a&#13;b</Play>"), []);
}

#[test]
fn a_dial_that_reaches_nobody_is_skipped_with_the_reason() {
    for (body, expected) in [
        ("<Dial/>", vec![13_000]),
        ("<Dial>not a number</Dial>", vec![13_223, 13_000]),
        ("<Dial><Conference>room</Conference></Dial>", vec![12_200, 13_000]),
        ("<Dial><Sip></Sip></Dial>", vec![13_243, 13_000]),
        ("<Dial><Sip>sip:@ x</Sip></Dial>", vec![13_243, 13_000]),
        ("<Dial><Client/></Dial>", vec![12_200, 13_000]),
        ("<Dial><Number>++1</Number></Dial>", vec![13_223, 13_000]),
    ] {
        assert_eq!((verbs(body), codes(body)), (vec![], expected), "{body}");
    }
}

#[test]
fn a_dial_rings_at_most_ten() {
    let body = format!("<Dial>{}</Dial>", "<Number>101</Number>".repeat(11));
    assert_eq!(only_dial(&body).nouns.len(), 10);
    assert_eq!(codes(&body), [13_250]);
}

#[test]
fn of_several_uris_that_of_the_lowest_priority_is_dialled() {
    let body = "<Dial><Sip><Uri priority='2'>a@b</Uri><Uri priority='1' username='u' password='p'>sips:c@d</Uri></Sip></Dial>";
    let nouns = only_dial(body).nouns;
    let [Noun::Sip(sip)] = nouns.as_slice() else { panic!("one address expected, got {nouns:?}") };
    assert_eq!((sip.uri.as_str(), sip.username.as_deref()), ("sips:c@d", Some("u")));
    assert_eq!(codes(body), [12_200], "the other one is told");
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(xml in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..400)) {
        let _ = Document::parse(&xml);
    }

    #[test]
    fn no_mix_of_the_grammars_pieces_makes_the_reader_panic_and_places_lie_inside(
        pieces in proptest::collection::vec(proptest::sample::select(vec![
            "<Response>", "</Response>", "<Dial>", "</Dial>", "<Sip>", "</Sip>", "<Say", " loop='0'", ">", "/>", "&amp;",
            "&#x0;", "&", "<![CDATA[", "]]>", "<!--", "-->", "<?xml version='1.0'?>", "<!DOCTYPE", "sip:ä@", "?X-=%", "\n", "'",
        ]), 0..40)
    ) {
        let xml = pieces.concat();
        if let Err(error) = Document::parse(xml.as_bytes()) {
            let lines = xml.lines().count().max(1) + 1;
            proptest::prop_assert!(error.line >= 1 && usize::try_from(error.line).is_ok_and(|line| line <= lines));
        }
    }
}
