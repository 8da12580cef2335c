//! Bounds against figures worked out by hand, and what cannot be proved.

use super::super::{Crc, Image, Proof, Sum, Violation, prove, read, run_bytes};
use super::images;
use super::writer::*;

fn image(bytes: &[u8]) -> Image {
    read(bytes, Crc::Check).unwrap_or_else(|error| panic!("{error}"))
}

fn proof(bytes: &[u8]) -> Proof {
    prove(&image(bytes), None).unwrap_or_else(|error| panic!("{error}"))
}

fn largest(proof: &Proof) -> Vec<Option<u64>> {
    proof.ops.iter().map(|op| op.largest.map(|(bound, _)| bound)).collect()
}

#[test]
fn linear_by_absolute_values() {
    let bytes = images::linear_per_row();
    let whole = proof(&bytes);
    assert_eq!(whole.ops[0].largest, Some((21 + 15 * 128, Sum::Row { row: 1 })));
    // 1941 has 11 bits.
    assert_eq!((whole.ops[0].margin_bits(), whole.ops[1].margin_bits()), (Some(20), None));
    assert_eq!(whole.rows_checked, 2);
    let narrow = prove(&image(&bytes), Some((0, 1))).unwrap();
    assert_eq!(narrow.ops[0].largest, Some((21 + 15, Sum::Row { row: 1 })));
}

#[test]
fn accumulation_adds_bounds() {
    // -128 to 20 after the first; then 100 + 3 * 128; then another 3 * 128.
    assert_eq!(largest(&proof(&images::linear_transposed())), [Some(11 * 128), Some(484), Some(868), None]);
}

#[test]
fn all_ranges_add_up() {
    // Row 1: 4000 + (2000 + 600) + 100 * (3 + 4) + 2000 + 200.
    let acc = 4000 + 2600 + 700 + 2000 + 200;
    assert_eq!(largest(&proof(&images::ffn_all(0, 0)))[0], Some(acc));
    assert_eq!(largest(&proof(&images::ffn_all(1, 0)))[0], Some(acc));
}

#[test]
fn experts_by_the_worst_that_differ() {
    // A score: 2 * 128 + 3. The table gives at most 51: 7 * 51 + 100 = 457 for two experts, 357 * 0.375 = 134 for the
    // third; keys are 640. Then one half of 457 more: 228.5, rounded up.
    let proof = proof(&images::experts());
    assert_eq!(largest(&proof), [Some(259), Some(914), None, Some(914 + 229), None]);
}

#[test]
fn trees_by_the_worst_leaf_of_each() {
    let proof = proof(&images::trees());
    assert_eq!(proof.ops[0].rows, 6);
    assert_eq!(largest(&proof), [Some(128 + 5), None, Some(203 + 207 + 208), None]);
    // 9 keys, 9 partial sums, 1 accumulator.
    assert_eq!(proof.ops[2].rows, 19);
}

#[test]
fn paths_by_the_worst_way_down() {
    // Row 1: root 1000, the worse child 3000, the static neuron 4000.
    let proof = proof(&images::path());
    assert_eq!(largest(&proof)[2], Some(8000));
    assert_eq!(proof.ops[2].rows, 4 + 2 * 4 + 2);
}

#[test]
fn groups_by_their_size() {
    assert_eq!(largest(&proof(&images::gates()))[3], Some(1003));
    assert_eq!(largest(&proof(&images::bits_input()))[0], Some(31));
}

#[test]
fn affine_through_a_table() {
    let proof = proof(&images::maps());
    assert_eq!(largest(&proof)[1], Some(3 * 128 + 5));
    assert_eq!(proof.rows_checked, 6);
}

fn with_bias(bias: i32) -> Vec<u8> {
    let mut writer = Writer::with_input(I8, 1, 1);
    let output = writer.tensor(I32, 1, 1);
    let bias = writer.i32s(&[bias]);
    writer.linear(0, (0, output), (&[-1], 1), bias, NONE);
    writer.read_out(output)
}

#[test]
fn a_bound_above_31_bits_is_a_violation() {
    assert!(prove(&image(&with_bias(i32::MAX - 128)), None).is_ok());
    let error = prove(&image(&with_bias(i32::MAX - 127)), None).unwrap_err();
    let want = Violation::Bound { op: 0, name: "LINEAR", sum: Sum::Row { row: 0 }, bound: 1 << 31 };
    assert_eq!((error.count, &error.violations[..]), (1, &[want][..]));
    assert_eq!(
        error.to_string(),
        "1 violations, the first: op 0 (LINEAR): row 0: want at most 2147483647, have a bound of 2147483648"
    );
    assert!(prove(&image(&with_bias(i32::MAX - 127)), Some((-127, 127))).is_ok());
}

#[test]
fn what_no_op_has_written_proves_nothing() {
    let mut writer = Writer::with_input(I8, 1, 1);
    let output = writer.tensor(I32, 1, 1);
    writer.linear(2, (0, output), (&[1], 1), NONE, NONE);
    let error = prove(&image(&writer.read_out(output)), None).unwrap_err();
    assert_eq!(error.violations[0], Violation::Unwritten { op: 0, name: "LINEAR", tensor: 1 });
    assert_eq!(error.count, 2);
}

#[test]
fn what_was_written_over_in_part_proves_nothing() {
    let mut writer = Writer::with_input(I8, 1, 2);
    let (first, second) = (writer.tensor(I8, 1, 3), writer.tensor(I8, 1, 1));
    writer.tensors[2][4..8].copy_from_slice(&1u32.to_le_bytes());
    writer.arena_bytes = 3;
    let rq = writer.rqs(&[unit(0, 5)]);
    writer.linear(0, (0, first), (&[1; 6], 3), NONE, rq);
    writer.linear(0, (0, second), (&[1; 2], 1), NONE, rq);
    let error = prove(&image(&writer.clone().read_out(first)), None).unwrap_err();
    assert_eq!(error.violations, [Violation::Unwritten { op: 2, name: "READOUT", tensor: 1 }]);
    assert!(prove(&image(&writer.read_out(second)), None).is_ok());
}

#[test]
fn a_view_has_the_values_of_what_it_lies_in() {
    // Two tensors of two elements, read as one of four, and as the two in the middle.
    let mut writer = Writer::with_input(I8, 1, 2);
    let (first, second) = (writer.tensor(I8, 1, 2), writer.tensor(I8, 1, 2));
    let (whole, middle) = (writer.tensor(I8, 1, 4), writer.tensor(I8, 1, 2));
    let output = writer.tensor(I32, 1, 1);
    for (tensor, offset) in [(second, 2), (whole, 0), (middle, 1), (output, 4u32)] {
        writer.tensors[usize::from(tensor)][4..8].copy_from_slice(&offset.to_le_bytes());
    }
    writer.arena_bytes = 8;
    writer.map(4, 0, (0, first), &[b(34, -3), b(35, 2)]);
    let alone = writer.clone();
    writer.map(4, 0, (0, second), &[b(34, 0), b(35, 9)]);
    for (view, weights, bound) in [(whole, &[1, 1, 1, 1][..], 36), (middle, &[1, -1][..], 18)] {
        let mut joined = writer.clone();
        joined.linear(0, (view, output), (weights, 1), NONE, NONE);
        assert_eq!(largest(&proof(&joined.read_out(output)))[2], Some(bound));
        let mut half = alone.clone();
        half.linear(0, (view, output), (weights, 1), NONE, NONE);
        let error = prove(&image(&half.read_out(output)), None).unwrap_err();
        assert_eq!(error.violations, [Violation::Unwritten { op: 1, name: "LINEAR", tensor: view.into() }]);
    }
}

#[test]
fn no_run_comes_near_its_bound() {
    let mut random = 1u32;
    for bytes in images::all() {
        let image = image(&bytes);
        let proof = prove(&image, None).unwrap();
        for _ in 0..500 {
            let input: Vec<u8> = (0..image.tensors[image.header.input].bytes())
                .map(|_| {
                    random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    // Often at an end of the range, where sums are largest.
                    [0x80, 0x7F, (random >> 16) as u8][(random >> 28) as usize % 3]
                })
                .collect();
            let outcome = run_bytes(&image, &input).unwrap();
            assert!(outcome.overflows.is_empty());
            for (ran, proved) in outcome.trace.iter().zip(&proof.ops) {
                assert!(ran.peak <= proved.largest.map_or(0, |(bound, _)| bound), "op {}", ran.op);
            }
        }
    }
}
