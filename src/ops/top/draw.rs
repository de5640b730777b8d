//! The drawing of a board: figures on top, calls in the middle, complaints below, keys at the foot.
//! It must never depend on more than the board and the area: the same two give the same cells.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style, Stylize};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Cell, Paragraph, Row, Table, Widget};

use super::super::control::Overview;
use super::super::screen::{shortened, span};
use super::super::trace::Wall;
use super::{Board, Rates};

/// Lag from which on it is worth a look, and from which on calls are refused.
const LATE_US: u64 = 100_000;
const TOO_LATE_US: u64 = 500_000;
/// Lines of complaints.
const COMPLAINTS: u16 = 6;

pub(super) fn draw(board: &Board, area: Rect, buffer: &mut Buffer) {
    let parts = [
        Constraint::Length(1),
        Constraint::Length(5),
        Constraint::Min(3),
        Constraint::Length(COMPLAINTS),
        Constraint::Length(1),
    ];
    let [title, figures, calls, complaints, foot] = Layout::vertical(parts).areas(area);
    let Some(overview) = &board.latest else {
        let why = board.silence.as_deref().unwrap_or("looking for the switch …");
        return Paragraph::new(shortened(why, area.width.into())).render(area, buffer);
    };
    head(board, overview).render(title, buffer);
    Paragraph::new(figures_of(overview, board.rates)).render(figures, buffer);
    table(board, calls).render(calls, buffer);
    complained(overview, complaints).render(complaints, buffer);
    let keys = format!("q quit   ↑ ↓ scroll   s sort ({})", board.order.name());
    Line::from(keys).dim().render(foot, buffer);
}

fn head(board: &Board, overview: &Overview) -> Line<'static> {
    let up = span(overview.now.since(overview.started));
    let mut spans = vec![
        format!("Trunkline {}", shortened(&overview.version, 20)).bold(),
        format!("   up {up}   {} UTC", Wall::from_micros(overview.wall_us)).into(),
    ];
    match &board.silence {
        Some(why) => spans.push(format!("   {}", shortened(why, 60)).red()),
        None if overview.is_closing => spans.push("   stopping: no new calls".yellow()),
        None => spans.extend(overview.drain.map(|drain| {
            let left = span(drain.until.since(overview.now));
            format!("   draining: no new calls, {left} left").yellow()
        })),
    }
    Line::from(spans)
}

fn figures_of(overview: &Overview, rates: Option<Rates>) -> Vec<Line<'static>> {
    let rate = |rate: fn(&Rates) -> f64, unit: &str| {
        rates.as_ref().map_or_else(|| "–".to_owned(), |rates| format!("{:.1}{unit}", rate(rates)))
    };
    let Overview { calls, calls_limit, legs, legs_limit, .. } = overview;
    let millis = |micros: u64| format!("{}.{} ms", micros / 1_000, micros % 1_000 / 100);
    let mut lag = figure("lag", millis(overview.lag_us), alarm(overview.lag_us, LATE_US, TOO_LATE_US));
    if overview.silent > 0 {
        lag = figure("lag", format!("{} threads silent", overview.silent), Style::new().red());
    }
    let memory = format!("{} MB", overview.memory >> 20);
    let cpu = rate(|rates| rates.cores * 100.0, " %");
    let lost = rate(|rates| rates.lost * 100.0, " %");
    let is_lossy = rates.is_some_and(|rates| rates.lost > 0.01);
    let shed = if overview.shed > 0 { Style::new().yellow() } else { Style::new() };
    let plain = Style::new();
    vec![
        Line::default(),
        Line::from_iter(
            [
                figure("calls", format!("{calls} of {calls_limit}"), fill(*calls, *calls_limit)),
                figure("legs", format!("{legs} of {legs_limit}"), fill(*legs, *legs_limit)),
                figure("new calls", rate(|rates| rates.calls, " /s"), plain),
                figure("phones", overview.registrations.to_string(), plain),
            ]
            .concat(),
        ),
        Line::from_iter(
            [
                figure("processor", format!("{cpu} of {}", overview.cores), plain),
                figure("memory", memory, plain),
                lag,
                figure("shed", overview.shed.to_string(), shed),
            ]
            .concat(),
        ),
        Line::from_iter(
            [
                figure("sound in", rate(|rates| rates.received, " /s"), plain),
                figure("out", rate(|rates| rates.sent, " /s"), plain),
                figure("lost", lost, if is_lossy { Style::new().yellow() } else { plain }),
                figure(
                    "files",
                    format!("{} of {}", overview.files, overview.files_limit),
                    fill(overview.files, overview.files_limit),
                ),
            ]
            .concat(),
        ),
        Line::default(),
    ]
}

/// A figure with its name before it, in a column of its own.
fn figure(name: &'static str, value: String, style: Style) -> Vec<Span<'static>> {
    vec![Span::from(format!("{name:<10}")).dim(), Span::styled(format!("{value:<15}"), style)]
}

fn alarm(value: u64, yellow: u64, red: u64) -> Style {
    match value {
        value if value >= red => Style::new().fg(Color::Red),
        value if value >= yellow => Style::new().fg(Color::Yellow),
        _ => Style::new(),
    }
}

/// How full something is: yellow from nine tenths on, red when it is full.
fn fill(value: u64, limit: u64) -> Style {
    alarm(value.saturating_mul(10), limit.saturating_mul(9), limit.saturating_mul(10))
}

fn table(board: &Board, area: Rect) -> Table<'static> {
    let shown = usize::from(area.height);
    let since = |call: &crate::leg::LegSummary| -> Duration { board.now().since(call.began) };
    let rows = board.calls().into_iter().take(shown).map(|call| {
        let cells = [
            call.id.to_string(),
            shortened(&call.state, 10),
            span(since(call)),
            shortened(&call.peer, area.width.into()),
        ];
        Row::new(cells.map(Cell::from))
    });
    let widths =
        [Constraint::Length(34), Constraint::Length(10), Constraint::Length(12), Constraint::Min(10)];
    let head = Row::new(["CallSid", "State", "Since", "With"]).bold();
    Table::new(rows, widths).header(head).column_spacing(2)
}

fn complained(overview: &Overview, area: Rect) -> Paragraph<'static> {
    let width = usize::from(area.width);
    let lines = overview.complaints.iter().take(usize::from(area.height.saturating_sub(1)));
    let lines: Vec<Line> = lines
        .map(|complaint| {
            let wall = Wall::from_micros(complaint.wall_us).to_string();
            let time = wall.split(' ').next_back().unwrap_or_default().to_owned();
            let times = if complaint.times > 1 { format!(" ({}×)", complaint.times) } else { String::new() };
            let line = Line::from(shortened(&format!("{time}{times} {}", complaint.text), width));
            if complaint.is_error { line.red() } else { line.yellow() }
        })
        .collect();
    Paragraph::new(lines).block(Block::new().borders(Borders::TOP).title("Warnings and errors"))
}
