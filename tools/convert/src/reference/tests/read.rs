//! The rules of the document, one broken at a time.

use super::super::{At, Crc, Op, ReadError, read};
use super::images;
use super::writer::*;

const OPS: u16 = 1;
const TENSORS: u16 = 2;
const RANGES: u16 = 3;
const CONSTANTS: u16 = 4;

fn section(image: &[u8], kind: u16) -> (usize, usize) {
    let count = usize::from(u16::from_le_bytes([image[36], image[37]]));
    let table = image[64..64 + 16 * count].chunks_exact(16);
    let word = |entry: &[u8], at: usize| u32::from_le_bytes(entry[at..at + 4].try_into().unwrap()) as usize;
    let entry = table.into_iter().find(|entry| entry[..2] == kind.to_le_bytes()).unwrap();
    (word(entry, 4), usize::from(u16::from_le_bytes([entry[2], entry[3]])))
}

/// The image with fields of a record changed and the checksum right.
fn changed(mut image: Vec<u8>, kind: u16, record: usize, fields: &[Field]) -> Vec<u8> {
    let (offset, record_bytes) = section(&image, kind);
    for (at, bytes) in fields {
        let at = offset + record * record_bytes + at;
        image[at..at + bytes.len()].copy_from_slice(bytes);
    }
    seal(image)
}

fn header(mut image: Vec<u8>, (at, bytes): Field) -> Vec<u8> {
    image[at..at + bytes.len()].copy_from_slice(&bytes);
    seal(image)
}

fn refused(image: &[u8], what: &str) {
    match read(image, Crc::Check) {
        Ok(_) => panic!("accepted, want it refused with \"{what}\""),
        Err(error) => assert!(error.to_string().contains(what), "want \"{what}\", have \"{error}\""),
    }
}

#[test]
fn every_image_is_accepted() {
    for (i, bytes) in images::all().iter().enumerate() {
        let image = read(bytes, Crc::Check).unwrap_or_else(|error| panic!("image {i}: {error}"));
        assert!(matches!(image.ops.last(), Some(Op::Readout(_))));
        // More bytes than the image may follow.
        assert_eq!(read(&[&bytes[..], &[9; 40]].concat(), Crc::Check).unwrap(), image);
    }
}

#[test]
fn text_sections() {
    let image = read(&images::maps(), Crc::Check).unwrap();
    assert_eq!(image.labels.unwrap(), ["a", "bc", ""]);
    assert_eq!(image.golden.unwrap().len(), 1);
    assert_eq!(image.provenance.unwrap()[4], ("more".to_owned(), "a=b".to_owned()));
    assert_eq!(image.sections.last().unwrap().kind, 0x8001);
}

#[test]
fn header_rules() {
    let good = images::linear_per_row;
    refused(&header(good(), w(0, 7)), "magic");
    refused(&header(good(), h(4, 2)), "format: want 1, have 2");
    refused(&header(good(), h(6, 65)), "header_bytes");
    refused(&header(good(), w(16, 1 << 7)), "features: want 130, have 128");
    refused(&header(good(), w(16, 1 << 8 | 130)), "features");
    refused(&header(good(), w(20, 1)), "packing: want 0, have 1");
    refused(&header(good(), w(20, 2)), "packing: want 0, have 2");
    refused(&header(good(), w(20, 4)), "packing: want 0 to 3");
    refused(&header(good(), w(16, 1 << 16 | 130)), "features: want 130");
    refused(&header(good(), w(24, 12)), "arena_bytes: want 8, have 12");
    refused(&header(good(), w(28, 1)), "persistent_bytes");
    refused(&header(good(), h(32, 1)), "place");
    refused(&header(good(), h(32, 9)), "input: want 0 to 2, have 9");
    refused(&header(good(), h(34, 0)), "output: want 1, have 0");
    refused(&header(good(), h(36, 0)), "section_count");
    refused(&header(good(), h(36, 17)), "section_count");
    refused(&header(good(), h(38, 1)), "reserved byte 38");
    refused(&header(good(), w(60, 1)), "reserved byte 60");
    let mut bytes = good();
    bytes[8] += 1;
    refused(&bytes, "total_bytes: want a multiple of 16");
    bytes[8] += 15;
    refused(&bytes, "total_bytes: want");
    refused(&header(good(), w(40, 77)), "worst_macs: want");
    refused(&header(good(), w(44, 32)), "worst_gates: want 0, have 32");
    // Two rows of three columns, and the largest of two.
    refused(&header(good(), w(56, 0)), "worst_steps: want 8, have 0");
    assert!(read(&header(good(), w(48, 77)), Crc::Check).is_ok(), "worst_bytes is informative");
}

#[test]
fn checksum() {
    let mut bytes = images::linear_per_row();
    bytes[52] = 1;
    assert!(matches!(read(&bytes, Crc::Check), Err(ReadError::Crc { .. })));
    assert_eq!(read(&bytes, Crc::Skip).unwrap().header.model_version, 1);
}

#[test]
fn section_rules() {
    let good = images::linear_per_row;
    refused(&header(good(), h(64, 5)), "kind: want 1 to 4");
    refused(&header(good(), h(64, 0)), "kind: want 1 to 4");
    refused(&header(good(), h(64, 3)), "record_bytes: want 48");
    refused(&header(good(), h(80, 1)), "record_bytes: want 64");
    refused(&header(good(), w(68, 120)), "multiple of 16");
    refused(&header(good(), w(68, 96)), "disjoint");
    refused(&header(good(), w(72, 64)), "bytes: want 128");
    refused(&header(good(), w(76, 0)), "count");
    refused(&header(good(), w(76, 1)), "bytes: want 64");
    refused(&header(good(), w(96 + 8, 1 << 20)), "bytes inside the image");
    refused(&header(good(), w(96 + 12, 1)), "count: want 0");
    refused(&header(good(), h(96, 0x8000)), "CONSTANTS");
    let mut writer = Writer::with_input(I8, 1, 1);
    writer.constants.push(7);
    let (last, gap) = (writer.clone().read_out(0), "image: reserved byte");
    assert!(read(&last, Crc::Check).is_ok());
    refused(&header(last.clone(), (last.len() - 1, vec![1])), gap);
    writer.blobs.push((6, vec![0; 4]));
    let between = writer.read_out(0);
    refused(&header(between.clone(), (between.len() - 17, vec![1])), gap);
}

#[test]
fn tensor_rules() {
    let good = images::linear_per_row;
    let broken = |record: usize, field: Field| changed(good(), TENSORS, record, &[field]);
    refused(&broken(0, b(0, 5)), "dtype: want 1 to 4");
    refused(&broken(0, b(0, 2)), "input: want 1 (I8) or 3 (Bits)");
    refused(&broken(0, b(1, 1)), "place");
    refused(&broken(1, b(1, 2)), "place");
    refused(&broken(1, b(1, 0)), "tensor 1: place: want 1, have 0");
    refused(&broken(0, h(2, 1)), "reserved byte 2");
    refused(&broken(0, w(4, 4)), "offset of the input");
    refused(&broken(2, w(4, 2)), "offset: want a multiple of 4");
    refused(&broken(0, w(8, 0)), "rows: want 1");
    refused(&broken(0, w(12, 0)), "cols: want 1");
    refused(&broken(0, w(8, u32::MAX)), "bytes: want 0 to 1073741824");
    refused(&broken(0, w(16, f32::NAN.to_bits())), "scale: want a finite number");
    refused(&broken(0, w(20, f32::INFINITY.to_bits())), "zero_point: want a finite number");
    refused(&broken(0, w(28, 1)), "reserved byte 28");
    refused(&changed(images::trees(), TENSORS, 1, &[w(8, 2)]), "rows of a list");
}

#[test]
fn linear_rules() {
    let good = images::linear_per_row;
    let broken = |field: Field| changed(good(), OPS, 0, &[field]);
    refused(&broken(b(0, 9)), "op: want 1 to 8, have 9");
    refused(&broken(b(1, 1)), "kind");
    refused(&broken(h(2, 8)), "flags");
    refused(&broken(h(2, 3)), "flags");
    refused(&broken(h(2, 4)), "input");
    refused(&broken(h(4, 9)), "input: want 0 to 2");
    refused(&broken(h(4, NO)), "input: want it present");
    refused(&broken(h(6, 0)), "output");
    refused(&broken(w(8, 3)), "output: want 3, have 2");
    refused(&broken(w(12, 4)), "input: want 4, have 3");
    refused(&broken(w(16, NONE)), "weights: want it present");
    refused(&broken(w(16, 4000)), "weights");
    refused(&broken(w(20, 2)), "bias: want a multiple of 4");
    refused(&broken(w(24, NONE)), "rq: want it present");
    refused(&broken(b(28, 0)), "weight_format");
    refused(&broken(b(28, 8)), "weight_format: want 1 to 7");
    refused(&broken(b(28, 3)), "prepared");
    refused(&broken(b(28, 2)), "prepared");
    refused(&broken(h(30, 1)), "reserved byte 30");
    refused(&broken(b(29, 1)), "reserved byte 29");
    refused(&changed(images::linear_transposed(), OPS, 1, &[w(24, 0)]), "rq with an I32 output");
    refused(&changed(images::linear_transposed(), OPS, 1, &[h(2, 5)]), "flags");
    for (record, what) in [(unit(1, 0), "lo"), ((1 << 29, 1, 0, 0, 0), "m of"), ((1 << 30, 63, 0, 0, 0), "s of")] {
        let mut writer = Writer::with_input(I8, 1, 1);
        let output = writer.tensor(I8, 1, 2);
        let rq = writer.rqs(&[unit(0, 0), record]);
        writer.linear(1, (0, output), (&[1, 1], 2), NONE, rq);
        refused(&writer.read_out(output), what);
    }
}

#[test]
fn range_rules() {
    let good = || images::ffn_all(0, 0);
    let broken = |record: usize, field: Field| changed(good(), RANGES, record, &[field]);
    refused(&broken(0, w(0, (1 << 20) + 1)), "neurons: want 0 to 1048576");
    refused(&broken(0, w(0, 0)), "keys without neurons");
    refused(&broken(0, w(0, 4000)), "range 0");
    refused(&broken(0, w(12, NONE)), "key_rq: want it present");
    refused(&broken(0, w(16, 0)), "ups: want NONE");
    refused(&broken(0, w(20, NONE)), "values: want it present");
    refused(&broken(0, w(24, 2)), "value_bias: want a multiple of 4");
    refused(&broken(0, w(28, 1)), "scale_m");
    refused(&broken(0, b(32, 1)), "scale_s without scale_m");
    refused(&changed(good(), RANGES, 1, &[w(28, 1 << 30)]), "scale_s: want 1 to 62");
    refused(&broken(0, b(33, 4)), "flags");
    refused(&broken(0, h(34, 1)), "reserved byte 34");
    refused(&broken(0, w(44, 1)), "reserved byte 44");
}

#[test]
fn ffn_rules() {
    let good = || images::ffn_all(0, 0);
    let broken = |field: Field| changed(good(), OPS, 0, &[field]);
    refused(&broken(b(1, 3)), "kind");
    refused(&broken(b(1, 2)), "lut: want it present");
    refused(&broken(w(40, 0)), "lut: want NONE");
    refused(&broken(h(2, 32)), "flags");
    refused(&broken(h(2, 4)), "handed_z only with neurons");
    refused(&broken(h(2, 2 | 16)), "list with neurons");
    refused(&broken(h(2, 8 | 16)), "shared_bias with start_acc");
    refused(&broken(h(8, 1)), "list: want dtype 4");
    refused(&broken(h(10, NO)), "hidden: want it present");
    refused(&changed(good(), TENSORS, 3, &[w(12, 1)]), "arena_bytes: want 13, have 15");
    refused(&broken(h(14, 2)), "partial: want NONE");
    refused(&changed(good(), RANGES, 0, &[w(28, 1 << 30), b(32, 1)]), "partial: want it present");
    refused(&broken(w(16, 1)), "range_count: want 1 to 3, have 4");
    refused(&broken(w(16, 4)), "first_range");
    refused(&broken(w(20, 0)), "range_count");
    refused(&broken(w(24, 3)), "input");
    refused(&broken(w(28, 3)), "acc");
    refused(&broken(w(36, NONE)), "rq: want it present");
    refused(&broken(h(6, 2)), "rq with acc as the output");
    refused(&changed(good(), OPS, 0, &[h(6, 2), w(36, NONE)]), "flags");
    let path = |field: Field| changed(images::path(), OPS, 2, &[field]);
    refused(&path(h(14, NO)), "partial: want it present");
    refused(&changed(images::path(), RANGES, 0, &[w(24, 0)]), "value_bias with neurons");
    refused(&changed(images::path(), RANGES, 0, &[w(4, 0)]), "keys with handed_z");
    refused(&changed(images::path(), RANGES, 0, &[b(33, 3)]), "output-major values with neurons");
    let mut writer = Writer::with_input(I8, 1, 1);
    let acc = writer.tensor(I32, 1, 1);
    writer.ffn(0, 0, (1, 1), 1, &[h(6, acc), h(12, acc)]);
    refused(&writer.read_out(acc), "RANGES");
}

#[test]
fn hidden_is_wide_enough() {
    let mut writer = Writer::with_input(I8, 1, 1);
    let (acc, hidden) = (writer.tensor(I32, 1, 1), writer.tensor(I8, 1, 1));
    let (rq, values) = (writer.rqs(&[unit(0, 0)]), writer.i8s(&[1, 1]));
    writer.range(2, &[w(12, rq), w(20, values), b(33, 1)]);
    writer.ffn(0, 0, (1, 1), 1, &[h(6, acc), h(10, hidden), h(12, acc)]);
    refused(&writer.read_out(acc), "cols of hidden: want 2");
}

#[test]
fn route_rules() {
    let tree = |field: Field| changed(images::trees(), OPS, 0, &[field]);
    refused(&tree(b(1, 3)), "kind");
    refused(&tree(h(2, 4)), "hand_z only with path");
    refused(&tree(h(2, 8)), "flags");
    refused(&tree(h(6, 0)), "list: want dtype 4");
    refused(&tree(w(8, 65535 - 7)), "last range number: want 0 to 65534, have 65535");
    refused(&tree(w(12, 0)), "count");
    refused(&tree(w(16, 17)), "depth: want 1 to 16");
    refused(&tree(w(20, 1)), "input");
    refused(&tree(w(24, NONE)), "weights");
    refused(&tree(h(32, 1)), "scores: want NONE");
    refused(&tree(h(34, 32769)), "weight: want 0 to 32768");
    refused(&tree(w(36, 0)), "gate_rq");
    refused(&tree(b(44, 0)), "weight_format");
    let fixed = |field: Field| changed(images::trees(), OPS, 1, &[field]);
    refused(&fixed(h(4, 0)), "input: want NONE");
    refused(&fixed(w(16, 1)), "depth: want 0");
    refused(&fixed(w(20, 1)), "cols");
    refused(&fixed(w(24, 0)), "weights: want NONE");
    refused(&fixed(b(44, 1)), "weight_format");
    refused(&fixed(h(2, 2)), "flags");
    let top = |field: Field| changed(images::experts(), OPS, 0, &[field]);
    refused(&top(w(16, 4)), "depth: want 1 to 3");
    refused(&top(h(32, NO)), "scores: want it present");
    refused(&top(w(36, NONE)), "gate_table without gate_rq");
    refused(&top(w(40, NONE)), "gate_table: want it present");
    refused(&top(w(40, 0)), "weight in gate_table");
}

#[test]
fn gates_and_groupsum_rules() {
    let rotated = |field: Field| changed(images::gates(), OPS, 1, &[field]);
    refused(&rotated(b(1, 2)), "kind");
    refused(&rotated(h(4, 0)), "input: want dtype 3");
    refused(&rotated(w(8, 2)), "words: want 1");
    refused(&rotated(w(12, NONE)), "table");
    let at = |op: usize, field: usize| {
        let image = images::gates();
        let (offset, bytes) = section(&image, OPS);
        u32::from_le_bytes(image[offset + op * bytes + field..][..4].try_into().unwrap()) as usize
    };
    let constant = |at: usize, value: u32| changed(images::gates(), CONSTANTS, 0, &[w(at, value)]);
    refused(&constant(at(1, 12), 2), "input word of A: want 0 to 1, have 2");
    refused(&constant(at(1, 12), 2 << 16), "input word of B: want 0 to 1, have 2");
    refused(&constant(at(2, 12) + 4 * 19, 64), "signal of A: want 0 to 63");
    refused(&constant(at(2, 12) + 4 * 19, 64 << 16), "signal of B: want 0 to 63");
    refused(&constant(at(2, 16), 21), "end of a series");
    refused(&constant(at(2, 16) + 8, 15), "end of a series");
    refused(&changed(images::gates(), OPS, 2, &[w(20, 3000)]), "series");
    refused(&changed(images::gates(), OPS, 2, &[h(6, 2)]), "output: want dtype 2");
    refused(&changed(images::gates(), TENSORS, 3, &[w(12, 7)]), "signals, among which are the input's");
    refused(&changed(images::gates(), OPS, 1, &[w(16, 4)]), "reserved");
    refused(&constant(at(3, 12), 50), "bounds");
    refused(&constant(at(3, 12) + 8, 65), "bounds");
    refused(&changed(images::gates(), OPS, 3, &[b(1, 0)]), "input: want dtype 3");
    refused(&changed(images::gates(), OPS, 3, &[b(1, 2)]), "kind");
    refused(&constant(at(0, 12), 3), "feature in table: want 0 to 2");
    refused(&constant(at(0, 12), 1 << 24), "reserved byte 3");
    refused(&changed(images::gates(), OPS, 3, &[w(8, 3)]), "output: want 3, have 2");
}

#[test]
fn map_and_readout_rules() {
    let map = |op: usize, field: Field| changed(images::maps(), OPS, op, &[field]);
    refused(&map(0, b(1, 6)), "kind");
    refused(&map(0, h(2, 1)), "flags");
    refused(&map(0, h(8, 0)), "second: want NONE");
    refused(&map(0, w(16, 0)), "bias: want NONE");
    refused(&map(0, w(20, 0)), "rq: want NONE");
    refused(&map(0, w(24, 1)), "reserved byte 24");
    refused(&map(1, w(20, NONE)), "rq: want it present");
    refused(&map(3, h(8, NO)), "second: want it present");
    refused(&map(3, b(32, 0)), "shift");
    refused(&map(3, b(34, 16)), "lo: want -128 to 15");
    refused(&map(4, b(33, 1)), "reserved byte 33");
    refused(&map(4, b(34, 31)), "lo: want -128 to 30");
    refused(&map(4, w(12, 0)), "table: want NONE");
    refused(&map(5, b(1, 1)), "k: want 1");
    refused(&map(5, w(8, 1)), "k: want 0");
}

#[test]
fn readout_ends_the_program() {
    let mut writer = Writer::with_input(I8, 1, 1);
    refused(&writer.bytes(), "count");
    writer.op(7, 0, 0, &[h(4, 0), h(6, NO)]);
    assert!(read(&writer.bytes(), Crc::Check).is_ok());
    refused(&writer.clone().read_out(0), "READOUT as the last op and nowhere else");
    let output = writer.tensor(I8, 1, 1);
    writer.ops.clear();
    writer.map(4, 0, (0, output), &[]);
    refused(&writer.bytes(), "READOUT as the last op and nowhere else");
}

#[test]
fn written_tensors_overlap_no_other() {
    let mut writer = Writer::with_input(I8, 1, 4);
    let (a, c) = (writer.tensor(I8, 1, 4), writer.tensor(I8, 1, 4));
    writer.map(4, 0, (0, a), &[]);
    let mut same = writer.clone();
    same.map(4, 0, (a, a), &[]);
    refused(&same.read_out(a), "written tensor 1 overlaps tensor 1");
    writer.tensors[2][4..8].copy_from_slice(&3u32.to_le_bytes());
    writer.arena_bytes = 7;
    writer.map(4, 0, (a, c), &[]);
    refused(&writer.read_out(c), "written tensor 2 overlaps tensor 1");
    let mut writer = Writer::with_input(I8, 1, 4);
    writer.map(4, 0, (0, 0), &[]);
    refused(&writer.read_out(0), "place of a written tensor");
}

#[test]
fn text_rules() {
    let with = |kind: u16, blob: &[u8]| {
        let mut writer = Writer::with_input(I8, 1, 2);
        writer.blobs.push((kind, blob.to_vec()));
        writer.read_out(0)
    };
    refused(&with(6, &[1, 0, 0]), "count of labels");
    refused(&with(6, &[0xFF; 4]), "length of a label");
    refused(&with(6, &[1, 0, 0, 0, 3, b'a']), "label: want 3 bytes, have 1");
    refused(&with(6, &[1, 0, 0, 0, 1, 0xFF]), "UTF-8");
    refused(&with(6, &[0, 0, 0, 0, 1]), "bytes after the last label");
    let golden = |head: [u32; 4], rest: &[u8]| with(7, &[&head.map(u32::to_le_bytes).concat(), rest].concat());
    let vector = [1, 2, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0];
    assert!(read(&golden([1, 2, 2, 12], &vector), Crc::Check).is_ok());
    refused(&golden([1, 3, 2, 12], &vector), "input_bytes: want 2");
    refused(&golden([1, 2, 1, 12], &vector), "outputs: want 2");
    refused(&golden([1, 2, 2, 16], &vector), "stride: want 12");
    refused(&golden([u32::MAX, 2, 2, 12], &vector), "bytes of the section");
    refused(&golden([1, 2, 2, 12], &[9; 12]), "padding of an input");
    refused(&with(8, b"name=x"), "newline");
    refused(&with(8, b"name\n"), "key=value");
    refused(&with(8, b"name=x\nconverter=y\noptions=\n"), "source_sha256");
    assert!(matches!(read(&with(8, &[0xFF]), Crc::Check), Err(ReadError::Text { at: At::Provenance, .. })));
}
