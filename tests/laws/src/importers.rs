//! What an importer may do with any bytes: refuse them with a typed error, or make a network that can be evaluated. It never panics, and takes
//! no more memory than [`allowance`]: a small file must not fill the machine.
//!
//! The corpus of each importer is a folder of `tests/fuzz/importers`. Files whose names begin with `refused-` are wrong in one way each.

use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use leafgate_convert::import::{ImportOptions, Imported, parse};
use leafgate_convert::ir::eval::evaluate;
use zip::CompressionMethod;
use zip::write::SimpleFileOptions;

use crate::draw::Draw;
use crate::samples::workspace;

/// The importers that have a corpus: the name of its folder, and what its bytes become a file by.
pub const IMPORTERS: [(&str, fn(&[u8]) -> Vec<u8>); 4] =
    [("graph-file", <[u8]>::to_vec), ("state-dict", <[u8]>::to_vec), ("pickle", archive), ("tflite", <[u8]>::to_vec)];

/// Bytes of the storages of [`archive`]: those of the tiny network whose pickle is in the corpus.
pub const STORAGES: [usize; 7] = [8, 36, 12, 96, 32, 64, 32];

/// Elements of all values, above which a network is not evaluated.
const MOST_ELEMENTS: usize = 1 << 16;

/// Most bytes of memory that an import may take, the file among them.
pub fn allowance(file_bytes: usize) -> usize {
    4 * file_bytes + (256 << 20)
}

/// The files of a corpus, by name.
///
/// # Panics
/// If there is none.
pub fn corpus(importer: &str) -> Vec<PathBuf> {
    let folder = workspace().join("tests/fuzz/importers").join(importer);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

/// A PyTorch archive with this pickle, and storages for what it should name. A fuzzer never guesses the checksums of an archive.
///
/// # Panics
/// Never: it is written to memory.
pub fn archive(pickle: &[u8]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let mut file = |name: String, bytes: &[u8]| {
        zip.start_file(name, stored).expect("memory has room");
        zip.write_all(bytes).expect("memory has room");
    };
    file("model/data.pkl".into(), pickle);
    for (key, size) in STORAGES.into_iter().enumerate() {
        // The depth is a whole number, the others are halves.
        let bytes: Vec<u8> = if key == 0 {
            2u64.to_le_bytes().to_vec()
        } else {
            0.5f32.to_le_bytes().into_iter().cycle().take(size).collect()
        };
        file(format!("model/data/{key}"), &bytes);
    }
    zip.finish().expect("memory has room").into_inner()
}

/// Imports a file; what is accepted and small is evaluated as well. Gives the refusal.
///
/// # Panics
/// If the importer does.
pub fn import(file: &[u8]) -> Result<(), String> {
    let Imported { graph, .. } = parse(file, Path::new("fuzzed"), &ImportOptions::default())
        .map_err(|error| format!("{}: {error}", error.code()))?;
    let elements = graph.values.iter().fold(0usize, |sum, value| sum.saturating_add(value.len));
    if elements <= MOST_ELEMENTS {
        evaluate(&graph, &vec![graph.input.max; graph.input.len]);
    }
    Ok(())
}

/// Some bytes of `bytes` in another way: changed, taken out, repeated.
pub fn damaged(bytes: &[u8], draw: &mut Draw) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=draw.below(3) {
        if bytes.is_empty() {
            break;
        }
        let at = draw.below(bytes.len());
        let end = (at + 1 + draw.below(8)).min(bytes.len());
        match draw.below(7) {
            0 => bytes[at] ^= 1 << draw.below(8),
            1 => bytes[at] = draw.word() as u8,
            2 => bytes[at..end].fill(*draw.choose(&[0x00, 0x7F, 0x80, 0xFF])),
            3 => drop(bytes.drain(at..end)),
            4 => {
                let part = bytes[at..end].to_vec();
                bytes.splice(at..at, part);
            }
            // A digit more or less, as texts have figures.
            5 => match bytes[at..].iter().position(u8::is_ascii_digit) {
                Some(digit) => bytes.insert(at + digit, b'0' + draw.below(10) as u8),
                None => bytes[at] = bytes[at].wrapping_add(1),
            },
            _ => {
                let from = draw.below(bytes.len());
                let part = bytes[from..(from + 1 + draw.below(16)).min(bytes.len())].to_vec();
                let to = (at + part.len()).min(bytes.len());
                bytes[at..to].copy_from_slice(&part[..to - at]);
            }
        }
    }
    bytes
}
