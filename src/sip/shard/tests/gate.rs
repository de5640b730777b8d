//! The gate, from outside: what a phone and what a guesser get.

use super::*;
use crate::sip::auth::digest::{Algorithm, Question};

const WALL: u64 = 1_700_000_000;

fn password_of(user: &str) -> Option<String> {
    (user == "alice").then(|| "wonderland".to_owned())
}

/// A REGISTER with the credentials that this user and password make of the challenge.
fn answered(challenge: &Message, user: &str, password: &str, count: u32) -> Request {
    let challenge = header(challenge, HeaderName::WwwAuthenticate).expect("a challenge");
    let param = |name: &str| {
        let value = challenge.split_once(&format!("{name}=")).expect(name).1;
        value.split(',').next().expect("a value").trim_matches('"').to_owned()
    };
    let (realm, nonce, counted) = (param("realm"), param("nonce"), format!("{count:08x}"));
    let algorithm = Algorithm::named(Some(&param("algorithm"))).expect("one of ours");
    let uri = "sip:192.0.2.1";
    let counted = Some((counted.as_str(), "0a4f113b"));
    let question =
        Question { algorithm, user, realm: &realm, method: "REGISTER", uri, nonce: &nonce, counted };
    let response = question.answer(password);
    let (nc, cnonce) = counted.expect("a count");
    let value = format!(
        "Authorization: Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", \
         response=\"{response}\", algorithm={algorithm}, qop=auth, nc={nc}, cnonce=\"{cnonce}\""
    );
    request("REGISTER", uri, "two", &[&value])
}

struct Door(Gate);

impl Door {
    fn new() -> Self {
        Self(Gate::new("house", [7; 32], std::time::Duration::from_secs(300)))
    }

    fn pass(&mut self, request: &Request, now: Moment) -> Passage {
        self.0.pass(request, &flow(), password_of, now, WALL)
    }

    fn challenge(&mut self) -> Message {
        match self.pass(&request("REGISTER", "sip:192.0.2.1", "one", &[]), at(0)) {
            Passage::Answer(response) => (*response).into(),
            other => panic!("a challenge is wanted: {other:?}"),
        }
    }
}

fn outcome(passage: Passage) -> String {
    match passage {
        Passage::User(user) => user,
        Passage::Answer(response) => response.status().code().to_string(),
        Passage::Silence => "silence".to_owned(),
    }
}

#[test]
fn a_user_who_answers_the_challenge_passes_and_no_answer_counts_twice() {
    let mut door = Door::new();
    let challenge = door.challenge();
    assert_eq!(outcome(door.pass(&answered(&challenge, "alice", "wonderland", 1), at(0))), "alice");
    assert_eq!(
        outcome(door.pass(&answered(&challenge, "alice", "wonderland", 1), at(1))),
        "401",
        "overheard"
    );
    assert_eq!(outcome(door.pass(&answered(&challenge, "alice", "wonderland", 2), at(2))), "alice");
}

#[test]
fn a_wrong_password_and_a_wrong_name_get_the_same_answer() {
    let mut door = Door::new();
    let challenge = door.challenge();
    let mut told = Vec::new();
    for (user, password) in [("alice", "looking-glass"), ("nobody", "wonderland")] {
        match door.pass(&answered(&challenge, user, password, 1), at(0)) {
            Passage::Answer(response) => told.push(response.to_bytes()),
            other => panic!("{user}: {other:?}"),
        }
    }
    assert_eq!(told[0], told[1]);
}

#[test]
fn guessing_is_slowed_down_and_then_ignored_even_when_the_guess_is_right() {
    let mut door = Door::new();
    let challenge = door.challenge();
    let mut story = Vec::new();
    for guess in 0..40_u32 {
        // Patient guessers, a minute apart.
        let now = at(u64::from(guess) * 61_000);
        story.push(outcome(door.pass(&answered(&challenge, "alice", "guess", guess + 1), now)));
    }
    assert_eq!(story.first().map(String::as_str), Some("401"));
    assert_eq!(story.last().map(String::as_str), Some("silence"));
    let now = at(40 * 61_000);
    assert_eq!(outcome(door.pass(&answered(&challenge, "alice", "wonderland", 50), now)), "silence");

    let mut door = Door::new();
    let hasty: Vec<String> = (0..10)
        .map(|guess| outcome(door.pass(&answered(&challenge, "alice", "guess", guess + 1), at(0))))
        .collect();
    assert!(hasty.contains(&"403".to_owned()), "without a look at the credentials: {hasty:?}");
}
