//! How the fields of a log line are written: names and values, with everything that could forge a line made harmless.
//! It must never write a control character that came from outside, nor let a value begin a line of its own.

use std::fmt::{self, Write as _};

use tracing::field::{Field, Visit};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::Writer;

/// What later lines of a message begin with: no line of the log does.
const MARGIN: &str = "\n  | ";

/// Writes `name=value`, and the message bare.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields;

impl<'w> FormatFields<'w> for Fields {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'w>, fields: R) -> fmt::Result {
        let colour = writer.has_ansi_escapes();
        let mut pen = Pen { writer, colour, is_first: true, result: Ok(()) };
        fields.record(&mut pen);
        pen.result
    }
}

struct Pen<W> {
    writer: W,
    colour: bool,
    is_first: bool,
    result: fmt::Result,
}

impl<W: fmt::Write> Pen<W> {
    fn field(&mut self, name: &str, value: fmt::Arguments<'_>) -> fmt::Result {
        if !std::mem::take(&mut self.is_first) {
            self.writer.write_char(' ')?;
        }
        let is_message = name == "message";
        match (is_message, self.colour) {
            (true, _) => {}
            (false, true) => write!(self.writer, "\x1b[3m{name}\x1b[0m\x1b[2m=\x1b[0m")?,
            (false, false) => write!(self.writer, "{name}=")?,
        }
        Tame { writer: &mut self.writer, keeps_lines: is_message }.write_fmt(value)
    }
}

impl<W: fmt::Write> Visit for Pen<W> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if self.result.is_ok() {
            self.result = self.field(field.name(), format_args!("{value:?}"));
        }
    }
}

/// All fields of an event in one line, without colours.
pub(super) fn in_one_line(fields: &tracing::Event<'_>) -> String {
    let mut pen = Pen { writer: String::new(), colour: false, is_first: true, result: Ok(()) };
    fields.record(&mut pen);
    pen.writer.replace(MARGIN, " ")
}

/// Lets through what is text, and writes out what would steer a terminal or end a line.
struct Tame<'a, W> {
    writer: &'a mut W,
    keeps_lines: bool,
}

impl<W: fmt::Write> fmt::Write for Tame<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            match c {
                '\n' if self.keeps_lines => self.writer.write_str(MARGIN)?,
                // The characters that turn the direction of writing can make a line read as another one.
                '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                    write!(self.writer, "{}", c.escape_unicode())?
                }
                c if c.is_control() => write!(self.writer, "{}", c.escape_default())?,
                c => self.writer.write_char(c)?,
            }
        }
        Ok(())
    }
}
