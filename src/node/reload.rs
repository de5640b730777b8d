//! The operator's files read anew, told in full, and swapped whole or not at all.
//! It must never change anything that a call under way stands on, nor swap what was not checked.

use std::path::Path;
use std::sync::Arc;

use tokio::sync::Mutex;

use super::gateway::Gateway;
use super::house::{House, Plan};
use super::limits;
use super::settings::Settings;
use crate::config::files::{self, Origin};
use crate::config::{Config, Credentials, Doubt, Finding};
use crate::ops::control::{Outcome, Reloaded};
use crate::ops::log::{self, Logs};
use crate::routing::Target;

/// What an operator's files say at this moment.
#[derive(Debug)]
pub struct Draft {
    /// The configuration; what is wrong in it is left at its default.
    pub config: Config,
    /// The dialplan, if it can be read.
    pub plan: Option<Plan>,
    /// The users, if there are some yet and they can be read.
    pub credentials: Option<Credentials>,
    /// Everything that is wrong with them, errors first.
    pub findings: Vec<Finding>,
    /// Nothing but scripts is broken.
    can_start: bool,
}

impl Draft {
    /// Reads the configuration, the routes and every script. Blocks. `of_host` is asked what the host says to it.
    pub fn read(origin: &Origin, of_host: impl Fn(&Config) -> Vec<Doubt>) -> Self {
        let file = origin.file().map(|file| file.display().to_string()).unwrap_or_default();
        let (config, mut findings) = match origin.examine() {
            Ok(examined) => {
                let mut doubts = examined.config.doubts();
                doubts.extend(log::doubt(&examined.config.log));
                doubts.extend(of_host(&examined.config));
                let findings = examined.findings(&file, doubts);
                (examined.config, findings)
            }
            Err(error) => (Config::default(), vec![Finding::error("", error)]),
        };
        let credentials = files::read_credentials(&config.credentials_file()).unwrap_or_else(|error| {
            findings.extend(each_line(&error));
            None
        });
        let plan = Plan::load(&config.dialplan.folder);
        let plan = plan.map_err(|error| findings.extend(each_line(&format!("{error:#}")))).ok();
        let can_start = !findings.iter().any(Finding::is_error);
        if let Some(plan) = &plan {
            findings.extend(in_scripts(plan, &config.dialplan.folder));
            findings.extend(missed(plan, &config.dialplan.folder, credentials.as_ref()));
            findings.extend(nobody_there(plan, credentials.as_ref(), &config));
        }
        findings.sort_by_key(|finding| finding.severity);
        Self { config, plan, credentials, findings, can_start }
    }

    /// What a switch is started with, and what is to be told of it. A script that is broken does not forbid the start:
    /// whoever dials it hears an apology, and everybody else can talk.
    ///
    /// # Errors
    /// The findings, where the configuration, the routes or the users are wrong.
    pub fn start(self) -> Result<(Config, Plan, Vec<Finding>), Vec<Finding>> {
        match self {
            Self { config, plan: Some(plan), findings, can_start: true, .. } => Ok((config, plan, findings)),
            Self { findings, .. } => Err(findings),
        }
    }

    /// Whether it can be put in force.
    pub fn is_sound(&self) -> bool {
        self.plan.is_some() && !self.findings.iter().any(Finding::is_error)
    }

    /// The settings that it makes, with the users of the data folder.
    fn settings(self) -> Result<(Settings, Vec<Finding>), Vec<Finding>> {
        let is_sound = self.is_sound();
        let Self { config, plan, credentials, mut findings, .. } = self;
        match (plan, credentials) {
            (Some(plan), Some(credentials)) if is_sound => {
                if let Err(error) = files::close(&config.credentials_file()) {
                    findings.push(Finding::warning("", error));
                }
                let gateway = Gateway::of(&config.gateway);
                Ok((Settings { config, credentials, plan, gateway }, findings))
            }
            (_, None) if is_sound => {
                let file = config.credentials_file().display().to_string();
                findings.insert(0, Finding::error(file, "is not there any more"));
                Err(findings)
            }
            _ => Err(findings),
        }
    }
}

/// Takes up changed files; one at a time.
pub struct Reloader {
    house: Arc<House>,
    origin: Origin,
    logs: Logs,
    turn: Mutex<()>,
}

impl Reloader {
    /// A reloader of the files that the process was started with.
    pub fn new(house: Arc<House>, origin: Origin, logs: Logs) -> Self {
        Self { house, origin, logs, turn: Mutex::new(()) }
    }

    /// Reads and checks everything, and swaps it whole or not at all. A dry run only tells the difference.
    pub async fn reload(&self, is_dry_run: bool) -> Reloaded {
        let _turn = self.turn.lock().await;
        let origin = self.origin.clone();
        let house = Arc::clone(&self.house);
        let read = tokio::task::spawn_blocking(move || {
            let (settings, findings) = Draft::read(&origin, limits::of_host).settings()?;
            let certificate = house.tls.read().map_err(|error| vec![Finding::error("", error)])?;
            Ok((settings, certificate, findings))
        });
        let (settings, certificate, findings) = match read.await {
            Ok(Ok(read)) => read,
            Ok(Err(findings)) => return Reloaded { outcome: Outcome::Broken, findings, changes: Vec::new() },
            Err(error) => {
                let findings = vec![Finding::error("", format!("the files could not be read: {error}"))];
                return Reloaded { outcome: Outcome::Broken, findings, changes: Vec::new() };
            }
        };
        let difference = self.house.settings().difference(&settings);
        let outcome = if difference.needing_restart().next().is_some() {
            Outcome::NeedsRestart
        } else if is_dry_run {
            Outcome::Checked
        } else {
            self.swap(settings).await;
            certificate.into_iter().for_each(|certificate| self.house.tls.show(certificate));
            if difference.is_empty() { Outcome::Unchanged } else { Outcome::Swapped }
        };
        Reloaded { outcome, changes: difference.0, findings }
    }

    async fn swap(&self, settings: Settings) {
        if let Some(gateway) = &settings.gateway {
            // The calls that it sends from now on are its own at once.
            self.house.settings().gateway.iter().for_each(|before| gateway.inherit(before));
            gateway.look_up().await;
        }
        // It was read as a filter just before: only a subscriber that is gone could refuse it.
        if let Err(error) = self.logs.follow(&settings.config.log.filter) {
            tracing::error!(%error, "the log keeps its filter");
        }
        self.house.adopt(settings);
    }
}

fn in_scripts(plan: &Plan, folder: &Path) -> Vec<Finding> {
    let mut all = Vec::new();
    for (name, findings) in plan.findings() {
        let place = folder.join(name).display().to_string();
        match findings {
            Ok(findings) => {
                all.extend(findings.iter().map(|finding| Finding::warning(place.clone(), finding)))
            }
            Err(error) => all.push(Finding::error(place, error)),
        }
    }
    all
}

/// What documents and routes refer to and is not there.
fn missed(plan: &Plan, folder: &Path, credentials: Option<&Credentials>) -> Vec<Finding> {
    let is_user = |user: &str| credentials.is_none_or(|known| known.users.contains_key(user));
    let place = |name: Option<String>| name.map(|name| folder.join(name).display().to_string());
    let missed = plan.missed(&is_user).into_iter();
    missed.map(|(name, what)| Finding::warning(place(name).unwrap_or_default(), what)).collect()
}

/// Routes to users who do not exist, or to a gateway that is not there. Who the users will be is not known before the
/// first start.
fn nobody_there(plan: &Plan, credentials: Option<&Credentials>, config: &Config) -> Vec<Finding> {
    let has_gateway = Gateway::of(&config.gateway).is_some();
    let is_missing = |user: &str| credentials.is_some_and(|known| !known.users.contains_key(user));
    let missing = plan.routes.list().filter_map(|route| match route.target {
        Target::Endpoint(user) if is_missing(user) => {
            let message = format!("route {} leads to {user}, who is no user", route.number);
            Some(Finding::warning("", message))
        }
        Target::Outside(_) if !has_gateway => {
            let message = format!("route {} leads to the gateway, and there is none", route.number);
            Some(Finding::warning("", message))
        }
        _ => None,
    });
    missing.collect()
}

/// An error of several lines tells of as many faults.
fn each_line(error: &impl ToString) -> Vec<Finding> {
    error.to_string().lines().map(|line| Finding::error("", line)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Severity;

    #[test]
    fn a_start_needs_sound_users_and_routes_and_a_broken_script_is_only_told() {
        let folder = std::env::temp_dir().join(format!("trunkline-start-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("data")).expect("a folder for the test");
        let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).expect("written");
        write("trunkline.toml", &format!("[dialplan]\nfolder = {:?}\n", folder.display().to_string()));
        write(
            "routes.toml",
            "[[route]]\nnumber = \"1\"\nscript = \"a.xml\"\n[[route]]\nnumber = \"2\"\nendpoint = \"zed\"\n",
        );
        write("a.xml", "<Response>");
        let started = || {
            let config = Some(folder.join("trunkline.toml"));
            let draft = Draft::read(&Origin { config, data: Some(folder.join("data")) }, |_| Vec::new());
            assert!(!draft.is_sound(), "a reload takes no broken script up");
            let told = |findings: Vec<Finding>| findings.iter().map(ToString::to_string).collect::<Vec<_>>();
            draft.start().map(|(_, _, findings)| told(findings)).map_err(told)
        };
        let told = started().expect("everything but a script is sound");
        assert!(told.iter().any(|line| line.contains("a.xml: error: ")), "{told:?}");
        assert!(
            !told.iter().any(|line| line.contains("zed")),
            "who the users are is not known yet: {told:?}"
        );
        let users = Credentials::mint(|| [1; 16], &["alice"]);
        files::save_credentials(&folder.join("data/credentials.toml"), &users).expect("saved");
        write(
            "routes.toml",
            "[[route]]\nnumber = \"1\"\nscript = \"a.xml\"\n[[route]]\nnumber = \"2\"\nendpoint = \"zed\"\n\
             [[route]]\nnumber = \"3\"\nwebhook = \"http://h/\"\nfallback = \"nofile.xml\"\n",
        );
        write("b.xml", "<Response><Dial><Client>zed</Client></Dial></Response>");
        let told = started().expect("it can still be started");
        assert!(told.iter().any(|line| line.ends_with("route 3: its fallback nofile.xml is no document of the dialplan")), "{told:?}");
        assert!(
            told.iter().any(|line| line.contains("b.xml: warning: ") && line.contains("zed is no user")),
            "{told:?}"
        );
        assert!(told.iter().any(|line| line == "warning: route 2 leads to zed, who is no user"), "{told:?}");
        write("data/credentials.toml", "account_sid = \"x\"\nauth_token = \"\"\n");
        let told = started().expect_err("no such account");
        assert!(told.iter().any(|line| line.contains("account_sid")), "{told:?}");
        assert!(told.iter().any(|line| line.contains("auth_token")), "{told:?}");
        std::fs::remove_dir_all(&folder).expect("the test's own folder");
    }

    #[test]
    fn every_document_of_the_dialplan_is_read_and_only_a_broken_one_that_a_route_names_is_an_error() {
        let folder = std::env::temp_dir().join(format!("trunkline-draft-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("below")).expect("a folder for the test");
        let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).expect("written");
        write("routes.toml", "[[route]]\nnumber = \"100\"\nscript = \"routed.xml\"\n");
        write("routed.xml", "<Response><Pause length='x'/></Response>");
        write("other.xml", "<Response><Say loop='x'>a</Say></Response>");
        write("below/broken.xml", "<Response>\n<Say></Response>");
        write("below/notes.txt", "no document");
        write("trunkline.toml", &format!("[dialplan]\nfolder = {:?}\n", folder.display().to_string()));
        let read = || {
            let config = Some(folder.join("trunkline.toml"));
            let draft = Draft::read(&Origin { config, data: Some(folder.join("data")) }, |_| Vec::new());
            let of_scripts = draft.findings.iter().filter(|finding| finding.place.ends_with(".xml"));
            let told = of_scripts.map(|Finding { severity, place, message }| {
                let name = place.strip_prefix(&format!("{}/", folder.display())).unwrap_or(place).to_owned();
                let code = message.rsplit('(').next().unwrap_or_default().trim_end_matches(')').to_owned();
                (name, *severity, code)
            });
            (told.collect::<Vec<_>>(), draft.is_sound())
        };
        let of = |name: &str, severity, code: &str| (name.to_owned(), severity, code.to_owned());
        let broken = of("below/broken.xml", Severity::Warning, "12100");
        let other = of("other.xml", Severity::Warning, "13510");
        let routed = of("routed.xml", Severity::Warning, "13910");
        assert_eq!(read(), (vec![broken.clone(), other.clone(), routed], true));
        write("routed.xml", "<Response>");
        let routed = of("routed.xml", Severity::Error, "12100");
        assert_eq!(read(), (vec![routed, broken, other], false));
        std::fs::remove_dir_all(&folder).expect("the test's own folder");
    }
}
