//! `X-Twilio-Signature`: proves to a receiver that a request comes from this account (webhooks.md §3). Pure.
//! It must never sign anything but what is sent.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use sha1::Sha1;

/// Signs a request to `url`, as it stands on the wire, with these parameters in its form body.
///
/// The names are signed in the order of their bytes, each with its distinct values in the order of theirs: so do
/// receivers, which have no order to go by. Parameters of a GET are part of the URL and none of the body.
pub(super) fn sign(token: &str, url: &str, parameters: &[(String, String)]) -> String {
    let mut names: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, value) in parameters {
        names.entry(name).or_default().insert(value);
    }
    let mut mac = Hmac::<Sha1>::new_from_slice(token.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(url.as_bytes());
    for (name, values) in names {
        for value in values {
            mac.update(name.as_bytes());
            mac.update(value.as_bytes());
        }
    }
    STANDARD.encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(parameters: &[(&str, &str)]) -> Vec<(String, String)> {
        parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn published_requests_have_the_published_signatures() {
        let gathered = [
            ("To", "+18005551212"),
            ("From", "+14158675309"),
            ("Digits", "1234"),
            ("CallSid", "CA1234567890ABCDE"),
            ("Caller", "+14158675309"),
        ];
        for (url, parameters, signature) in [
            ("https://mycompany.com/myapp.php?foo=1&bar=2", &gathered[..], "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
            ("wss://e.com/s", &[], "sIXr/iTJPPUDra2jsTlIR+EPG8M="),
            ("https://mycompany.com:8443/v?x=1", &[("A", "1"), ("B", "")], "7VfaBJmOKcLeJGM1tNA5J/LjDmk="),
        ] {
            assert_eq!(sign("12345", url, &pairs(parameters)), signature, "{url}");
        }
    }

    #[test]
    fn neither_order_nor_a_value_said_twice_makes_a_difference() {
        let once = sign("k", "http://h/", &pairs(&[("A", "1"), ("A", "2"), ("B", "x")]));
        let other = sign("k", "http://h/", &pairs(&[("B", "x"), ("A", "2"), ("A", "1"), ("A", "2")]));
        assert_eq!(once, other);
        assert_ne!(once, sign("k", "http://h/", &pairs(&[("A", "1"), ("B", "x")])));
    }
}
