//! Tiny images, which together have every op, kind and flag of the format.

use super::writer::*;

/// (2, 2) input; LINEAR transposed to (2, 1), twice LINEAR from (2, 1) transposed to (1, 2), the second accumulating;
/// the two best.
pub fn linear_transposed() -> Vec<u8> {
    let mut image = Writer::with_input(I8, 2, 2);
    let (hidden, output) = (image.tensor(I8, 2, 1), image.tensor(I32, 1, 2));
    let rq = image.rqs(&[unit(-128, 20)]);
    image.linear(4, (0, hidden), (&[10, 1], 1), NONE, rq);
    let bias = image.i32s(&[100, -100]);
    image.linear(4, (hidden, output), (&[1, -1, 2, 1], 2), bias, NONE);
    image.linear(4 | 2, (hidden, output), (&[1, -1, 2, 1], 2), NONE, NONE);
    image.read_top(output, 2, 2)
}

/// (1, 3) input; LINEAR to (1, 2) with a record per row.
pub fn linear_per_row() -> Vec<u8> {
    let mut image = Writer::with_input(I8, 1, 3);
    let output = image.tensor(I8, 1, 2);
    let (bias, rq) = (image.i32s(&[10, -21]), image.rqs(&[unit(-128, 23), half(3, -128, 127)]));
    image.linear(1, (0, output), (&[1, 2, 3, -4, 5, -6], 2), bias, rq);
    image.read_top(output, 1, 1)
}

/// (1, 2) input; FFN of all ranges: neuron-major, output-major, constant expert, bias neuron.
pub fn ffn_all(kind: u8, flags: u16) -> Vec<u8> {
    let mut image = Writer::with_input(I8, 1, 2);
    let (output, acc, hidden) = (image.tensor(I8, 1, 2), image.tensor(I32, 1, 2), image.tensor(I8, 1, 3));
    let one = image.rqs(&[unit(-100, 100)]);
    let each = image.rqs(&[unit(-100, 100), half(0, -100, 100)]);
    let keys = image.i8s(&[1, 1, -1, 2]);
    let (key_bias, values, value_bias) = (image.i32s(&[1, -1]), image.i8s(&[1, 2, 3, 4]), image.i32s(&[1000, 2000]));
    image.range(2, &[w(4, keys), w(8, key_bias), w(12, one), w(20, values), w(24, value_bias)]);
    image.range(2, &[w(4, keys), w(12, each), w(20, values), b(33, 3)]);
    image.range(0, &[w(24, value_bias)]);
    image.range(1, &[w(8, key_bias), w(12, one), w(20, values)]);
    let (shared, rq) = (image.i32s(&[-2000, -4000]), image.rqs(&[half(0, -128, 127), unit(-128, 127)]));
    let fields = [h(4, 0), h(6, output), h(10, hidden), h(12, acc), w(32, shared), w(36, rq)];
    image.ffn(kind, flags | 16, (2, 2), 4, &fields);
    image.read_out(output)
}

/// (1, 2) input; ROUTE Linear of the two best of three experts with a gate table; FFN with a table as activation, one
/// scaled expert, raw accumulator; a second FFN that starts at the accumulator.
pub fn experts() -> Vec<u8> {
    let mut image = Writer::with_input(I8, 1, 2);
    let (list, scores) = (image.tensor(LIST, 1, 4), image.tensor(I32, 1, 3));
    let (acc, partial) = (image.tensor(I32, 1, 1), image.tensor(I32, 1, 1));
    let (weights, bias, gate_rq) = (image.i8s(&[1, 0, 0, 1, 1, 1]), image.i32s(&[0, 0, -3]), image.rqs(&[unit(-8, 8)]));
    let table: Vec<u16> = (0..256).map(|i| if i == 133 { 32768 } else { 64 * i }).collect();
    let table = image.u16s(&table);
    let fields = [h(4, 0), w(20, 2), w(24, weights), w(28, bias), h(32, scores), w(36, gate_rq), w(40, table)];
    image.route(2, 0, list, (0, 3, 2), &fields);
    let (key, rq, values) = (image.i8s(&[2, 3]), image.rqs(&[unit(-100, 100)]), image.i8s(&[7]));
    let lut: Vec<i8> = (0..=255u8).map(|i| (i ^ 0x80) as i8 / 2 + 1).collect();
    let (lut, value_bias) = (image.i8s(&lut), image.i32s(&[100]));
    for _ in 0..2 {
        image.range(1, &[w(4, key), w(12, rq), w(20, values), w(24, value_bias)]);
    }
    image.range(1, &[w(4, key), w(12, rq), w(20, values), w(28, 3 << 29), b(32, 32)]);
    let fields = [h(4, 0), h(6, acc), h(8, list), h(12, acc), h(14, partial), w(40, lut)];
    image.ffn(2, 0, (2, 1), 3, &fields);
    image.route(0, 0, list, (1, 2, 0), &[h(34, 16384)]);
    image.ffn(2, 8, (2, 1), 2, &fields);
    image.read_out(acc)
}

/// (1, 2) input; two trees of depth 2 with leaf ranges 0 to 7 and a static range 8; output-major leaves.
pub fn trees() -> Vec<u8> {
    let mut image = Writer::with_input(I8, 1, 2);
    let (list, hidden) = (image.tensor(LIST, 1, 3), image.tensor(I8, 1, 1));
    let (acc, output) = (image.tensor(I32, 1, 1), image.tensor(I8, 1, 1));
    let nodes = image.i8s(&[1, 0, 0, 1, 0, -1, 0, 1, 1, 0, -1, 0]);
    let bias = image.i32s(&[-5, 0, 3, 0, 0, 0]);
    image.route(1, 0, list, (0, 2, 2), &[h(4, 0), w(20, 2), w(24, nodes), w(28, bias)]);
    image.route(0, 1, list, (8, 1, 0), &[]);
    let (keys, rq, value) = (image.i8s(&[1, 1]), image.rqs(&[unit(-100, 100)]), image.i8s(&[2]));
    for leaf in 0..9 {
        let value_bias = image.i32s(&[leaf]);
        image.range(1, &[w(4, keys), w(12, rq), w(20, value), w(24, value_bias), b(33, 1)]);
    }
    let rq = image.rqs(&[unit(-128, 127)]);
    let fields = [h(4, 0), h(6, output), h(8, list), h(10, hidden), h(12, acc), w(36, rq)];
    image.ffn(0, 0, (2, 1), 9, &fields);
    image.read_out(output)
}

/// (1, 2) input; a tree's path hands its products to the neurons of one range.
pub fn path() -> Vec<u8> {
    let mut image = Writer::with_input(I8, 1, 2);
    let (list, acc, partial) = (image.tensor(LIST, 1, 8), image.tensor(I32, 1, 2), image.tensor(I32, 1, 2));
    let nodes = image.i8s(&[1, 0, 0, 1, 1, 1]);
    let bias = image.i32s(&[-5, 7, 7]);
    image.route(1, 2 | 4, list, (0, 1, 2), &[h(4, 0), w(20, 2), w(24, nodes), w(28, bias)]);
    image.route(0, 1, list, (3, 2, 0), &[]);
    let (key_bias, rq) = (image.i32s(&[0, 1, 2, 3]), image.rqs(&[unit(-100, 100); 4]));
    let values = image.i8s(&[1, 10, 2, 20, 3, 30, 4, 40]);
    image.range(4, &[w(8, key_bias), w(12, rq), w(20, values), b(33, 2)]);
    let fields = [h(4, 0), h(6, acc), h(8, list), h(12, acc), h(14, partial)];
    image.ffn(1, 2 | 4, (2, 2), 1, &fields);
    image.read_out(acc)
}

/// (1, 3) input; MAP Bits to 34 bits, GATES rotated, GATES of any wiring, GROUPSUM of signals.
pub fn gates() -> Vec<u8> {
    let mut image = Writer::with_input(I8, 1, 3);
    let (bits, first) = (image.tensor(BITS, 1, 34), image.tensor(BITS, 1, 32));
    let (second, sums) = (image.tensor(I32, 1, 16), image.tensor(I32, 1, 2));
    // Bit i is x[i % 3] > i - 17.
    let tests: Vec<u32> = (0..34u32).map(|i| (i % 3) | (u32::from((i as i32 - 17) as u8) << 16)).collect();
    let tests = image.u32s(&tests);
    image.map(3, 0, (0, bits), &[w(12, tests)]);
    // XOR of word 0 rotated by 4 and word 1 rotated by 31: c1 = c2 = 1.
    let xor = image.u32s(&[4 << 11 | 1 << 16 | 31 << 27, 0, !0, !0, 0]);
    image.op(4, 0, 0, &[h(4, bits), h(6, first), w(8, 1), w(12, xor)]);
    // AND of bits l and 31 - l in the lower half, NOT of bit l in the upper, as signals 32 to 51.
    let signal = |bit: u32| 4 * (bit % 8) + bit / 8;
    let wires: Vec<u32> = (0..20u32).map(|l| signal(l) | signal(31 - l) << 16).collect();
    let (wires, series) = (image.u32s(&wires), image.u32s(&[16 | 1 << 28, 32, 20 | 12 << 28, 48]));
    image.op(4, 1, 0, &[h(4, first), h(6, second), w(8, 20), w(12, wires), w(16, series), w(20, 2)]);
    let (bounds, bias) = (image.u32s(&[33, 49, 52]), image.i32s(&[-3, 1000]));
    image.op(5, 1, 0, &[h(4, second), h(6, sums), w(8, 2), w(12, bounds), w(16, bias)]);
    image.read_top(sums, 1, 1)
}

/// Bits input of 40 bits; GROUPSUM without bias.
pub fn bits_input() -> Vec<u8> {
    let mut image = Writer::with_input(BITS, 1, 40);
    let sums = image.tensor(I32, 1, 3);
    let bounds = image.u32s(&[0, 31, 31, 40]);
    image.op(5, 0, 0, &[h(4, 0), h(6, sums), w(8, 3), w(12, bounds), w(16, NONE)]);
    image.read_out(sums)
}

/// (1, 3) input; Lut256, Affine per column, Affine with one record, Add, Clamp; with labels, golden vectors, provenance
/// and a section of the user.
pub fn maps() -> Vec<u8> {
    let mut image = Writer::with_input(I8, 1, 3);
    let [a, c, d, e, f] = [(); 5].map(|()| image.tensor(I8, 1, 3));
    let negated: Vec<i8> = (0..256).map(|i| (127 - i) as i8).collect();
    let lut = image.i8s(&negated);
    image.map(0, 0, (0, a), &[w(12, lut)]);
    let (table, bias) = (image.i8s(&[3, -2, 1]), image.i32s(&[5, 6, 7]));
    let (each, one) = (image.rqs(&[half(0, -128, 127), unit(-10, 10), unit(-128, 127)]), image.rqs(&[half(1, -9, 9)]));
    image.map(1, 1, (a, c), &[w(12, table), w(16, bias), w(20, each)]);
    image.map(1, 0, (0, d), &[w(12, table), w(20, one)]);
    let fields = [w(24, 3), w(28, -5i32 as u32), b(32, 1), b(33, 2), b(34, -50), b(35, 15), b(36, 1), b(37, -1)];
    image.map(2, 0, (c, e), &[&fields[..], &[h(8, d)]].concat());
    image.map(4, 0, (e, f), &[b(34, -5), b(35, 30)]);
    image.blobs.push((6, [&3u32.to_le_bytes()[..], b"\x01a\x02bc\x00"].concat()));
    let golden = [1, 3, 3, 16].map(u32::to_le_bytes).concat();
    let outputs = [-5i32, 15, 12].map(i32::to_le_bytes).concat();
    image.blobs.push((7, [golden, vec![1, 2, 0xFD, 0], outputs].concat()));
    image.blobs.push((8, b"name=maps\nconverter=test\nsource_sha256=0\noptions=\nmore=a=b\n".to_vec()));
    image.blobs.push((0x8001, b"anything".to_vec()));
    image.read_out(f)
}

/// All of them.
pub fn all() -> Vec<Vec<u8>> {
    vec![
        linear_transposed(),
        linear_per_row(),
        ffn_all(0, 0),
        ffn_all(0, 1),
        ffn_all(1, 0),
        experts(),
        trees(),
        path(),
        gates(),
        bits_input(),
        maps(),
    ]
}
