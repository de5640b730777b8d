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
