//! What the tests of the verbs share: a document as it is read, and tables of attributes.
//! Must never judge: it compares with what a test wants.

use std::fmt::Debug;

use super::{Dial, Noun, Verb};
use crate::twiml::document::{Document, Parsed};

/// A row of an attribute's table: the attributes as given, what they change of an element that has none, and the codes
/// told.
pub(super) type Row<T> = (&'static str, fn(&mut T), &'static [u32]);

/// What is read of the body of a document, and the codes of its findings.
pub(super) fn read(body: &str) -> (Vec<Verb>, Vec<u32>) {
    let xml = format!("<Response>{body}</Response>");
    let Parsed { document, warnings } = Document::parse(xml.as_bytes()).expect("a document");
    let verbs = document.steps.into_iter().map(|step| step.verb).collect();
    (verbs, warnings.into_iter().map(|finding| finding.code).collect())
}

/// The one verb of a body.
pub(super) fn only(body: &str) -> (Verb, Vec<u32>) {
    let (mut verbs, codes) = read(body);
    assert_eq!(verbs.len(), 1, "one verb in {body}, with {codes:?}");
    (verbs.remove(0), codes)
}

/// The one Dial of a body.
pub(super) fn only_dial(body: &str) -> (Dial, Vec<u32>) {
    match only(body) {
        (Verb::Dial(dial), codes) => (*dial, codes),
        (verb, _) => panic!("a Dial is wanted, not {verb:?}"),
    }
}

/// The one noun of a body's Dial.
pub(super) fn only_noun(body: &str) -> (Noun, Vec<u32>) {
    let (mut dial, codes) = only_dial(body);
    assert_eq!(dial.nouns.len(), 1, "one noun in {body}, with {codes:?}");
    (dial.nouns.remove(0), codes)
}

/// The code for which a body is refused, which stands in its first line.
pub(super) fn refusal(body: &str) -> u32 {
    Document::parse(format!("<Response>{body}</Response>").as_bytes()).expect_err(body).code
}

/// Each row changes what is read of the element without attributes, `bare`, as it says.
pub(super) fn hold<T: Clone + Debug + PartialEq>(
    read: impl Fn(&str) -> (T, Vec<u32>),
    bare: T,
    rows: &[Row<T>],
) {
    assert_eq!(read(""), (bare.clone(), vec![]), "without attributes");
    for (given, change, codes) in rows {
        let mut wanted = bare.clone();
        change(&mut wanted);
        assert_eq!(read(given), (wanted, codes.to_vec()), "{given}");
    }
}
