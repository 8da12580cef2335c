//! A record as Markdown.

use std::fmt::Write;

use crate::items::{Entry, Unit};
use crate::peers::Peer;
use crate::record::{MachineRow, Record};

/// The machine whose bytes stand for all: images and arenas are the same everywhere.
const MODEL: &str = "mps2-an386";

/// The document `docs/bench/README.md`.
#[must_use]
pub fn document(record: &Record, peers: &[Peer]) -> String {
    let Record { date, emulator, compiler, .. } = record;
    format!(
        "# What a run costs\n\n\
         Executed instructions of `Session::run`, as the application counts them on each emulated machine. They are not cycles.\n\
         Images of one op have random weights from a fixed seed; every output was compared with the host's. Measured {date}\n\
         ({emulator}, {compiler}); written by `cargo xtask bench`, which also writes the record `{date}.json`.\n\n\
         {}\n{}\n{}\n{}\n{}\n{}\n{}",
        per_unit(record, peers),
        runs(record),
        bytes(record),
        networks(record),
        texts(record),
        GROWTH,
        sources(record, peers),
    )
}

const GROWTH: &str = "## How cost grows\n\n\
    ![Instructions of a run by depth of the tree, number of gates, number of experts](growth.svg)\n\n\
    Each point is an image of random weights with 64 inputs and 10 outputs (gates: 400 inputs, no outputs); data in\n\
    [growth.csv](growth.csv), both by `cargo xtask bench --growth`.\n";

fn ops(record: &Record) -> impl Iterator<Item = &Entry> {
    record.items.iter().filter(|entry| entry.unit != Unit::Run)
}

/// A heading, and a column for each machine after those in `first`.
fn head(title: &str, first: &[&str], record: &Record) -> String {
    let machine = |row: &MachineRow| format!("{} ({})", row.machine, row.core.trim_start_matches("Cortex-"));
    let names = record.machines.iter().map(machine);
    let names: Vec<String> = first.iter().map(|&name| name.to_owned()).chain(names).collect();
    let rule = "---|".repeat(first.len()) + &"---:|".repeat(record.machines.len());
    format!("## {title}\n\n| {} |\n|{rule}\n", names.join(" | "))
}

/// A row with a cell for each machine.
fn row(record: &Record, first: &[&str], cell: impl Fn(&MachineRow) -> Option<String>) -> String {
    let cells = record.machines.iter().map(|machine| cell(machine).unwrap_or_else(|| "-".into()));
    let cells: Vec<String> = first.iter().map(|&cell| cell.to_owned()).chain(cells).collect();
    format!("| {} |\n", cells.join(" | "))
}

/// Three digits that say something.
fn ratio(number: f64) -> String {
    let decimals = if number < 1.0 { 3 } else { 2 };
    format!("{number:.decimals$}")
}

/// With commas between thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn per_unit(record: &Record, peers: &[Peer]) -> String {
    let mut text = head("Instructions per unit of work", &["op", "per"], record);
    for entry in ops(record).filter(|entry| entry.unit != Unit::Op) {
        text += &row(record, &[&entry.what, entry.unit.name()], |machine| {
            let figures = record.figures(&entry.item, &machine.machine)?;
            Some(format!("**{}**", ratio(figures.mean_insns as f64 / entry.work as f64)))
        });
        for peer in peers.iter().filter(|peer| peer.item == entry.item) {
            let name = format!("&nbsp;&nbsp;{}", peer.name);
            text += &row(record, &[&name, ""], |machine| peer.per_unit(entry, &machine.core).map(ratio));
        }
    }
    text + "\nThe whole run is divided by the work of its op, so that small ops show what a run costs by itself. A dash: the image does\n\
            not fit the machine, or nothing is known of others. Sources of their figures are at the end.\n"
}

fn runs(record: &Record) -> String {
    let mut text = head("Instructions of a run", &["op"], record);
    for entry in ops(record) {
        text += &row(record, &[&entry.what], |machine| {
            record.figures(&entry.item, &machine.machine).map(|figures| grouped(figures.mean_insns))
        });
    }
    text
}

fn bytes(record: &Record) -> String {
    let mut text = format!(
        "## Bytes\n\nOn {MODEL}; image and arena are the same everywhere.\n\n\
         | image | image B | arena B | stack of run B | stack of parse B | instructions of parse |\n\
         |---|---:|---:|---:|---:|---:|\n"
    );
    for entry in &record.items {
        if let Some(f) = record.figures(&entry.item, MODEL) {
            let figures = [f.image_bytes.into(), f.arena_bytes.into(), f.stack_run_bytes.into()];
            let figures = figures.into_iter().chain([f.stack_parse_bytes.into(), f.parse_insns]).map(grouped);
            let figures: Vec<String> = figures.collect();
            let _ = writeln!(text, "| {} | {} |", entry.what, figures.join(" | "));
        }
    }
    text
}

fn networks(record: &Record) -> String {
    let mut text = head("Networks, instructions of a run (min / mean / max where they differ)", &["network"], record);
    for entry in record.items.iter().filter(|entry| entry.unit == Unit::Run) {
        text += &row(record, &[&entry.what], |machine| {
            let figures = record.figures(&entry.item, &machine.machine)?;
            let all = [figures.min_insns, figures.mean_insns, figures.max_insns].map(grouped);
            Some(if all[0] == all[2] { all[0].clone() } else { all.join(" / ") })
        });
        text += &row(record, &["&nbsp;&nbsp;stack of run B"], |machine| {
            record.figures(&entry.item, &machine.machine).map(|figures| grouped(figures.stack_run_bytes.into()))
        });
    }
    text
}

fn texts(record: &Record) -> String {
    let mut text = head("Text in bytes", &["of the application"], record);
    text += &row(record, &["runtime"], |machine| Some(grouped(machine.runtime_text_bytes)));
    text += &row(record, &["all text"], |machine| Some(grouped(machine.text_bytes)));
    text += &row(record, &["flash, constants included"], |machine| Some(grouped(machine.flash_bytes)));
    text += "\nThe runtime alone on thumbv7em, in a firmware that makes every call; stack is the deepest path of the call graph.\n\n\
             | family | runtime text B | compiler's own B | constants B | stack of run B | stack of parse B |\n\
             |---|---:|---:|---:|---:|---:|\n";
    for row in &record.families {
        let figures = [row.text_bytes, row.library_text_bytes, row.rodata_bytes, row.stack_run_bytes];
        let figures = figures.into_iter().chain([row.stack_parse_bytes]);
        let figures: Vec<String> = figures.map(|figure| grouped(figure.into())).collect();
        let _ = writeln!(text, "| {} | {} |", row.family, figures.join(" | "));
    }
    text
}

fn sources(record: &Record, peers: &[Peer]) -> String {
    let mut text = String::from("## Figures of others\n\n");
    for entry in ops(record) {
        for peer in peers.iter().filter(|peer| peer.item == entry.item) {
            let _ = writeln!(text, "- {}, {}: {}.", entry.what, peer.name, peer.source);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{document, grouped};
    use crate::peers::peers;
    use crate::record::{folder, latest};
    use leafgate_emulate::workspace_root;

    #[test]
    fn thousands_are_told_apart() {
        assert_eq!([0, 999, 1000, 123_456, 1_000_000].map(grouped), ["0", "999", "1,000", "123,456", "1,000,000"]);
    }

    #[test]
    fn the_tables_are_those_of_the_latest_record() {
        let root = workspace_root().unwrap();
        let record = latest(&root).unwrap().expect("a record");
        let text = std::fs::read_to_string(folder(&root).join("README.md")).unwrap();
        assert!(text == document(&record, &peers().unwrap()), "docs/bench/README.md is out of date: cargo xtask bench");
    }
}
