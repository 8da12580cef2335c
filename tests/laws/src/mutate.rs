//! Byte strings that are almost images.
//!
//! Random bytes are refused by their first four, and a random change is refused by the checksum. To reach the checks that matter a
//! mutation takes an image apart, changes a record, a table or a weight, and puts the rest right again.

use leafgate_image::{op, section};

use crate::draw::Draw;
use crate::parts::{Parts, Section, seal};

/// Fields of a record: offset and width.
type Fields = &'static [(usize, usize)];

const TENSOR: Fields = &[(0, 1), (1, 1), (4, 4), (8, 4), (12, 4), (16, 4), (20, 4)];
const RANGE: Fields = &[(0, 4), (4, 4), (8, 4), (12, 4), (16, 4), (20, 4), (24, 4), (28, 4), (32, 1), (33, 1)];
const SECTION: Fields = &[(0, 2), (2, 2), (4, 4), (8, 4), (12, 4)];
const HEADER: Fields = &[
    (4, 2),
    (6, 2),
    (8, 4),
    (16, 4),
    (20, 4),
    (24, 4),
    (28, 4),
    (32, 2),
    (34, 2),
    (36, 2),
    (40, 4),
    (44, 4),
    (48, 4),
    (52, 4),
    (56, 4),
];

/// Fields of an op record.
fn op_fields(number: u8) -> Fields {
    match number {
        op::LINEAR => {
            &[(1, 1), (2, 2), (4, 2), (6, 2), (8, 4), (12, 4), (16, 4), (20, 4), (24, 4), (28, 1), (29, 1), (30, 2)]
        }
        op::FFN => &[
            (1, 1),
            (2, 2),
            (4, 2),
            (6, 2),
            (8, 2),
            (10, 2),
            (12, 2),
            (14, 2),
            (16, 4),
            (20, 4),
            (24, 4),
            (28, 4),
            (32, 4),
            (36, 4),
            (40, 4),
        ],
        op::ROUTE => &[
            (1, 1),
            (2, 2),
            (4, 2),
            (6, 2),
            (8, 4),
            (12, 4),
            (16, 4),
            (20, 4),
            (24, 4),
            (28, 4),
            (32, 2),
            (34, 2),
            (36, 4),
            (40, 4),
        ],
        op::GATES => &[(1, 1), (4, 2), (6, 2), (8, 4), (12, 4), (16, 4), (20, 4)],
        op::GROUPSUM => &[(1, 1), (4, 2), (6, 2), (8, 4), (12, 4), (16, 4)],
        op::MAP => &[
            (1, 1),
            (2, 2),
            (4, 2),
            (6, 2),
            (8, 2),
            (12, 4),
            (16, 4),
            (20, 4),
            (24, 4),
            (28, 4),
            (32, 1),
            (33, 1),
            (34, 1),
            (35, 1),
            (36, 1),
            (37, 1),
        ],
        op::READOUT => &[(1, 1), (4, 2), (6, 2), (8, 4)],
        op::MOVE => &[(1, 1), (4, 2), (6, 2), (8, 4), (12, 4), (16, 4), (20, 4), (24, 4), (28, 4), (32, 4)],
        _ => &[(0, 1)],
    }
}

/// A mutation of `image` with length, section table, header figures and checksum put right, but for a few that leave one of
/// them wrong on purpose.
pub fn mutate(image: &[u8], draw: &mut Draw) -> Vec<u8> {
    let mut parts = Parts::of(image);
    for _ in 0..*draw.choose(&[1, 1, 1, 2, 3]) {
        match draw.below(20) {
            0..=6 => constant(&mut parts, draw),
            7..=10 => field(&mut parts, section::OPS, draw),
            11..=12 => field(&mut parts, section::TENSORS, draw),
            13..=14 => field(&mut parts, section::RANGES, draw),
            15 => move_tensor(&mut parts, draw),
            16 => reorder(&mut parts, draw),
            17 => blob(&mut parts, draw),
            18 => header(&mut parts, draw),
            _ => sections(&mut parts, draw),
        }
    }
    // A figure of the header left as it was is refused unless the mutation did not touch it.
    if !draw.one_in(16) {
        parts.repair_figures();
    }
    let mut image = parts.assemble();
    if draw.one_in(16) {
        raw(&mut image, draw);
    }
    image
}

/// Another value for the field at `at`.
fn change(record: &mut [u8], (at, width): (usize, usize), draw: &mut Draw) {
    let Some(field) = record.get_mut(at..at + width) else { return };
    let mut bytes = [0; 4];
    bytes[..width].copy_from_slice(field);
    let value = u32::from_le_bytes(bytes);
    let bits = 8 * width;
    let new = match draw.below(9) {
        0 => value.wrapping_add(1),
        1 => value.wrapping_sub(1),
        2 => value.wrapping_add(*draw.choose(&[4, 8, 16, 32])),
        3 => value.wrapping_sub(*draw.choose(&[4, 8, 16, 32])),
        4 => value ^ 1 << draw.below(bits),
        5 => *draw.choose(&[0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0x7FFF_FFFF, 0x8000_0000]),
        6 => u32::MAX - draw.below(2) as u32,
        7 => draw.below(16) as u32,
        _ => draw.word(),
    };
    field.copy_from_slice(&new.to_le_bytes()[..width]);
}

/// A weight, a bias, a table entry or part of a requantise record.
fn constant(parts: &mut Parts, draw: &mut Draw) {
    let Some(bytes) = parts.bytes_mut(section::CONSTANTS).filter(|bytes| !bytes.is_empty()) else { return };
    let width = *draw.choose(&[1, 1, 2, 4]);
    let at = draw.below(bytes.len()) / width * width;
    change(bytes, (at, width), draw);
}

/// A field of a record, or its copy from another record.
fn field(parts: &mut Parts, kind: u16, draw: &mut Draw) {
    let size = match kind {
        section::OPS => 64,
        section::TENSORS => 32,
        _ => 48,
    };
    let Some(bytes) = parts.bytes_mut(kind).filter(|bytes| bytes.len() >= size) else { return };
    let count = bytes.len() / size;
    let (record, other) = (draw.below(count) * size, draw.below(count) * size);
    let fields = match kind {
        section::OPS => op_fields(bytes[record]),
        section::TENSORS => TENSOR,
        _ => RANGE,
    };
    let (at, width) = *draw.choose(fields);
    match draw.below(8) {
        0 => bytes.copy_within(other + at..other + at + width, record + at),
        // Two fields of the same width change places: a tensor or an array in another role.
        1 => {
            let (with, _) = *draw.choose(fields);
            let with = with.min(size - width);
            let kept = bytes[record + at..record + at + width].to_vec();
            bytes.copy_within(record + with..record + with + width, record + at);
            bytes[record + with..record + with + width].copy_from_slice(&kept);
        }
        // Any byte, reserved ones among them.
        2 if draw.one_in(4) => {
            let at = draw.below(size);
            change(&mut bytes[record..record + size], (at, 1), draw);
        }
        _ => change(&mut bytes[record..record + size], (at, width), draw),
    }
}

/// A tensor somewhere else in the arena, perhaps over another.
fn move_tensor(parts: &mut Parts, draw: &mut Draw) {
    let arena = parts.header.arena_bytes as usize + 64;
    let Some(bytes) = parts.bytes_mut(section::TENSORS).filter(|bytes| bytes.len() >= 32) else { return };
    let record = draw.below(bytes.len() / 32) * 32;
    let offset = draw.below(arena) / 4 * 4 + usize::from(bytes[record] == 1 && draw.one_in(2));
    bytes[record + 4..record + 8].copy_from_slice(&(offset as u32).to_le_bytes());
}

/// Records swapped, doubled or dropped.
fn reorder(parts: &mut Parts, draw: &mut Draw) {
    let (kind, size) =
        *draw.choose(&[(section::OPS, 64), (section::OPS, 64), (section::TENSORS, 32), (section::RANGES, 48)]);
    let Some(bytes) = parts.bytes_mut(kind).filter(|bytes| bytes.len() >= size) else { return };
    let count = bytes.len() / size;
    let (a, b) = (draw.below(count) * size, draw.below(count) * size);
    let record = bytes[a..a + size].to_vec();
    match draw.below(3) {
        0 => {
            bytes.copy_within(b..b + size, a);
            bytes[b..b + size].copy_from_slice(&record);
        }
        1 => {
            bytes.splice(b..b, record);
        }
        _ => {
            bytes.drain(a..a + size);
        }
    }
}

/// Labels, golden vectors, provenance.
fn blob(parts: &mut Parts, draw: &mut Draw) {
    let kind = *draw.choose(&[section::LABELS, section::GOLDEN, section::PROVENANCE]);
    let Some(bytes) = parts.bytes_mut(kind).filter(|bytes| !bytes.is_empty()) else { return };
    match draw.below(4) {
        0 => bytes.truncate(draw.below(bytes.len())),
        1 => bytes.push(draw.word() as u8),
        _ => {
            let at = draw.below(bytes.len().div_ceil(4)) * 4;
            let width = 4.min(bytes.len() - at);
            change(bytes, (at, width), draw);
        }
    }
}

fn header(parts: &mut Parts, draw: &mut Draw) {
    use zerocopy::IntoBytes;
    let field = *draw.choose(HEADER);
    change(parts.header.as_mut_bytes(), field, draw);
}

/// A section dropped, doubled, added, grown, cut or called by another name.
fn sections(parts: &mut Parts, draw: &mut Draw) {
    let i = draw.below(parts.sections.len().max(1));
    let Some(section) = parts.sections.get_mut(i) else { return };
    match draw.below(6) {
        0 => {
            parts.sections.remove(i);
        }
        1 => {
            let copy = section.clone();
            parts.sections.insert(i, copy);
        }
        2 => {
            let mut bytes = vec![0; draw.below(40)];
            draw.fill(&mut bytes);
            let kind = *draw.choose(&[5, 9, 0x7FFF, 0x8000, 0x8000, 0xFFFF]);
            parts.sections.push(Section { kind, record_bytes: 0, bytes });
        }
        3 => section.bytes.extend_from_slice(&[0; 16]),
        4 => section.bytes.truncate(draw.below(section.bytes.len() + 1)),
        _ => section.kind = *draw.choose(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 0x8001]),
    }
}

/// A field of the finished header or section table, or any byte; only the checksum is put right.
fn raw(image: &mut Vec<u8>, draw: &mut Draw) {
    match draw.below(4) {
        0 => {
            let field = *draw.choose(HEADER);
            change(image, field, draw);
        }
        1 => {
            let (at, width) = *draw.choose(SECTION);
            let entry = 64 + 16 * draw.below(8);
            change(image, (entry + at, width), draw);
        }
        2 => {
            let at = draw.below(image.len());
            change(image, (at, 1), draw);
        }
        _ => image.truncate(draw.below(image.len() + 1)),
    }
    if !draw.one_in(4) {
        seal(image);
    }
}
