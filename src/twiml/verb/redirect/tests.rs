use super::*;
use crate::twiml::verb::Verb;
use crate::twiml::verb::rows::{hold, only, refusal};

fn redirected(body: &str) -> (Redirect, Vec<u32>) {
    match only(body) {
        (Verb::Redirect(redirect), codes) => (redirect, codes),
        (verb, _) => panic!("a Redirect is wanted, not {verb:?}"),
    }
}

#[test]
fn each_attribute_has_its_default_and_its_code() {
    hold(
        |given| redirected(&format!("<Redirect {given}>/next</Redirect>")),
        Redirect { url: "/next".into(), method: Method::Post },
        &[
            ("method='POST'", |_| {}, &[]),
            ("method='Get'", |redirect| redirect.method = Method::Get, &[]),
            ("method='DELETE'", |_| {}, &[13_710]),
            ("action='/other'", |_| {}, &[12_200]),
        ],
    );
}

#[test]
fn a_url_is_taken_as_it_stands_and_none_means_this_document() {
    for (body, url) in [
        (
            "<Redirect>\n  https://example.com/a?b=1&amp;c=2#rc=3\n</Redirect>",
            "https://example.com/a?b=1&c=2#rc=3",
        ),
        ("<Redirect>www.example.com</Redirect>", "www.example.com"),
        ("<Redirect> </Redirect>", ""),
        ("<Redirect/>", ""),
    ] {
        assert_eq!(redirected(body), (Redirect { url: url.into(), method: Method::Post }, vec![]), "{body}");
    }
    assert_eq!(redirected("<Redirect>/a<Say>x</Say></Redirect>").1, [12_200], "nothing nests");
    assert_eq!(refusal("<Redirect>/a&#10;/b</Redirect>"), 11_100);
}
