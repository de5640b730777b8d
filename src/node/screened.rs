//! The documents of a dialplan that callees hear before they are joined, found by following who names whom. Pure.
//! It must never run anything, nor follow what is not a file of the dialplan.

use std::collections::{BTreeSet, HashMap};

use crate::call::script::Place;
use crate::twiml::document::{Context, Document};
use crate::twiml::finding::{Finding, code};
use crate::twiml::verb::Verb;

/// What these documents do that a callee who is not joined yet cannot be made to do, by their names.
pub(super) fn findings(files: &HashMap<String, Vec<u8>>) -> Vec<(String, Finding)> {
    let read = |name: &str, context| files.get(name).map(|xml| Document::parse_in(xml, context));
    let mut waiting: Vec<String> = Vec::new();
    for name in files.keys() {
        let Some(Ok(parsed)) = read(name, Context::Main) else { continue };
        waiting.extend(named(name, &parsed.document, asked_at));
    }
    let (mut seen, mut all) = (BTreeSet::new(), Vec::new());
    while let Some(name) = waiting.pop() {
        if !seen.insert(name.clone()) {
            continue;
        }
        match read(&name, Context::Screening) {
            Some(Ok(parsed)) => waiting.extend(named(&name, &parsed.document, leads_to)),
            Some(Err(error)) if error.code == code::NOT_SCREENING => all.push((name, error.into())),
            // What is wrong with it wherever it runs is told anyway; what is not there may be served by somebody else.
            Some(Err(_)) | None => {}
        }
    }
    all
}

/// The files that a document names in this way.
fn named(name: &str, document: &Document, references: fn(&Verb) -> Vec<String>) -> Vec<String> {
    let place = Place::File(name.to_owned());
    let referred = document.steps.iter().flat_map(|step| references(&step.verb));
    let files = referred.filter_map(|reference| match place.refer(&reference, None).ok()?.place {
        Place::File(file) => Some(file),
        Place::Url(_) | Place::Made => None,
    });
    files.collect()
}

/// Where callees are asked by what.
fn asked_at(verb: &Verb) -> Vec<String> {
    let Verb::Dial(dial) = verb else { return Vec::new() };
    dial.nouns.iter().filter_map(|noun| noun.hooks().url.clone()).collect()
}

/// Where a callee that is asked is led to.
fn leads_to(verb: &Verb) -> Vec<String> {
    match verb {
        Verb::Gather(gather) => gather.action.iter().cloned().collect(),
        Verb::Redirect(redirect) => vec![redirect.url.clone()],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_callee_cannot_be_made_to_do_is_found_wherever_its_question_leads() {
        let document = |verbs: &str| format!("<Response>{verbs}</Response>").into_bytes();
        let files: HashMap<String, Vec<u8>> = [
            ("menu.xml", document("<Dial><Client url='ask/first.xml'>alice</Client></Dial>")),
            ("ask/first.xml", document("<Gather action='next.xml'/><Redirect>/record.xml</Redirect>")),
            ("ask/next.xml", document("<Redirect>first.xml</Redirect><Dial>101</Dial>")),
            ("record.xml", document("<Record/>")),
            ("other.xml", document("<Dial>101</Dial><Redirect>http://h/x</Redirect>")),
            ("broken.xml", b"<Response>".to_vec()),
        ]
        .map(|(name, xml)| (name.to_owned(), xml))
        .into();
        let mut found: Vec<_> =
            findings(&files).into_iter().map(|(name, finding)| (name, finding.code)).collect();
        found.sort();
        assert_eq!(found, [("ask/next.xml".to_owned(), 13_201), ("record.xml".to_owned(), 13_201)]);
    }
}
