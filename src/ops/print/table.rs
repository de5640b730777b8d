//! A plain table: a head, columns as wide as their widest cell, up to a limit each.
//! It must never let a cell push its neighbours aside.

use crate::ops::screen::{cells, shortened};

/// Rows under a head.
pub(super) struct Table {
    limits: Vec<usize>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these columns: title, and the most cells that its texts may take.
    pub fn of(columns: &[(&str, usize)]) -> Self {
        let titles = columns.iter().map(|(title, _)| (*title).to_owned()).collect();
        Self { limits: columns.iter().map(|(_, limit)| *limit).collect(), rows: vec![titles] }
    }

    /// Adds a row.
    pub fn row<const N: usize>(&mut self, texts: [String; N]) {
        let row = texts.iter().zip(&self.limits).map(|(text, limit)| shortened(text, *limit)).collect();
        self.rows.push(row);
    }

    /// All rows, two spaces between columns, none at the end of a line.
    pub fn print(&self) -> String {
        let width_of = |at: usize| {
            let texts = self.rows.iter().filter_map(|row| row.get(at));
            texts.map(|text| cells(text).len()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.limits.len()).map(width_of).collect();
        let mut printed = String::new();
        for row in &self.rows {
            let mut line = String::new();
            for (text, width) in row.iter().zip(&widths) {
                let missing = (width + 2).saturating_sub(cells(text).len());
                line.push_str(text);
                line.extend(std::iter::repeat_n(' ', missing));
            }
            printed.push_str(line.trim_end());
            printed.push('\n');
        }
        printed
    }
}
