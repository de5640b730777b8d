use super::*;
use crate::twiml::verb::{Dial, Hooks, Method, Noun, Number, Pause, Play, Recording, Say};

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
        ("<Response>\n\u{fffc}\u{fffe}</Response>", (12_100, 2, 4)),
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
    for hostile in [
        "<!DOCTYPE r [<!ENTITY a \"aa\"><!ENTITY b \"&a;&a;\">]><Response><Say>&b;</Say></Response>",
        "<!DOCTYPE r SYSTEM \"file:///etc/passwd\"><Response/>",
        "<!DOCTYPE r PUBLIC \"-//W3C//DTD\" \"http://169.254.169.254/\"><Response/>",
        "<!DOCTYPE r [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><Response><Say>&x;</Say></Response>",
        "<!DOCTYPE r [<!ENTITY % p SYSTEM \"http://127.0.0.1/p.dtd\">%p;]><Response/>",
        "<!DOCTYPE Response><Response/>",
        "<?xml version=\"1.0\"?>\n<!DOCTYPE r []><Response/>",
        "<Response><!DOCTYPE r []></Response>",
        "<Response/><!DOCTYPE r []>",
        "<Response><Say>&x;</Say></Response>",
        "<Response><Say voice='&x;'>a</Say></Response>",
        "<Response><Say>%x; &#xD800;</Say></Response>",
    ] {
        assert_eq!(refusal(hostile).0, 12_100, "{hostile}");
    }
}

#[test]
fn nothing_is_included_from_elsewhere() {
    let body = "<xi:include xmlns:xi='http://www.w3.org/2001/XInclude' href='file:///etc/passwd' parse='text'/>\
                <?xml-stylesheet href='file:///etc/passwd'?><Hangup/>";
    assert_eq!((verbs(body), codes(body)), (vec![Verb::Hangup], vec![12_200]));
}

#[test]
fn what_is_told_of_a_hostile_document_is_short() {
    let name = "a".repeat(30_000);
    for body in [
        format!("<{name}/>"),
        format!("<Hangup {name}='x'/>"),
        format!("<Hangup><{name}/></Hangup>"),
        format!("<Gather><{name}/></Gather>"),
    ] {
        let warnings = parse(&body).warnings;
        assert!(!warnings.is_empty() && warnings.iter().all(|warning| warning.message.len() < 400));
    }
    for xml in [
        format!("<Response><{name}></Response>"),
        format!("<Response>&{name};</Response>"),
        format!("<Response a='&{name};'/>"),
        format!("<Response {name}='<'/>"),
        format!("<{name}/>"),
    ] {
        assert!(Document::parse(xml.as_bytes()).expect_err("hostile").message.len() < 400);
    }
}

#[test]
fn line_ends_in_an_attribute_are_blanks_unless_they_are_written_as_references() {
    let body = "<Dial callerId='\n+15551234\t' timeout='&#10;10'>101</Dial><Dial callerId='a\nb'>101</Dial>";
    assert_eq!(codes(body), [13_214], "a blank cannot stand in it");
    assert!(matches!(verbs(body).first(), Some(Verb::Dial(dial)) if dial.timeout == 10));
    assert_eq!(codes("<Dial action='/a&#13;&#10;b'>101</Dial>"), [12_200], "a line end");
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
    let attributes = |count: usize| {
        let attributes: String = (0..count).map(|number| format!(" a{number}=''")).collect();
        format!("<Response{attributes}/>")
    };
    assert!(Document::parse(attributes(100).as_bytes()).is_ok());
    assert_eq!(refusal(attributes(101)), (12_100, 1, 1));

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
fn a_text_or_a_sound_that_stands_for_a_document_is_spoken_or_played_once() {
    let spoken = Document::spoken(" Hello &\n <world> ");
    assert_eq!(spoken.steps, [Step { line: 1, column: 1, verb: Verb::Say(say("Hello & <world>")) }]);
    assert_eq!(Document::spoken(" \n "), Document::default(), "silence");
    let long = Document::spoken(&"a".repeat(70_000));
    assert!(matches!(long.steps.as_slice(), [Step { verb: Verb::Say(say), .. }] if say.text.len() == 4_096));

    let played = Document::played("https://example.com/a.wav");
    let play = Play { source: "https://example.com/a.wav".into(), loops: 1, digits: None };
    assert_eq!(played.steps, [Step { line: 1, column: 1, verb: Verb::Play(play) }]);
}

#[test]
fn what_the_dictionary_calls_an_error_refuses_the_document_where_it_stands() {
    let body = "<Response><Say>a</Say>\n <Gather actionOnEmptyResult='?'/><Record recordingStatusCallbackEvent='?'/></Response>";
    assert_eq!(refusal(body), (13_338, 2, 2), "the first one");
}

#[test]
fn a_document_survives_a_record_as_it_is() {
    let body = "<Say>a</Say><Play digits='1'/><Pause/><Gather finishOnKey=''><Play>b</Play></Gather><Record timeout='0'/>\
                <Dial record='record-from-ringing-dual'><Sip username='u' password='p'>a@b?X-A=1</Sip></Dial>\
                <Redirect method='GET'/><Reject reason='busy'/><Hangup/><Echo/>";
    let document = parse(body).document;
    assert_eq!(document.steps.len(), 10);
    let mut record = Vec::new();
    ciborium::into_writer(&document, &mut record).expect("memory");
    assert_eq!(ciborium::from_reader::<Document, _>(record.as_slice()).expect("what was written"), document);
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
