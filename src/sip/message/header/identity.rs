//! Who calls as others vouch for it, and who wants to stay unknown (RFC 3323, RFC 3325).
//! It must never be believed here: whether a peer is trusted is known elsewhere.

use super::HeaderName;
use crate::sip::message::{Headers, Host, NameAddr, Uri};

/// The host of addresses that name nobody (RFC 3323 §4.1.1.3).
const NOWHERE: &str = "anonymous.invalid";

impl Headers {
    /// Who a trusted element says calls: a SIP address before a telephone number (RFC 3325 §9.1). A header that cannot
    /// be read says nothing.
    pub fn asserted_identity(&self) -> Option<NameAddr> {
        self.identity(HeaderName::PAssertedIdentity)
    }

    /// Under which of its identities the caller wants to call (RFC 3325 §9.2).
    pub fn preferred_identity(&self) -> Option<NameAddr> {
        self.identity(HeaderName::PPreferredIdentity)
    }

    fn identity(&self, name: HeaderName) -> Option<NameAddr> {
        let mut known = self.addresses(name).ok()?;
        known.retain(|address| address.uri.user().is_some());
        known.sort_by_key(|address| address.uri.host().is_none());
        known.into_iter().next()
    }

    /// Whether the caller shall not be shown: `Privacy: id`, `user` or `header`, or a From that names nobody.
    pub fn wants_privacy(&self) -> bool {
        let hides = |value: &str| ["id", "user", "header"].iter().any(|one| value.eq_ignore_ascii_case(one));
        let mut values = self
            .all(&HeaderName::Privacy)
            .flat_map(|line| line.split([';', ',']).map(|value| value.trim().to_owned()).collect::<Vec<_>>());
        if values.any(|value| hides(&value)) {
            return true;
        }
        let host = self.from().ok().and_then(|from| from.uri.host().cloned());
        matches!(host, Some(Host::Name(name)) if name.eq_ignore_ascii_case(NOWHERE))
    }
}

impl NameAddr {
    /// Nobody, as a From says it (RFC 3323 §4.1.1.3).
    pub fn anonymous() -> Self {
        let uri = Uri::sip(Some("anonymous"), Host::Name(NOWHERE.to_owned()), None);
        Self::new(uri).with_display("Anonymous")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(HeaderName, &str)]) -> Headers {
        let mut headers = Headers::new();
        lines.iter().for_each(|(name, value)| headers.push(name.clone(), value));
        headers
    }

    #[test]
    fn of_two_asserted_identities_the_sip_address_is_told() {
        use HeaderName::PAssertedIdentity as Pai;
        let two = headers(&[(Pai, "<tel:+14085264000>, \"Cullen\" <sip:fluffy@cisco.example>")]);
        assert_eq!(two.asserted_identity().expect("one").uri.to_string(), "sip:fluffy@cisco.example");
        let lines = headers(&[(Pai, "tel:+14085264000")]);
        assert_eq!(lines.asserted_identity().expect("one").uri.user().as_deref(), Some("+14085264000"));
        assert_eq!(headers(&[(Pai, "<sip:cisco.example>")]).asserted_identity(), None);
        assert_eq!(headers(&[(Pai, "<<>")]).asserted_identity(), None);
    }

    #[test]
    fn privacy_is_a_header_or_an_address_that_names_nobody() {
        use HeaderName::{From, Privacy};
        let named = (From, "<sip:alice@a.example>;tag=1");
        for (value, is_wanted) in
            [("id", true), ("none", false), ("header; id", true), ("critical;ID", true), ("session", false)]
        {
            assert_eq!(headers(&[named.clone(), (Privacy, value)]).wants_privacy(), is_wanted, "{value}");
        }
        assert!(!headers(&[named]).wants_privacy());
        let anonymous = NameAddr::anonymous().with_tag("1").to_string();
        assert_eq!(anonymous, "\"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=1");
        assert!(headers(&[(From, &anonymous)]).wants_privacy());
    }
}
