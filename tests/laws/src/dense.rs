//! Images of nothing but dense layers.

use leafgate_image::*;

use crate::layout::Layout;

/// Layers of signed bytes, each from `shape[i]` to `shape[i + 1]` elements, with random weights, a bias and a requantise record a row. The
/// last may give its sums instead.
pub fn layers(seed: u64, shape: &[u32], is_raw: bool) -> Vec<u8> {
    let mut at = Layout::new(seed, dtype::I8, 1, shape[0]);
    let mut input = 0;
    for (i, pair) in shape.windows(2).enumerate() {
        let (cols, rows) = (pair[0], pair[1]);
        let is_raw = is_raw && i + 2 == shape.len();
        let output = at.tensor(if is_raw { dtype::I32 } else { dtype::I8 }, 1, rows);
        // A sum of so many products is some 5500 times the root of their number: a third of the range, and few are cut off.
        let s = 37 + cols.ilog2() as u8 / 2;
        let rq = |i: u32| RequantRecord { m: (1 << 30) + (i << 20), s, zero_point: 1, lo: -120, hi: 127 };
        let records: Vec<_> = (0..rows).map(rq).collect();
        let record = LinearRecord {
            op: op::LINEAR,
            flags: if is_raw { 0 } else { linear_flag::RQ_PER_ROW },
            input,
            output,
            rows,
            cols,
            weights: at.weights(rows * cols),
            bias: at.biases(rows),
            rq: if is_raw { NONE } else { at.constant(&records) },
            weight_format: WEIGHT_W8,
            ..LinearRecord::default()
        };
        at.op(&record);
        input = output;
    }
    at.finish(input, readout::NONE, 0)
}
