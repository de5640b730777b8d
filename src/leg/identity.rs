//! Who calls, as a far end is told it (RFC 3323, RFC 3325).
//! It must never show a caller who wants to stay unknown to a far end that is not trusted.

use crate::sip::message::{HeaderName, NameAddr};

/// The user of an address that names nobody.
const NOBODY: &str = "anonymous";

/// The From of an INVITE, and the headers that go with it: a trusted far end is told who calls in any case, and whether
/// others may know.
pub(super) fn present(
    caller: NameAddr,
    is_private: bool,
    is_trusted: bool,
) -> (NameAddr, Vec<(HeaderName, String)>) {
    if caller.uri.user().is_none_or(|user| user == NOBODY) {
        return (NameAddr::anonymous(), Vec::new());
    }
    let mut headers = Vec::new();
    if is_trusted {
        headers.push((HeaderName::PAssertedIdentity, caller.to_string()));
        if is_private {
            headers.push((HeaderName::Privacy, "id".to_owned()));
        }
    }
    (if is_private { NameAddr::anonymous() } else { caller }, headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(caller: &str, is_private: bool, is_trusted: bool) -> Vec<String> {
        let (from, headers) = present(caller.parse().expect("an address"), is_private, is_trusted);
        let headers = headers.into_iter().map(|(name, value)| format!("{name}: {value}"));
        std::iter::once(format!("From: {from}")).chain(headers).collect()
    }

    #[test]
    fn who_wants_to_stay_unknown_is_known_to_the_trusted_alone() {
        let alice = "\"Alice\" <sip:alice@a.example>";
        let nobody = "From: \"Anonymous\" <sip:anonymous@anonymous.invalid>";
        let asserted = format!("P-Asserted-Identity: {alice}");
        assert_eq!(told(alice, false, false), [format!("From: {alice}")]);
        assert_eq!(told(alice, true, false), [nobody]);
        assert_eq!(told(alice, false, true), [format!("From: {alice}"), asserted.clone()]);
        assert_eq!(told(alice, true, true), [nobody, &asserted, "Privacy: id"]);
        for is_trusted in [true, false] {
            assert_eq!(told("<sip:anonymous@a.example>", false, is_trusted), [nobody], "nothing to assert");
        }
    }
}
