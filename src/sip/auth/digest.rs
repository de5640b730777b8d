//! The digest itself: what a phone that knows the password answers to a nonce (RFC 7616 §3.4.1).
//! It must never compare secrets in a time that depends on them.

use std::fmt;

use md5::Md5;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The hash under a digest (RFC 8760 §2.1); the stronger one sorts first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Algorithm {
    /// SHA-256.
    Sha256,
    /// MD5, for the phones that know nothing else.
    Md5,
}

impl Algorithm {
    /// All that are offered, in the order in which they are offered (RFC 8760 §2.4).
    pub const OFFERED: [Self; 2] = [Self::Sha256, Self::Md5];

    /// What to offer a program of this name. Some give up altogether when they are offered an algorithm that
    /// they do not know, even beside one that they do; who does not say what it is gets what all understand.
    pub fn offered_to(agent: Option<&str>) -> &'static [Self] {
        /// Programs that fail on anything but MD5, by how their names begin.
        const MD5_ONLY: [&str; 3] = ["baresip v0.", "baresip v1.", "SIPp"];
        match agent {
            Some(agent) if !MD5_ONLY.iter().any(|known| agent.starts_with(known)) => &Self::OFFERED,
            _ => &[Self::Md5],
        }
    }

    /// The algorithm of this name. Without a name it is MD5 (RFC 7616 §3.3).
    pub fn named(name: Option<&str>) -> Option<Self> {
        match name {
            None => Some(Self::Md5),
            Some(name) => Self::OFFERED.into_iter().find(|known| known.as_str().eq_ignore_ascii_case(name)),
        }
    }

    /// As it stands in headers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "SHA-256",
            Self::Md5 => "MD5",
        }
    }

    /// The hash of the parts joined by colons, in lower-case hex.
    fn hash(self, parts: &[&str]) -> String {
        match self {
            Self::Sha256 => joined::<Sha256>(parts),
            Self::Md5 => joined::<Md5>(parts),
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What goes into a digest. All texts are unquoted and otherwise as on the wire.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The hash.
    pub algorithm: Algorithm,
    /// The user's name.
    pub user: &'a str,
    /// The protection domain.
    pub realm: &'a str,
    /// The request's method.
    pub method: &'a str,
    /// The `uri` parameter.
    pub uri: &'a str,
    /// The nonce.
    pub nonce: &'a str,
    /// `nc` and `cnonce`, where `qop` is `auth`; RFC 2069 knew neither.
    pub counted: Option<(&'a str, &'a str)>,
}

impl Question<'_> {
    /// The `response` of one who knows `password`, in lower-case hex.
    ///
    /// `rsip`'s generator is the oracle of the tests but not used here: it prints `nc` in decimal (0000000a
    /// comes out as 00000010), knows 14 methods, and prints a URI anew where the phone hashed it as sent.
    pub fn answer(&self, password: &str) -> String {
        let hash = |parts: &[&str]| self.algorithm.hash(parts);
        let who = hash(&[self.user, self.realm, password]);
        let what = hash(&[self.method, self.uri]);
        match self.counted {
            Some((count, client_nonce)) => hash(&[&who, self.nonce, count, client_nonce, "auth", &what]),
            None => hash(&[&who, self.nonce, &what]),
        }
    }

    /// Whether `response` is the answer; takes as long for a wrong one as for the right one.
    pub fn is_answered_by(&self, response: &str, password: &str) -> bool {
        self.answer(password).as_bytes().ct_eq(response.to_ascii_lowercase().as_bytes()).into()
    }
}

fn joined<D: Digest>(parts: &[&str]) -> String {
    let mut hash = D::new();
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            hash.update(b":");
        }
        hash.update(part);
    }
    let bytes = hash.finalize();
    let mut hex = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        hex.extend([byte >> 4, byte & 15].map(|digit| char::from_digit(digit.into(), 16).unwrap_or('0')));
    }
    hex
}

#[cfg(test)]
mod tests {
    use rsip::headers::auth;
    use rsip::services::DigestGenerator;

    use super::*;

    /// RFC 7616 §3.9.1.
    fn of_the_rfc(algorithm: Algorithm) -> Question<'static> {
        Question {
            algorithm,
            user: "Mufasa",
            realm: "http-auth@example.org",
            method: "GET",
            uri: "/dir/index.html",
            nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
            counted: Some(("00000001", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ")),
        }
    }

    #[test]
    fn the_examples_of_rfc_7616_come_out() {
        let password = "Circle of Life";
        assert_eq!(of_the_rfc(Algorithm::Md5).answer(password), "8ca523f5e9506fed4657c9700eebdbec");
        assert_eq!(
            of_the_rfc(Algorithm::Sha256).answer(password),
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"
        );
    }

    #[test]
    fn the_example_of_rfc_2617_comes_out() {
        let question = Question {
            algorithm: Algorithm::Md5,
            user: "Mufasa",
            realm: "testrealm@host.com",
            method: "GET",
            uri: "/dir/index.html",
            nonce: "dcd98b7102dd2f0e8b11d0f600bfb0c093",
            counted: Some(("00000001", "0a4f113b")),
        };
        assert_eq!(question.answer("Circle Of Life"), "6629fae49393a05397450978507c4ef1");
    }

    #[test]
    fn an_answer_may_be_in_capitals_but_not_wrong_or_cut() {
        let question = of_the_rfc(Algorithm::Md5);
        assert!(question.is_answered_by("8CA523F5E9506FED4657C9700EEBDBEC", "Circle of Life"));
        assert!(!question.is_answered_by("8ca523f5e9506fed4657c9700eebdbec", "Circle of life"));
        assert!(!question.is_answered_by("8ca523f5e9506fed4657c9700eebdbe", "Circle of Life"));
        assert!(!question.is_answered_by("", "Circle of Life"));
    }

    #[test]
    fn rsip_computes_the_same_where_it_can() {
        let uri = rsip::Uri::try_from("sip:example.org").unwrap();
        for (ours, theirs) in
            [(Algorithm::Md5, auth::Algorithm::Md5), (Algorithm::Sha256, auth::Algorithm::Sha256)]
        {
            for counted in [None, Some(("00000009", "0a4f113b"))] {
                let question = Question {
                    algorithm: ours,
                    user: "alice",
                    realm: "example.org",
                    method: "REGISTER",
                    uri: "sip:example.org",
                    nonce: "abc",
                    counted,
                };
                let qop = counted.map(|(_, cnonce)| auth::AuthQop::Auth { cnonce: cnonce.into(), nc: 9 });
                let oracle = DigestGenerator {
                    username: "alice",
                    password: "secret",
                    nonce: "abc",
                    uri: &uri,
                    realm: "example.org",
                    method: &rsip::Method::Register,
                    qop: qop.as_ref(),
                    algorithm: theirs,
                };
                assert_eq!(question.answer("secret"), oracle.compute(), "{ours} {counted:?}");
            }
        }
    }

    #[test]
    fn an_algorithm_without_a_name_is_md5_and_unknown_ones_are_none() {
        assert_eq!(Algorithm::named(None), Some(Algorithm::Md5));
        assert_eq!(Algorithm::named(Some("sha-256")), Some(Algorithm::Sha256));
        assert_eq!(Algorithm::named(Some("MD5-sess")), None);
    }
}
