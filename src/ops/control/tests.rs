//! Questions and answers over a real socket, and what must not come through.
//! Nothing here must wait for a time limit of more than a second.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, thread};

use super::client::ask_within;
use super::*;
use trunkline_media::moment::Moment;

use crate::ids::{CallId, LegId};
use crate::ops::events::{Entry, Event};

/// A data folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("trunkline-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).expect("a folder for the test");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).expect("the test's own folder");
    }
}

/// Serves while `story` runs.
fn while_served<T>(
    folder: &Path,
    answer: impl Fn(Question) -> Asked + Send + Sync + 'static,
    story: impl FnOnce() -> T,
) -> T {
    let socket = ControlSocket::open(folder).expect("the only switch");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (told, end) = tokio::sync::oneshot::channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    ended = serve(socket, answer) => panic!("it serves for ever, but {ended:?}"),
                    _ = end => {}
                }
            });
        });
        let outcome = story();
        drop(told);
        outcome
    })
}

fn busy(question: Question) -> Asked {
    Box::pin(async move {
        let answer = match question {
            Question::Census => Answer::Census(Census { legs: 2, calls: 1, ..Census::default() }),
            Question::Stop => Answer::Done,
            Question::Calls => panic!("a bug in an answer"),
            Question::Follow { call } => {
                let (way, answers) = tokio::sync::mpsc::channel(4);
                for _ in 0..2 {
                    way.send(Answer::Missed { events: 7 }).await.expect("it is read");
                }
                match call {
                    Some(_) => way.send(Answer::Done).await.expect("it is read"),
                    // Nothing more happens, and nothing ends.
                    None => drop(tokio::spawn(async move { way.closed().await })),
                }
                return Reply::Many(answers);
            }
            _ => Answer::Error { message: "there was no call yet".to_owned() },
        };
        answer.into()
    })
}

fn say(folder: &Path, bytes: &[u8]) -> Vec<String> {
    let mut stream = UnixStream::connect(folder.join(SOCKET)).expect("somebody listens");
    stream.write_all(bytes).expect("it reads");
    stream.shutdown(std::net::Shutdown::Write).expect("open until now");
    BufReader::new(stream).lines().map_while(Result::ok).collect()
}

#[test]
fn a_question_is_answered_and_a_refusal_is_an_error_in_its_own_words() {
    let folder = Folder::new("answer");
    while_served(&folder.0, busy, || {
        let census = ask(&folder.0, &Question::Census);
        assert!(matches!(census, Ok(Answer::Census(Census { legs: 2, calls: 1, .. }))), "{census:?}");
        assert!(matches!(ask(&folder.0, &Question::Stop), Ok(Answer::Done)));
        let refused = ask(&folder.0, &Question::Trace { call: None }).expect_err("there is none");
        assert_eq!(refused.to_string(), "there was no call yet");
    });
}

#[test]
fn one_connection_carries_many_questions_and_a_senseless_one_does_no_harm() {
    let folder = Folder::new("many");
    while_served(&folder.0, busy, || {
        let lines = b"{\"question\":\"stop\"}\n\xff{{\n{\"question\":\"dance\"}\n{\"question\":\"stop\"}\n";
        let answers = say(&folder.0, lines);
        assert_eq!(answers.len(), 4, "{answers:?}");
        assert_eq!((&*answers[0], &*answers[3]), ("{\"answer\":\"done\"}", "{\"answer\":\"done\"}"));
        assert!(answers[1].contains("not understood") && answers[2].contains("dance"), "{answers:?}");
    });
}

#[test]
fn an_endless_question_is_cut_off_and_an_answer_that_panics_costs_one_connection() {
    let folder = Folder::new("bounds");
    while_served(&folder.0, busy, || {
        let mut stream = UnixStream::connect(folder.0.join(SOCKET)).expect("somebody listens");
        stream.write_all(&[b' '; 64 << 10]).expect("it reads so much");
        let mut answers = BufReader::new(stream).lines().map_while(Result::ok);
        assert!(answers.next().is_some_and(|answer| answer.contains("no line")));
        assert_eq!(answers.next(), None);

        let hung_up = ask(&folder.0, &Question::Calls).expect_err("no answer came");
        assert!(matches!(hung_up, ControlError::HungUp(_)), "{hung_up}");
        assert!(matches!(ask(&folder.0, &Question::Stop), Ok(Answer::Done)));
    });
}

#[test]
fn answers_to_a_follower_come_until_the_end_or_until_it_has_seen_enough() {
    let folder = Folder::new("follow");
    while_served(&folder.0, busy, || {
        let of_one = Question::Follow { call: Some(LegId::from_bytes([1; 16])) };
        let mut seen = Vec::new();
        let ended = follow(&folder.0, &of_one, |answer| {
            seen.push(answer);
            true
        });
        assert!(ended.is_ok(), "{ended:?}");
        assert!(
            matches!(&*seen, [Answer::Missed { .. }, Answer::Missed { events: 7 }, Answer::Done]),
            "{seen:?}"
        );
        let mut count = 0;
        let enough = follow(&folder.0, &Question::Follow { call: None }, |_| {
            count += 1;
            count < 2
        });
        assert!(enough.is_ok() && count == 2, "{enough:?}");
    });
}

#[test]
fn followers_leave_room_for_questions() {
    let folder = Folder::new("followers");
    while_served(&folder.0, busy, || {
        let line = b"{\"question\":\"follow\"}\n";
        let follow = || {
            let mut stream = UnixStream::connect(folder.0.join(SOCKET)).expect("somebody listens");
            stream.write_all(line).expect("it reads");
            let mut first = String::new();
            BufReader::new(stream.try_clone().expect("a descriptor")).read_line(&mut first).expect("a line");
            (stream, first)
        };
        let following: Vec<_> = (0..8).map(|_| follow()).collect();
        assert!(following.iter().all(|(_, first)| first.contains("missed")), "{following:?}");
        assert!(follow().1.contains("too many follow already"));
        assert!(matches!(ask(&folder.0, &Question::Stop), Ok(Answer::Done)));
        drop(following);
    });
}

#[test]
fn the_socket_is_for_its_owner_alone_and_goes_with_the_switch() {
    let folder = Folder::new("mode");
    let path = folder.0.join(SOCKET);
    let socket = ControlSocket::open(&folder.0).expect("the only switch");
    assert_eq!(fs::metadata(&path).expect("it is there").permissions().mode() & 0o777, 0o600);
    fs::remove_file(&path).expect("it is there");
    let lost = ask(&folder.0, &Question::Census).expect_err("nobody listens").to_string();
    assert!(lost.contains("a switch runs") && lost.contains("control.sock was removed"), "{lost}");
    drop(socket);
    assert!(!path.exists());
    let nobody = ask(&folder.0, &Question::Census).expect_err("nobody listens");
    assert_eq!(nobody.to_string(), format!("no switch is running with data folder {}", folder.0.display()));
}

#[test]
fn a_second_switch_is_refused_by_the_lock_or_by_whoever_answers() {
    let folder = Folder::new("second");
    let first = ControlSocket::open(&folder.0).expect("the only switch");
    let refused = ControlSocket::open(&folder.0).expect_err("the first one runs");
    assert_eq!(
        refused.to_string(),
        format!("another switch is running with data folder {}", folder.0.display())
    );
    drop(first);
    let _stranger = UnixListener::bind(folder.0.join(SOCKET)).expect("the path is free again");
    assert!(matches!(ControlSocket::open(&folder.0), Err(ControlError::Running(_))));
}

#[test]
fn what_a_killed_switch_left_behind_is_replaced() {
    let folder = Folder::new("stale");
    drop(UnixListener::bind(folder.0.join(SOCKET)).expect("a listener whose file stays"));
    fs::create_dir(folder.0.join(".ctl")).expect("half a start");
    fs::write(folder.0.join(".ctl/s"), "").expect("half a start");
    while_served(&folder.0, busy, || {
        assert!(matches!(ask(&folder.0, &Question::Stop), Ok(Answer::Done)));
    });
}

#[test]
fn a_switch_that_hangs_is_given_up_even_while_bytes_drip() {
    let folder = Folder::new("drip");
    let listener = UnixListener::bind(folder.0.join(SOCKET)).expect("a free path");
    let dripping = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("somebody asks");
        while stream.write_all(b" ").is_ok() {
            thread::yield_now();
        }
    });
    let patience = Duration::from_millis(50);
    let late = ask_within(&folder.0, &Question::Census, patience).expect_err("no line comes");
    assert!(matches!(late, ControlError::Deadline(..)), "{late}");
    dripping.join().expect("it ends with the connection");
}

#[test]
fn a_path_that_fits_no_socket_is_named() {
    let deep = PathBuf::from("/tmp").join("x".repeat(120));
    let long = ask(&deep, &Question::Census).expect_err("107 bytes is all");
    assert!(long.to_string().contains("choose a shorter data folder"), "{long}");
}

#[test]
fn an_event_that_is_told_reads_back_whatever_it_says() {
    let leg = LegId::from_bytes([0xab; 16]);
    let event = Event::Sent {
        message: "INVITE".to_owned(),
        cseq: "1 INVITE".to_owned(),
        peer: ([192, 0, 2, 1], 5060).into(),
    };
    let entry = Entry { leg, at: Moment::from_micros(7), event };
    let told = Told { call: CallId(leg), far_end: "sip:alice@x".to_owned(), entry };
    let text = serde_json::to_string(&told).expect("plain data");
    assert_eq!(serde_json::from_str::<Told>(&text).expect("as written"), told);
}

#[test]
fn questions_look_as_documented() {
    let leg = LegId::from_bytes([0xab; 16]);
    let asked = Question::SipTrace { on: true, peer: Some([192, 0, 2, 1].into()), call: Some(leg) };
    let text = serde_json::to_string(&asked).expect("plain data");
    assert_eq!(
        text,
        "{\"question\":\"sip-trace\",\"on\":true,\"peer\":\"192.0.2.1\",\"call\":\"CAabababababababababababababababab\"}"
    );
    assert_eq!(serde_json::from_str::<Question>(&text).expect("as printed"), asked);
    let last: Question = serde_json::from_str("{\"question\":\"trace\"}").expect("the leg may be left out");
    assert_eq!(last, Question::Trace { call: None });
}
