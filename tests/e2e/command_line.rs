//! The commands of an operator beside a running switch.
//! It must never test the wording, only that what matters is said.

use std::process::Command;
use std::time::Duration;

use crate::harness::{Options, Switch, binary, eventually, require};

#[test]
fn an_operator_sees_who_talks_and_afterwards_why_it_ended() {
    let switch = Switch::start();
    let bob = switch.telephone("bob").registered();
    let answered = bob.waits("callee");
    let talking = switch.telephone("alice").with("talk", 3000).dials("caller", "bob");
    eventually("the call is listed", Duration::from_secs(5), || switch.command(&["calls"]).contains("alice"));
    assert!(switch.json(&["calls"]).to_string().contains("CA"), "calls have their SIDs");
    talking.succeeds();
    answered.succeeds();
    let ladder = switch.command(&["trace", "last"]);
    for word in ["INVITE", "BYE"] {
        assert!(ladder.contains(word), "no {word} in the ladder:\n{ladder}");
    }
    assert!(!ladder.contains("correct-horse"), "a password in the trace");
    assert!(!switch.json(&["trace", "last"]).is_null());
    switch.finish();
}

#[test]
fn sipsak_finds_the_switch_alive() {
    let switch = Switch::start();
    let target = format!("sip:ping@{}", switch.address());
    let output = Command::new(require("sipsak")).args(["-vv", "-s", &target]).output().expect("sipsak runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    switch.finish();
}

#[test]
fn an_unknown_key_is_refused_at_the_start_with_the_nearest_valid_one() {
    let file = std::env::temp_dir().join(format!("trunkline-unknown-key-{}.toml", std::process::id()));
    std::fs::write(&file, "[sip]\nlisen = [\"127.0.0.1:5060\"]\n").expect("the temporary folder is writable");
    let output =
        Command::new(binary()).arg("serve").arg("--config").arg(&file).output().expect("the binary runs");
    std::fs::remove_file(&file).expect("it was written");
    let said =
        String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    assert!(!output.status.success());
    assert!(said.contains("lisen") && said.contains("listen"), "{said}");
}

#[test]
fn a_start_is_refused_over_users_that_nobody_can_be_and_the_passwords_are_not_repeated() {
    let folder = std::env::temp_dir().join(format!("trunkline-bad-users-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("the temporary folder is writable");
    let text = "account_sid = \"hunter2\"\nauth_token = \"\"\n[users]\nalice = \"\"\n";
    std::fs::write(folder.join("credentials.toml"), text).expect("written");
    let output =
        Command::new(binary()).arg("serve").arg("--data").arg(&folder).output().expect("the binary runs");
    std::fs::remove_dir_all(&folder).expect("it was made");
    let said =
        String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    assert!(!output.status.success());
    assert!(["account_sid", "auth_token", "users.alice"].iter().all(|key| said.contains(key)), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
}

#[test]
fn the_first_start_makes_passwords_and_a_second_one_keeps_them() {
    let switch = Switch::with(&Options { credentials: false, ..Options::default() });
    let first = switch.json(&["credentials"]);
    assert!(first.to_string().contains("alice"), "no user alice among the demo users");
    switch.restart();
    assert_eq!(switch.json(&["credentials"]), first);
    switch.finish();
}
