//! What the documents of a dialplan refer to and is not there: other documents, sounds, users. Pure.
//! It must never look at what depends on keys, nor at anything outside the dialplan.

use std::collections::HashMap;

use crate::call::script::{Place, Sound};
use crate::twiml::document::{Document, Step};
use crate::twiml::finding::{Finding, code};
use crate::twiml::verb::{Gather, Hooks, Noun, Prompt, Verb};
use crate::webhook;

/// What there is to refer to.
pub(super) struct There<'t> {
    /// The documents, by their path in the dialplan.
    pub files: &'t HashMap<String, Vec<u8>>,
    /// Whether there is such a sound in the dialplan.
    pub is_sound: &'t dyn Fn(&str) -> bool,
    /// Whether somebody is a user; everybody is while the users are not known.
    pub is_user: &'t dyn Fn(&str) -> bool,
}

impl There<'_> {
    /// Every reference that leads nowhere, by the document that makes it.
    pub fn missed(&self) -> Vec<(String, Finding)> {
        let mut all = Vec::new();
        for (name, xml) in self.files {
            // What cannot be read is told as such.
            let Ok(parsed) = Document::parse(xml) else { continue };
            let place = Place::File(name.clone());
            let missed = parsed.document.steps.iter().flat_map(|step| self.in_step(&place, step));
            all.extend(missed.map(|finding| (name.clone(), finding)));
        }
        all
    }

    /// Whether what a route names is there.
    pub fn has_fallback(&self, fallback: &str) -> bool {
        Place::read(fallback).is_ok_and(|place| self.has_document(&place))
    }

    /// A URL always may be.
    fn has_document(&self, place: &Place) -> bool {
        match place {
            Place::File(file) => self.files.contains_key(file),
            Place::Url(_) | Place::Made => true,
        }
    }

    fn in_step(&self, place: &Place, step: &Step) -> Vec<Finding> {
        let mut missed = Vec::new();
        let documents = documents(&step.verb).into_iter().filter(|reference| !depends(reference));
        for reference in documents {
            let referred = place.refer(reference, None);
            if referred.is_ok_and(|referred| !self.has_document(&referred.place)) {
                let what = format!("{reference} is no document of the dialplan");
                missed.push((webhook::code::RETRIEVAL, what));
            }
        }
        for source in sounds(&step.verb).into_iter().filter(|source| !depends(source)) {
            if matches!(place.sound(source), Ok(Sound::File(file)) if !(self.is_sound)(&file)) {
                missed.push((code::SKIPPED, format!("{source} is no file of the dialplan")));
            }
        }
        for user in users(&step.verb).into_iter().filter(|user| !depends(user) && !(self.is_user)(user)) {
            missed.push((code::SKIPPED, format!("{user} is no user")));
        }
        let (line, column, verb) = (step.line, step.column, step.verb.name());
        let finding = |(code, what)| Finding { line, column, code, message: format!("<{verb}>: {what}") };
        missed.into_iter().map(finding).collect()
    }
}

/// Whether it is known only when the script runs.
fn depends(reference: &str) -> bool {
    reference.contains('{')
}

fn documents(verb: &Verb) -> Vec<&str> {
    let optional = match verb {
        Verb::Gather(gather) => vec![&gather.action],
        Verb::Record(record) => vec![&record.action],
        Verb::Redirect(redirect) => return vec![&redirect.url],
        Verb::Dial(dial) => {
            let asked = dial.nouns.iter().map(|noun| &hooks(noun).url);
            asked.chain([&dial.action]).collect()
        }
        _ => Vec::new(),
    };
    optional.into_iter().flatten().map(String::as_str).collect()
}

fn hooks(noun: &Noun) -> &Hooks {
    match noun {
        Noun::Number(number) => &number.hooks,
        Noun::Client(client) => &client.hooks,
        Noun::Sip(sip) => &sip.hooks,
    }
}

fn sounds(verb: &Verb) -> Vec<&str> {
    match verb {
        Verb::Play(play) if play.digits.is_none() => vec![&play.source],
        Verb::Gather(gather) => prompts(gather),
        _ => Vec::new(),
    }
}

fn prompts(gather: &Gather) -> Vec<&str> {
    let plays = gather.prompts.iter().filter_map(|prompt| match prompt {
        Prompt::Play(play) => Some(play.source.as_str()),
        Prompt::Say(_) | Prompt::Pause(_) => None,
    });
    plays.collect()
}

fn users(verb: &Verb) -> Vec<&str> {
    let Verb::Dial(dial) = verb else { return Vec::new() };
    let clients = dial.nouns.iter().filter_map(|noun| match noun {
        Noun::Client(client) => Some(client.identity.as_str()),
        Noun::Number(_) | Noun::Sip(_) => None,
    });
    clients.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_document_names_and_is_not_there_is_told_where_it_stands() {
        let document = |verbs: &str| format!("<Response>{verbs}</Response>").into_bytes();
        let files: HashMap<String, Vec<u8>> = [
            (
                "menu.xml",
                document(
                    "<Gather action='menu-{Digits}.xml'><Play>hello.wav</Play><Play>nope.wav</Play></Gather>\n\
                     <Play digits='1'/><Dial action='/below/done.xml'><Client url='ask.xml'>alice</Client>\n\
                     <Client>nobody</Client></Dial>\n<Redirect/>",
                ),
            ),
            ("below/done.xml", document("<Play>http://h/x.wav</Play><Redirect>nofile.xml</Redirect>")),
            ("broken.xml", b"<Response>".to_vec()),
        ]
        .map(|(name, xml)| (name.to_owned(), xml))
        .into();
        let there = There {
            files: &files,
            is_sound: &|sound| sound == "hello.wav",
            is_user: &|user| user == "alice",
        };
        let missed = there.missed().into_iter();
        let mut told: Vec<String> =
            missed.map(|(name, finding)| format!("{name} {}: {}", finding.line, finding.message)).collect();
        told.sort();
        assert_eq!(
            told,
            [
                "below/done.xml 1: <Redirect>: nofile.xml is no document of the dialplan",
                "menu.xml 1: <Gather>: nope.wav is no file of the dialplan",
                "menu.xml 2: <Dial>: ask.xml is no document of the dialplan",
                "menu.xml 2: <Dial>: nobody is no user",
            ]
        );
    }
}
