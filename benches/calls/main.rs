//! What a call, a packet and a registration cost the switch: a load tool that plays both ends around the built binary.
//! It must never share the process under test, nor judge by wall time what the kernel counts as CPU time.
//!
//! `cargo bench --bench calls` takes all figures; `-- signalling`, `-- audio` or `-- registrations` one of them. Each is
//! taken twice, of a fresh switch, and the better run is told: neighbours on the machine can only make it dearer.

mod audio;
mod bare;
mod meter;
mod registrations;
mod switch;
mod telephones;
mod text;

use std::time::Duration;

use anyhow::ensure;

use audio::Ends;
use meter::now;
use switch::Switch;
use telephones::Load;

/// Calls at a time, of the switch and of the control.
const TALKING: usize = 500;
/// From the last call's INVITE until the figures are taken: all have been answered, and addresses are learnt.
const WARM_UP: Duration = Duration::from_secs(2);
const WINDOW: Duration = Duration::from_secs(10);

/// Takes figures of a fresh switch.
type Bench = fn() -> anyhow::Result<Run>;

/// A line of the table.
struct Figure {
    name: &'static str,
    measured: String,
    bar: &'static str,
    control: String,
}

impl Figure {
    fn new(name: &'static str, measured: String, bar: &'static str, control: String) -> Self {
        Self { name, measured, bar, control }
    }
}

/// The lines that one run gives, and what it is compared by: the less, the better.
struct Run {
    cost: f64,
    figures: Vec<Figure>,
}

fn main() -> anyhow::Result<()> {
    // The bare loop holds two sockets a call.
    trunkline::node::limits::of_host(&trunkline::config::Config::default());
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let benches: [(&str, Bench); 3] =
        [("signalling", signalling), ("audio", audio), ("registrations", registrations)];
    let mut figures = Vec::new();
    for (name, bench) in benches {
        if wanted.is_empty() || wanted.iter().any(|word| word == name) {
            let (first, second) = (bench()?, bench()?);
            figures.extend(if first.cost <= second.cost { first } else { second }.figures);
        }
    }
    ensure!(!figures.is_empty(), "there are signalling, audio and registrations");
    println!("{:<44} {:>20}   {:<18} control", "figure", "measured", "bar");
    for Figure { name, measured, bar, control } in figures {
        println!("{name:<44} {measured:>20}   {bar:<18} {control}");
    }
    Ok(())
}

fn signalling() -> anyhow::Result<Run> {
    let switch = Switch::start()?;
    let load = Load { calls: 2000, per_second: 200, hold: Duration::from_secs(1) };
    let before = switch.spent();
    let done = telephones::call(&load, switch.address, Ends::open()?.addresses(), |_, _| {})?;
    let cost = millis(switch.spent() - before) / done.ended.max(1) as f64;
    let (median, late) = (done.delays.percentile(50), done.delays.percentile(99));
    let ended = format!("{} of {} calls came to a good end", done.ended, load.calls);
    let delays = format!("{:.2} / {:.2}", millis(median), millis(late));
    let figures = vec![
        Figure::new("bridged call without audio, CPU ms, 200/s", format!("{cost:.2}"), "≤ 1.0", ended),
        Figure::new("  post-dial delay, ms, p50 / p99", delays, "", String::new()),
    ];
    Ok(Run { cost, figures })
}

fn audio() -> anyhow::Result<Run> {
    let bare = {
        let ends = Ends::open()?;
        let relay = bare::Relay::start(TALKING, ends.addresses())?;
        relay.legs().for_each(|(side, port)| ends.talk_to(side, port));
        ends.measure(now() + WARM_UP, WINDOW, bare::Relay::spent)
    };
    let switch = Switch::start()?;
    let idle = switch.resident();
    let ends = Ends::open()?;
    let begin = now() + Duration::from_secs(10) + WARM_UP;
    let load = Load { calls: TALKING, per_second: 50, hold: begin + WINDOW + Duration::from_secs(1) - now() };
    let (done, relayed, resident) = std::thread::scope(|scope| {
        let calls = scope.spawn(|| {
            telephones::call(&load, switch.address, ends.addresses(), |side, port| ends.talk_to(side, port))
        });
        let relayed = ends.measure(begin, WINDOW, || switch.spent());
        // Nobody hangs up for another second.
        let resident = switch.resident();
        (calls.join(), relayed, resident)
    });
    let done = done.map_err(|_| anyhow::anyhow!("a thread of the load tool panicked"))??;
    ensure!(done.answered == TALKING, "{} of {TALKING} calls were answered", done.answered);
    let ratio = relayed.micros / bare.micros;
    let kilobytes = resident.saturating_sub(idle) as f64 / 1000.0 / TALKING as f64;
    let cost = format!("{:.2} ({ratio:.2} × bare)", relayed.micros);
    let control = format!("bare {:.2} at {} packets/s", bare.micros, bare.said / WINDOW.as_secs());
    let (lost, bare) = (format!("{:.3}", relayed.lost), format!("bare {:.3}", bare.lost));
    let (memory, idle) = (format!("{kilobytes:.0}"), format!("idle {} MB", idle / 1_000_000));
    let figures = vec![
        Figure::new("relayed packet, CPU µs, 500 calls", cost, "≤ 1.5 × bare", control),
        Figure::new("  lost, %", lost, "", bare),
        Figure::new("resident memory per call with audio, kB", memory, "≤ 100", idle),
    ];
    Ok(Run { cost: ratio, figures })
}

fn registrations() -> anyhow::Result<Run> {
    let switch = Switch::start()?;
    let before = switch.spent();
    let (wanted, per_second) = (5000, 500);
    let granted = registrations::register(wanted, per_second, switch.address)?;
    let cost = millis(switch.spent() - before) * 1000.0 / granted.max(1) as f64;
    let granted = format!("{granted} of {wanted} were granted");
    let figures =
        vec![Figure::new("digest registration, CPU µs, 500/s", format!("{cost:.0}"), "≤ 120", granted)];
    Ok(Run { cost, figures })
}

fn millis(span: Duration) -> f64 {
    span.as_secs_f64() * 1000.0
}
