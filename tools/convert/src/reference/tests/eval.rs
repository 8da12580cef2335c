//! Every op, kind and flag against figures worked out by hand.

use super::super::{Crc, Entry, Image, Input, InputError, OpTrace, Outcome, Sum, read, run, run_bytes};
use super::images;
use super::writer::*;

fn image(bytes: &[u8]) -> Image {
    read(bytes, Crc::Check).unwrap_or_else(|error| panic!("{error}"))
}

fn run_i8(bytes: &[u8], x: &[i8]) -> Outcome {
    run(&image(bytes), Input::I8(x)).unwrap()
}

fn entry(range: u16, weight: u16, z: i32) -> Entry {
    Entry { range, weight, z }
}

/// The ranges that an op appended.
fn ranges(op: &OpTrace) -> Vec<u16> {
    op.entries.iter().map(|entry| entry.range).collect()
}

#[test]
fn linear_reads_transposed_and_accumulates() {
    let outcome = run_i8(&images::linear_transposed(), &[1, 2, 3, 4]);
    // Hidden: 10 * 1 + 3 = 13 and 10 * 2 + 4 = 24, cut to 20. Then 13 - 20 + 100 = 93 and 26 + 20 - 100 = -54, then
    // once more without bias: 93 - 7 and -54 + 46.
    assert_eq!(outcome.values, [86, -8]);
    assert_eq!(outcome.classes, [0, 1]);
    assert_eq!(outcome.trace.iter().map(|op| op.macs).collect::<Vec<_>>(), [4, 4, 4, 0]);
    assert_eq!(outcome.trace[1].peak, 113);
    assert!(outcome.overflows.is_empty());
}

#[test]
fn linear_rounds_half_up_with_a_record_per_row() {
    // 10 + 1 + 4 + 9 = 24, cut to 23; -21 - 4 + 10 - 18 = -33, half of it is -16.5, rounded to -16, plus 3.
    let outcome = run_i8(&images::linear_per_row(), &[1, 2, 3]);
    assert_eq!((outcome.values, outcome.classes), (vec![23, -13], vec![0]));
}

#[test]
fn ffn_of_all_ranges() {
    // x = (3, -1). Range 0: z = (3, -6), P = (1000, 2000) + 3 * (1, 2) - 6 * (3, 4).
    // Range 1, output-major, half for its second neuron: h = (2, -2), P = (2 - 4, 6 - 8). Range 2: (1000, 2000).
    // Range 3: z = 1, P = (1, 2). acc = (-16, -18), then half and whole.
    let outcome = run_i8(&images::ffn_all(0, 0), &[3, -1]);
    assert_eq!(outcome.values, [-8, -18]);
    assert_eq!((outcome.trace[0].neurons, outcome.trace[0].skipped, outcome.trace[0].macs), (5, 0, 18));
    // Without the negative neurons: acc = (6, 14), whether they are skipped or made zero.
    let skipped = run_i8(&images::ffn_all(0, 1), &[3, -1]);
    assert_eq!(skipped.values, [3, 14]);
    assert_eq!((skipped.trace[0].neurons, skipped.trace[0].skipped, skipped.trace[0].macs), (5, 2, 14));
    assert_eq!(run_i8(&images::ffn_all(1, 0), &[3, -1]).values, [3, 14]);
}

#[test]
fn experts_with_gates_and_scales() {
    // Scores 4, 5, 6: expert 2 with weight 64 * 134, expert 1 with One. z = 23, h = 23 / 2 + 1 = 12, 7 * 12 = 84.
    // Expert 2: 84 * 0.375 * 8576 / 32768 = 8.24. Expert 1: 184. The second FFN adds half of 184 and skips range 2.
    let outcome = run_i8(&images::experts(), &[4, 5]);
    assert_eq!(outcome.trace[0].entries, [entry(2, 8576, 0), entry(1, 32768, 0)]);
    assert_eq!(outcome.trace[2].entries, [entry(1, 16384, 0), entry(2, 16384, 0)]);
    assert_eq!(outcome.trace[3].dropped, 1);
    assert_eq!(outcome.values, [8 + 184 + 92]);
    // A tie goes to the lower expert: scores 3, 3, 3.
    assert_eq!(ranges(&run_i8(&images::experts(), &[3, 3]).trace[0]), [0, 1]);
}

#[test]
fn trees_go_right_on_a_tie_and_lists_are_joined() {
    // Tree 0: 6 - 5 >= 0, 0 + 3 >= 0: leaf 3. Tree 1: 0 >= 0, -6 < 0: leaf 2, range 6. Each leaf is 2 * 6 + its number.
    let outcome = run_i8(&images::trees(), &[6, 0]);
    assert_eq!(ranges(&outcome.trace[0]), [3, 6]);
    assert_eq!(ranges(&outcome.trace[1]), [8]);
    assert_eq!(outcome.values, [12 + 3 + 12 + 6 + 12 + 8]);
    assert_eq!(outcome.trace[0].macs, 8);
}

#[test]
fn a_full_list_drops_entries() {
    let mut writer = Writer::with_input(I8, 1, 2);
    let list = writer.tensor(LIST, 1, 1);
    writer.route(0, 0, list, (7, 3, 0), &[]);
    let outcome = run_i8(&writer.read_out(0), &[1, 2]);
    assert_eq!((ranges(&outcome.trace[0]), outcome.trace[0].dropped), (vec![7], 2));
    assert_eq!(outcome.values, [1, 2]);
}

#[test]
fn a_path_hands_its_products_to_neurons() {
    // Node 0: 3 - 5 < 0; node 1: -1 + 7 >= 0. z = 0 + 3, 1 - 1, and 3 + 0 for the static neuron 3; neuron 4 is none.
    let outcome = run_i8(&images::path(), &[3, -1]);
    assert_eq!(outcome.trace[0].entries, [entry(0, 32768, 3), entry(1, 32768, -1)]);
    assert_eq!(outcome.values, [3 + 12, 30 + 120]);
    assert_eq!((outcome.trace[2].neurons, outcome.trace[2].dropped, outcome.trace[2].macs), (3, 1, 6));
}

#[test]
fn gates_rotated_and_of_any_wiring() {
    // Bits of the input: 0, 3, .. 15 by x[0]; 1, 4 by x[1]; 2, 5, .. 32 by x[2]. Rotated and joined:
    // {0 2 4 5 7 8 10 11 13 16 19 22 25 28..31}; then {0, 2} and the complement of 16 .. 32.
    let outcome = run_i8(&images::gates(), &[0, -10, 20]);
    assert_eq!((outcome.values, outcome.classes), (vec![1 - 3, 2 + 1000], vec![1]));
    assert_eq!(outcome.trace.iter().map(|op| op.gates).sum::<u64>(), 52);
}

#[test]
fn every_gate_function_by_its_four_constants() {
    for f in 0..16u32 {
        let at = |a: u32, b: u32| f >> (2 * a + b) & 1;
        let whole = |bit: u32| if bit == 1 { !0 } else { 0u32 };
        let c = [at(0, 0), at(0, 0) ^ at(1, 0), at(0, 0) ^ at(0, 1), at(0, 0) ^ at(0, 1) ^ at(1, 0) ^ at(1, 1)];
        let mut writer = Writer::with_input(BITS, 1, 64);
        let (out, sums) = (writer.tensor(BITS, 1, 32), writer.tensor(I32, 1, 4));
        let table = writer.u32s(&[1 << 16, whole(c[0]), whole(c[1]), whole(c[2]), whole(c[3])]);
        writer.op(4, 0, 0, &[h(4, 0), h(6, out), w(8, 1), w(12, table)]);
        let bounds = writer.u32s(&[0, 1, 2, 3, 4]);
        writer.op(5, 0, 0, &[h(4, out), h(6, sums), w(8, 4), w(12, bounds), w(16, NONE)]);
        let outcome = run(&image(&writer.read_out(sums)), Input::Bits(&[0b1100, 0b1010])).unwrap();
        assert_eq!(outcome.values, [at(0, 0), at(0, 1), at(1, 0), at(1, 1)].map(|bit| bit as i32), "function {f}");
    }
}

#[test]
fn group_sums_end_inside_words() {
    let image = image(&images::bits_input());
    assert_eq!(run(&image, Input::Bits(&[0x8000_0001, 0x1FF])).unwrap().values, [1, 0, 9]);
}

#[test]
fn maps_and_their_golden_vector() {
    // Lut: (-2, -3, 2). Affine: -1, 12, 9, then (half: 0, cut: 10, 9). Affine of the input: 3, -4, -3, half of it plus 1:
    // (3, -1, 0). Add: ((-3 - 20 + 1) >> 1) + 2 = -9, ((27 + 0 + 1) >> 1) + 2 = 16, cut to 15, ((24 - 5 + 1) >> 1) + 2 = 12.
    let image = image(&images::maps());
    let outcome = run(&image, Input::I8(&[1, 2, -3])).unwrap();
    assert_eq!(outcome.values, [-5, 15, 12]);
    let golden = image.golden.as_ref().unwrap();
    assert_eq!(run_bytes(&image, &golden[0].input).unwrap().values, golden[0].outputs);
}

#[test]
fn inputs_that_do_not_fit_are_refused() {
    let linear = image(&images::linear_per_row());
    assert_eq!(run(&linear, Input::I8(&[1])), Err(InputError::Length { want: 3, have: 1 }));
    assert!(matches!(run(&linear, Input::Bits(&[1])), Err(InputError::Dtype { .. })));
    assert!(run(&image(&images::bits_input()), Input::I8(&[0; 8])).is_err());
}

fn near_the_edge(weights: &[i8], bias: i32) -> Vec<u8> {
    let mut writer = Writer::with_input(I8, 1, weights.len() as u32);
    let output = writer.tensor(I32, 1, 1);
    let bias = writer.i32s(&[bias]);
    writer.linear(0, (0, output), (weights, 1), bias, NONE);
    writer.read_out(output)
}

#[test]
fn overflow_wraps_and_is_seen() {
    let outcome = run_i8(&near_the_edge(&[127], i32::MAX - 5), &[1]);
    assert_eq!(outcome.values, [i32::MAX.wrapping_add(122)]);
    let overflow = outcome.overflows[0];
    assert_eq!((overflow.op, overflow.sum, overflow.exact), (0, Sum::Row { row: 0 }, (1 << 31) + 121));
    assert_eq!(overflow.wrapped, outcome.values[0]);
}

#[test]
fn overflow_on_the_way_is_seen() {
    let outcome = run_i8(&near_the_edge(&[1, -1], i32::MAX), &[1, 1]);
    assert_eq!(outcome.values, [i32::MAX]);
    assert_eq!((outcome.overflows[0].exact, outcome.trace[0].overflows), (1 << 31, 1));
    assert!(run_i8(&near_the_edge(&[1, -1], i32::MAX), &[-1, -1]).overflows.is_empty());
}

#[test]
fn a_rescaled_sum_keeps_its_low_32_bits() {
    let mut writer = Writer::with_input(I8, 1, 1);
    let (acc, partial) = (writer.tensor(I32, 1, 1), writer.tensor(I32, 1, 1));
    let bias = writer.i32s(&[3]);
    writer.range(0, &[w(24, bias), w(28, 1 << 30), b(32, 1)]);
    writer.ffn(0, 0, (1, 1), 1, &[h(6, acc), h(12, acc), h(14, partial)]);
    // 3 * 2^30 / 2 = 2^30 + 2^29 fits; with m near 2^31 it does not.
    let fits = writer.clone().read_out(acc);
    assert_eq!(run_i8(&fits, &[0]).values, [(1 << 30) + (1 << 29)]);
    writer.ranges[0][28..32].copy_from_slice(&0x7FFF_FFFFu32.to_le_bytes());
    let outcome = run_i8(&writer.read_out(acc), &[0]);
    let exact = (3 * 0x7FFF_FFFFi64 + 1) >> 1;
    assert_eq!(outcome.values, [exact as i32]);
    assert_eq!((outcome.overflows[0].exact, outcome.overflows[0].sum), (exact, Sum::Rescaled { range: 0, row: 0 }));
}

#[test]
fn tensors_that_share_bytes_share_values() {
    // The second op reads the place where the first wrote, as another tensor.
    let mut writer = Writer::with_input(I8, 1, 2);
    let (first, output) = (writer.tensor(I32, 1, 1), writer.tensor(I8, 1, 4));
    writer.tensors.push(writer.tensors[usize::from(output)].clone());
    writer.tensors[3][4..8].copy_from_slice(&0u32.to_le_bytes());
    writer.linear(0, (0, first), (&[100, 5], 1), NONE, NONE);
    writer.map(4, 0, (3, output), &[b(34, -128), b(35, 127)]);
    assert_eq!(run_i8(&writer.read_out(output), &[5, 2]).values, [510 - 512, 1, 0, 0]);
}
