//! From a reply to a document that a script can run. Pure.
//! It must never run anything of it.

use serde::{Deserialize, Serialize};

use super::{Content, Cookies, Reply, Request, WebhookError};
use crate::twiml::document::{Context, Document, Parsed};
use crate::twiml::finding::ScriptError;

/// A document that a script wants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fetch {
    /// Names the step of the script that waits for it.
    pub number: u64,
    /// Where it is to run.
    #[serde(default)]
    pub context: Context,
    /// Where it is asked for, and how.
    pub request: Request,
}

/// A document that was fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Its URL, after redirects, without fragment and parameters: what its references are relative to. It may hold a
    /// password.
    pub url: String,
    /// The status of the answer; none of a file.
    pub status: Option<u16>,
    /// What to run, and what is wrong with it.
    pub document: Parsed,
    /// The call's cookies, as they are now.
    pub cookies: Cookies,
}

impl Fetched {
    /// Reads a reply (webhooks.md §5): a sound is a document that plays it, a text one that speaks it, and nothing an
    /// empty one.
    ///
    /// # Errors
    /// It is no document, or not one for this context.
    pub fn read(reply: Reply, context: Context) -> Result<Self, WebhookError> {
        let Reply { status, url, content, cookies, findings } = reply;
        let plain = |document| Parsed { document, warnings: Vec::new() };
        let parsed = match content {
            Content::Twiml(xml) => Document::parse_in(&xml, context),
            Content::Text(text) => match Document::parse_in(text.as_bytes(), context) {
                // Words may begin with anything but an element.
                Err(_) if !text.trim_start().starts_with('<') => Ok(plain(Document::spoken(&text))),
                read => read,
            },
            Content::Audio(source) => Ok(plain(Document::played(&source))),
            Content::Empty => Ok(plain(Document::default())),
        };
        let mut document = parsed.map_err(|ScriptError { line, column, code, message }| {
            let message = format!("line {line}, column {column}: {message}");
            WebhookError::new(code, &url, message).answered(status)
        })?;
        document.warnings.splice(0..0, findings);
        Ok(Self { url, status: Some(status), document, cookies })
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::twiml::finding::Finding;
    use crate::twiml::verb::Verb;

    fn fetched(content: Content) -> Result<Fetched, WebhookError> {
        let finding = Finding { line: 1, column: 1, code: 11_243, message: "an override".to_owned() };
        let reply = Reply {
            status: 200,
            url: "http://h/voice?a=1&b=2".to_owned(),
            content,
            cookies: Cookies::default(),
            findings: vec![finding],
        };
        Fetched::read(reply, Context::Main)
    }

    fn verbs(content: Content) -> Vec<String> {
        let steps = fetched(content).expect("a document").document.document.steps;
        let verb = |verb: Verb| match verb {
            Verb::Say(say) => format!("say {}", say.text),
            Verb::Play(play) => format!("play {}", play.source),
            other => other.name().to_owned(),
        };
        steps.into_iter().map(|step| verb(step.verb)).collect()
    }

    #[test]
    fn a_document_is_read_a_text_spoken_a_sound_played_and_nothing_ends_the_call() {
        let hangup = "<Response><Hangup/></Response>";
        assert_eq!(verbs(Content::Twiml(Bytes::from_static(hangup.as_bytes()))), ["Hangup"]);
        assert_eq!(verbs(Content::Text(hangup.to_owned())), ["Hangup"]);
        assert!(
            fetched(Content::Text("<Response><Say>".to_owned())).is_err(),
            "nobody wants to hear a broken document"
        );
        assert_eq!(verbs(Content::Text("Fish & chips <5".to_owned())), ["say Fish & chips <5"]);
        assert_eq!(
            verbs(Content::Audio("http://h/voice#answer=1".to_owned())),
            ["play http://h/voice#answer=1"]
        );
        assert_eq!(verbs(Content::Empty), [""; 0]);
    }

    #[test]
    fn a_broken_document_is_told_with_its_place_and_findings_about_the_url_stand_with_the_others() {
        let broken = fetched(Content::Twiml(Bytes::from_static(b"<Response>\n<Say>x</Response>")));
        let error = broken.expect_err("broken");
        assert_eq!((error.code, error.url.as_str()), (12_100, "http://h/voice?a=1&b=2"));
        assert!(error.message.starts_with("line 2, column "), "{error}");
        let warned = fetched(Content::Twiml(Bytes::from_static(b"<Response><Nonsense/></Response>")));
        let codes: Vec<u32> =
            warned.expect("a document").document.warnings.iter().map(|finding| finding.code).collect();
        assert_eq!(codes, [11_243, 12_200]);
    }
}
