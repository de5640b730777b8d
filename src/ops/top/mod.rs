//! `trunkline top`: the switch at one look, live. What is seen, what is pressed, and the board that both make.
//! It must never ask anybody: looks come in, a drawing goes out.

mod draw;
mod rates;

#[cfg(test)]
mod tests;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use trunkline_media::moment::Moment;

use self::rates::Rates;
use super::control::Overview;
use crate::leg::LegSummary;

/// Columns of one look as text, its lines without those of calls, and the most calls.
const WIDTH: u16 = 100;
const FRAME: u16 = 16;
const CALLS: u16 = 24;

/// How the calls are ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Order {
    /// The longest first.
    #[default]
    Longest,
    /// The latest first.
    Latest,
    /// By the far end.
    Peer,
}

/// What may be pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// A line up.
    Up,
    /// A line down.
    Down,
    /// Half a page up.
    PageUp,
    /// Half a page down.
    PageDown,
    /// To the first line.
    Home,
    /// The next order.
    Sort,
    /// Enough.
    Quit,
}

/// What is on the screen.
#[derive(Debug, Default)]
pub struct Board {
    latest: Option<Overview>,
    rates: Option<Rates>,
    /// Why there is nothing newer.
    silence: Option<String>,
    order: Order,
    /// The first call that is shown.
    first: usize,
}

impl Board {
    /// A look at the switch.
    pub fn see(&mut self, overview: Overview) {
        let before = self.latest.replace(overview);
        if let (Some(before), Some(latest)) = (before, &self.latest) {
            self.rates = Rates::between(&before, latest).or(self.rates.take());
        }
        self.silence = None;
        self.first = self.first.min(self.rows().saturating_sub(1));
    }

    /// The switch does not answer.
    pub fn miss(&mut self, reason: String) {
        self.silence = Some(reason);
    }

    /// False: that is enough.
    pub fn press(&mut self, key: Key) -> bool {
        const PAGE: usize = 10;
        let last = self.rows().saturating_sub(1);
        self.first = match key {
            Key::Quit => return false,
            Key::Up => self.first.saturating_sub(1),
            Key::Down => (self.first + 1).min(last),
            Key::PageUp => self.first.saturating_sub(PAGE),
            Key::PageDown => (self.first + PAGE).min(last),
            Key::Home => 0,
            Key::Sort => {
                self.order = self.order.next();
                0
            }
        };
        true
    }

    /// Draws the board.
    pub fn draw(&self, area: Rect, buffer: &mut Buffer) {
        draw::draw(self, area, buffer);
    }

    /// The board as text, without the keys.
    pub fn text(&self) -> String {
        let calls = u16::try_from(self.rows()).unwrap_or(CALLS).min(CALLS);
        let page = Rect { x: 0, y: 0, width: WIDTH, height: FRAME + calls };
        let mut buffer = Buffer::empty(page);
        self.draw(page, &mut buffer);
        let rows = buffer.content.chunks(usize::from(WIDTH)).take(usize::from(page.height) - 1);
        let lines = rows.map(|cells| cells.iter().map(ratatui::buffer::Cell::symbol).collect::<String>());
        let mut text: String = lines.map(|line| format!("{}\n", line.trim_end())).collect();
        text.truncate(text.trim_end().len());
        text.push('\n');
        text
    }

    fn rows(&self) -> usize {
        self.latest.as_ref().map_or(0, |overview| overview.longest.len())
    }

    /// The calls in their order, from the first that is shown.
    fn calls(&self) -> Vec<&LegSummary> {
        let Some(overview) = &self.latest else { return Vec::new() };
        let mut calls: Vec<&LegSummary> = overview.longest.iter().collect();
        match self.order {
            Order::Longest => calls.sort_by_key(|call| (call.began, call.id)),
            Order::Latest => calls.sort_by_key(|call| (std::cmp::Reverse(call.began), call.id)),
            Order::Peer => calls.sort_by(|a, b| (&a.peer, a.began, a.id).cmp(&(&b.peer, b.began, b.id))),
        }
        calls.split_off(self.first.min(calls.len()))
    }

    fn now(&self) -> Moment {
        self.latest.as_ref().map(|overview| overview.now).unwrap_or_default()
    }
}

impl Order {
    fn next(self) -> Self {
        match self {
            Self::Longest => Self::Latest,
            Self::Latest => Self::Peer,
            Self::Peer => Self::Longest,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Longest => "the longest first",
            Self::Latest => "the latest first",
            Self::Peer => "by the far end",
        }
    }
}
