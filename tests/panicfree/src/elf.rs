//! Sections, functions and stack sizes of an ELF file.

use std::collections::BTreeMap;
use std::path::Path;

use object::{Object, ObjectSection, ObjectSymbol, SymbolKind};

/// A function with its code.
#[derive(Clone, Debug)]
pub struct Function {
    /// Demangled, without the hash.
    pub name: String,
    /// Address, without the thumb bit.
    pub address: u32,
    /// Its bytes.
    pub code: Vec<u8>,
    /// Offsets at which literals begin and code ends (`true`), or code begins again (`false`).
    pub literals: Vec<(u32, bool)>,
    /// Its own stack, as the compiler says; none for code that came compiled.
    pub stack_bytes: Option<u32>,
}

/// What is read of an ELF file.
#[derive(Clone, Debug, Default)]
pub struct Elf {
    /// By address.
    pub functions: BTreeMap<u32, Function>,
    /// All code.
    pub text_bytes: u32,
    /// Constants.
    pub rodata_bytes: u32,
}

/// Reads an ELF file of 32 bits.
///
/// # Panics
/// If it is none: it comes from our own linker.
pub fn read(path: &Path) -> Elf {
    let bytes = std::fs::read(path).expect("the ELF file can be read");
    let file = object::File::parse(&*bytes).expect("an ELF file");
    let mut elf = Elf::default();
    let mut stack = BTreeMap::new();
    for section in file.sections() {
        match section.name().unwrap_or("") {
            name if name.starts_with(".text") => elf.text_bytes += section.size() as u32,
            name if name.starts_with(".rodata") => elf.rodata_bytes += section.size() as u32,
            ".stack_sizes" => stack.extend(stack_sizes(section.data().unwrap_or(&[]))),
            _ => {}
        }
    }
    // `$t` begins code, `$d` literals inside code; `$a` does not occur on these cores.
    let mut marks: Vec<(u32, bool)> = Vec::new();
    for symbol in file.symbols() {
        match symbol.name().unwrap_or("") {
            name if name.starts_with("$d") => marks.push((symbol.address() as u32, true)),
            name if name.starts_with("$t") => marks.push((symbol.address() as u32, false)),
            _ => {}
        }
    }
    marks.sort_unstable();
    for symbol in file.symbols().filter(|symbol| symbol.kind() == SymbolKind::Text && symbol.size() > 0) {
        let address = symbol.address() as u32 & !1;
        let end = address + symbol.size() as u32;
        let section = symbol.section_index().and_then(|index| file.section_by_index(index).ok());
        let code = section.and_then(|section| section.data_range(address.into(), symbol.size()).ok()).flatten();
        let name = format!("{:#}", rustc_demangle::demangle(symbol.name().unwrap_or("?")));
        let inside = marks.iter().filter(|(at, _)| (address..end).contains(at));
        let literals = inside.map(|&(at, literal)| (at - address, literal)).collect();
        let code = code.unwrap_or(&[]).to_vec();
        let stack_bytes = stack.get(&address).copied();
        elf.functions.insert(address, Function { name, address, code, literals, stack_bytes });
    }
    elf
}

/// `.stack_sizes`: pairs of an address in 4 bytes and a size in ULEB128.
fn stack_sizes(mut data: &[u8]) -> BTreeMap<u32, u32> {
    let mut sizes = BTreeMap::new();
    while let Some((address, rest)) = data.split_first_chunk::<4>() {
        let (mut size, mut shift, mut rest) = (0u32, 0, rest);
        while let Some((&byte, tail)) = rest.split_first() {
            rest = tail;
            size |= u32::from(byte & 0x7F) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                break;
            }
        }
        sizes.insert(u32::from_le_bytes(*address) & !1, size);
        data = rest;
    }
    sizes
}
