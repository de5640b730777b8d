//! Documents as the official libraries make them, each element and attribute that they know: all are read, what the
//! switch carries out without a word, the rest with findings of the schema. Nothing here is written by hand for the
//! parser: the libraries decide what a document looks like.

#[path = "generators/library.rs"]
mod library;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use library::Sample;
use trunkline::call::profile::{CallStatus, Direction, Profile, WallClock};
use trunkline::call::script::{Beginning, Place, RunSpec, ScriptInput, ScriptRun};
use trunkline::ids::{CallId, LegId};
use trunkline::supervision::machine::{Machine as _, Turn};
use trunkline::twiml::document::Context;
use trunkline::twiml::verb::gather::Prompt;
use trunkline::twiml::verb::recording::{Mode, Stage, Track};
use trunkline::twiml::verb::{
    Client, Dial, Gather, Hooks, Method, Noun, Number, Pause, Play, Progress, Record, Recording, Redirect,
    Reject, Say, Sip, Verb,
};
use trunkline::twiml::{Document, Parsed};
use trunkline_media::moment::Moment;

static PYTHON: LazyLock<Vec<Sample>> = LazyLock::new(library::python);
static NODE: LazyLock<Vec<Sample>> = LazyLock::new(library::node);

/// What is told of an element or attribute that is understood and not carried out.
const SCHEMA: u32 = 12_200;
/// What is told of a Dial that is left without anybody.
const NOBODY: u32 = 13_000;
/// What is told of keys to be sent while keys are gathered.
const NO_KEYS: u32 = 13_430;
/// What is told of a user name without a password, and the other way round.
const CREDENTIALS: u32 = 13_249;

/// What is carried out, by the way to the element: every attribute changes what is read, and nothing is told.
const CARRIED_OUT: &[(&str, &[&str])] = &[
    ("Say", &["voice", "language", "loop"]),
    ("Play", &["loop", "digits"]),
    ("Pause", &["length"]),
    ("Gather", &["action", "actionOnEmptyResult", "finishOnKey", "input", "method", "numDigits", "timeout"]),
    ("Gather/Say", &["voice", "language", "loop"]),
    ("Gather/Play", &["loop"]),
    ("Gather/Pause", &["length"]),
    (
        "Record",
        &[
            "action",
            "finishOnKey",
            "maxLength",
            "method",
            "playBeep",
            "recordingStatusCallback",
            "timeout",
            "transcribe",
            "trim",
        ],
    ),
    (
        "Dial",
        &[
            "action",
            "answerOnBridge",
            "callerId",
            "hangupOnStar",
            "method",
            "record",
            "recordingStatusCallback",
            "recordingTrack",
            "ringTone",
            "sequential",
            "timeLimit",
            "timeout",
            "trim",
        ],
    ),
    ("Dial/Number", &["method", "sendDigits", "statusCallback", "url"]),
    ("Dial/Client", &["method", "statusCallback", "url"]),
    ("Dial/Client/Identity", &[]),
    ("Dial/Client/Parameter", &["name"]),
    ("Dial/Sip", &["method", "statusCallback", "url"]),
    ("Dial/Sip/Uri", &[]),
    ("Redirect", &["method"]),
    ("Reject", &["reason"]),
    ("Hangup", &[]),
    ("Echo", &[]),
];

/// What is carried out as well, and shows only beside other attributes.
const BESIDE_OTHERS: &[&str] = &[
    "password",
    "priority",
    "recordingStatusCallbackEvent",
    "recordingStatusCallbackMethod",
    "statusCallbackEvent",
    "statusCallbackMethod",
    "username",
    "weight",
];

/// Where they change what is read, and beside which.
const BESIDE: &[(&str, &str, &[&str])] = &[
    ("Record", "recordingStatusCallback", &["recordingStatusCallbackEvent", "recordingStatusCallbackMethod"]),
    ("Dial", "recordingStatusCallback", &["recordingStatusCallbackEvent", "recordingStatusCallbackMethod"]),
    ("Dial/Number", "statusCallback", &["statusCallbackEvent", "statusCallbackMethod"]),
    ("Dial/Client", "statusCallback", &["statusCallbackEvent", "statusCallbackMethod"]),
    ("Dial/Sip", "statusCallback", &["statusCallbackEvent", "statusCallbackMethod"]),
    ("Dial/Sip", "username", &["password"]),
    ("Dial/Sip", "password", &["username"]),
];

fn parse(sample: &Sample) -> Parsed {
    Document::parse(sample.xml.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{}", sample.xml))
}

/// Speech markup stands in a Say at any depth, and is read over.
fn is_markup(path: &str) -> bool {
    path.starts_with("Say/") || path.starts_with("Gather/Say/")
}

fn carried_out(path: &str) -> Option<&'static [&'static str]> {
    CARRIED_OUT.iter().find(|(known, _)| *known == path).map(|(_, attributes)| *attributes)
}

/// Nouns of a Dial that are for later: it is left without anybody.
fn is_noun_for_later(path: &str) -> bool {
    let noun = path.strip_prefix("Dial/").and_then(|path| path.split('/').next());
    noun.is_some_and(|noun| !["Number", "Client", "Sip"].contains(&noun))
}

/// The codes that a sample brings: none, or those of what is for later.
fn expected(sample: &Sample) -> Vec<u32> {
    let path = sample.path.as_str();
    let Some(attributes) = carried_out(path) else {
        return match path {
            _ if is_markup(path) => vec![],
            _ if is_noun_for_later(path) => vec![SCHEMA, NOBODY],
            _ => vec![SCHEMA],
        };
    };
    let is_later = match (path, sample.attribute.as_deref()) {
        (_, Some("username" | "password")) => return vec![CREDENTIALS],
        ("Gather/Play", Some("digits")) => return vec![NO_KEYS],
        ("Dial/Client/Parameter", attribute) => attribute != Some("name"),
        ("Gather", Some("input")) => sample.value.to_string().contains("speech"),
        ("Record", Some("transcribe")) => sample.value == true,
        (_, Some(name)) => !attributes.contains(&name) && !BESIDE_OTHERS.contains(&name),
        (_, None) => false,
    };
    if is_later { vec![SCHEMA] } else { vec![] }
}

/// Reads all that a library makes.
fn judge(samples: &[Sample], least: usize) {
    assert!(samples.len() >= least, "only {} documents", samples.len());
    let mut untouched: BTreeSet<(&str, &str)> = BTreeSet::new();
    let mut touched = BTreeSet::new();
    let mut bare: BTreeMap<&str, Document> = BTreeMap::new();
    judge_beside(samples);
    for sample in samples.iter().filter(|sample| sample.beside.is_none()) {
        let parsed = parse(sample);
        let codes: Vec<u32> = parsed.warnings.iter().map(|finding| finding.code).collect();
        match sample.attribute.as_deref() {
            Some("story") => {}
            Some("*") => {
                let known = |code: &u32| match *code {
                    NOBODY => is_noun_for_later(&sample.path),
                    NO_KEYS => sample.path == "Gather/Play",
                    code => code == SCHEMA,
                };
                assert!(codes.iter().all(known), "{:?}\n{}", parsed.warnings, sample.xml);
            }
            Some(_) => assert_eq!(codes, expected(sample), "{:?}\n{}", parsed.warnings, sample.xml),
            None => {
                assert_eq!(codes, expected(sample), "{:?}\n{}", parsed.warnings, sample.xml);
                bare.insert(&sample.path, parsed.document);
                continue;
            }
        }
        let Some((attributes, attribute)) = carried_out(&sample.path).zip(sample.attribute.as_deref()) else {
            continue;
        };
        if attributes.contains(&attribute) {
            let row = (sample.path.as_str(), attribute);
            let is_same = bare.get(row.0) == Some(&parsed.document);
            if is_same {
                untouched.insert(row)
            } else {
                touched.insert(row)
            };
        }
    }
    let idle: Vec<_> = untouched.difference(&touched).collect();
    assert!(idle.is_empty(), "these change nothing: {idle:?}");
    for (path, attributes) in CARRIED_OUT {
        assert!(bare.contains_key(path), "the library makes no {path}");
        for attribute in attributes.iter().filter(|attribute| **attribute != "transcribe") {
            assert!(touched.contains(&(*path, *attribute)), "the library makes no {attribute} of {path}");
        }
    }
}

/// Reads what shows only beside another attribute: it is accepted, and changes what that one says alone.
fn judge_beside(samples: &[Sample]) {
    for (path, companion, attributes) in BESIDE {
        let of = |attribute: &str, beside: Option<&str>| -> Vec<&Sample> {
            let is_it = |sample: &&Sample| {
                sample.path == *path
                    && sample.attribute.as_deref() == Some(attribute)
                    && sample.beside.as_deref() == beside
            };
            samples.iter().filter(is_it).collect()
        };
        let alone = parse(of(companion, None).first().expect("the library makes it alone")).document;
        for attribute in *attributes {
            let both = of(attribute, Some(companion));
            assert!(both.iter().all(|sample| parse(sample).warnings.is_empty()), "{path}: {attribute}");
            let changes = both.iter().any(|sample| parse(sample).document != alone);
            assert!(changes, "{path}: {attribute} changes nothing beside {companion}");
        }
    }
}

/// What the script of a call that stands at a document's first verb wants.
fn wanted(document: Document) -> String {
    let leg = LegId::from_bytes([1; 16]);
    let profile = Profile {
        leg,
        parent: None,
        account: "AC1".to_owned(),
        from: "+15551234567".to_owned(),
        to: "sip:100@example.com".to_owned(),
        direction: Direction::Inbound,
        clock: WallClock::default(),
        further: Vec::new(),
    };
    let mut run = ScriptRun::new(RunSpec {
        leg,
        call: CallId(leg),
        context: Context::Main,
        profile: Arc::new(profile),
        status: CallStatus::Ringing,
        recordings: "http://switch/Recordings/".into(),
        beginning: Beginning::Document { document, place: Place::Url("http://app/voice".to_owned()) },
        fallback: None,
        seed: [1; 16],
    });
    let mut turn = Turn::at(Moment::from_micros(0));
    run.handle(ScriptInput::Start, &mut turn);
    let effects = turn.effects.iter().map(|effect| format!("{effect:?}"));
    let letters = turn.letters.iter().map(|letter| format!("{:?}", letter.body));
    let all: Vec<String> = effects.chain(letters).collect();
    format!("{}, until {:?}", all.join(", "), run.next_deadline())
}

/// Runs what is carried out, with each attribute: the first verb is begun, and nothing is passed over.
fn run(samples: &[Sample]) {
    let is_run = |sample: &&Sample| {
        carried_out(&sample.path).is_some() && !matches!(sample.attribute.as_deref(), Some("*" | "story"))
    };
    let mut verbs = BTreeSet::new();
    for sample in samples.iter().filter(is_run) {
        let document = parse(sample).document;
        let verb = document.steps.first().expect("a verb").verb.clone();
        verbs.insert(verb.name());
        let wanted = wanted(document);
        let wants = |wish: &str| assert!(wanted.contains(wish), "{wish}: {wanted}\n{}", sample.xml);
        match verb {
            Verb::Say(_) => wants("Prepare { activity: 1, sound: Speech"),
            Verb::Play(Play { digits: Some(_), .. }) => wants("Keys { activity: 1"),
            Verb::Play(_) => wants("Prepare { activity: 1, sound: Url"),
            Verb::Pause(pause) => wants(&format!("until Some(Moment({}", pause.seconds)),
            Verb::Gather(gather) if gather.prompts.is_empty() => wants("Hush"),
            Verb::Gather(gather) if matches!(gather.prompts[0], Prompt::Pause(_)) => wants("Hush"),
            Verb::Gather(_) => wants("Prepare { activity: 1"),
            Verb::Record(record) if record.play_beep => wants("Prepare { activity: 1, sound: Beep"),
            Verb::Record(_) => wants("Tape { activity: 1"),
            Verb::Dial(_) => wants("Dial { activity: 1"),
            Verb::Redirect(_) => wants("Fetch(Fetch { number: 1"),
            Verb::Reject(_) => wants("Reject { busy"),
            Verb::Hangup => wants("Hangup"),
            Verb::Echo => wants("Echo"),
        }
    }
    let all = ["Dial", "Echo", "Gather", "Hangup", "Pause", "Play", "Record", "Redirect", "Reject", "Say"];
    assert_eq!(verbs.into_iter().collect::<Vec<_>>(), all);
}

#[test]
fn all_that_is_carried_out_is_run_as_the_libraries_make_it() {
    run(&PYTHON);
    run(&NODE);
}

#[test]
fn all_that_the_python_library_makes_is_read() {
    judge(&PYTHON, 1_500);
}

#[test]
fn all_that_the_node_library_makes_is_read() {
    judge(&NODE, 7_000);
}

#[test]
fn both_libraries_make_the_same_of_the_same() {
    let key = |sample: &Sample| {
        (sample.path.clone(), sample.attribute.clone(), sample.value.to_string(), sample.beside.clone())
    };
    let node: BTreeMap<_, _> = NODE.iter().map(|sample| (key(sample), sample)).collect();
    let mut compared = 0;
    for python in PYTHON.iter().filter(|sample| sample.attribute.as_deref() != Some("*")) {
        if let Some(node) = node.get(&key(python)) {
            compared += 1;
            assert_eq!(steps(python), steps(node), "{}\n{}", python.xml, node.xml);
        }
    }
    assert!(compared > 500, "only {compared} documents in common");
}

/// The verbs without their places, which differ where a library writes more blanks.
fn steps(sample: &Sample) -> Vec<Verb> {
    parse(sample).document.steps.into_iter().map(|step| step.verb).collect()
}

#[test]
fn a_story_in_several_verbs_is_read_word_by_word() {
    for samples in [&PYTHON, &NODE] {
        let story = samples.iter().find(|sample| sample.attribute.as_deref() == Some("story"));
        let story = story.expect("a story");
        assert_eq!(parse(story).warnings, [], "{}", story.xml);
        assert_eq!(steps(story), told());
    }
}

/// What the story says.
fn told() -> Vec<Verb> {
    let spoken = Say {
        text: "Für Deutsch <drücken> Sie die 1 & warten".into(),
        language: "de-DE".into(),
        voice: Some("Polly.Vicki".into()),
        loops: 2,
    };
    let played = Play { source: "https://example.com/a.wav?x=1&y=2".into(), loops: 1, digits: None };
    vec![
        Verb::Pause(Pause { seconds: 2 }),
        Verb::Play(Play { source: String::new(), loops: 1, digits: Some("ww12#".into()) }),
        Verb::Gather(Box::new(Gather {
            action: Some("/menu?a=1&b=2".into()),
            method: Method::Get,
            timeout: 7,
            finish_on_key: None,
            num_digits: Some(4),
            action_on_empty_result: false,
            listens: true,
            prompts: vec![Prompt::Say(spoken), Prompt::Pause(Pause { seconds: 1 }), Prompt::Play(played)],
        })),
        Verb::Record(Box::new(recorded())),
        Verb::Dial(Box::new(dialled())),
        Verb::Reject(Reject { busy: true }),
        Verb::Redirect(Redirect { url: "/again".into(), method: Method::Get }),
        Verb::Hangup,
    ]
}

fn recorded() -> Record {
    Record {
        action: Some(String::new()),
        method: Method::Post,
        timeout: None,
        finish_on_key: "#*".into(),
        max_length: 30,
        play_beep: false,
        recording: Recording {
            mode: Mode::RecordFromAnswer,
            trim: false,
            track: Track::Inbound,
            status_callback: Some("/recording".into()),
            status_callback_method: Method::Post,
            status_callback_event: vec![Stage::InProgress, Stage::Completed],
        },
    }
}

fn dialled() -> Dial {
    let number = Number {
        number: "+15551234567".into(),
        send_digits: Some("w1".into()),
        hooks: Hooks {
            url: Some("/screen".into()),
            method: Method::Post,
            status_callback: Some("/status".into()),
            status_callback_method: Method::Get,
            status_callback_event: vec![Progress::Initiated, Progress::Answered],
        },
    };
    let sip = Sip {
        uri: "sip:kate@example.com;transport=tcp".into(),
        secure: false,
        headers: vec![("X-Id".into(), "a b".into()), ("User-to-User".into(), "1".into())],
        username: Some("u".into()),
        password: Some("p".into()),
        hooks: Hooks::default(),
        alternatives: vec![],
    };
    let client = Client { identity: "alice".into(), parameters: vec![], hooks: Hooks::default() };
    Dial {
        nouns: vec![Noun::Number(number), Noun::Client(client), Noun::Sip(sip)],
        timeout: 20,
        time_limit: 14_400,
        hangup_on_star: true,
        caller_id: None,
        answer_on_bridge: false,
        ring_tone: None,
        sequential: true,
        action: Some("/after".into()),
        method: Method::Post,
        recording: Recording { mode: Mode::RecordFromRingingDual, ..Recording::default() },
    }
}
