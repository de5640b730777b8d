//! Entry point of the switch: arguments, configuration, runtime, signals, drain.
//! It must never hold logic of its own.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};
use trunkline::config::{Config, Credentials, files};
use trunkline::ids::LegId;
use trunkline::node::{House, Node, Plan, limits};
use trunkline::ops::control::{self, Answer, Question};
use trunkline::ops::{log, print, trace};
use trunkline::routing::Target;
use trunkline::supervision::{Clock as _, SystemClock};

/// A call is many small values that are cloned, committed and dropped: an allocator made for that saves a fifth of
/// the switch's time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long a stop waits for the last BYE to be answered.
const PATIENCE: Duration = Duration::from_secs(5);

/// A self-hosted programmable voice cloud.
#[derive(Debug, Parser)]
#[command(name = "trunkline", version, about)]
struct Arguments {
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
    /// Run the switch.
    Serve,
    /// Read the configuration, the routes and every script; tell what is wrong, and which number leads where.
    Check {
        /// Print the settings in force instead, as a configuration file.
        #[arg(long)]
        effective: bool,
    },
    /// Show the legs that are up.
    Calls {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show the phones that are registered.
    Registrations {
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
    /// Show what happened in a call, as a ladder.
    Trace {
        /// A CallSid of the call, or `last`.
        call: String,
        /// As JSON.
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
        peer: Option<std::net::IpAddr>,
        /// A CallSid.
        #[arg(long)]
        call: Option<LegId>,
    },
    /// Make an actor panic, to see that nobody hears it. Debug builds only.
    #[cfg(debug_assertions)]
    Poison {
        /// Which kind of actor.
        what: control::Poisoned,
        /// A CallSid, or `last`.
        id: String,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("trunkline: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let config = configuration(&arguments)?;
    let data = config.data.folder.clone();
    match arguments.command {
        Command::Serve => actix::System::new().block_on(serve(config)).map(|()| ExitCode::SUCCESS),
        Command::Check { effective: true } => {
            print!("{}", config.effective());
            Ok(ExitCode::SUCCESS)
        }
        Command::Check { effective: false } => check(&config),
        Command::Credentials { json, replace } => credentials(&config, json, replace),
        Command::Calls { json } => show(&data, &Question::Calls, json),
        Command::Registrations { json } => show(&data, &Question::Registrations, json),
        Command::Census { json } => show(&data, &Question::Census, json),
        Command::Trace { call, json } => show(&data, &Question::Trace { call: sid(&call)? }, json),
        Command::Siptrace { state, peer, call } => {
            show(&data, &Question::SipTrace { on: state == "on", peer, call }, false)
        }
        #[cfg(debug_assertions)]
        Command::Poison { what, id } => show(&data, &Question::Poison { what, id: sid(&id)? }, false),
    }
}

fn sid(text: &str) -> anyhow::Result<Option<LegId>> {
    if text == "last" {
        return Ok(None);
    }
    text.parse().map(Some).with_context(|| format!("`{text}` is neither `last` nor a CallSid"))
}

fn configuration(arguments: &Arguments) -> anyhow::Result<Config> {
    let local = Path::new("trunkline.toml");
    let path = arguments.config.as_deref().or_else(|| local.exists().then_some(local));
    let mut config = match path {
        Some(path) => files::load_config(path)?,
        None => Config::default(),
    };
    if let Some(data) = &arguments.data {
        config.data.folder.clone_from(data);
    }
    Ok(config)
}

async fn serve(config: Config) -> anyhow::Result<()> {
    log::start(&config.log)?;
    let data = config.data.folder.clone();
    std::fs::create_dir_all(&data)
        .with_context(|| format!("cannot make the data folder {}", data.display()))?;
    let (credentials, are_new) = files::load_or_mint(&config.credentials_file(), new_random()?, &USERS)?;
    let plan = Plan::load(&config.dialplan.folder)?;
    limits::of_host(&config)
        .iter()
        .for_each(|warning| tracing::warn!("{}: {}", warning.key, warning.message));
    let control = control::ControlSocket::open(&data)?;
    let mut node = Node::start(config, credentials, plan).await?;
    println!("{}", ready(node.house(), &data, are_new));
    let desk = node.desk();
    let (stop, mut stopped) = tokio::sync::mpsc::channel(1);
    let answering = control::serve(control, move |question| {
        let (desk, stop) = (desk.clone(), stop.clone());
        Box::pin(async move {
            if question == Question::Stop {
                // A stop that is asked for twice is asked for.
                let _ = stop.try_send(());
                return Answer::Done;
            }
            desk.answer(question).await
        })
    });
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let failed = tokio::select! {
        _ = interrupt.recv() => None,
        _ = terminate.recv() => None,
        exit = node.failure() => exit,
        _ = stopped.recv() => None,
        ended = answering => {
            ended.context("the control socket failed")?;
            None
        }
    };
    tracing::info!("stopping: calls are ended, no new ones are taken");
    tokio::select! {
        () = node.stop(PATIENCE) => {}
        _ = interrupt.recv() => tracing::warn!("told twice: ended at once"),
        _ = terminate.recv() => tracing::warn!("told twice: ended at once"),
    }
    match failed {
        Some(exit) => anyhow::bail!("{} {}", exit.child, exit.reason),
        None => Ok(()),
    }
}

/// What is told once the switch answers.
fn ready(house: &House, data: &Path, is_first_start: bool) -> String {
    let settings = house.settings();
    let numbers = numbers(&settings.plan);
    print::banner(&print::Banner {
        addresses: &house.reachable(),
        users: &house.credentials.users,
        numbers: &numbers,
        web: &house.web_url,
        data,
        is_first_start,
    })
}

/// Numbers and what they do.
fn numbers(plan: &Plan) -> Vec<(String, String)> {
    plan.routes
        .list()
        .map(|route| {
            let does = match route.target {
                Target::Endpoint(user) if route.description.is_empty() => format!("{user}'s telephones ring"),
                _ => route.description.to_owned(),
            };
            (route.number.to_owned(), does)
        })
        .collect()
}

/// The demo's users. Their passwords are minted at the first start and kept.
const USERS: [&str; 3] = ["alice", "bob", "carol"];

fn new_random() -> anyhow::Result<impl FnMut() -> [u8; 16]> {
    let mut seed = [0; 16];
    getrandom::fill(&mut seed).map_err(|error| anyhow::anyhow!("no randomness from the system: {error}"))?;
    let mut minter = trunkline::ids::Minter::new(seed);
    Ok(move || minter.bytes())
}

fn credentials(config: &Config, json: bool, replace: bool) -> anyhow::Result<ExitCode> {
    let file = config.credentials_file();
    let credentials = if replace {
        let minted = Credentials::mint(new_random()?, &USERS);
        files::save_credentials(&file, &minted)?;
        minted
    } else {
        files::load_credentials(&file)?
            .with_context(|| format!("there is no {}: it is made at the first start", file.display()))?
    };
    if json {
        println!("{}", serde_json::to_string_pretty(&credentials)?);
    } else {
        print!("{}", print::credentials(&credentials));
    }
    Ok(ExitCode::SUCCESS)
}

fn check(config: &Config) -> anyhow::Result<ExitCode> {
    let plan = Plan::load(&config.dialplan.folder)?;
    let mut is_sound = true;
    limits::of_host(config)
        .iter()
        .for_each(|warning| println!("warning: {}: {}", warning.key, warning.message));
    for (name, findings) in plan.findings() {
        match findings {
            Ok(findings) => findings.iter().for_each(|finding| println!("{name}: warning: {finding}")),
            Err(error) => {
                is_sound = false;
                println!("{name}: error: {error}");
            }
        }
    }
    for (number, does) in numbers(&plan) {
        println!("{number:>12}  {does}");
    }
    println!(
        "{}",
        if is_sound { "configuration, routes and scripts are sound" } else { "see the errors above" }
    );
    Ok(if is_sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn show(data: &Path, question: &Question, json: bool) -> anyhow::Result<ExitCode> {
    let answer = control::ask(data, question)?;
    let text = match &answer {
        Answer::Calls(legs) if json => serde_json::to_string_pretty(legs)?,
        Answer::Registrations(phones) if json => serde_json::to_string_pretty(phones)?,
        Answer::Trace(trace) if json => serde_json::to_string_pretty(trace)?,
        Answer::Census(census) if json => serde_json::to_string_pretty(census)?,
        Answer::Calls(legs) => print::calls(legs, SystemClock.now()),
        Answer::Registrations(phones) => print::registrations(phones),
        Answer::Trace(trace) => trace::ladder(trace),
        Answer::Census(census) => print::census(census),
        Answer::Reloaded(reloaded) => serde_json::to_string_pretty(reloaded)?,
        Answer::Done => "done".to_owned(),
        Answer::Error { message } => anyhow::bail!("{message}"),
    };
    match writeln!(std::io::stdout(), "{}", text.trim_end()) {
        // Whoever reads it has seen enough: `trunkline trace last | head`.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {}
        written => written?,
    }
    Ok(ExitCode::SUCCESS)
}
