//! Contact: where a party can be reached directly (RFC 3261 §20.10).
//! It must never hold `*` beside an address.

use super::{HeaderError, HeaderName, Problem, Within};
use crate::sip::message::grammar::{SyntaxError, read_list};
use crate::sip::message::{Headers, NameAddr};

/// All Contact values of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Contacts {
    /// `*`: all bindings of an address of record (RFC 3261 §10.2.2).
    Star,
    /// One or more addresses.
    List(Vec<NameAddr>),
}

impl Headers {
    /// The first Contact; none for `*`.
    pub fn contact(&self) -> Result<Option<NameAddr>, HeaderError> {
        Ok(match self.contacts()? {
            Some(Contacts::List(list)) => list.into_iter().next(),
            Some(Contacts::Star) | None => None,
        })
    }

    /// All Contacts, over all lines.
    pub fn contacts(&self) -> Result<Option<Contacts>, HeaderError> {
        let (mut list, mut stars) = (Vec::new(), 0);
        for value in self.all(&HeaderName::Contact) {
            if value == "*" {
                stars += 1;
            } else {
                list.append(&mut read_list(&value, NameAddr::read).within(HeaderName::Contact)?);
            }
        }
        match (stars, list.is_empty()) {
            (0, true) => Ok(None),
            (0, false) => Ok(Some(Contacts::List(list))),
            (1, true) => Ok(Some(Contacts::Star)),
            _ => Err(HeaderError {
                name: HeaderName::Contact,
                problem: Problem::Malformed(SyntaxError { wanted: "* to stand alone" }),
            }),
        }
    }
}
