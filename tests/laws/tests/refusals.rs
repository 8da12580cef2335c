//! Rules that one reader once did not keep: each was found by comparing engine and reference.

use leafgate::{Defect, Model, Place};
use leafgate_convert::host::AlignedBytes;
use leafgate_convert::reference::{self, Crc};
use leafgate_image::{NONE, RangeRecord, dtype, section};
use leafgate_tests_laws::parts::{Parts, Section, records};
use leafgate_tests_laws::samples::small;
use zerocopy::IntoBytes;

fn sample(name: &str) -> Parts {
    let samples = small();
    Parts::of(&samples.iter().find(|sample| sample.name == name).expect("a sample of this name").image)
}

/// Both readers refuse; the engine with this defect.
fn refused(parts: &Parts, defect: Defect, place: Place) {
    let image = parts.assemble();
    let error = Model::parse(AlignedBytes::copy_of(&image).as_slice()).map(|_| ()).expect_err("the engine refuses");
    assert_eq!((error.defect, error.place), (defect, place), "{error}");
    reference::read(&image, Crc::Check).expect_err("the reference refuses");
}

#[test]
fn labels_end_with_the_last() {
    let mut parts = sample("rows");
    let label = |bytes: &[u8]| Section { kind: section::LABELS, record_bytes: 0, bytes: bytes.to_vec() };
    for wrong in [&[1, 0, 0, 0, 1, b'a', 0][..], &[1, 0, 0], &[2, 0, 0, 0, 1, b'a']] {
        parts.sections.push(label(wrong));
        refused(&parts, Defect::Size, Place::Section(section::LABELS));
        parts.sections.pop();
    }
    parts.sections.push(label(&[1, 0, 0, 0, 1, b'a']));
    Model::parse(AlignedBytes::copy_of(&parts.assemble()).as_slice()).expect("this one is right");
}

#[test]
fn padding_of_golden_inputs_is_zero() {
    let mut parts = sample("rows");
    // Twelve bytes of input need no padding: the sample with six does.
    let mut padded = sample("neurons");
    let bytes = |figures: [u32; 4], vector: &[u8]| [figures.as_bytes(), vector].concat();
    let golden = |bytes: Vec<u8>| Section { kind: section::GOLDEN, record_bytes: 0, bytes };
    parts.sections.push(golden(bytes([1, 12, 5, 32], &[7; 32])));
    Model::parse(AlignedBytes::copy_of(&parts.assemble()).as_slice()).expect("any bytes are an input");
    padded.sections.push(golden(bytes([1, 6, 3, 20], &[0; 20])));
    Model::parse(AlignedBytes::copy_of(&padded.assemble()).as_slice()).expect("the padding is zero");
    padded.sections.pop();
    let mut vector = [0; 20];
    vector[7] = 1;
    padded.sections.push(golden(bytes([1, 6, 3, 20], &vector)));
    refused(&padded, Defect::Reserved, Place::Section(section::GOLDEN));
}

#[test]
fn empty_sections_do_not_share_an_offset() {
    let mut parts = sample("rows");
    let empty = |kind| Section { kind, record_bytes: 0, bytes: Vec::new() };
    parts.sections.extend([empty(0x8000), empty(0x8001)]);
    refused(&parts, Defect::Section, Place::Section(0x8001));
}

#[test]
fn a_range_that_no_op_uses_is_checked() {
    let parts = sample("neurons");
    let sound = records::<RangeRecord>(parts.bytes(section::RANGES))[0];
    let wrong = [
        RangeRecord { ups: 0, ..sound },
        RangeRecord { flags: 4, ..sound },
        RangeRecord { reserved0: 1, ..sound },
        RangeRecord { scale_s: 1, ..sound },
        RangeRecord { neurons: 0, ..sound },
        RangeRecord { neurons: 1 << 21, ..sound },
        RangeRecord { key_rq: NONE, ..sound },
        RangeRecord { value_bias: 1 << 20, ..sound },
        RangeRecord { value_bias: 2, ..sound },
    ];
    for range in wrong {
        let mut parts = parts.clone();
        let ranges = parts.bytes_mut(section::RANGES).expect("the sample has ranges");
        let last = (ranges.len() / 48) as u16;
        ranges.extend_from_slice(range.as_bytes());
        let image = parts.assemble();
        let error = Model::parse(AlignedBytes::copy_of(&image).as_slice()).map(|_| ()).expect_err("the engine refuses");
        assert_eq!(error.place, Place::Range(last), "{range:?}: {error}");
        reference::read(&image, Crc::Check).expect_err("the reference refuses");
    }
}

/// A constant expert needs no scratch, but if it is stored output-major its op must name one all the same.
#[test]
fn an_output_major_range_needs_a_scratch_even_without_neurons() {
    let mut parts = sample("edges");
    let ranges = parts.bytes_mut(section::RANGES).expect("the sample has ranges");
    let first = records::<RangeRecord>(ranges)[0];
    let output_major = RangeRecord { flags: leafgate_image::range_flag::OUTPUT_MAJOR, ..first };
    ranges[..48].copy_from_slice(output_major.as_bytes());
    refused(&parts, Defect::Tensor, Place::Range(0));
}

/// A list that is emptied has a reserved word of zero, which another tensor in the same place can see.
#[test]
fn an_emptied_list_begins_with_eight_zeros() {
    let image = leafgate_tests_laws::layout::emptied_list();
    let aligned = AlignedBytes::copy_of(&image);
    let model = Model::parse(aligned.as_slice()).expect("a valid image");
    assert!(model.view().tensors().iter().any(|tensor| tensor.dtype == dtype::LIST));
    let mut arena = AlignedBytes::filled(model.arena_bytes(), 0xFF);
    let mut session = leafgate::Session::new(&model, arena.as_mut_slice()).expect("it fits");
    let output = session.run(&[0i8; 1]).expect("one byte of input");
    assert_eq!(output.iter().take(2).collect::<Vec<i32>>(), [1, 0], "length and reserved word");
}

/// Sections that begin with a count are not empty.
#[test]
fn labels_and_golden_vectors_have_a_head() {
    for kind in [section::LABELS, section::GOLDEN] {
        let mut parts = sample("rows");
        parts.sections.retain(|section| section.kind < kind);
        parts.sections.push(Section { kind, record_bytes: 0, bytes: Vec::new() });
        refused(&parts, Defect::Section, Place::Section(kind));
    }
}

/// Arrays of more than single bytes begin at a multiple of 4, those of two bytes as well.
#[test]
fn a_gate_table_is_aligned() {
    let samples = leafgate_tests_laws::samples::zoo();
    let moe = samples.iter().find(|sample| sample.name == "digits-moe").expect("the zoo is in the repository");
    let mut parts = Parts::of(&moe.image);
    let ops = parts.bytes_mut(section::OPS).expect("there are ops");
    let table = ops.chunks_exact_mut(64).map(|op| &mut op[40..44]).next().expect("the first op is the router");
    let offset = u32::from_le_bytes(table.try_into().expect("four bytes"));
    table.copy_from_slice(&(offset - 2).to_le_bytes());
    refused(&parts, Defect::Constant, Place::Op(0));
}
