//! From and To: who asks and who is asked, with the tags of the dialog (RFC 3261 §20.20, §20.39).
//! A second tag must never be let through: two elements would see two dialogs.

use super::{HeaderError, HeaderName, Problem, Within};
use crate::sip::message::grammar::SyntaxError;
use crate::sip::message::{Headers, NameAddr};

impl Headers {
    /// The one From.
    pub fn from(&self) -> Result<NameAddr, HeaderError> {
        self.party(HeaderName::From)
    }

    /// The one To.
    pub fn to(&self) -> Result<NameAddr, HeaderError> {
        self.party(HeaderName::To)
    }

    fn party(&self, name: HeaderName) -> Result<NameAddr, HeaderError> {
        let address: NameAddr = self.exactly_one(name.clone())?.parse().within(name.clone())?;
        let tags = address.params.iter().filter(|(param, _)| param.eq_ignore_ascii_case("tag"));
        let mut tags = tags.map(|(_, value)| value);
        match (tags.next(), tags.next()) {
            (None, _) | (Some(Some(_)), None) => {
                drop(tags);
                Ok(address)
            }
            _ => Err(HeaderError {
                name,
                problem: Problem::Malformed(SyntaxError { wanted: "one tag with a value" }),
            }),
        }
    }
}
