use super::*;
use crate::twiml::verb::Verb;
use crate::twiml::verb::rows::{hold, only};

fn rejected(body: &str) -> (Reject, Vec<u32>) {
    match only(body) {
        (Verb::Reject(reject), codes) => (reject, codes),
        (verb, _) => panic!("a Reject is wanted, not {verb:?}"),
    }
}

#[test]
fn each_attribute_has_its_default_and_its_code() {
    hold(
        |given| rejected(&format!("<Reject {given}/>")),
        Reject { busy: false },
        &[
            ("reason='rejected'", |_| {}, &[]),
            ("reason='busy'", |reject| reject.busy = true, &[]),
            ("reason=' BUSY '", |reject| reject.busy = true, &[]),
            ("reason='tired'", |_| {}, &[13_810]),
            ("cause='busy'", |_| {}, &[12_200]),
        ],
    );
}

#[test]
fn parameters_wait_for_applications_and_nothing_else_stands_inside() {
    let body = "<Reject reason='busy'>text<Parameter name='a' value='b'/><Say>x</Say></Reject>";
    assert_eq!(rejected(body), (Reject { busy: true }, vec![12_200; 3]));
}
