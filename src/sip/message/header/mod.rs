//! Typed headers, one file each; they are read from [`super::Headers`] when asked for.
//! They must never change the text that they were read from.

use std::borrow::Cow;

use super::grammar::SyntaxError;
use super::headers::Headers;

mod call_id;
mod contact;
mod content_length;
mod content_type;
mod cseq;
mod digest;
mod expires;
mod from_to;
mod identity;
mod max_forwards;
mod name;
mod option_tags;
mod reason;
mod refer;
mod reliability;
mod route;
mod session_expires;
mod via;

pub use contact::Contacts;
pub use cseq::CSeq;
pub use digest::DigestParams;
pub use name::HeaderName;
pub use reason::{Protocol, Reason};
pub use refer::{ReferTo, Replaces};
pub use reliability::RAck;
pub use session_expires::{Role, SessionExpires};
pub use via::Via;

/// A header is missing, or is not what the grammar wants.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name} {problem}")]
pub struct HeaderError {
    /// Which header.
    pub name: HeaderName,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What is wrong with a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// It is mandatory and not there.
    #[error("is missing")]
    Missing,
    /// It may be there once only.
    #[error("is repeated")]
    Repeated,
    /// It does not follow its grammar.
    #[error("is malformed: {0}")]
    Malformed(#[from] SyntaxError),
}

impl Headers {
    /// The value of a header that may be there once.
    fn at_most_one(&self, name: HeaderName) -> Result<Option<Cow<'_, str>>, HeaderError> {
        let mut values = self.all(&name);
        let value = values.next();
        if values.next().is_some() {
            drop(values);
            return Err(HeaderError { name, problem: Problem::Repeated });
        }
        Ok(value)
    }

    /// The value of a header that must be there exactly once.
    fn exactly_one(&self, name: HeaderName) -> Result<Cow<'_, str>, HeaderError> {
        self.at_most_one(name.clone())?.ok_or(HeaderError { name, problem: Problem::Missing })
    }
}

/// Names the header at fault.
trait Within<T> {
    fn within(self, name: HeaderName) -> Result<T, HeaderError>;
}

impl<T> Within<T> for Result<T, SyntaxError> {
    fn within(self, name: HeaderName) -> Result<T, HeaderError> {
        self.map_err(|error| HeaderError { name, problem: error.into() })
    }
}
