//! A switch that is changed, watched and interfered with while it serves calls.
//! It must never test the wording, only that what matters is said and done.

use std::path::PathBuf;
use std::time::Duration;

use crate::harness::{Options, Switch, eventually};

/// A dialplan that a story changes; gone with it.
struct Dialplan(PathBuf);

impl Dialplan {
    fn new(name: &str, leads_to: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("trunkline-{}-dialplan-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("the temporary folder is writable");
        let dialplan = Self(folder);
        dialplan.lead_300(leads_to);
        dialplan
    }

    /// 300 leads to this user from the next reload on.
    fn lead_300(&self, user: &str) {
        self.write("routes.toml", &format!("[[route]]\nnumber = \"300\"\nendpoint = \"{user}\"\n"));
    }

    fn write(&self, file: &str, text: &str) {
        std::fs::write(self.0.join(file), text).expect("the story's folder is writable");
    }

    fn switch(&self) -> Switch {
        Switch::with(&Options { dialplan: self.0.clone(), ..Options::default() })
    }
}

impl Drop for Dialplan {
    fn drop(&mut self) {
        // What is left behind harms nobody.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Legs that are answered.
fn legs_up(switch: &Switch) -> usize {
    let legs = switch.json(&["calls"]);
    legs.as_array().map_or(0, |legs| legs.iter().filter(|leg| leg["state"] == "up").count())
}

#[test]
fn a_reload_changes_where_a_number_leads_and_a_call_that_is_up_goes_on() {
    let dialplan = Dialplan::new("reload", "bob");
    let switch = dialplan.switch();
    let bob = switch.telephone("bob").registered();
    let answered_by_bob = bob.waits("callee");
    let first = switch.telephone("alice").with("talk", 5000).dials("caller", "300");
    eventually("the first call is up", Duration::from_secs(5), || legs_up(&switch) == 2);

    dialplan.lead_300("carol");
    let only_told = switch.command(&["reload", "--dry-run"]);
    let done = switch.command(&["reload"]);
    for told in [only_told, done] {
        assert!(told.contains("bob") && told.contains("carol") && told.contains("300"), "{told}");
    }
    let carol = switch.telephone("carol").registered();
    let answered_by_carol = carol.waits("callee");
    switch.telephone("alice").dials("caller", "300").succeeds();
    answered_by_carol.succeeds();
    assert_eq!(legs_up(&switch), 2, "the first call is cut off");
    first.succeeds();
    answered_by_bob.succeeds();
    switch.finish();
}

#[test]
fn files_that_are_wrong_or_need_a_restart_change_nothing() {
    let dialplan = Dialplan::new("broken", "bob");
    let switch = dialplan.switch();
    let config =
        std::fs::read_to_string(switch.folder().path().join("trunkline.toml")).expect("the harness's");

    switch.folder().write("trunkline.toml", format!("{config}\n[limits]\ncals = 1\nlegs = 0\n"));
    dialplan.write("routes.toml", "[[route]]\nnumber = \"300\"\nscript = \"gone.xml\"\n");
    let (code, said) = switch.refused(&["reload"]);
    assert_eq!(code, 1, "{said}");
    for fault in ["limits.cals", "limits.calls", "limits.legs", "gone.xml"] {
        assert!(said.contains(fault), "{fault} is not named:\n{said}");
    }
    dialplan.lead_300("carol");
    let moved = config.replace("127.0.0.1:", "127.0.0.2:");
    switch.folder().write("trunkline.toml", &moved);
    let (code, said) = switch.refused(&["reload"]);
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("sip.listen"), "{said}");

    let bob = switch.telephone("bob").registered();
    let answered = bob.waits("callee");
    switch.telephone("alice").dials("caller", "300").succeeds();
    answered.succeeds();
    switch.finish();
}

#[test]
fn a_user_who_is_taken_out_is_no_user_any_more() {
    let dialplan = Dialplan::new("users", "bob");
    let switch = dialplan.switch();
    switch.telephone("bob").registered();
    assert!(switch.command(&["registrations", "--user", "bob"]).contains("bob"));
    let file = switch.folder().path().join("data/credentials.toml");
    let users = std::fs::read_to_string(&file).expect("the harness's");
    let without: String =
        users.lines().filter(|line| !line.starts_with("bob")).map(|line| format!("{line}\n")).collect();
    std::fs::write(&file, without).expect("the data folder is writable");
    switch.command(&["reload"]);
    assert!(!switch.command(&["registrations"]).contains("bob"), "the telephone stays registered");
    switch.telephone("alice").with("status", 404).dials("caller-refused", "bob").succeeds();
    switch.finish();
}

#[test]
fn a_call_is_looked_at_and_ended_by_hand() {
    let switch = Switch::start();
    let bob = switch.telephone("bob").registered();
    let answered = bob.waits("callee");
    let talking = switch.telephone("alice").dials("caller-hung-up-on", "bob");
    eventually("the call is up", Duration::from_secs(5), || legs_up(&switch) == 2);
    let shown = switch.command(&["call", "last"]);
    assert!(shown.contains("PCMU") && shown.contains("joined with"), "{shown}");
    let sheet = switch.json(&["call", "last"]);
    assert_eq!(sheet["legs"].as_array().map(Vec::len), Some(2), "{sheet}");
    assert_eq!(switch.command(&["calls", "--longer-than", "1h"]).trim(), "no calls");
    let look = switch.command(&["top", "--once"]);
    assert!(look.contains("1 of") && look.contains("alice"), "{look}");

    let sid = sheet["call"].as_str().expect("it has a SID").to_owned();
    switch.command(&["hangup", &sid, "--call"]);
    talking.succeeds();
    answered.succeeds();
    eventually("the call is over", Duration::from_secs(5), || {
        switch.command(&["call", &sid]).contains("hung up")
    });
    let (code, said) = switch.refused(&["hangup", "CAabababababababababababababababab"]);
    assert!(code == 1 && said.contains("no such call"), "{said}");
    switch.finish();
}

#[test]
fn whoever_follows_sees_each_event_when_it_comes() {
    let switch = Switch::start();
    let bob = switch.telephone("bob").registered();
    let answered = bob.waits("callee");
    let all = switch.begin(&["trace", "all", "--follow"]);
    let talking = switch.telephone("alice").with("talk", 3000).dials("caller", "bob");
    eventually("the answer is told", Duration::from_secs(5), || all.log().contains("bob answers"));
    assert!(!all.log().contains("BYE"), "it is told before it happens");
    let mut one = switch.begin(&["trace", "last", "--follow", "--json"]);
    talking.succeeds();
    answered.succeeds();
    let status = one.wait(Duration::from_secs(10));
    assert!(status.success(), "it does not end with the call: {status}");
    let told: Vec<serde_json::Value> =
        one.log().lines().map(|line| serde_json::from_str(line).expect("an object a line")).collect();
    let events: Vec<&str> = told.iter().filter_map(|told| told["event"].as_str()).collect();
    for event in ["invited", "answered", "bridged", "ended", "quality"] {
        assert!(events.contains(&event), "no {event} in {events:?}");
    }
    let text = all.log();
    for words in ["alice → INVITE", "alice and bob are joined", "BYE"] {
        assert!(text.contains(words), "no `{words}` in\n{text}");
    }
    drop(all);
    switch.finish();
}
