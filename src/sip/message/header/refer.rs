//! Refer-To and Replaces: whom a party is sent to, and whose place a call takes (RFC 3515 §2.1, RFC 3891 §6.1).
//! They must never be acted on here: what a transfer may do is decided by the call.

use serde::{Deserialize, Serialize};

use super::{HeaderError, HeaderName, Problem, Within};
use crate::sip::message::grammar::{Cursor, SyntaxError, wanted};
use crate::sip::message::{Headers, Params, Uri};

/// The dialog whose place shall be taken, as the party that asks for it names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replaces {
    /// Its Call-ID.
    pub call_id: String,
    /// The tag of the side that is asked.
    pub to_tag: String,
    /// The tag of the other side.
    pub from_tag: String,
    /// Only while it is not answered.
    pub early_only: bool,
}

/// Whom a Refer-To names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReferTo {
    /// The address, without the headers that it carried.
    pub target: Uri,
    /// The dialog that the new call shall replace.
    pub replaces: Option<Replaces>,
}

impl Replaces {
    fn read(text: &str) -> Result<Self, SyntaxError> {
        let mut cursor = Cursor::new(text.trim());
        let call_id = cursor.run(|byte| byte != b';').trim_end().to_owned();
        let params = Params::read(&mut cursor)?;
        cursor.end()?;
        let tag = |name: &str| params.value(name).filter(|tag| !tag.is_empty()).map(str::to_owned);
        let (Some(to_tag), Some(from_tag)) = (tag("to-tag"), tag("from-tag")) else {
            return wanted("a to-tag and a from-tag");
        };
        if call_id.is_empty() {
            return wanted("a Call-ID");
        }
        Ok(Self { call_id, to_tag, from_tag, early_only: params.contains("early-only") })
    }
}

impl Headers {
    /// The one Refer-To of a REFER. Only calls are referred: another method than INVITE is malformed here.
    ///
    /// # Errors
    /// It is missing, repeated, or not what the grammar wants.
    pub fn refer_to(&self) -> Result<ReferTo, HeaderError> {
        let name = HeaderName::ReferTo;
        let mut targets = self.addresses(name.clone())?.into_iter();
        let target = match (targets.next(), targets.next()) {
            (Some(target), None) => target.uri,
            (None, _) => return Err(HeaderError { name, problem: Problem::Missing }),
            (Some(_), Some(_)) => return Err(HeaderError { name, problem: Problem::Repeated }),
        };
        if let Some(Some(method)) = target.param("method")
            && !method.eq_ignore_ascii_case("INVITE")
        {
            return wanted("an INVITE").within(name);
        }
        let replaces = target.headers().find(|(header, _)| header.eq_ignore_ascii_case("Replaces"));
        let replaces = replaces.map(|(_, value)| Replaces::read(&value)).transpose().within(name)?;
        Ok(ReferTo { target: target.without_param("method").without_headers(), replaces })
    }

    /// The Replaces of an INVITE.
    ///
    /// # Errors
    /// It is repeated, or not what the grammar wants.
    pub fn replaces(&self) -> Result<Option<Replaces>, HeaderError> {
        let value = self.at_most_one(HeaderName::Replaces)?;
        value.map(|value| Replaces::read(&value)).transpose().within(HeaderName::Replaces)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refer(to: &str) -> Result<ReferTo, HeaderError> {
        let mut headers = Headers::new();
        headers.push(HeaderName::ReferTo, to);
        headers.refer_to()
    }

    #[test]
    fn a_blind_transfer_names_its_target_and_nothing_else() {
        for (written, target) in [
            ("<sip:carol@example.com>", "sip:carol@example.com"),
            ("sip:carol@example.com", "sip:carol@example.com"),
            ("\"Carol\" <sip:203@example.com;method=INVITE>", "sip:203@example.com"),
            ("<tel:+15551234>", "tel:+15551234"),
        ] {
            let read = refer(written).expect(written);
            assert_eq!((read.target.to_string().as_str(), read.replaces), (target, None), "{written}");
        }
    }

    #[test]
    fn an_attended_transfer_names_the_dialog_that_is_replaced_in_escapes() {
        let read = refer(
            "<sip:carol@example.com?Replaces=12345%40192.0.2.1%3Bto-tag%3D12345%3Bfrom-tag%3D5FFE-3994&Require=replaces>",
        )
        .expect("sound");
        assert_eq!(read.target.to_string(), "sip:carol@example.com");
        let replaces = read.replaces.expect("a dialog");
        assert_eq!(replaces.call_id, "12345@192.0.2.1");
        assert_eq!((replaces.to_tag.as_str(), replaces.from_tag.as_str()), ("12345", "5FFE-3994"));
        assert!(!replaces.early_only);
    }

    #[test]
    fn what_makes_no_sense_is_malformed() {
        for written in [
            "<sip:carol@example.com;method=BYE>",
            "<sip:carol@example.com?Replaces=12345%3Bto-tag%3D1>",
            "<sip:carol@example.com?Replaces=12345>",
            "<sip:carol@example.com>, <sip:dave@example.com>",
            "<sip:carol@",
            "",
        ] {
            assert!(refer(written).is_err(), "{written}");
        }
        assert!(matches!(Headers::new().refer_to(), Err(HeaderError { problem: Problem::Missing, .. })));
    }

    #[test]
    fn an_invite_may_name_the_dialog_whose_place_it_takes() {
        let mut headers = Headers::new();
        assert_eq!(headers.replaces(), Ok(None));
        headers.push(HeaderName::Replaces, "98asjd8@example.com;from-tag=def;to-tag=abc;early-only");
        let replaces = headers.replaces().expect("sound").expect("one");
        assert_eq!((replaces.to_tag.as_str(), replaces.early_only), ("abc", true));
        headers.push(HeaderName::Replaces, "other;from-tag=1;to-tag=2");
        assert!(headers.replaces().is_err(), "one only");
    }
}
