//! Decodes the bytes of an image and checks every rule of the format document.
//!
//! Total: any bytes give an image or a [`ReadError`]. Figures are compared in 64 or 128 bits before anything is indexed,
//! and no more memory is taken than a small multiple of the bytes given.
//!
//! Rules that the document leaves to the reader are taken strictly: bytes outside header, table and sections are zero
//! wherever they lie; flags and constants that a kind gives no meaning are refused; nothing may write to the input.

mod constants;
mod error;
mod ffn;
mod op;
mod range;
mod record;
mod route;
mod section;
mod tensor;
mod text;

pub use error::{At, ReadError, Want};

use constants::Pool;
use record::{Record, between, check};
use section::Sections;
use tensor::Tensors;

use super::cost;
use super::image::{Constants, Header, Image, Place};
use super::ops::{Op, Readout};

/// `NONE` of a constant offset.
const NO_CONST: u32 = 0xFFFF_FFFF;
/// `NONE` of a tensor index.
const NO_TENSOR: u16 = 0xFFFF;

/// Whether the checksum is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crc {
    /// A mismatch is an error.
    Check,
    /// It is read but not compared, for tests that change bytes.
    Skip,
}

/// Decodes the image at the start of `bytes`.
///
/// # Errors
/// A [`ReadError`] for the first rule found broken.
pub fn read(bytes: &[u8], crc: Crc) -> Result<Image, ReadError> {
    let (raw, bytes) = raw_header(bytes, crc)?;
    let sections = Sections::read(bytes, raw.section_count)?;
    let tensors = Tensors::read(sections.records(bytes, section::TENSORS, "TENSORS")?)?;
    check(At::Header, "arena_bytes", Want::Exactly(tensors.arena_bytes().into()), raw.header.arena_bytes)?;
    between(At::Header, "arena_bytes", 0, 1 << 30, raw.header.arena_bytes)?;
    tensors.only_input(raw.header.input)?;
    let constants = sections.blob(bytes, section::CONSTANTS);
    let pool = Pool::new(constants, raw.header.total_bytes);
    let ranges = range::read(sections.records_if_present(bytes, section::RANGES), &pool)?;
    let ops = op::read(sections.records(bytes, section::OPS, "OPS")?, &tensors, &ranges, &pool)?;

    let readout = ends_in_readout(&ops)?;
    let (mut features, mut packing) = (0, 0);
    for op in &ops {
        features |= 1 << op.number();
        if let Op::Linear(op) = op {
            let (bit, kernels) = op.weights.packing();
            (features, packing) = (features | bit, packing.max(kernels));
        }
    }
    check(At::Header, "features", Want::Exactly(features.into()), raw.header.features)?;
    check(At::Header, "packing", Want::Exactly(packing.into()), raw.packing)?;
    check(At::Header, "output", Want::Exactly(readout.input as i128), raw.header.output as i128)?;

    let all = tensors.into_vec();
    let worst = cost::worst(&ops, &all, &ranges);
    check(At::Header, "worst_macs", Want::Exactly(worst.macs.into()), raw.header.worst_macs)?;
    check(At::Header, "worst_gates", Want::Exactly(worst.gates.into()), raw.header.worst_gates)?;
    check(At::Header, "worst_steps", Want::Exactly(worst.steps.into()), raw.header.worst_steps)?;
    let (input, output) = (&all[raw.header.input], &all[raw.header.output]);
    debug_assert_eq!(input.place, Place::Input);
    Ok(Image {
        labels: sections.blob(bytes, section::LABELS).map(text::labels).transpose()?,
        golden: sections.blob(bytes, section::GOLDEN).map(|blob| text::golden(blob, input, output)).transpose()?,
        provenance: sections.blob(bytes, section::PROVENANCE).map(text::provenance).transpose()?,
        header: raw.header,
        sections: sections.into_vec(),
        tensors: all,
        ops,
        ranges,
        constants: Constants(constants.unwrap_or_default().to_vec()),
    })
}

struct RawHeader {
    header: Header,
    packing: u32,
    section_count: usize,
}

/// The header and the bytes of the image without what follows it.
fn raw_header(bytes: &[u8], crc: Crc) -> Result<(RawHeader, &[u8]), ReadError> {
    let at = At::Header;
    let have = bytes.len() as u64;
    let first = bytes.get(..64).ok_or(ReadError::Truncated { at, what: "header", want: 64, have })?;
    let mut record = Record::new(first, at);
    let magic = u32::from_le_bytes(*b"LEAF");
    check(at, "magic", Want::Exactly(magic.into()), record.u32(0))?;
    check(at, "format", Want::Exactly(1), record.u16(4))?;
    check(at, "header_bytes", Want::Exactly(64), record.u16(6))?;
    let total_bytes = record.u32(8);
    check(at, "total_bytes", Want::Multiple(16), total_bytes)?;
    let whole = bytes.get(..total_bytes as usize).ok_or(ReadError::Truncated {
        at,
        what: "total_bytes",
        want: total_bytes.into(),
        have,
    })?;
    between(at, "total_bytes", 64, u32::MAX, total_bytes)?;
    let crc32 = record.u32(12);
    if crc == Crc::Check {
        let have = checksum(whole);
        if have != crc32 {
            return Err(ReadError::Crc { want: crc32, have });
        }
    }
    let features = record.u32(16);
    between(at, "features", 0, (1 << 19) - 1, features)?;
    let packing = record.u32(20);
    between(at, "packing", 0, 3, packing)?;
    let arena_bytes = record.u32(24);
    check(at, "persistent_bytes", Want::Exactly(0), record.u32(28))?;
    let header = Header {
        total_bytes,
        crc32,
        features,
        arena_bytes,
        input: record.u16(32).into(),
        output: record.u16(34).into(),
        worst_macs: record.u32(40),
        worst_gates: record.u32(44),
        worst_bytes: record.u32(48),
        model_version: record.u32(52),
        worst_steps: record.u32(56),
    };
    let section_count = record.u16(36);
    between(at, "section_count", 1, 16, section_count)?;
    record.finish()?;
    Ok((RawHeader { header, packing, section_count: section_count.into() }, whole))
}

fn checksum(image: &[u8]) -> u32 {
    let crc = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);
    let mut digest = crc.digest();
    digest.update(&image[..12]);
    digest.update(&image[16..]);
    digest.finalize()
}

/// The last op, and no other, is READOUT.
fn ends_in_readout(ops: &[Op]) -> Result<Readout, ReadError> {
    let at = |index: usize| At::Op { index, number: ops[index].number() };
    let wrong = |index: usize| ReadError::Value {
        at: at(index),
        what: "op",
        want: Want::Words("READOUT as the last op and nowhere else"),
        have: ops[index].number().into(),
    };
    let Some(first) = ops.iter().position(|op| matches!(op, Op::Readout(_))) else {
        return Err(wrong(ops.len() - 1));
    };
    match ops[first] {
        Op::Readout(readout) if first + 1 == ops.len() => Ok(readout),
        _ => Err(wrong(first)),
    }
}
