//! What it costs to read a TwiML document of 4 kB, as a menu with a Dial, and as little but text.
//! It must never count what a neighbour on the machine takes: figures are CPU time of this thread.

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::Duration;

use anyhow::Context as _;
use nix::time::{ClockId, clock_gettime};
use trunkline::twiml::Document;

/// Bytes of a document.
const LENGTH: usize = 4_096;
/// Microseconds that one may take.
const MOST: f64 = 40.0;
/// Documents a run.
const DOCUMENTS: u32 = 20_000;
/// Of as many runs the best is told.
const RUNS: usize = 5;

fn main() -> anyhow::Result<()> {
    for (name, document) in [("menu", menu()?), ("text", text()?)] {
        let parsed = Document::parse(document.as_bytes())?;
        anyhow::ensure!(parsed.warnings.is_empty(), "{name}: {:?}", parsed.warnings);
        let time = best(&document)?;
        let (bytes, verbs) = (document.len(), parsed.document.steps.len());
        println!("{name}: {bytes} bytes, {verbs} verbs: {time:.2} µs of {MOST:.0}");
    }
    Ok(())
}

/// Menus and calls until the document is full.
fn menu() -> anyhow::Result<String> {
    let mut body = String::new();
    for choice in 0.. {
        let mut verbs = String::new();
        write!(
            verbs,
            "  <Gather action=\"/menu/{choice}?step=2&amp;language=en\" method=\"POST\" timeout=\"7\" numDigits=\"1\" \
             finishOnKey=\"#\">\n    <Say voice=\"Polly.Amy\" language=\"en-GB\">For sales &amp; support press \
             {choice}, or wait.</Say>\n    <Play loop=\"2\">https://example.com/prompts/{choice}.wav?v=3</Play>\n    \
             <Pause length=\"1\"/>\n  </Gather>\n  <Dial timeout=\"20\" callerId=\"+15551230000\" \
             action=\"/after\" record=\"record-from-answer-dual\" answerOnBridge=\"true\">\n    \
             <Number url=\"/screen\" statusCallback=\"/status\" statusCallbackEvent=\"initiated ringing answered \
             completed\">\n      +1555123{choice:04}\n    </Number>\n    <Client>alice</Client>\n    \
             <Sip>sip:kate@example.com;transport=tcp?X-Id={choice}</Sip>\n  </Dial>\n"
        )?;
        if body.len() + verbs.len() > LENGTH - 100 {
            break;
        }
        body.push_str(&verbs);
    }
    filled(&body)
}

/// One long sentence.
fn text() -> anyhow::Result<String> {
    filled(&format!("<Say>{}</Say>", "All our lines are busy &amp; will be for a while. ".repeat(78)))
}

/// A document of exactly the length wanted.
fn filled(body: &str) -> anyhow::Result<String> {
    let head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response>\n";
    let tail = "</Response>\n";
    let room = LENGTH.checked_sub(head.len() + body.len() + tail.len()).context("it fits")?;
    Ok(format!("{head}{body}{}{tail}", " ".repeat(room)))
}

/// Microseconds a document in the best run.
fn best(document: &str) -> anyhow::Result<f64> {
    let mut runs = Vec::with_capacity(RUNS);
    for _ in 0..RUNS {
        let begin = spent()?;
        for _ in 0..DOCUMENTS {
            black_box(Document::parse(black_box(document.as_bytes()))?);
        }
        runs.push((spent()? - begin).as_secs_f64() * 1e6 / f64::from(DOCUMENTS));
    }
    runs.into_iter().reduce(f64::min).context("there are runs")
}

fn spent() -> nix::Result<Duration> {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map(Duration::from)
}
