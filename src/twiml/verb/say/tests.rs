use super::*;
use crate::twiml::verb::Verb;
use crate::twiml::verb::rows::{hold, only, read};

fn say(text: &str) -> Say {
    Say { text: text.into(), language: "en-US".into(), voice: None, loops: 1 }
}

fn spoken(body: &str) -> (Say, Vec<u32>) {
    match only(body) {
        (Verb::Say(say), codes) => (say, codes),
        (verb, _) => panic!("a Say is wanted, not {verb:?}"),
    }
}

#[test]
fn each_attribute_has_its_default_its_bounds_and_its_code() {
    hold(
        |given| spoken(&format!("<Say {given}>Hi</Say>")),
        say("Hi"),
        &[
            ("voice='man'", |say| say.voice = Some("man".into()), &[]),
            ("voice='Woman'", |say| say.voice = Some("Woman".into()), &[]),
            ("voice='alice'", |say| say.voice = Some("alice".into()), &[]),
            ("voice='Polly.Joanna-Neural'", |say| say.voice = Some("Polly.Joanna-Neural".into()), &[]),
            ("voice='robot'", |_| {}, &[13_511]),
            ("language='en-US'", |_| {}, &[]),
            ("language='de-DE'", |say| say.language = "de-DE".into(), &[]),
            ("language='cmn-Hans-CN'", |say| say.language = "cmn-Hans-CN".into(), &[]),
            ("language='english please'", |_| {}, &[13_512]),
            ("language=''", |_| {}, &[13_512]),
            ("loop='1'", |_| {}, &[]),
            ("loop='3'", |say| say.loops = 3, &[]),
            ("loop='1000'", |say| say.loops = 1_000, &[]),
            ("loop='1001'", |say| say.loops = 1_000, &[]),
            ("loop='0'", |say| say.loops = 1_000, &[]),
            ("loop='-1'", |_| {}, &[13_510]),
            ("loop='often'", |_| {}, &[13_510]),
            ("volume='loud'", |_| {}, &[12_200]),
        ],
    );
}

#[test]
fn a_voice_brings_its_language_unless_one_is_asked_for() {
    for (given, language) in [
        ("voice='Polly.Vicki'", "de-DE"),
        ("voice='Google.fr-CA-Wavenet-A'", "fr-CA"),
        ("voice='Google.no language at all-x'", "en-US"),
        ("voice='Polly.Vicki' language='it-IT'", "it-IT"),
        ("voice='Polly.Vicki' language='bad tag'", "de-DE"),
        ("voice='woman'", "en-US"),
    ] {
        assert_eq!(spoken(&format!("<Say {given}>Hi</Say>")).0.language, language, "{given}");
    }
}

#[test]
fn a_text_is_spoken_without_the_blanks_around_it_and_without_any_it_is_skipped() {
    assert_eq!(spoken("<Say>\n  Hello\n\t <!-- dear -->world \n</Say>"), (say("Hello world"), vec![]));
    for nothing in ["<Say/>", "<Say> \n </Say>", "<Say><break/></Say>"] {
        assert_eq!(read(nothing), (vec![], vec![13_520]), "{nothing}");
    }
}

#[test]
fn what_stands_inside_markup_of_speech_is_spoken_and_other_elements_are_told() {
    let body = "<Say>Hello<break time='1s'/>my <emphasis level='strong'>dear</emphasis>\n  \
                <sub alias='World Wide Web'>WWW</sub> <![CDATA[a < b]]> &#x41;<blink>!</blink></Say>";
    assert_eq!(spoken(body), (say("Hello my dear World Wide Web a < b A!"), vec![12_200]));
    let every = "<Say><speak><p><s>a</s></p><lang xml:lang='fr'>b</lang><phoneme ph='x'>c</phoneme>\
                 <prosody rate='slow'>d</prosody><say-as interpret-as='date'>e</say-as><w role='r'>f</w></speak></Say>";
    assert_eq!(spoken(every), (say("a bcdef"), vec![]));
    assert_eq!(spoken("<Say>a<Play>b</Play></Say>"), (say("ab"), vec![12_200]), "nothing else nests");
}

#[test]
fn at_most_4096_characters_are_spoken() {
    let of = |length: usize| spoken(&format!("<Say>{}</Say>", "ä".repeat(length)));
    assert_eq!(of(4_096), (say(&"ä".repeat(4_096)), vec![]));
    assert_eq!(of(4_097), (say(&"ä".repeat(4_096)), vec![13_521]));
}
