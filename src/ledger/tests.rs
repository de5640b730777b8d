use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use trunkline_media::moment::Moment;

use super::book::Book;
use super::*;
use crate::call::profile::WallClock;
use crate::ids::{CallId, LegId};

const PATIENCE: Duration = Duration::from_secs(20);
const ROOMY: Limits = Limits { bytes: 1 << 20, files: 3 };

/// A folder of one test; gone with it.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let place = std::env::temp_dir().join(format!("trunkline-ledger-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&place);
        fs::create_dir_all(&place).expect("the temporary folder is writable");
        Self(place)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The SIDs by the first byte of their number, as they stand in a file.
    fn legs_in(&self, name: &str) -> Vec<u8> {
        let text = fs::read_to_string(self.file(name)).unwrap_or_default();
        let leg = |line: &str| serde_json::from_str::<CallRecord>(line).expect("every line is a record").sid;
        text.lines().map(leg).map(number).collect()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn number(leg: LegId) -> u8 {
    u8::from_str_radix(leg.to_string().get(2..4).expect("32 digits"), 16).expect("hex digits")
}

fn record(number: u8) -> CallRecord {
    let leg = LegId::from_bytes([number; 16]);
    CallRecord::of(CallId(leg), leg, &[], &WallClock { at: Moment::default(), wall: 0 })
}

/// Posts these, and waits until each is settled.
fn settle(ledger: &Ledger, numbers: &[u8]) {
    let (way, settled) = mpsc::channel();
    for number in numbers.iter().copied() {
        let way = way.clone();
        ledger.post(record(number), move || way.send(number).expect("the test waits"));
    }
    let told: Vec<u8> =
        numbers.iter().map(|_| settled.recv_timeout(PATIENCE).expect("it is settled")).collect();
    assert_eq!(told, numbers, "in their order");
}

fn writes(place: &Path, limits: Limits, numbers: &[u8]) {
    let mut book = Book::open(place, limits).expect("it opens");
    for number in numbers {
        book.write(&[&record(*number)]).expect("it is written");
    }
}

#[test]
fn a_record_that_is_posted_again_after_a_restart_has_one_line() {
    let place = Place::new("once");
    let ledger = Ledger::start(&place.0, ROOMY).expect("a thread");
    settle(&ledger, &[1, 2, 2]);
    drop(ledger);
    let ledger = Ledger::start(&place.0, ROOMY).expect("a thread");
    settle(&ledger, &[2, 1, 3]);
    assert_eq!(place.legs_in(FILE), [1, 2, 3]);
    let mode = fs::metadata(place.file(FILE)).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn what_still_waits_is_written_at_the_end() {
    let place = Place::new("end");
    let ledger = Ledger::start(&place.0, ROOMY).expect("a thread");
    (1..=200).for_each(|number| ledger.post(record(number), || {}));
    drop(ledger);
    assert_eq!(place.legs_in(FILE), (1..=200).collect::<Vec<u8>>());
}

#[test]
fn a_torn_last_line_is_cut_off_and_written_again_wherever_it_is_torn() {
    let place = Place::new("torn");
    writes(&place.0, ROOMY, &[1, 2]);
    let whole = fs::read(place.file(FILE)).expect("it is there");
    let first = whole.iter().position(|byte| *byte == b'\n').expect("a line") + 1;
    for length in 0..whole.len() {
        fs::write(place.file(FILE), &whole[..length]).expect("it is ours");
        let mut book = Book::open(&place.0, ROOMY).expect("it opens");
        let kept = fs::metadata(place.file(FILE)).expect("it is there").len();
        assert_eq!(kept, if length < first { 0 } else { first as u64 }, "torn at {length}");
        book.write(&[&record(1), &record(2)]).expect("it is written");
        assert_eq!(fs::read(place.file(FILE)).expect("it is there"), whole, "torn at {length}");
    }
}

#[test]
fn a_line_that_is_no_record_hides_no_other() {
    let place = Place::new("flipped");
    writes(&place.0, ROOMY, &[1, 2, 3]);
    let mut bytes = fs::read(place.file(FILE)).expect("it is there");
    let second = bytes.iter().position(|byte| *byte == b'\n').expect("a line") + 1;
    bytes[second] = b'!';
    let long = [b"x".repeat(200_000), b"\n".to_vec()].concat();
    fs::write(place.file(FILE), [long, bytes].concat()).expect("it is ours");
    let found: Vec<u8> =
        last(&place.0, 10).expect("it is read").iter().map(|record| number(record.sid)).collect();
    assert_eq!(found, [1, 3]);
    writes(&place.0, ROOMY, &[1, 2, 3]);
    let found: Vec<u8> =
        last(&place.0, 10).expect("it is read").iter().map(|record| number(record.sid)).collect();
    assert_eq!(found, [1, 3, 2], "only the one that was lost is written again");
}

#[test]
fn a_file_that_is_full_is_put_aside_and_the_oldest_goes() {
    let place = Place::new("full");
    let one = serde_json::to_vec(&record(1)).expect("it is written").len() as u64 + 1;
    let limits = Limits { bytes: 2 * one, files: 2 };
    writes(&place.0, limits, &[1, 2, 3, 4, 5, 6, 7]);
    let files = |names: [&str; 4]| names.map(|name| place.legs_in(name));
    let names = ["calls.jsonl", "calls.jsonl.1", "calls.jsonl.2", "calls.jsonl.3"];
    assert_eq!(files(names), [vec![7], vec![5, 6], vec![3, 4], vec![]]);
    writes(&place.0, limits, &[5, 6, 7, 8]);
    assert_eq!(place.legs_in(FILE), [7, 8], "those of the file before have a line, too");
    let found = |most| -> Vec<u8> {
        last(&place.0, most).expect("it is read").iter().map(|record| number(record.sid)).collect()
    };
    assert_eq!((found(3), found(100)), (vec![6, 7, 8], vec![3, 4, 5, 6, 7, 8]));
    fs::remove_file(place.file("calls.jsonl.1")).expect("it is there");
    writes(&place.0, limits, &[9]);
    assert_eq!(files(names), [vec![9], vec![7, 8], vec![3, 4], vec![]], "a gap is filled, nothing goes");
    writes(&place.0, Limits { files: 0, ..limits }, &[10, 11]);
    assert_eq!(place.legs_in(FILE), [11]);
}

#[test]
fn a_call_is_found_by_any_of_its_legs() {
    let place = Place::new("found");
    let child = CallRecord { call: record(1).call, ..record(2) };
    let mut book = Book::open(&place.0, ROOMY).expect("it opens");
    book.write(&[&record(3), &child, &record(1)]).expect("it is written");
    for leg in [1, 2] {
        let found = find(&place.0, record(leg).sid).expect("it is read");
        assert_eq!(found, [child.clone(), record(1)]);
    }
    assert_eq!(find(&place.0, record(4).sid).expect("it is read"), []);
}

#[test]
fn a_disk_that_fails_keeps_records_waiting_until_it_is_well() {
    let place = Place::new("fails");
    // A folder stands where the file belongs.
    fs::create_dir(place.file(FILE)).expect("the folder is ours");
    let ledger = Ledger::start(&place.0, ROOMY).expect("a thread");
    let (way, settled) = mpsc::channel();
    for number in [1, 2] {
        let way = way.clone();
        ledger.post(record(number), move || way.send(number).expect("the test waits"));
    }
    while !ledger.health().is_failing {
        std::thread::yield_now();
    }
    assert!(!ledger.is_settled_within(PATIENCE), "at once: the disk fails");
    assert_eq!(ledger.health().waiting, 2);
    assert!(settled.try_recv().is_err());
    fs::remove_dir(place.file(FILE)).expect("it is empty");
    let told: Vec<u8> = (0..2).map(|_| settled.recv_timeout(PATIENCE).expect("it is tried again")).collect();
    assert_eq!(told, [1, 2]);
    assert!(ledger.is_settled_within(PATIENCE));
    assert_eq!(ledger.health(), Health::default());
    assert_eq!(place.legs_in(FILE), [1, 2]);
}

#[test]
fn what_is_too_much_for_a_disk_that_fails_is_left_out_and_never_settled() {
    let place = Place::new("too-much");
    fs::create_dir(place.file(FILE)).expect("the folder is ours");
    let ledger = Ledger::start(&place.0, ROOMY).expect("a thread");
    let (way, settled) = mpsc::channel::<()>();
    for number in 0..WAITING + 7 {
        let way = way.clone();
        ledger.post(record((number % 250) as u8), move || way.send(()).expect("the test waits"));
    }
    let health = ledger.health();
    assert_eq!((health.waiting, health.left_out), (WAITING, 7));
    drop(ledger);
    assert!(settled.try_recv().is_err(), "the disk is not waited for at the end");
}
