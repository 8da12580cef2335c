//! A dated record of all figures: `docs/bench/<date>.json`.
//!
//! No clock is asked: the date is that of the last commit or one given, and all figures are exact. Two runs write the same bytes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use leafgate_emulate::machines;
use leafgate_tests_panicfree::elf::read;
use leafgate_tests_panicfree::link::{Link, Undefined, link};
use leafgate_tests_panicfree::{CALLS, FAMILIES, MEASURED, figures};
use serde::{Deserialize, Serialize};

use crate::BenchError;
use crate::items::{Entry, Extent, Item, networks, ops};
use crate::measure::{Bench, Figures};

/// What the records of this version are.
const FORMAT: &str = "leafgate.bench/1";

/// Figures of a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// `leafgate.bench/1`.
    pub format: String,
    /// Year, month and day.
    pub date: String,
    /// The emulator and its version.
    pub emulator: String,
    /// The compiler and its version.
    pub compiler: String,
    /// What was measured on.
    pub machines: Vec<MachineRow>,
    /// What was measured, ops first.
    pub items: Vec<Entry>,
    /// By machine and item, where the item fits.
    pub figures: Vec<Figures>,
    /// By family: text and stack on thumbv7em.
    pub families: Vec<FamilyRow>,
}

/// A machine and what the application takes there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineRow {
    /// Name of the machine.
    pub machine: String,
    /// Its core.
    pub core: String,
    /// All text.
    pub text_bytes: u64,
    /// The runtime's part of it.
    pub runtime_text_bytes: u64,
    /// What is flashed, constants included.
    pub flash_bytes: u64,
}

/// A family of the runtime, linked alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FamilyRow {
    /// Its name.
    pub family: String,
    /// Text of the runtime.
    pub text_bytes: u32,
    /// Text of the compiler's own routines.
    pub library_text_bytes: u32,
    /// Constants.
    pub rodata_bytes: u32,
    /// Deepest path of a run.
    pub stack_run_bytes: u32,
    /// Deepest path of a parse.
    pub stack_parse_bytes: u32,
}

/// Links each family and reads its text and stack.
///
/// # Errors
/// If one does not link, or a stack is not bounded.
pub fn families() -> Result<Vec<FamilyRow>, BenchError> {
    let row = |(name, features): (&str, &str)| {
        let failed = |why: String| BenchError::Link { family: name.into(), why };
        let elf = match link(CALLS, MEASURED, features, Undefined::Refuse) {
            Link::Clean(elf) => read(&elf),
            Link::Refused(said) => return Err(failed(said)),
        };
        let figures = figures::Figures::of(&elf).map_err(|(call, why)| failed(format!("{call}: {why:?}")))?;
        Ok(FamilyRow {
            family: name.into(),
            text_bytes: figures.runtime_text_bytes,
            library_text_bytes: figures.library_text_bytes,
            rodata_bytes: figures.rodata_bytes,
            stack_run_bytes: figures.run.bytes,
            stack_parse_bytes: figures.parse.bytes,
        })
    };
    FAMILIES.into_iter().map(row).collect()
}

/// The catalogue: ops, then networks.
///
/// # Errors
/// If an image cannot be made or run.
pub fn items(extent: Extent) -> Result<Vec<Item>, BenchError> {
    Ok([ops(extent)?, networks(extent)?].concat())
}

/// Figures of `items` on every machine, with the machines; `told` hears of each as it comes.
///
/// # Errors
/// If one cannot be measured.
pub fn measure(
    root: &Path,
    items: &[Item],
    mut told: impl FnMut(&Figures),
) -> Result<(Vec<MachineRow>, Vec<Figures>), BenchError> {
    let (mut rows, mut figures) = (Vec::new(), Vec::new());
    for machine in machines() {
        let bench = Bench::new(root, machine)?;
        for item in items.iter().filter(|item| bench.fits(item)) {
            let measured = bench.measure(item)?;
            told(&measured);
            figures.push(measured);
        }
        rows.push(MachineRow {
            machine: machine.name.clone(),
            core: machine.core.clone(),
            text_bytes: bench.sizes.text_bytes,
            runtime_text_bytes: bench.sizes.runtime_text_bytes,
            flash_bytes: bench.sizes.flash_bytes,
        });
    }
    Ok((rows, figures))
}

impl Record {
    /// Measures everything.
    ///
    /// # Errors
    /// If something cannot be measured.
    pub fn take(root: &Path, date: String, told: impl FnMut(&Figures)) -> Result<Self, BenchError> {
        let (emulator, compiler) = (emulator(root)?, compiler(root)?);
        let items = items(Extent::All)?;
        let (machines, figures) = measure(root, &items, told)?;
        let items = items.into_iter().map(|item| item.entry).collect();
        let families = families()?;
        Ok(Self { format: FORMAT.into(), date, emulator, compiler, machines, items, figures, families })
    }

    /// The figures of an item on a machine; none where it does not fit.
    #[must_use]
    pub fn figures(&self, item: &str, machine: &str) -> Option<&Figures> {
        self.figures.iter().find(|figures| figures.item == item && figures.machine == machine)
    }

    /// As a file: a row a line, so that a change of one figure is a change of one line.
    ///
    /// # Panics
    /// Never: the rows are plain data.
    #[must_use]
    pub fn to_json(&self) -> String {
        fn line(value: &impl Serialize) -> String {
            serde_json::to_string(value).expect("plain data")
        }
        fn rows(rows: &[impl Serialize]) -> String {
            let rows: Vec<String> = rows.iter().map(|row| format!("    {}", line(row))).collect();
            format!("[\n{}\n  ]", rows.join(",\n"))
        }
        let Self { format, date, emulator, compiler, machines, items, figures, families } = self;
        let fields = [
            ("format", line(format)),
            ("date", line(date)),
            ("emulator", line(emulator)),
            ("compiler", line(compiler)),
            ("machines", rows(machines)),
            ("items", rows(items)),
            ("figures", rows(figures)),
            ("families", rows(families)),
        ];
        let fields = fields.map(|(key, value)| format!("  \"{key}\": {value}"));
        format!("{{\n{}\n}}\n", fields.join(",\n"))
    }

    /// Reads a file.
    ///
    /// # Errors
    /// If it is missing or not a record.
    pub fn read(path: &Path) -> Result<Self, BenchError> {
        let text = std::fs::read_to_string(path).map_err(|source| BenchError::File { path: path.into(), source })?;
        let content = |why: String| BenchError::Content { path: path.into(), why };
        let record: Self = serde_json::from_str(&text).map_err(|error| content(error.to_string()))?;
        if record.format == FORMAT { Ok(record) } else { Err(content(format!("{}, not {FORMAT}", record.format))) }
    }
}

/// The folder of records.
#[must_use]
pub fn folder(root: &Path) -> PathBuf {
    root.join("docs/bench")
}

/// The record with the latest date, if there is one.
///
/// # Errors
/// If it cannot be read.
pub fn latest(root: &Path) -> Result<Option<Record>, BenchError> {
    let folder = folder(root);
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(BenchError::File { path: folder, source }),
    };
    let dated: BTreeMap<String, PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .filter_map(|path| Some((path.file_stem()?.to_str()?.to_owned(), path)))
        .filter(|(stem, _)| is_date(stem))
        .collect();
    dated.last_key_value().map(|(_, path)| Record::read(path)).transpose()
}

/// Whether `text` is a year, a month and a day.
#[must_use]
pub fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let lengths = parts.iter().map(|part| part.len()).eq([4, 2, 2]);
    lengths && parts.iter().all(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The date of the last commit.
///
/// # Errors
/// If git does not say.
pub fn commit_date(root: &Path) -> Result<String, BenchError> {
    first_line(root, &["git", "log", "-1", "--format=%cs"])
}

/// The emulator, as it names itself.
///
/// # Errors
/// If it is not there.
pub fn emulator(root: &Path) -> Result<String, BenchError> {
    first_line(root, &["qemu-system-arm", "--version"])
}

/// The compiler without its date.
///
/// # Errors
/// If it does not say.
pub fn compiler(root: &Path) -> Result<String, BenchError> {
    let line = first_line(root, &["rustc", "--version"])?;
    Ok(line.split(" (").next().unwrap_or(&line).to_owned())
}

fn first_line(root: &Path, words: &[&str]) -> Result<String, BenchError> {
    let output = Command::new(words[0]).args(&words[1..]).current_dir(root).output().ok();
    let line = output
        .filter(|output| output.status.success())
        .and_then(|output| String::from_utf8(output.stdout).ok())
        .and_then(|text| text.lines().next().map(str::to_owned));
    line.ok_or_else(|| BenchError::Program { command: words.join(" ") })
}

#[cfg(test)]
mod tests {
    use super::is_date;

    #[test]
    fn dates_have_ten_characters() {
        assert!(is_date("2026-01-31"));
        for text in ["2026-1-31", "growth", "2026-01-3x", "2026-01-31-2", ""] {
            assert!(!is_date(text), "{text}");
        }
    }
}
