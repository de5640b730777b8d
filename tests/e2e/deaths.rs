//! The switch is killed with calls up, and started again: whoever talks, rings, listens or types goes on.
//! It must never take a restart for a survival: the same dialogs and streams go on, or the story fails.

use std::time::Duration;

use crate::draining::records;
use crate::harness::{
    ACCOUNT, Application, Capture, Folder, Options, Phone, Sound, Switch, eventually, get, twiml,
};
use crate::phones::{ALICE, BOB};
use crate::webhooks::switch_asking;

const SECOND: Duration = Duration::from_secs(1);

/// SIGKILL, and up again.
fn die(switch: &Switch) {
    switch.crash();
    switch.launch();
}

/// The end of a story: nothing is left of any call, and the wire is judged.
fn finish(switch: Switch) -> Capture {
    let capture = switch.stop();
    capture.judge_after_death();
    capture
}

/// Two softphones that talk with each other.
fn talking(switch: &Switch) -> (Phone, Phone) {
    let (alice, bob) = (Phone::register(switch, "alice", ALICE), Phone::register(switch, "bob", BOB));
    alice.dial("bob");
    bob.talks(15 * SECOND);
    alice.talks(15 * SECOND);
    std::thread::sleep(2 * SECOND);
    (alice, bob)
}

#[test]
fn two_softphones_talk_on_when_the_switch_was_killed() {
    let switch = Switch::start();
    let (alice, bob) = talking(&switch);
    die(&switch);
    std::thread::sleep(5 * SECOND);
    let trace = switch.command(&["trace", "last"]);
    assert!(trace.contains("the switch was started again, and the call goes on"), "{trace}");
    bob.command("hangup", "");
    alice.is_hung_up(5 * SECOND);
    for (phone, tone) in [(alice, BOB), (bob, ALICE)] {
        let heard = phone.heard();
        assert!(heard.share_of(tone) > 0.95, "{}", heard.share_of(tone));
        assert!(heard.audible() > 6 * SECOND, "heard for {:?}", heard.audible());
    }
    // No dialog was begun anew for it.
    let capture = finish(switch);
    assert_eq!(capture.count("sip.Method == \"INVITE\" && !sip.to.tag && sip.auth"), 1);
}

#[test]
fn a_call_is_held_resumed_and_hung_up_after_the_switch_was_killed() {
    let switch = Switch::start();
    let (alice, bob) = talking(&switch);
    die(&switch);
    alice.command("hold", "");
    std::thread::sleep(2 * SECOND);
    die(&switch);
    alice.command("resume", "");
    std::thread::sleep(3 * SECOND);
    alice.command("hangup", "");
    bob.is_hung_up(5 * SECOND);
    let capture = finish(switch);
    let accepted = "sip.Status-Code == 200 && sip.CSeq.method == \"INVITE\"";
    let resumed = capture.rows(&format!("{} && {accepted}", capture.our_sip()), &["frame.number"]);
    let resumed = &resumed.last().expect("the switch accepted to resume")[0];
    for stream in capture.our_streams() {
        let after = format!("rtp && udp.srcport == {} && frame.number > {resumed}", stream.from);
        assert!(capture.count(&after) > 100, "nothing is sent after it: {stream:?}");
    }
}

#[test]
fn a_telephone_that_rings_rings_on_and_is_answered_after_the_switch_was_killed() {
    let switch = Switch::start();
    let bob = switch.telephone("bob").with("ring", 8000).registered();
    let answered = bob.waits("callee");
    let alice = switch.telephone("alice").with("talk", 2000);
    let calling = alice.dials("caller", "bob");
    eventually("it rings", 10 * SECOND, || switch.json(&["calls"]).to_string().contains("outgoing"));
    std::thread::sleep(SECOND);
    die(&switch);
    calling.succeeds();
    answered.succeeds();
    finish(switch);
}

#[test]
fn keys_of_a_gather_that_is_half_typed_are_kept_when_the_switch_is_killed() {
    let plan = Folder::new();
    let application = Application::start(|asked| match asked.path() {
        "/typed" => twiml("<Hangup/>"),
        _ => {
            twiml("<Gather numDigits=\"4\" timeout=\"20\" action=\"/typed\"><Pause length=\"60\"/></Gather>")
        }
    });
    let switch = switch_asking(&plan, &application);
    let alice = Phone::register(&switch, "alice", ALICE);
    alice.dial("400");
    alice.talks(10 * SECOND);
    std::thread::sleep(SECOND);
    alice.press('1');
    std::thread::sleep(SECOND);
    alice.press('2');
    std::thread::sleep(SECOND);
    die(&switch);
    alice.press('3');
    std::thread::sleep(SECOND);
    alice.press('4');
    alice.is_hung_up(10 * SECOND);
    let typed: Vec<_> =
        application.asked_at("/typed").iter().map(|asked| asked.parameter("Digits")).collect();
    assert_eq!(typed, [Some("1234".to_owned())]);
    assert_eq!(application.asked_at("/").len(), 1, "nothing is asked twice");
    finish(switch);
}

#[test]
fn a_prompt_goes_on_near_where_it_was_when_the_switch_was_killed() {
    let plan = Folder::new();
    let minute: String = (0..8).map(|n| format!("{} ", ["one", "two", "three", "four"][n % 4])).collect();
    let verbs = format!("<Say>{minute}</Say><Say>goodbye</Say>");
    let application = Application::start(move |_| twiml(&verbs));
    let switch = switch_asking(&plan, &application);
    let alice = Phone::register(&switch, "alice", ALICE);
    alice.dial("400");
    alice.talks(10 * SECOND);
    std::thread::sleep(2 * SECOND);
    die(&switch);
    alice.is_hung_up(20 * SECOND);
    let heard = alice.heard();
    let (_, likeness) = heard.find(&Sound::spoken("goodbye"));
    assert!(likeness > 0.85, "the script goes on to its end: {likeness:.2}");
    assert_eq!(application.asked_at("/").len(), 1, "nothing is asked twice");
    finish(switch);
}

#[test]
fn a_message_is_recorded_on_when_the_switch_was_killed_and_told_once() {
    let plan = Folder::new();
    let application = Application::start(|asked| match asked.path() {
        "/taken" => twiml("<Hangup/>"),
        _ => twiml("<Record playBeep=\"false\" trim=\"do-not-trim\" maxLength=\"9\" action=\"/taken\"/>"),
    });
    let switch = switch_asking(&plan, &application);
    let alice = Phone::register(&switch, "alice", ALICE);
    alice.dial("400");
    alice.talks(10 * SECOND);
    std::thread::sleep(3 * SECOND);
    die(&switch);
    alice.is_hung_up(20 * SECOND);
    let taken = application.asked_at("/taken");
    assert_eq!(taken.len(), 1);
    let url = taken[0].parameter("RecordingUrl").expect("it was recorded");
    let (head, wav) = get(&format!("{url}.wav"), Some(ACCOUNT)).expect("an answer");
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    let [message] = Sound::channels(&wav).try_into().expect("one channel");
    assert!(message.length().as_secs_f64() > 8.5, "it goes on: {:?}", message.length());
    assert!(message.audible() > 6 * SECOND, "of which {:?} were heard", message.audible());
    drop(alice);
    finish(switch);
}

#[test]
fn who_was_registered_is_called_without_registering_anew() {
    let switch = Switch::start();
    let bob = switch.telephone("bob").with("ring", 100).registered();
    die(&switch);
    let answered = bob.waits("callee");
    switch.telephone("alice").dials("caller", "bob").succeeds();
    answered.succeeds();
    finish(switch);
}

#[test]
fn fifty_calls_outlive_five_deaths_and_each_leg_has_one_record() {
    const CALLS: u32 = 50;
    let switch = Switch::with(&Options { media_ports: 600, alone: true, ..Options::default() });
    let bob = switch.telephone("bob").asked().with("ring", 50).registered().calls(CALLS, 25);
    let answered = bob.waits("callee");
    let alice = switch.telephone("alice").asked().with("talk", 20_000).calls(CALLS, 25);
    let calling = alice.dials("caller", "bob");
    std::thread::sleep(4 * SECOND);
    for _ in 0..5 {
        die(&switch);
        let calls = switch.json(&["calls"]);
        assert_eq!(calls.as_array().map(Vec::len), Some(2 * CALLS as usize), "both legs of each");
        std::thread::sleep(2 * SECOND);
    }
    calling.succeeds();
    answered.succeeds();
    let all = || records(&switch, "1000");
    eventually("each leg has a record", 10 * SECOND, || all().len() >= 2 * CALLS as usize);
    let records = all();
    assert_eq!(records.len(), 2 * CALLS as usize, "one, and no more");
    for record in &records {
        assert_eq!(record["status"], "completed", "{record}");
        let talked = record["billable_ms"].as_u64().unwrap_or_default();
        assert!((19_900..21_000).contains(&talked), "{record}");
    }
    drop(switch.stop());
}

#[test]
fn without_a_journal_a_call_does_not_outlive_the_process() {
    let more = "[journal]\nenabled = false\n".to_owned();
    let switch = Switch::with(&Options { more, ..Options::default() });
    let (alice, bob) = talking(&switch);
    die(&switch);
    let calls = switch.json(&["calls"]);
    assert_eq!(calls.as_array().map(Vec::len), Some(0), "{calls}");
    drop((alice, bob));
    drop(switch.stop());
}
