//! Who asks: HTTP Basic (RFC 7617) with AccountSid and AuthToken.
//! It must never take longer or shorter by how much of a secret was guessed.

use actix_web::HttpRequest;
use actix_web::http::header::AUTHORIZATION;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::Desk;
use super::error::Failure;
use crate::config::Credentials;

impl Desk {
    /// Lets only the account in.
    pub(super) fn authenticate(&self, request: &HttpRequest) -> Result<(), Failure> {
        let given = request.headers().get(AUTHORIZATION).and_then(|header| header.to_str().ok());
        if is_account(given.unwrap_or_default(), self.shown.credentials()) {
            Ok(())
        } else {
            Err(Failure::Authenticate)
        }
    }
}

fn is_account(authorization: &str, credentials: &Credentials) -> bool {
    let Some((scheme, encoded)) = authorization.split_once(' ') else { return false };
    let Ok(given) = STANDARD.decode(encoded.trim()) else { return false };
    let wanted = format!("{}:{}", credentials.account_sid, credentials.auth_token);
    // Of hashes, so that the lengths do not show either.
    let is_same = Sha256::digest(given).ct_eq(&Sha256::digest(wanted));
    scheme.eq_ignore_ascii_case("basic") && is_same.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_account_with_its_token_gets_in() {
        let credentials = Credentials::mint(|| [7; 16], &["alice"]);
        let Credentials { account_sid, auth_token, users } = &credentials;
        let basic = |text: String| format!("Basic {}", STANDARD.encode(text));
        let right = basic(format!("{account_sid}:{auth_token}"));
        assert!(is_account(&right, &credentials));
        assert!(is_account(&right.replace("Basic", "bAsIc"), &credentials));
        let wrong = [
            String::new(),
            "Basic".to_owned(),
            "Basic !!!".to_owned(),
            right.replace("Basic", "Bearer"),
            basic(String::new()),
            basic(account_sid.clone()),
            basic(format!("{account_sid}:")),
            basic(format!("{account_sid}:{auth_token}0")),
            basic(format!("{account_sid}:{}", auth_token.to_uppercase() + " ")),
            basic(format!("alice:{}", users["alice"])),
        ];
        for wrong in wrong {
            assert!(!is_account(&wrong, &credentials), "{wrong}");
        }
    }
}
