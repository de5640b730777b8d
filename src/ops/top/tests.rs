//! Whole boards, as an operator sees them.
//! The drawing in `golden.txt` is the specification: read it, not only compare it.

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::style::Color;

use super::super::control::Traffic;
use super::super::log::Complaint;
use super::*;
use crate::ids::{CallId, LegId};

fn call(number: u8, began_s: u64, peer: &str) -> LegSummary {
    let id = LegId::from_bytes([number; 16]);
    let began = Moment::from_micros(began_s * 1_000_000);
    LegSummary { id, call: CallId(id), peer: peer.to_owned(), state: "up".to_owned(), began }
}

/// A look at `second`.
fn look(second: u64) -> Overview {
    let complaint = |text: &str, is_error, times| Complaint {
        wall_us: 1_795_516_267_204_000,
        is_error,
        times,
        text: text.to_owned(),
    };
    Overview {
        version: "0.1.0".to_owned(),
        now: Moment::from_micros(second * 1_000_000),
        wall_us: 1_795_516_200_000_000 + second * 1_000_000,
        started: Moment::from_micros(10_000_000),
        calls: 3,
        calls_limit: 2_000,
        legs: 4_600,
        legs_limit: 5_000,
        begun: second * 2,
        registrations: 7,
        cpu_us: second * 250_000,
        cores: 2,
        memory: 58 << 20,
        files: 118,
        files_limit: 65_536,
        traffic: Traffic { received: second * 98, sent: second * 100, lost: second * 2 },
        lag_us: 450,
        longest: vec![
            call(0xa1, 12, "sip:alice@192.0.2.1"),
            call(0xb1, 3_000, "sip:bob@192.0.2.8:5062"),
            call(0xc1, 4_000, "sip:a\x1b[2Jcarol@192.0.2.9"),
        ],
        complaints: vec![
            complaint("the limit of calls is reached limit=2000", false, 153),
            complaint("a part that the node cannot be without has ended", true, 1),
        ],
        ..Overview::default()
    }
}

fn board() -> Board {
    let mut board = Board::default();
    board.see(look(4_000));
    board.see(look(4_010));
    board
}

#[test]
fn a_board_has_figures_rates_calls_and_complaints() {
    let text = board().text();
    assert!(text == include_str!("golden.txt"), "this is not what stands in golden.txt:\n{text}");
}

#[test]
fn what_is_near_a_limit_or_lost_is_coloured() {
    let mut terminal = Terminal::new(TestBackend::new(100, 24)).expect("a screen in memory");
    terminal.draw(|frame| board().draw(frame.area(), frame.buffer_mut())).expect("drawn");
    let buffer = terminal.backend().buffer();
    let colour_of = |text: &str| {
        let rows = buffer.content.chunks(100);
        let found = rows.into_iter().find_map(|cells| {
            let line: Vec<&str> = cells.iter().map(ratatui::buffer::Cell::symbol).collect();
            let at = line.concat().find(text)?;
            cells.get(at).map(|cell| cell.fg)
        });
        found.unwrap_or_else(|| panic!("{text} is not on the screen"))
    };
    assert_eq!(colour_of("4600 of 5000"), Color::Yellow);
    assert_eq!(colour_of("3 of 2000"), Color::Reset);
    assert_eq!(colour_of("2.0 %"), Color::Yellow);
    assert_eq!(colour_of("10:31:07 a part"), Color::Red);
}

#[test]
fn calls_are_scrolled_and_sorted_and_the_end_is_not_passed() {
    let mut board = board();
    let first = |board: &Board| board.calls().first().map(|call| call.peer.clone());
    let alice = Some("sip:alice@192.0.2.1".to_owned());
    assert_eq!(first(&board), alice);
    assert!((0..9).all(|_| board.press(Key::Down)));
    assert_eq!(board.calls().len(), 1, "the last one stays");
    assert!(board.press(Key::Up) && board.press(Key::Home));
    assert_eq!(first(&board), alice);
    assert!(board.press(Key::Sort));
    assert!(first(&board).is_some_and(|peer| peer.contains("carol")), "the latest first");
    assert!(board.press(Key::Sort) && board.press(Key::PageDown) && board.press(Key::PageUp));
    assert!(first(&board).is_some_and(|peer| peer.contains("carol")), "by name: `a` comes first");
    board.press(Key::PageDown);
    board.see(Overview { longest: Vec::new(), ..look(4_020) });
    assert!(board.calls().is_empty() && board.press(Key::Down) && !board.press(Key::Quit));
}

#[test]
fn a_switch_that_is_silent_or_new_has_no_wrong_figures() {
    let mut board = Board::default();
    assert!(board.text().contains("looking for the switch"));
    board.miss("no switch is running".to_owned());
    assert_eq!(board.text(), "no switch is running\n");
    board.see(look(100));
    assert!(board.text().contains("–"), "one look makes no rate");
    board.miss("it did not answer".to_owned());
    assert!(
        board.text().contains("it did not answer") && board.text().contains("alice"),
        "the last look stays"
    );
    let rates = Rates::between(&look(100), &Overview { started: Moment::from_micros(99), ..look(110) });
    assert_eq!(rates, None, "it was started anew: counts begin at zero");
    assert_eq!(Rates::between(&look(100), &look(100)), None);
    for (width, height) in [(1, 1), (20, 5), (300, 100)] {
        let area = Rect { x: 0, y: 0, width, height };
        board.draw(area, &mut Buffer::empty(area));
    }
}
