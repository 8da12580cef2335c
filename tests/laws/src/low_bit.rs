//! Layers with weights of few bits, laid out word by word: every weight format, with and without groups, two rows of input, what is left over of
//! rows and columns, both kinds of output and of records, accumulation.

use leafgate_image::*;

use crate::layout::Layout;

/// Words of a block for `n` columns of it, rows of a block, and fields of two bits: those that hold a weight and 1, those in two's complement.
struct Words {
    of: fn(u32) -> u32,
    rows: u32,
    offset: u32,
    signed: u32,
}

fn words(format: u8) -> Words {
    let [w4, t2, bytes]: [fn(u32) -> u32; 3] = [|n| 4 * n.div_ceil(8), |n| 2 * n.div_ceil(8), |n| n.div_ceil(4)];
    match format {
        WEIGHT_W4_ROWS => Words { of: w4, rows: 4, offset: 0, signed: 0 },
        WEIGHT_W4_COLUMNS => Words { of: |n| n, rows: 8, offset: 0, signed: 0 },
        WEIGHT_T2_ROWS => Words { of: t2, rows: 4, offset: 0x1111_1111, signed: 0x4444_4444 },
        WEIGHT_T2_COLUMNS => Words { of: |n| n, rows: 16, offset: 0x5555_5555, signed: 0 },
        _ => Words { of: bytes, rows: 4, offset: 0x1515_1515, signed: 0x4040_4040 },
    }
}

/// The columns of a prepared input.
pub(crate) fn prepared(format: u8, cols: u32, group: u8) -> u32 {
    let halves = if matches!(format, WEIGHT_W4_ROWS | WEIGHT_T2_ROWS) { 4 * cols.div_ceil(8) } else { 0 };
    halves + if group == 0 { 1 } else { cols.div_ceil(GROUP_COLS) }
}

/// A record with random weights and scales, and scratch; what it reads and writes is left to the caller.
pub fn record(at: &mut Layout, format: u8, group: u8, (rows, cols): (u32, u32)) -> LinearRecord {
    let words = words(format);
    let mut matrix: Vec<u32> = Vec::new();
    for _ in 0..rows.div_ceil(words.rows) {
        for from in (0..cols).step_by(if group == 0 { cols } else { GROUP_COLS } as usize) {
            let (scales, to) = if group == 0 { (0, cols) } else { (words.rows / 4, cols.min(from + GROUP_COLS)) };
            matrix.extend((0..scales).map(|_| at.word()));
            matrix.extend((0..(words.of)(to - from)).map(|_| {
                let word = at.word();
                // 3 becomes 2, and -2 becomes -1.
                word & !(word & word >> 1 & words.offset) | word >> 1 & !word & words.signed
            }));
        }
    }
    LinearRecord {
        op: op::LINEAR,
        rows,
        cols,
        weights: at.constant(&matrix),
        bias: at.biases(rows),
        rq: NONE,
        weight_format: format,
        group,
        prepared: at.tensor(dtype::I32, 1, prepared(format, cols, group)),
        ..LinearRecord::default()
    }
}

/// One layer, from signed bytes to signed bytes with a bias and a requantise record a row, or to sums.
pub fn layer(format: u8, group: u8, (rows, cols): (u32, u32), is_raw: bool) -> Vec<u8> {
    let mut at = Layout::new(u64::from(format) << 8 | u64::from(group), dtype::I8, 1, cols);
    let output = at.tensor(if is_raw { dtype::I32 } else { dtype::I8 }, 1, rows);
    let layer = record(&mut at, format, group, (rows, cols));
    let rq = |i: u32| RequantRecord { m: (1 << 30) + (i << 20), s: 41, zero_point: 1, lo: -120, hi: 127 };
    let (flags, rq) = if is_raw {
        (0, NONE)
    } else {
        (linear_flag::RQ_PER_ROW, at.constant(&(0..rows).map(rq).collect::<Vec<RequantRecord>>()))
    };
    at.op(&LinearRecord { flags, input: 0, output, rq, ..layer });
    at.finish(output, readout::NONE, 0)
}

/// Layers of all formats one after the other.
pub(crate) fn image(seed: u64, group: u8) -> Vec<u8> {
    let cols = 70;
    let mut at = Layout::new(seed, dtype::I8, 2, cols);
    let layers = [
        (WEIGHT_W4_ROWS, 19),
        (WEIGHT_W4_COLUMNS, 41),
        (WEIGHT_T2_ROWS, 37),
        (WEIGHT_T2_COLUMNS, 67),
        (WEIGHT_T2_BYTES, 39),
    ];
    let (mut input, mut cols) = (0, cols);
    for (i, (format, rows)) in layers.into_iter().enumerate() {
        let output = at.tensor(dtype::I8, if i == 0 { 2 } else { 1 }, rows);
        // Sums of 40 products are some thousands, of three values some hundreds; a scale is 128 on average.
        let s = if format <= WEIGHT_W4_COLUMNS { 35 } else { 32 } + if group == 0 { 0 } else { 7 };
        let count = if i % 2 == 0 { rows } else { 1 };
        let rq =
            |i: u32| RequantRecord { m: (1 << 30) + 54321 * i, s: s + i as u8 % 3, zero_point: 2, lo: -110, hi: 120 };
        let records: Vec<RequantRecord> = (0..count).map(rq).collect();
        let flags = if count == 1 { 0 } else { linear_flag::RQ_PER_ROW };
        let layer = record(&mut at, format, group, (rows, cols));
        let rq = at.constant(&records);
        at.op(&LinearRecord { flags, input, output, rq, ..layer });
        (input, cols) = if i == 0 { (at.flattened(output), 2 * rows) } else { (output, rows) };
    }
    let scores = at.tensor(dtype::I32, 1, 6);
    let layer = record(&mut at, WEIGHT_W4_COLUMNS, group, (6, cols));
    at.op(&LinearRecord { input, output: scores, ..layer });
    let layer = record(&mut at, WEIGHT_T2_ROWS, group, (6, cols));
    at.op(&LinearRecord { flags: linear_flag::ACCUMULATE, input, output: scores, bias: NONE, ..layer });
    at.finish(scores, readout::TOP_K, 3)
}
