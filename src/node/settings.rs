//! What a running switch takes up anew: the configuration, the dialplan and the users, swapped as one.
//! It must never be changed in part: a call sees the old ones or the new ones.

use std::collections::BTreeMap;

use super::gateway::Gateway;
use super::house::Plan;
use crate::config::{Change, Config, Credentials, Difference};
use crate::routing::{Listed, Target};
use crate::webhook;

/// One state of everything that can be taken up without a restart.
#[derive(Debug)]
pub struct Settings {
    /// The configuration. Keys that need a restart are as they were at the start.
    pub config: Config,
    /// Users and their passwords.
    pub credentials: Credentials,
    /// Where numbers lead.
    pub plan: Plan,
    /// The way out of the house, if there is one.
    pub gateway: Option<Gateway>,
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
    let thing =
        |xml: &[u8]| Thing { shown: String::new(), compared: String::from_utf8_lossy(xml).into_owned() };
    plan.documents().map(|(name, xml)| (name.clone(), thing(xml))).collect()
}

/// A target in a few words, without what may be a secret.
pub fn leads_to(target: &Target) -> String {
    match target {
        Target::Script(name) => format!("script {name}"),
        Target::Endpoint(user) => format!("endpoint {user}"),
        Target::Webhook(webhook) => format!("webhook {}", without_values(&webhook.url)),
        Target::Outside(_) => "the gateway".to_owned(),
        Target::Unknown | Target::Forbidden => String::new(),
    }
}

/// A URL as it may be logged and printed: a password or a token may stand in its user part, and in its query.
fn without_values(url: &str) -> String {
    let shown = webhook::shown(url);
    let Some((place, query)) = shown.split_once('?') else { return shown };
    let names = query
        .split('&')
        .map(|pair| pair.split_once('=').map_or(String::new(), |(name, _)| format!("{name}=")));
    let cut: Vec<String> = names.map(|name| format!("{name}…")).collect();
    format!("{place}?{}", cut.join("&"))
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

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    /// A folder of this test alone, gone when it ends.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("trunkline-{name}-{}", std::process::id()));
            std::fs::create_dir_all(&path).expect("a folder for the test");
            Self(path)
        }

        fn plan(&self, routes: &str, scripts: &[(&str, &str)]) -> Plan {
            std::fs::write(self.0.join("routes.toml"), routes).expect("written");
            for (name, verbs) in scripts {
                let text = format!("<Response>{verbs}</Response>");
                std::fs::write(self.0.join(name), text).expect("written");
            }
            Plan::load(&self.0).expect("it is sound")
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            std::fs::remove_dir_all(&self.0).expect("the test's own folder");
        }
    }

    fn users(users: &[(&str, &str)]) -> Credentials {
        let users = users.iter().map(|(name, password)| ((*name).to_owned(), (*password).to_owned()));
        Credentials { account_sid: "AC1".into(), auth_token: "t".into(), users: users.collect() }
    }

    #[test]
    fn users_routes_and_scripts_are_compared_and_no_password_is_told() {
        let folder = Folder::new("settings");
        let route = |number: &str, does: &str| format!("[[route]]\nnumber = \"{number}\"\n{does}\n");
        let routes = route("100", "script = \"a.xml\"") + &route("101", "endpoint = \"alice\"");
        let old = Settings {
            config: Config::default(),
            credentials: users(&[("alice", "hunter2"), ("bob", "1"), ("carol", "2")]),
            plan: folder.plan(&routes, &[("a.xml", "<Pause/>")]),
            gateway: None,
        };
        let routes = route("100", "script = \"a.xml\"\npublic = true") + &route("102", "script = \"b.xml\"");
        let new = Settings {
            config: Config::parse("[limits]\ncalls = 7\n").expect("sound"),
            credentials: users(&[("alice", "hunter3"), ("bob", "1"), ("dave", "3")]),
            plan: folder.plan(&routes, &[("a.xml", "<Hangup/>"), ("b.xml", "<Pause/>")]),
            gateway: None,
        };
        let told: Vec<String> = old.difference(&new).0.iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "limits.calls: 2000 → 7",
                "user alice: changed",
                "user carol: removed",
                "user dave: added",
                "route 100: script a.xml → script a.xml, public",
                "route 101: removed, was endpoint alice",
                "route 102: added, script b.xml",
                "script a.xml: changed",
                "script b.xml: added",
            ]
        );
        assert!(old.difference(&old).is_empty());
        let keeps: Vec<bool> =
            ["alice", "bob", "carol", "dave"].map(|user| new.keeps(user, &old)).into_iter().collect();
        assert_eq!(keeps, [false, true, false, false]);
    }

    #[test]
    fn what_may_be_a_secret_in_the_url_of_a_webhook_is_not_told() {
        let folder = Folder::new("webhook-secrets");
        let of = |url: &str| Settings {
            config: Config::default(),
            credentials: users(&[]),
            plan: folder.plan(&format!("[[route]]\nnumber = \"7\"\nwebhook = \"{url}\"\n"), &[]),
            gateway: None,
        };
        let told = |old: &str, new: &str| of(old).difference(&of(new)).0[0].to_string();
        let new = "http://bob:hunter2@h:8000/voice?token=hunter3&hunter4&lang=de#rt=5";
        assert_eq!(
            told("http://h/old", new),
            "route 7: webhook http://h/old → webhook http://h:8000/voice?token=…&…&lang=…"
        );
        assert_eq!(told(new, &new.replace("hunter", "hunted")), "route 7: changed");
    }

    #[test]
    fn another_account_needs_a_restart() {
        let of = |token: &str| Settings {
            config: Config::default(),
            credentials: Credentials { auth_token: token.to_owned(), ..users(&[]) },
            plan: Plan::default(),
            gateway: None,
        };
        let difference = of("one").difference(&of("two"));
        assert_eq!(difference.needing_restart().count(), 1);
        assert!(!format!("{difference:?}").contains("two"));
    }
}
