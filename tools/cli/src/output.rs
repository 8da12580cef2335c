//! What goes where: the result to standard output, talk (notes, warnings, progress, errors) to standard error.
//!
//! A verb computes a whole [`Done`] and writes nothing itself, so that a result is never half there: an error leaves standard
//! output empty. As JSON, standard error carries at most one object, the error; everything said there otherwise is part
//! of the result.

use std::io::{ErrorKind, Write};
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::error::Failure;
use crate::exit::Exit;

/// How results and errors are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Human,
    /// One JSON object on standard output, or one on standard error.
    Json,
}

/// A verb has done its work.
#[derive(Clone, Debug, Default)]
pub struct Done {
    /// For standard output.
    pub text: String,
    /// A result may be bad news: it is written, and so is why the exit code is not 0.
    pub failure: Option<Failure>,
}

/// A versioned document: `{"schema": "leafgate.<verb>/1", ...}`.
#[derive(Serialize)]
struct Document<'a, T: Serialize> {
    schema: &'static str,
    #[serde(flatten)]
    body: &'a T,
}

fn document(schema: &'static str, body: &impl Serialize) -> String {
    let text = serde_json::to_string_pretty(&Document { schema, body });
    // Reports are plain structs with string keys; nothing in them can refuse to be JSON.
    text.expect("a report is valid JSON") + "\n"
}

/// Where a verb speaks.
#[derive(Clone, Copy, Debug)]
pub struct Talk {
    format: Format,
    quiet: bool,
}

impl Talk {
    /// Speaks as asked for.
    pub fn new(format: Format, quiet: bool) -> Self {
        Self { format, quiet }
    }

    /// The result of a verb in the format asked for.
    pub fn done(self, schema: &'static str, body: &impl Serialize, human: impl FnOnce() -> String) -> Done {
        let text = match self.format {
            Format::Human => human(),
            Format::Json => document(schema, body),
        };
        Done { text, failure: None }
    }

    /// Something to know.
    pub fn note(self, text: &str) {
        if !self.quiet && self.format == Format::Human {
            let style = Style::new().fg_color(Some(AnsiColor::Cyan.into())).bold();
            let _ = writeln!(anstream::stderr(), "{style}note{style:#}: {text}");
        }
    }

    /// Something to act on.
    pub fn warn(self, text: &str) {
        if self.format == Format::Human {
            let style = Style::new().fg_color(Some(AnsiColor::Yellow.into())).bold();
            let _ = writeln!(anstream::stderr(), "{style}warning{style:#}: {text}");
        }
    }

    /// Whether progress is to be shown at all.
    #[cfg(feature = "train")]
    pub fn shows_progress(self) -> bool {
        !self.quiet && self.format == Format::Human
    }

    /// A bar over `count` steps. Nothing is drawn where standard error is no terminal.
    pub fn bar(self, what: &str, count: u64) -> ProgressBar {
        self.progress(what, ProgressBar::new(count), "{msg:24} {bar:30} {pos}/{len} (ETA {eta})")
    }

    /// Work of unknown length.
    pub fn spinner(self, what: &str) -> ProgressBar {
        self.progress(what, ProgressBar::new_spinner(), "{spinner} {msg} {elapsed}")
    }

    fn progress(self, what: &str, bar: ProgressBar, template: &str) -> ProgressBar {
        if self.quiet || self.format == Format::Json {
            return ProgressBar::hidden();
        }
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(what.to_owned());
        if !bar.is_hidden() {
            bar.enable_steady_tick(Duration::from_millis(100));
        }
        bar
    }

    /// Writes result and error; gives the exit code.
    pub fn finish(self, outcome: Result<Done, Failure>) -> Exit {
        let done = outcome.unwrap_or_else(|failure| Done { text: String::new(), failure: Some(failure) });
        let written = write_stdout(&done.text);
        match done.failure.or(written) {
            None => Exit::Ok,
            Some(failure) => {
                self.fail(&failure);
                failure.exit
            }
        }
    }

    /// Writes an error to standard error.
    pub fn fail(self, failure: &Failure) {
        let text = match self.format {
            Format::Human => failure.render(),
            Format::Json => document("leafgate.error/1", failure),
        };
        // If standard error is gone there is nobody left to tell.
        let _ = anstream::stderr().write_all(text.as_bytes());
    }
}

/// A reader that has had enough (`| head`) is no error.
fn write_stdout(text: &str) -> Option<Failure> {
    let mut stdout = anstream::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Ok(()) => None,
        Err(error) if error.kind() == ErrorKind::BrokenPipe => None,
        Err(error) => Some(Failure::new("E0401", Exit::Input, format!("cannot write standard output: {error}"))),
    }
}

/// `12345` as `12,345`.
pub fn grouped(number: impl TryInto<u64>) -> String {
    let digits = number.try_into().unwrap_or(u64::MAX).to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `0.9731` as `97.31 %`.
pub fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

/// Lines `name  value`, with the values below each other.
#[derive(Debug, Default)]
pub struct Lines(Vec<(String, String)>);

impl Lines {
    /// Adds a line.
    pub fn add(&mut self, name: &str, value: impl Into<String>) {
        self.0.push((name.to_owned(), value.into()));
    }

    /// The lines; a value of several lines stays in its column.
    pub fn render(&self) -> String {
        let width = self.0.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        let indent = format!("\n{:width$}  ", "");
        self.0.iter().map(|(name, value)| format!("{name:width$}  {}\n", value.replace('\n', &indent))).collect()
    }
}

/// A table with a heading and columns; those whose heading begins with `>` are aligned to the right.
pub fn table(headings: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    use comfy_table::{CellAlignment, Table, presets};
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_header(headings.iter().map(|heading| heading.trim_start_matches('>')));
    table.add_rows(rows);
    for (heading, column) in headings.iter().zip(table.column_iter_mut()) {
        if heading.starts_with('>') {
            column.set_cell_alignment(CellAlignment::Right);
        }
        column.set_padding((0, 2));
    }
    table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::{Lines, grouped, table};

    #[test]
    fn figures_are_grouped_by_three() {
        assert_eq!(grouped(0u32), "0");
        assert_eq!(grouped(999u32), "999");
        assert_eq!(grouped(1000u32), "1,000");
        assert_eq!(grouped(1_234_567usize), "1,234,567");
    }

    #[test]
    fn values_stand_below_each_other() {
        let mut lines = Lines::default();
        lines.add("a", "1\n2");
        lines.add("long", "3");
        assert_eq!(lines.render(), "a     1\n      2\nlong  3\n");
    }

    #[test]
    fn numbers_are_aligned_to_the_right() {
        let text = table(&["name", ">bytes"], [vec!["a".into(), "5".into()], vec!["bcdef".into(), "1,000".into()]]);
        assert_eq!(text, "name   bytes\na          5\nbcdef  1,000\n");
    }
}
