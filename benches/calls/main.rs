//! What a call, a packet and a registration cost the switch: a load tool that plays both ends around the built binary.
//! It must never share the process under test, nor judge by wall time what the kernel counts as CPU time.
//!
//! `cargo bench --bench calls` takes all figures; `-- signalling`, `-- journal`, `-- audio`, `-- registrations`,
//! `-- webhooks` or `-- gathers` one of them. Each is
//! taken twice, of a fresh switch, and the better run is told: neighbours on the machine can only make it dearer.

mod audio;
mod bare;
mod meter;
mod prompts;
mod registrations;
mod switch;
mod telephones;
mod text;
mod web;

use std::time::Duration;

use anyhow::ensure;

use audio::Ends;
use meter::now;
use prompts::Listeners;
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
    let benches: [(&str, Bench); 6] = [
        ("signalling", signalling),
        ("journal", journal),
        ("audio", audio),
        ("registrations", registrations),
        ("webhooks", webhooks),
        ("gathers", gathers),
    ];
    let mut figures = Vec::new();
    for (name, bench) in benches {
        if wanted.is_empty() || wanted.iter().any(|word| word == name) {
            let (first, second) = (bench()?, bench()?);
            figures.extend(if first.cost <= second.cost { first } else { second }.figures);
        }
    }
    ensure!(!figures.is_empty(), "there are signalling, journal, audio, registrations, webhooks and gathers");
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

/// The same load on a switch that writes its calls down, and on one that does not.
fn journal() -> anyhow::Result<Run> {
    let load = Load { calls: 2000, per_second: 200, hold: Duration::from_secs(1) };
    let measure = |switch: Switch| -> anyhow::Result<(f64, Duration)> {
        let before = switch.spent();
        let done = telephones::call(&load, switch.address, Ends::open()?.addresses(), |_, _| {})?;
        let cost = millis(switch.spent() - before) / done.ended.max(1) as f64;
        Ok((cost, done.delays.percentile(99)))
    };
    let (without, early) = measure(Switch::forgetful()?)?;
    let (with, late) = measure(Switch::start()?)?;
    let (share, delay) = ((with / without - 1.0) * 100.0, millis(late) - millis(early));
    let (measured, control) =
        (format!("{with:.2} ({share:+.0} %)"), format!("without {without:.2} ms a call"));
    let figures = vec![
        Figure::new("call that is written down, CPU ms", measured, "≤ +8 %", control),
        Figure::new("  post-dial delay, p99, ms more", format!("{delay:+.2}"), "≤ +1", String::new()),
    ];
    Ok(Run { cost: share, figures })
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

/// A switch whose number `prompt` asks a web application for this document.
fn asking(document: &str) -> anyhow::Result<Switch> {
    let web = web::Web::start(document, sound())?;
    Switch::asking(&format!("http://{}/", web.address))
}

/// Four seconds at full loudness, as a WAV file: a square wave at 1 kHz.
fn sound() -> Vec<u8> {
    const SAMPLES: u32 = 4 * 8000;
    let mut wav = b"RIFF".to_vec();
    wav.extend((36 + SAMPLES * 2).to_le_bytes());
    wav.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    wav.extend(8000_u32.to_le_bytes());
    wav.extend(16_000_u32.to_le_bytes());
    wav.extend(b"\x02\0\x10\0data");
    wav.extend((SAMPLES * 2).to_le_bytes());
    let sample = |n: u32| if n % 8 < 4 { 12_000_i16 } else { -12_000 };
    wav.extend((0..SAMPLES).flat_map(|n| sample(n).to_le_bytes()));
    wav
}

fn webhooks() -> anyhow::Result<Run> {
    let switch = asking("<Response><Play loop=\"0\">http://{host}/prompt.wav</Play></Response>")?;
    // The sound is fetched once; the first callers would wait for that, too, and nobody else.
    let one = Listeners { first: 1000, calls: 1, per_second: 1, hold: Duration::from_secs(1) };
    prompts::listen(&one, switch.address, || {})?;
    let load = Listeners { first: 0, calls: 1000, per_second: 50, hold: Duration::from_secs(2) };
    let heard = prompts::listen(&load, switch.address, || {})?;
    ensure!(heard.answered == load.calls, "{} of {} calls were answered", heard.answered, load.calls);
    let late = millis(heard.waits.percentile(99));
    let waits = format!("{:.1} / {late:.1}", millis(heard.waits.percentile(50)));
    let control = format!("of {} calls", load.calls);
    let name = "answer to first prompt packet, ms, p50 / p99";
    Ok(Run { cost: late, figures: vec![Figure::new(name, waits, "p99 ≤ 20", control)] })
}

fn gathers() -> anyhow::Result<Run> {
    let switch = asking(
        "<Response><Gather numDigits=\"4\"><Play loop=\"0\">http://{host}/prompt.wav</Play></Gather></Response>",
    )?;
    let load = Listeners { first: 0, calls: TALKING, per_second: 50, hold: Duration::from_secs(22) };
    let (mut spent, mut lasted) = (Duration::ZERO, Duration::ZERO);
    let heard = prompts::listen(&load, switch.address, || {
        let (before, begin) = (switch.spent(), now());
        meter::rest_until(begin + Duration::from_secs(8));
        (spent, lasted) = (switch.spent() - before, now() - begin);
    })?;
    ensure!(heard.answered == TALKING, "{} of {TALKING} calls were answered", heard.answered);
    let gap = millis(heard.gaps.percentile(99));
    let gaps = format!("{:.0} / {gap:.0}", millis(heard.gaps.percentile(50)));
    let cost = millis(spent) / lasted.as_secs_f64() / TALKING as f64;
    let figures = vec![
        Figure::new("longest gap of 500 Gathers, ms, p50 / p99", gaps, "p99 ≤ 60", String::new()),
        Figure::new("  whole switch, CPU ms a call-second", format!("{cost:.2}"), "", String::new()),
    ];
    Ok(Run { cost: gap, figures })
}

fn millis(span: Duration) -> f64 {
    span.as_secs_f64() * 1000.0
}
