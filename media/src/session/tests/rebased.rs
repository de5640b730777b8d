//! A session whose record was written under another boot of the host.

use super::*;
use crate::moment::{Mark, Shift, rebased};

#[test]
fn its_deadlines_are_as_far_ahead_as_they_were_less_what_has_passed() {
    let mut former = session(1, &plan(Source::Silence));
    // Nothing but the watch for silence and reports is due of a session that sends nothing.
    assert!(former.apply(&Plan { send: false, ..plan(Source::Silence) }, 1, at(0)));
    let then = Mark { boot: 'a', at: at(0), wall: 5_000_000_000 };
    let now = Mark { boot: 'b', at: Moment::from_micros(2_000_000), wall: 5_003_000_000 };
    let text = serde_json::to_string(&former).expect("text");
    let read = || serde_json::from_str::<Session>(&text).expect("what was written");
    let mut heir = rebased(Shift::between(&then, &now), read);
    let mut told = Vec::new();
    let mut out = [0; 2048];
    // Ten seconds of silence, of which three have passed.
    for second in 0..20 {
        let moment = now.at + Duration::from_secs(second);
        while heir.poll(moment, None, &mut out).is_some() {}
        told.extend(std::iter::from_fn(|| heir.poll_event()).map(|event| (second, event)));
    }
    told.retain(|(_, event)| matches!(event, Event::MediaTimeout { .. }));
    assert_eq!(told, [(7, Event::MediaTimeout { session: SessionId(1) })], "once");
    assert_eq!(serde_json::to_string(&read()).expect("text"), text, "and no other record is moved");
}
