//! What a running switch takes up anew: the configuration, the dialplan and the users, swapped as one.
//! It must never be changed in part: a call sees the old ones or the new ones.

use std::collections::BTreeMap;

use super::house::Plan;
use crate::config::{Change, Config, Credentials, Difference};
use crate::routing::{Listed, Target};

/// One state of everything that can be taken up without a restart.
#[derive(Debug)]
pub struct Settings {
    /// The configuration. Keys that need a restart are as they were at the start.
    pub config: Config,
    /// Users and their passwords.
    pub credentials: Credentials,
    /// Where numbers lead.
    pub plan: Plan,
}

impl Settings {
    /// What `new` changes: keys of the configuration, then users, routes and scripts.
    pub fn difference(&self, new: &Settings) -> Difference {
        let Difference(mut changes) = Difference::between(&self.config, &new.config);
        changes.extend(account(&self.credentials, &new.credentials));
        changes.extend(compared("user", users(&self.credentials), users(&new.credentials)));
        changes.extend(compared("route", routes(&self.plan), routes(&new.plan)));
        changes.extend(compared("script", scripts(&self.plan), scripts(&new.plan)));
        Difference(changes)
    }

    /// Whether `user` may still do what it could before: it is there, with the same password.
    pub fn keeps(&self, user: &str, before: &Settings) -> bool {
        let password = self.credentials.users.get(user);
        password.is_some() && password == before.credentials.users.get(user)
    }
}

/// A thing of the dialplan or a user: what is shown of it, and what is compared.
struct Thing {
    shown: String,
    compared: String,
}

fn users(credentials: &Credentials) -> BTreeMap<String, Thing> {
    let users = credentials.users.iter();
    users
        .map(|(name, password)| (name.clone(), Thing { shown: String::new(), compared: password.clone() }))
        .collect()
}

fn routes(plan: &Plan) -> BTreeMap<String, Thing> {
    let thing = |route: Listed<'_>| {
        let public = if route.public { ", public" } else { "" };
        Thing { shown: format!("{}{public}", leads_to(route.target)), compared: format!("{route:?}") }
    };
    plan.routes.list().map(|route| (route.number.to_owned(), thing(route))).collect()
}

fn scripts(plan: &Plan) -> BTreeMap<String, Thing> {
    let scripts = plan.scripts();
    scripts
        .map(|(name, read)| (name.clone(), Thing { shown: String::new(), compared: format!("{read:?}") }))
        .collect()
}

/// A target in a few words.
pub(super) fn leads_to(target: &Target) -> String {
    match target {
        Target::Script(name) => format!("script {name}"),
        Target::Endpoint(user) => format!("endpoint {user}"),
        other => format!("{other:?}"),
    }
}

fn account(old: &Credentials, new: &Credentials) -> Option<Change> {
    let is_same = old.account_sid == new.account_sid && old.auth_token == new.auth_token;
    // Parts that sign with it have taken it at the start.
    (!is_same).then(|| Change {
        key: "account SID or auth token".to_owned(),
        old: Some(String::new()),
        new: Some(String::new()),
        needs_restart: true,
    })
}

fn compared(kind: &str, old: BTreeMap<String, Thing>, new: BTreeMap<String, Thing>) -> Vec<Change> {
    let mut names: Vec<&String> = old.keys().chain(new.keys()).collect();
    names.sort();
    names.dedup();
    let differs = |name: &&String| {
        let compared =
            |things: &BTreeMap<String, Thing>| things.get(*name).map(|thing| thing.compared.clone());
        compared(&old) != compared(&new)
    };
    let shown =
        |things: &BTreeMap<String, Thing>, name: &str| things.get(name).map(|thing| thing.shown.clone());
    let change = |name: &String| Change {
        key: format!("{kind} {name}"),
        old: shown(&old, name),
        new: shown(&new, name),
        needs_restart: false,
    };
    names.into_iter().filter(differs).map(change).collect()
}
