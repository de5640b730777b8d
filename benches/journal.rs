//! What a committed batch costs the thread that serves calls, and how long a restart reads.
//! It must never count what a neighbour on the machine takes: costs are CPU time of this thread, waits are told apart.

use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use anyhow::ensure;
use nix::time::{ClockId, clock_gettime};
use trunkline::journal::{BootId, Change, Folder, Journal, Limits, Stamp};
use trunkline_media::moment::Moment;

/// Records a batch: a call, two legs and their scripts.
const RECORDS: usize = 5;
/// Bytes a record.
const RECORD: usize = 3_000;
/// Calls that live: each has a batch's records.
const CALLS: usize = 500;
const BATCHES: usize = 20_000;

fn main() -> anyhow::Result<()> {
    let place = std::env::temp_dir().join(format!("trunkline-bench-journal-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&place);
    let done = measure(&place);
    std::fs::remove_dir_all(&place)?;
    done
}

fn measure(place: &Path) -> anyhow::Result<()> {
    let folder = Folder::lock(place)?;
    let (mut journal, _) = Journal::open(&folder, "bench", Limits::default(), stamp()?)?;
    let (mut costs, mut waits) = (Vec::with_capacity(BATCHES), Vec::with_capacity(BATCHES));
    for number in 0..BATCHES {
        let batch = batch(number);
        let now = stamp()?;
        let (cpu, wall) = (spent()?, elapsed()?);
        journal.append(batch, now);
        costs.push((spent()? - cpu).as_secs_f64() * 1e6);
        waits.push((elapsed()? - wall).as_secs_f64() * 1e6);
    }
    ensure!(journal.health().is_well(), "{:?}", journal.health());
    println!(
        "append of {RECORDS} records of {RECORD} bytes, {CALLS} calls alive, checkpoints in the background"
    );
    println!("on disk {}", told_disk(place, &plain(place)?));
    tell("CPU  µs", &mut costs);
    tell("wall µs", &mut waits);
    let health = journal.close(stamp()?);
    println!(
        "{} records, {:.1} MB alive, {:.1} MB on disk",
        health.records,
        mega(health.live),
        mega(health.disk)
    );

    let (cpu, wall) = (spent()?, elapsed()?);
    let (journal, image) = Journal::open(&folder, "bench", Limits::default(), stamp()?)?;
    let (cpu, wall) = (spent()? - cpu, elapsed()? - wall);
    ensure!(image.records.len() == CALLS * RECORDS && image.findings.is_empty(), "{:?}", image.findings);
    println!("opened again in {:.1} ms, CPU {:.1} ms", wall.as_secs_f64() * 1e3, cpu.as_secs_f64() * 1e3);
    black_box(journal.close(stamp()?));
    Ok(())
}

/// The same bytes written plainly: what the kernel takes of it.
fn plain(place: &Path) -> anyhow::Result<Vec<f64>> {
    use std::io::Write as _;
    let bytes = vec![7_u8; RECORDS * (RECORD + 60)];
    let mut file = std::fs::File::create(place.join("plain"))?;
    let mut costs = Vec::new();
    for _ in 0..2_000 {
        let cpu = spent()?;
        file.write_all(&bytes)?;
        costs.push((spent()? - cpu).as_secs_f64() * 1e6);
    }
    std::fs::remove_file(place.join("plain"))?;
    Ok(costs)
}

fn told_disk(place: &Path, costs: &[f64]) -> String {
    let mut costs = costs.to_vec();
    costs.sort_by(f64::total_cmp);
    format!("{}: write() of the same bytes takes {:.1} µs of CPU", place.display(), at(&costs, 0.5))
}

fn tell(what: &str, figures: &mut [f64]) {
    figures.sort_by(f64::total_cmp);
    let [half, most, nearly, all] = [0.5, 0.99, 0.999, 1.0].map(|share| at(figures, share));
    println!("{what}  p50 {half:.1}  p99 {most:.1}  p99.9 {nearly:.1}  max {all:.1}");
}

fn at(sorted: &[f64], share: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    sorted.get((last as f64 * share) as usize).copied().unwrap_or(0.0)
}

fn batch(number: usize) -> Vec<Change> {
    let call = number % CALLS;
    let put = |record| Change::Put {
        key: format!("call/{call}/{record}").into(),
        version: 1,
        value: vec![(number % 251) as u8; RECORD],
    };
    (0..RECORDS).map(put).collect()
}

fn mega(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

fn stamp() -> anyhow::Result<Stamp> {
    let at = Moment::from_micros(u64::try_from(elapsed()?.as_micros())?);
    Ok(Stamp { boot: BootId::default(), at, wall: 0 })
}

fn elapsed() -> nix::Result<Duration> {
    clock_gettime(ClockId::CLOCK_MONOTONIC).map(Duration::from)
}

fn spent() -> nix::Result<Duration> {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map(Duration::from)
}
