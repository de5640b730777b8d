//! Transfers to numbers behind which scripts are.

use super::delegating::wished;
use super::transfer::{caller_abroad, refer, word};
use super::*;
use crate::call::script::{Hook, Place};

const ONE: &str = "<Dial><Client>alice</Client></Dial>";

/// The target at this place is found to be a script.
fn scripted(bench: &mut Bench, at: usize) -> Vec<String> {
    let leg = bench.children[at - 1];
    bench.step(|call, turn| {
        let hook = Hook { place: Place::File("menu.xml".to_owned()), method: Default::default() };
        call.handle(CallInput::Scripted { leg, hook, fallback: None }, turn);
    })
}

fn talking() -> Bench {
    let mut bench = Bench::new();
    bench.dial(ONE);
    bench.callee(1, answered());
    bench
}

#[test]
fn a_caller_who_is_transferred_to_a_script_goes_on_with_it() {
    let mut bench = talking();
    bench.callee(1, refer());
    let words = scripted(&mut bench, 2);
    assert_eq!(words[..3], ["script: on to menu.xml", "1: referred { status: 200 }", "1: hang up, HungUp"]);
    assert_eq!(words[3..], ["caller: hear Silence", "script: 1 Completed"]);
    assert_eq!(scripted(&mut bench, 2), [""; 0], "told twice");
    assert_eq!(bench.callee(1, ended(Cause::HungUp)), [""; 0]);
    assert!(!bench.call.wants(bench.children[1]), "nobody is called");
    bench.dial(ONE);
    assert_eq!(bench.callee(3, answered())[..2], ["caller: hear 3", "3: hear caller"], "it may dial again");
    bench.caller(ended(Cause::HungUp));
    bench.callee(3, ended(Cause::HungUp));
    assert!(bench.is_finished());
}

#[test]
fn a_callee_that_hangs_up_at_once_has_transferred_the_caller_to_a_script_all_the_same() {
    let mut bench = talking();
    bench.callee(1, refer());
    bench.callee(1, ended(Cause::HungUp));
    let words = scripted(&mut bench, 2);
    assert_eq!(words, ["script: on to menu.xml", "caller: hear Silence", "script: 1 Completed"]);
}

#[test]
fn a_callee_has_no_script_that_could_go_on() {
    let mut bench = talking();
    bench.caller(refer());
    let words = scripted(&mut bench, 2);
    assert_eq!(words, ["caller: referred { status: 603 }", "caller: hear 1", "1: hear caller"]);
    assert_eq!(bench.caller(refer())[0], "dial sip:carol@example.com", "it may try again");
}

#[test]
fn a_foreign_party_transfers_a_caller_to_a_script() {
    let mut bench = caller_abroad();
    word(&mut bench, &wished(PARENT, 7, refer()));
    let words = scripted(&mut bench, 2);
    assert_eq!(words[..2], ["other: referred foreign 200", "script: on to menu.xml"]);
    assert_eq!(words[2..], ["caller: hear Silence", "script: 1 Completed"]);
}
