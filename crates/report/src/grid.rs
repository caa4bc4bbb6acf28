//! A grid of cells with box borders, in which a cell that repeats the one above it is left blank and merged with it.
//!
//! Headers are centred, cells stand left with one space around them; a cell may have several lines.

use crate::plain::width;

/// One cell: its lines, and the escape sequences around each of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) lines: Vec<String>,
    pub(crate) colour: Option<&'static str>,
}

impl Cell {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self {
            lines: text.into().split('\n').map(str::to_owned).collect(),
            colour: None,
        }
    }

    pub(crate) const fn coloured(mut self, colour: Option<&'static str>) -> Self {
        self.colour = colour;
        self
    }

    fn width(&self) -> usize {
        self.lines.iter().map(|line| width(line)).max().unwrap_or(0)
    }

    fn is_empty(&self) -> bool {
        self.lines.iter().all(String::is_empty)
    }
}

/// A header, rows, and how they are drawn.
pub(crate) struct Grid<'a> {
    pub(crate) header: Vec<Cell>,
    pub(crate) rows: Vec<Vec<Cell>>,
    /// Columns that stand centred, by index; all others stand left.
    pub(crate) centred: &'a [usize],
    /// Whether repeated cells are merged with the one above.
    pub(crate) merge: bool,
}

impl Grid<'_> {
    /// Columns that the whole grid takes.
    pub(crate) fn total_width(&self) -> usize {
        self.widths().iter().map(|width| width + 3).sum::<usize>() + 1
    }

    fn widths(&self) -> Vec<usize> {
        let mut widths: Vec<usize> = self.header.iter().map(Cell::width).collect();
        for row in &self.rows {
            for (column, cell) in widths.iter_mut().zip(row) {
                *column = (*column).max(cell.width());
            }
        }
        widths
    }

    /// Draws the grid.
    pub(crate) fn draw(&self, out: &mut String) {
        let widths = self.widths();
        let none = vec![false; widths.len()];
        line(out, &widths, &none, ['┌', '┬', '┐']);
        let all: Vec<usize> = (0..widths.len()).collect();
        content(out, &widths, &self.header, &none, &all);
        line(out, &widths, &none, ['├', '┼', '┤']);
        let mut above: Vec<&Cell> = Vec::new();
        for (index, row) in self.rows.iter().enumerate() {
            let merged: Vec<bool> = row
                .iter()
                .enumerate()
                .map(|(column, cell)| {
                    self.merge && !cell.is_empty() && above.get(column).is_some_and(|above| above.lines == cell.lines)
                })
                .collect();
            if index > 0 {
                line(out, &widths, &merged, ['├', '┼', '┤']);
            }
            content(out, &widths, row, &merged, self.centred);
            above = row.iter().collect();
        }
        line(out, &widths, &none, ['└', '┴', '┘']);
    }
}

/// A line between rows; columns that are merged have no line.
fn line(out: &mut String, widths: &[usize], merged: &[bool], [left, middle, right]: [char; 3]) {
    let is_merged = |column: usize| merged.get(column).copied().unwrap_or(false);
    for (column, width) in widths.iter().enumerate() {
        let here = is_merged(column);
        let junction = if column == 0 {
            if here { '│' } else { left }
        } else {
            match (is_merged(column - 1), here) {
                (false, false) => middle,
                (true, true) => '│',
                (true, false) => '├',
                (false, true) => '┤',
            }
        };
        out.push(junction);
        let fill = if here { ' ' } else { '─' };
        out.extend(std::iter::repeat_n(fill, width + 2));
    }
    let last = widths.len().checked_sub(1).is_some_and(is_merged);
    out.push(if last { '│' } else { right });
    out.push('\n');
}

fn content(out: &mut String, widths: &[usize], cells: &[Cell], merged: &[bool], centred: &[usize]) {
    let blank = Cell::new("");
    let shown = |column: usize| {
        if merged.get(column).copied().unwrap_or(false) {
            &blank
        } else {
            cells.get(column).unwrap_or(&blank)
        }
    };
    let height = (0..widths.len())
        .map(|column| shown(column).lines.len())
        .max()
        .unwrap_or(1);
    for row in 0..height {
        for (column, cell_width) in widths.iter().enumerate() {
            let cell = shown(column);
            let text = cell.lines.get(row).map_or("", String::as_str);
            let space = cell_width.saturating_sub(width(text));
            let before = if centred.contains(&column) { space / 2 } else { 0 };
            out.push('│');
            out.extend(std::iter::repeat_n(' ', 1 + before));
            match cell.colour.filter(|_| !text.is_empty()) {
                Some(colour) => {
                    out.push_str(colour);
                    out.push_str(text);
                    out.push_str("\u{1b}[0m");
                }
                None => out.push_str(text),
            }
            out.extend(std::iter::repeat_n(' ', 1 + space - before));
        }
        out.push_str("│\n");
    }
}
