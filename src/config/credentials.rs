//! The account's and the users' secrets. Pure: randomness is handed in.
//! Must never show a secret in a log or a debug print.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// Who may use the switch.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// `AC` and 32 hex digits.
    pub account_sid: String,
    /// 32 hex digits.
    pub auth_token: String,
    /// Passwords by user name.
    #[serde(default)]
    pub users: BTreeMap<String, String>,
}

impl Credentials {
    /// New secrets for an account and these users, from 16 random bytes for each.
    pub fn mint(mut random: impl FnMut() -> [u8; 16], names: &[&str]) -> Self {
        let mut hex = || random().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        Self {
            account_sid: format!("AC{}", hex()),
            auth_token: hex(),
            users: names.iter().map(|name| ((*name).to_owned(), hex())).collect(),
        }
    }

    /// What is wrong with them: the key, and what would be right.
    pub(super) fn faults(&self) -> Vec<(String, &'static str)> {
        let is_sid = self
            .account_sid
            .strip_prefix("AC")
            .is_some_and(|hex| hex.len() == 32 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let mut faults = Vec::new();
        if !is_sid {
            faults.push(("account_sid".to_owned(), "must be AC and 32 hex digits"));
        }
        if self.auth_token.is_empty() {
            faults.push(("auth_token".to_owned(), "must not be empty: webhooks are signed with it"));
        }
        for (name, password) in &self.users {
            if !is_user(name) {
                let right = "a user's name is made of letters, digits and -_.!~*'()&=+$,;?/ (RFC 3261 §25.1)";
                faults.push((format!("users.{name:?}"), right));
            } else if password.is_empty() {
                faults.push((format!("users.{name}"), "must not be empty: anybody could register"));
            }
        }
        faults
    }
}

/// Whether a name can be the user part of a SIP URI as it is.
fn is_user(name: &str) -> bool {
    let may_stand = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.!~*'()&=+$,;?/".contains(&byte);
    !name.is_empty() && name.bytes().all(may_stand)
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("account_sid", &self.account_sid)
            .field("auth_token", &"hidden")
            .field("users", &self.users.keys())
            .finish()
    }
}
