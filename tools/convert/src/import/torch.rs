//! The state dict that PyTorch's `torch.save` writes: a zip archive of a pickle, which names the tensors, and their bytes.
//!
//! A pickle is a program for a stack machine, and Python's own reader runs whatever functions it names. Here nothing runs.
//! The archive and the pickle are read by the `pytorch-reader` crate (of the Burn project), which only interprets and
//! bounds nesting, copies and sizes. In front of it stands a filter of our own: the few instructions
//! that `torch.save` of a plain dict uses, and the few names they may call. A file with anything else in it is refused, because
//! whoever put it there meant it to run.
//!
//! Rejected: `candle-core`'s pickle module (hostile bytes make it overflow its stack, panic, or copy without bound, and it
//! brings a tensor library along), `serde-pickle` (does not know PyTorch's persistent ids).

use super::tensors::{RawTensor, Tensors};
use pytorch_reader::{DType, PytorchReader};
use safetensors::Dtype;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{Cursor, Read, Write};
use tempfile::NamedTempFile;
use zip::ZipArchive;

/// The pickle of a state dict lists its tensors; a thousand of them take about 100 kB.
const MAX_PICKLE_BYTES: u64 = 1 << 20;

/// Files in the archive: one a tensor, and a few.
const MAX_ENTRIES: usize = 1 << 14;

/// What the pickle of a plain state dict calls: containers, tensors, storages.
const KNOWN_NAMES: [&str; 13] = [
    "collections OrderedDict",
    "torch._utils _rebuild_tensor_v2",
    "torch._utils _rebuild_parameter",
    "torch FloatStorage",
    "torch DoubleStorage",
    "torch HalfStorage",
    "torch BFloat16Storage",
    "torch LongStorage",
    "torch IntStorage",
    "torch ShortStorage",
    "torch CharStorage",
    "torch ByteStorage",
    "torch BoolStorage",
];

/// Reads the tensors of the archive `bytes`.
pub(super) fn read(bytes: &[u8]) -> Result<Tensors<'static>, String> {
    let damaged = |error: &dyn std::fmt::Display| format!("a damaged PyTorch file: {error}");
    check_pickle(&pickle(bytes)?)?;
    // The reader wants a file. A copy of our own holds the bytes that were checked, whatever happens to the original.
    let copy =
        own_copy(bytes).map_err(|error| format!("a PyTorch file, of which no temporary copy can be made: {error}"))?;
    let reader = PytorchReader::new(copy.path()).map_err(|error| damaged(&error))?;
    // An expanded view repeats its storage: a few bytes of file may claim gigabytes.
    let claimed = reader.tensors().values().try_fold(0usize, |sum, tensor| sum.checked_add(tensor.byte_len()));
    if claimed.is_none_or(|claimed| claimed > bytes.len()) {
        return Err("a PyTorch file whose tensors claim more bytes than it has".into());
    }
    let mut all = BTreeMap::new();
    for (name, tensor) in reader.into_tensors() {
        let data = tensor.read().map_err(|error| damaged(&error))?;
        let bytes = little_endian(data, tensor.dtype().size());
        let raw =
            RawTensor { dtype: element(tensor.dtype()), shape: tensor.shape().to_vec(), bytes: Cow::Owned(bytes) };
        all.insert(name, raw);
    }
    Ok(Tensors::new(all))
}

fn own_copy(bytes: &[u8]) -> std::io::Result<NamedTempFile> {
    let mut copy = NamedTempFile::new()?;
    copy.write_all(bytes)?;
    Ok(copy)
}

/// The pickle of the archive, or what kind of archive it is instead.
fn pickle(bytes: &[u8]) -> Result<Vec<u8>, String> {
    // A reader keeps some hundred bytes of each file that the directory at the end names.
    let entries = bytes.windows(4).filter(|window| window == b"PK\x01\x02").count();
    if entries > MAX_ENTRIES {
        return Err(format!("a zip archive of {entries} files, wanted at most {MAX_ENTRIES}"));
    }
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| format!("a damaged zip archive: {error}"))?;
    let names: Vec<String> = (0..archive.len())
        .filter_map(|index| archive.name_for_index(index)?.ok().map(|name| name.into_owned()))
        .collect();
    let any = |end: &str| names.iter().any(|name| name.ends_with(end));
    let supported = "what can be imported is a state dict, saved with torch.save(model.state_dict(), path)";
    if any("constants.pkl") || names.iter().any(|name| name.contains("/code/")) {
        return Err(format!("a TorchScript archive, which is a program; {supported}"));
    }
    if any(".npy") {
        return Err(format!("a NumPy .npz archive; {supported}"));
    }
    if any("model.weights.h5") {
        return Err(format!("a Keras archive; {supported}"));
    }
    let pickles: Vec<&String> =
        names.iter().filter(|name| *name == "data.pkl" || name.ends_with("/data.pkl")).collect();
    let [name] = pickles[..] else {
        return Err(format!("a zip archive with {} files `data.pkl`, not a PyTorch file; {supported}", pickles.len()));
    };
    let damaged = |error: &dyn std::fmt::Display| format!("a damaged PyTorch file: {name}: {error}");
    let entry = archive.by_name(name).map_err(|error| damaged(&error))?;
    let mut pickle = Vec::new();
    entry.take(MAX_PICKLE_BYTES + 1).read_to_end(&mut pickle).map_err(|error| damaged(&error))?;
    if pickle.len() as u64 > MAX_PICKLE_BYTES {
        return Err(format!(
            "a PyTorch file whose pickle has more than {MAX_PICKLE_BYTES} bytes: more than a state dict"
        ));
    }
    Ok(pickle)
}

/// Lets pass what `torch.save` of a dict of tensors writes (pickle protocol 2), and nothing else.
fn check_pickle(pickle: &[u8]) -> Result<(), String> {
    let mut rest = pickle;
    loop {
        let (&code, after) = rest.split_first().ok_or("a damaged PyTorch file: its pickle has no end")?;
        let operand = match code {
            b'.' => return Ok(()),
            // PROTO, BININT1, BINGET, BINPUT
            0x80 | b'K' | b'h' | b'q' => 1,
            b'M' => 2,
            // BININT, LONG_BINGET, LONG_BINPUT
            b'J' | b'j' | b'r' => 4,
            b'G' => 8,
            // BINUNICODE
            b'X' => 4 + after.first_chunk::<4>().map_or(0, |length| u32::from_le_bytes(*length) as usize),
            // LONG1
            0x8a => 1 + after.first().copied().map_or(0, usize::from),
            // GLOBAL: two lines, a module and a name
            b'c' => {
                let mut ends = after.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(index, _)| index);
                let end = ends.nth(1).ok_or("a damaged PyTorch file: its pickle ends inside a name")?;
                let name = &after[..end];
                let name = String::from_utf8_lossy(name).replace('\n', " ");
                if !KNOWN_NAMES.contains(&name.as_str()) {
                    return Err(format!(
                        "a PyTorch file that wants to call `{}`: it holds more than tensors, and nothing of it was run; save \
                         the state dict alone, with torch.save(model.state_dict(), path)",
                        name.replace(' ', ".")
                    ));
                }
                end + 1
            }
            // MARK, tuples, dicts, lists, NONE, booleans, APPEND(S), SETITEM(S), BINPERSID, REDUCE, BUILD
            b'('
            | b')'
            | b't'
            | 0x85..=0x87
            | b'}'
            | b']'
            | b'N'
            | 0x88
            | 0x89
            | b'a'
            | b'e'
            | b's'
            | b'u'
            | b'Q'
            | b'R'
            | b'b' => 0,
            other => {
                return Err(format!(
                    "a PyTorch file whose pickle uses instruction {other:#04x}, which no state dict needs"
                ));
            }
        };
        rest = after.get(operand..).ok_or("a damaged PyTorch file: its pickle ends inside an instruction")?;
    }
}

fn element(dtype: DType) -> Dtype {
    match dtype {
        DType::F64 => Dtype::F64,
        DType::F32 => Dtype::F32,
        DType::F16 => Dtype::F16,
        DType::BF16 => Dtype::BF16,
        DType::I64 => Dtype::I64,
        DType::I32 => Dtype::I32,
        DType::I16 => Dtype::I16,
        DType::I8 => Dtype::I8,
        DType::U64 => Dtype::U64,
        DType::U32 => Dtype::U32,
        DType::U16 => Dtype::U16,
        DType::U8 => Dtype::U8,
        DType::Bool => Dtype::BOOL,
    }
}

/// The reader gives the host's byte order.
fn little_endian(mut bytes: Vec<u8>, size: usize) -> Vec<u8> {
    if cfg!(target_endian = "big") {
        bytes.chunks_exact_mut(size).for_each(<[u8]>::reverse);
    }
    bytes
}
