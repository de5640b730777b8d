//! `trunkline top`: looks at the switch each second, and draws the board on the terminal.
//! It must never leave the terminal as it needs it for itself.

use std::io::IsTerminal as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use trunkline::ops::control::{self, Answer, Overview, Question};
use trunkline::ops::top::{Board, Key};
use trunkline::supervision::{Clock as _, SystemClock};

use super::show::{json, say};

/// Between two looks.
const PAUSE: Duration = Duration::from_secs(1);

/// Watches the switch, or looks at it once.
pub fn top(data: &Path, once: bool, as_json: bool) -> anyhow::Result<ExitCode> {
    if as_json {
        return say(&json(&look(data)?)?);
    }
    let mut board = Board::default();
    board.see(look(data)?);
    if once {
        // Two looks make rates.
        wait(PAUSE);
        board.see(look(data)?);
        return say(&board.text());
    }
    anyhow::ensure!(
        std::io::stdout().is_terminal() && std::io::stdin().is_terminal(),
        "top draws on a terminal, and this is none: `trunkline top --once` prints one look as text"
    );
    let mut terminal = ratatui::init();
    let watched = watch(data, &mut board, &mut terminal);
    ratatui::restore();
    watched.map(|()| ExitCode::SUCCESS)
}

fn watch(data: &Path, board: &mut Board, terminal: &mut ratatui::DefaultTerminal) -> anyhow::Result<()> {
    let mut next = SystemClock.now() + PAUSE;
    loop {
        terminal.draw(|frame| board.draw(frame.area(), frame.buffer_mut()))?;
        if event::poll(next.since(SystemClock.now()))? {
            let pressed = match event::read()? {
                Event::Key(pressed) if pressed.kind != KeyEventKind::Release => key(pressed),
                _ => None,
            };
            if pressed.is_some_and(|key| !board.press(key)) {
                return Ok(());
            }
        }
        if next <= SystemClock.now() {
            match look(data) {
                Ok(overview) => board.see(overview),
                Err(error) => board.miss(error.to_string()),
            }
            next = SystemClock.now() + PAUSE;
        }
    }
}

fn look(data: &Path) -> anyhow::Result<Overview> {
    match control::ask(data, &Question::Overview)? {
        Answer::Overview(overview) => Ok(*overview),
        _ => anyhow::bail!("the switch answered another question"),
    }
}

fn key(pressed: KeyEvent) -> Option<Key> {
    Some(match pressed.code {
        KeyCode::Char('q') | KeyCode::Esc => Key::Quit,
        KeyCode::Char('c') if pressed.modifiers.contains(KeyModifiers::CONTROL) => Key::Quit,
        KeyCode::Char('s') => Key::Sort,
        KeyCode::Up | KeyCode::Char('k') => Key::Up,
        KeyCode::Down | KeyCode::Char('j') => Key::Down,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        KeyCode::Home => Key::Home,
        _ => return None,
    })
}

/// This command serves nobody: it may sleep.
fn wait(span: Duration) {
    let (_alive, gone) = std::sync::mpsc::channel::<()>();
    // Nothing is ever sent: it waits until the time is over.
    let _ = gone.recv_timeout(span);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_those_that_the_foot_of_the_board_names() {
        let press = |code, modifiers| key(KeyEvent::new(code, modifiers));
        assert_eq!(press(KeyCode::Char('q'), KeyModifiers::NONE), Some(Key::Quit));
        assert_eq!(press(KeyCode::Char('c'), KeyModifiers::CONTROL), Some(Key::Quit));
        assert_eq!(press(KeyCode::Char('c'), KeyModifiers::NONE), None);
        assert_eq!(press(KeyCode::Char('s'), KeyModifiers::NONE), Some(Key::Sort));
        assert_eq!(press(KeyCode::Down, KeyModifiers::NONE), Some(Key::Down));
    }
}
