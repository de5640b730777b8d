//! The command line: what may be typed, and which command that is.
//! It must never do what a command does.

mod calls;
mod check;
mod credentials;
mod follow;
mod records;
mod releases;
mod reload;
mod serve;
mod show;
mod supervise;
mod top;
mod upgrade;

use std::ffi::OsString;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use trunkline::config::files::Origin;
use trunkline::config::read_span;
use trunkline::ids::LegId;
use trunkline::keeper::Keeper;
use trunkline::node::Predecessor;
use trunkline::ops::control::{Question, Whom};

/// A self-hosted programmable voice cloud.
#[derive(Debug, Parser)]
#[command(name = "trunkline", version, about)]
pub struct Arguments {
    /// The folder where the switch keeps its data; of a running switch, where its control socket lies.
    #[arg(long, global = true, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// The configuration; without it, `trunkline.toml` if there is one, else the defaults.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the switch. SIGTERM ends its calls and stops it, SIGHUP is `reload`.
    Serve {
        /// Take the place of the switch at the other end of standard input: `upgrade` starts it so.
        #[arg(long, hide = true)]
        takeover: bool,
    },
    /// Hand everything over from the running switch to another binary, older or newer: no call and no packet is lost.
    /// The switch goes on as it is if that one is not live within 5 s.
    Upgrade {
        /// The other binary.
        binary: PathBuf,
    },
    /// The same with the binary that ran before the last upgrade, for up to 36 h after it.
    Rollback,
    /// Run the switch under a parent that starts it again when it dies and keeps its sockets meanwhile: nothing that
    /// arrives is lost. Signals are passed on; it ends when the switch ends by itself or was told to.
    Supervise {
        /// Start this binary instead of the one that is running; whatever is at its path at each start.
        #[arg(long, value_name = "FILE")]
        binary: Option<PathBuf>,
        /// Further arguments of `serve`.
        #[arg(last = true, value_name = "ARGUMENTS")]
        arguments: Vec<OsString>,
    },
    /// Read the configuration, the routes and every script; tell everything that is wrong, and which number leads where.
    Check {
        /// Print the settings in force instead, as a configuration file with hidden secrets.
        #[arg(long)]
        effective: bool,
        /// As JSON.
        #[arg(long, conflicts_with = "effective")]
        json: bool,
    },
    /// Have the running switch read its files anew: all changes are taken up, or none. Exit code 3: a restart is needed.
    Reload {
        /// Only tell the difference.
        #[arg(long)]
        dry_run: bool,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show the legs that are up.
    Calls {
        /// Only those with this in their address, and who talks to them.
        #[arg(long, value_name = "TEXT")]
        user: Option<String>,
        /// Only calls that are up for longer, such as 5m.
        #[arg(long, value_name = "SPAN", value_parser = span)]
        longer_than: Option<Duration>,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show everything about one call, up or over.
    Call {
        /// A CallSid of the call, or `last`.
        call: String,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// End a leg as if it hung up, or a whole call, or all calls.
    Hangup {
        /// A CallSid, or `all`.
        whom: String,
        /// The whole call that the leg belongs to.
        #[arg(long)]
        call: bool,
    },
    /// Take no new calls and end with the last one, or at a deadline; asked again, only the deadline changes.
    Drain {
        /// When calls that are still up are ended.
        #[arg(long, value_name = "SPAN", value_parser = span, default_value = "30m")]
        deadline: Duration,
        /// Take new calls again.
        #[arg(long, conflicts_with = "deadline")]
        cancel: bool,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show what came of the latest calls; works without a running switch.
    Records {
        /// How many legs.
        #[arg(long, value_name = "COUNT", default_value_t = 20)]
        last: usize,
        /// As JSON, one object a line.
        #[arg(long)]
        json: bool,
    },
    /// Show the phones that are registered.
    Registrations {
        /// Only those of this user.
        #[arg(long)]
        user: Option<String>,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show users and passwords; these work without a running switch.
    Credentials {
        /// As JSON.
        #[arg(long)]
        json: bool,
        /// Make new ones; a running switch takes them at its next start.
        #[arg(long)]
        replace: bool,
    },
    /// Show what happened in a call, as a ladder; or what happens, line by line.
    Trace {
        /// A CallSid of the call, `last`, or with --follow `all`.
        call: String,
        /// What happens from now on, as it comes, until the call is over.
        #[arg(long, short)]
        follow: bool,
        /// As JSON; with --follow one object a line.
        #[arg(long)]
        json: bool,
    },
    /// Watch the switch live.
    Top {
        /// Print one look as text.
        #[arg(long)]
        once: bool,
        /// Print one look as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show what the switch holds; after the last call everything is zero.
    Census {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Log SIP messages whole: of one peer, of one call, or all.
    Siptrace {
        /// `on` or `off`.
        #[arg(value_parser = ["on", "off"])]
        state: String,
        /// The peer's IP address.
        #[arg(long)]
        peer: Option<IpAddr>,
        /// A CallSid.
        #[arg(long)]
        call: Option<LegId>,
    },
    /// Make an actor panic, to see that nobody hears it. Debug builds only.
    #[cfg(debug_assertions)]
    Poison {
        /// Which kind of actor.
        what: trunkline::ops::control::Poisoned,
        /// A CallSid, or `last`.
        id: String,
    },
}

/// What is said to whoever names a file to a reload.
const FILE_OF_THE_START: &str =
    "the switch reads the file that it was started with: --config only says where its data folder is";

/// Does what was typed.
///
/// # Errors
/// In words for whoever typed it.
pub fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let origin = Origin { config: arguments.config, data: arguments.data };
    match arguments.command {
        Command::Serve { takeover: false } => {
            let kept = Keeper::of_environment();
            actix::System::new().block_on(serve::serve(origin, kept)).map(|()| ExitCode::SUCCESS)
        }
        Command::Serve { takeover: true } => {
            let predecessor = Predecessor::of_stdin().context("--takeover is for `trunkline upgrade`")?;
            let serving = serve::take_over(origin, predecessor);
            actix::System::new().block_on(serving).map(|()| ExitCode::SUCCESS)
        }
        Command::Upgrade { binary } => upgrade::upgrade(&data(&origin)?, &binary),
        Command::Rollback => upgrade::rollback(&data(&origin)?),
        Command::Supervise { binary, arguments } => supervise::supervise(&origin, binary, arguments),
        Command::Check { effective: true, .. } => check::effective(&origin),
        Command::Check { json, .. } => check::check(&origin, json),
        Command::Credentials { json, replace } => credentials::credentials(&data(&origin)?, json, replace),
        Command::Records { last, json } => records::last(&data(&origin)?, last, json),
        command => {
            if let (Command::Reload { .. }, Some(_)) = (&command, &origin.config) {
                eprintln!("trunkline: {FILE_OF_THE_START}");
            }
            ask(&data(&origin)?, command)
        }
    }
}

/// An error with its causes. One whose words hold those of its cause already does not say them twice.
pub fn told(error: &anyhow::Error) -> String {
    error.chain().skip(1).fold(error.to_string(), |told, cause| {
        let cause = cause.to_string();
        if told.ends_with(&cause) { told } else { format!("{told}: {cause}") }
    })
}

/// The commands that ask the running switch.
fn ask(data: &Path, command: Command) -> anyhow::Result<ExitCode> {
    let (question, json) = match command {
        Command::Reload { dry_run, json } => return reload::reload(data, dry_run, json),
        Command::Calls { user, longer_than, json } => {
            return calls::calls(data, user.as_deref(), longer_than, json);
        }
        Command::Registrations { user, json } => return calls::registrations(data, user.as_deref(), json),
        Command::Trace { call, follow: true, json } => return follow::follow(data, &call, json),
        Command::Top { once, json } => return top::top(data, once, json),
        Command::Hangup { whom, call } => (Question::Hangup { whom: target(&whom, call)? }, false),
        Command::Call { call, json } => return records::call(data, sid(&call)?, json),
        Command::Drain { cancel: true, json, .. } => (Question::CancelDrain, json),
        Command::Drain { deadline, json, .. } => {
            let patience_ms = u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX);
            (Question::Drain { patience_ms }, json)
        }
        Command::Trace { call, json, .. } => (Question::Trace { call: sid(&call)? }, json),
        Command::Census { json } => (Question::Census, json),
        Command::Siptrace { state, peer, call } => {
            (Question::SipTrace { on: state == "on", peer, call }, false)
        }
        #[cfg(debug_assertions)]
        Command::Poison { what, id } => (Question::Poison { what, id: sid(&id)? }, false),
        Command::Serve { .. }
        | Command::Upgrade { .. }
        | Command::Rollback
        | Command::Supervise { .. }
        | Command::Check { .. }
        | Command::Credentials { .. }
        | Command::Records { .. } => {
            anyhow::bail!("this asks no running switch")
        }
    };
    show::show(data, &question, json)
}

/// The data folder, even of a configuration that is wrong elsewhere: a switch may run with its former state.
fn data(origin: &Origin) -> anyhow::Result<PathBuf> {
    Ok(origin.examine()?.config.data.folder)
}

fn sid(text: &str) -> anyhow::Result<Option<LegId>> {
    if text == "last" {
        return Ok(None);
    }
    text.parse().map(Some).with_context(|| format!("`{text}` is neither `last` nor a CallSid"))
}

fn target(whom: &str, is_call: bool) -> anyhow::Result<Whom> {
    if whom == "all" {
        return Ok(Whom::All);
    }
    let leg = whom.parse().with_context(|| format!("`{whom}` is neither `all` nor a CallSid"))?;
    Ok(if is_call { Whom::Call(leg) } else { Whom::Leg(leg) })
}

fn span(text: &str) -> Result<Duration, String> {
    read_span(text).ok_or_else(|| "a whole number and ms, s, m, h or d, such as 5m".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn an_error_of_the_system_is_told_once() {
        let missing = Origin { config: Some("/nobody/has/this.toml".into()), data: None };
        let error = missing.load().context("cannot start").expect_err("it is not there");
        let system = "No such file or directory (os error 2)";
        assert_eq!(told(&error), format!("cannot start: /nobody/has/this.toml: {system}"));
    }

    #[test]
    fn legs_and_spans_are_read_as_they_are_typed() {
        let leg = LegId::from_bytes([0xab; 16]);
        assert_eq!(target(&leg.to_string(), false).ok(), Some(Whom::Leg(leg)));
        assert_eq!(target(&leg.to_string(), true).ok(), Some(Whom::Call(leg)));
        assert_eq!(target("all", false).ok(), Some(Whom::All));
        let wrong = target("everybody", false).expect_err("no SID").to_string();
        assert_eq!(wrong, "`everybody` is neither `all` nor a CallSid");
        assert_eq!(sid("last").ok(), Some(None));
        assert_eq!(span("5m"), Ok(Duration::from_secs(300)));
        assert!(span("5").is_err());
    }
}
