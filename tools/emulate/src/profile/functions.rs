//! The functions of a firmware, from its symbols.

use crate::EmulateError;
use object::{Architecture, Object, ObjectSection, ObjectSymbol, SectionIndex, SymbolKind};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

/// The function whose calls are the runs: the application calls `Session::run` from nowhere else when it measures.
const RUN: &str = "leafgate_app::selftest::run_once";

/// A function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Function {
    pub(super) name: String,
    pub(super) start: u64,
    pub(super) end: u64,
    /// Whether it is the one of the runs.
    pub(super) is_run: bool,
    /// The op that it runs.
    pub(super) op: Option<String>,
}

/// Functions in ascending order of their addresses.
#[derive(Clone, Debug)]
pub(crate) struct Functions(pub(super) Vec<Function>);

impl Functions {
    /// Reads them from an ELF file, which must be the application's.
    pub(crate) fn of_elf(path: &Path, elf: &[u8]) -> Result<Self, EmulateError> {
        let no_firmware = |reason: String| EmulateError::NoFirmware { path: path.to_owned(), reason };
        let file = object::File::parse(elf).map_err(|error| no_firmware(error.to_string()))?;
        // In Arm's symbols the lowest bit says that a function is Thumb.
        let is_arm = file.architecture() == Architecture::Arm;
        let mut symbols: BTreeMap<u64, Symbol> = BTreeMap::new();
        for symbol in file.symbols().filter(|symbol| symbol.kind() == SymbolKind::Text) {
            let (Ok(name), Some(section)) = (symbol.name(), symbol.section_index()) else { continue };
            let start = if is_arm { symbol.address() & !1 } else { symbol.address() };
            let known = symbols.entry(start).or_insert_with(|| Symbol { section, size: 0, names: Vec::new() });
            known.size = known.size.max(symbol.size());
            known.names.push(format!("{:#}", rustc_demangle::demangle(name)));
        }
        let section_end = |index| file.section_by_index(index).map_or(0, |it| it.address() + it.size());
        let functions = Self::of_symbols(symbols, section_end);
        if functions.0.iter().any(|function| function.is_run) {
            Ok(functions)
        } else {
            Err(no_firmware(format!("there is no function {RUN} in it, whose calls a profile is of")))
        }
    }

    fn of_symbols(symbols: BTreeMap<u64, Symbol>, section_end: impl Fn(SectionIndex) -> u64) -> Self {
        let mut functions: Vec<Function> = Vec::new();
        for (start, Symbol { section, size, mut names }) in symbols {
            if let Some(last) = functions.last_mut() {
                last.end = last.end.min(start);
            }
            // Hand-written assembly may leave the size out: the function goes on to the next.
            let end = if size == 0 { section_end(section) } else { start + size };
            let op = names.iter().find_map(|name| op_of(name)).map(str::to_owned);
            let is_run = names.iter().any(|name| name == RUN);
            // Equal functions are merged, and the compiler's own have aliases: a path says more than a bare name.
            names.sort_by_key(|name| (!name.contains("::"), name.clone()));
            let name = names.swap_remove(0);
            functions.push(Function { name, start, end, is_run, op });
        }
        functions.retain(|function| function.end > function.start);
        Self(functions)
    }

    /// The map that the plugin reads; its documentation has the format.
    pub(crate) fn map(&self) -> String {
        self.0.iter().fold(String::new(), |mut text, Function { start, end, is_run, op, .. }| {
            let mark = match op {
                _ if *is_run => "run",
                Some(_) => "op",
                None => "-",
            };
            let _ = writeln!(text, "{start:x} {end:x} {mark}");
            text
        })
    }
}

/// All symbols of an address.
struct Symbol {
    section: SectionIndex,
    size: u64,
    names: Vec<String>,
}

/// The op that a function of the runtime runs.
fn op_of(name: &str) -> Option<&str> {
    let op = name.strip_prefix("leafgate::ops::")?.strip_suffix("::run")?;
    (!op.contains("::")).then_some(op)
}

#[cfg(test)]
mod tests {
    use super::{BTreeMap, Functions, SectionIndex, Symbol, op_of};

    #[test]
    fn ops_are_told_from_their_parts() {
        assert_eq!(op_of("leafgate::ops::ffn::run"), Some("ffn"));
        assert_eq!(op_of("leafgate::ops::ffn::Ffn::run"), None);
        assert_eq!(op_of("leafgate::ops::run"), None);
        assert_eq!(op_of("leafgate_app::serve::run"), None);
    }

    #[test]
    fn functions_do_not_overlap() {
        let symbol = |size, names: &[&str]| Symbol {
            section: SectionIndex(1),
            size,
            names: names.iter().map(|&name| name.to_owned()).collect(),
        };
        let symbols = BTreeMap::from([
            (0x100, symbol(0x10, &["__aeabi_memcpy", "compiler_builtins::mem::memcpy"])),
            (0x110, symbol(0, &["assembly"])),
            (0x120, symbol(0x40, &["leafgate_app::selftest::run_once"])),
            (0x130, symbol(0, &["leafgate::ops::map::run"])),
        ]);
        let functions = Functions::of_symbols(symbols, |_| 0x180);
        assert_eq!(functions.map(), "100 110 -\n110 120 -\n120 130 run\n130 180 op\n");
        assert_eq!(functions.0[0].name, "compiler_builtins::mem::memcpy");
        assert_eq!(functions.0[3].op.as_deref(), Some("map"));
    }
}
