//! Images of MOVE and MAP.Mul, laid out record by record.

use leafgate_image::*;

use crate::hostile::NO_MAP;
use crate::layout::Layout;

/// A MOVE from tensor 0 of one element.
pub const NO_MOVE: MoveRecord = MoveRecord {
    op: op::MOVE,
    kind: 0,
    flags: 0,
    input: 0,
    output: 0,
    rows: 1,
    cols: 1,
    from: 0,
    from_row: 0,
    from_col: 1,
    to: 0,
    to_row: 1,
    reserved: [0; 7],
};

/// Signed bytes: columns of a matrix cut out and joined with others, a transpose, elements repeated, and products of all of it, by shifts
/// on both sides of a word.
pub(crate) fn moves() -> Vec<u8> {
    let (rows, cols) = (3, 5);
    let mut at = Layout::new(13, dtype::I8, rows, cols);
    let joined = at.tensor(dtype::I8, rows, cols);
    // The last two columns, then the first three.
    let part = MoveRecord { output: joined, rows, from_row: cols, to_row: cols, ..NO_MOVE };
    at.op(&MoveRecord { cols: 2, from: 3, ..part });
    at.op(&MoveRecord { cols: 3, to: 2, ..part });
    let transposed = at.tensor(dtype::I8, cols, rows);
    let turned = MoveRecord { input: joined, output: transposed, rows: cols, cols: rows, ..NO_MOVE };
    at.op(&MoveRecord { from_row: 1, from_col: cols, to_row: rows, ..turned });
    let product = at.tensor(dtype::I8, rows, cols);
    let none = MapRecord { kind: map::MUL, second: joined, output: product, ..NO_MAP };
    at.op(&MapRecord { m1: 1 << 20, shift: 26, zero_point: -3, lo: -90, hi: 100, z1: 5, z2: -7, ..none });
    // Every second element three times over.
    let repeated = at.tensor(dtype::I8, 1, 24);
    let record = MoveRecord { input: product, output: repeated, rows: 8, cols: 3, ..NO_MOVE };
    at.op(&MoveRecord { from_row: 2, from_col: 0, to_row: 3, ..record });
    let (left, right) = (at.tensor(dtype::I8, 1, 15), at.tensor(dtype::I8, 1, 15));
    at.op(&MoveRecord { input: repeated, output: left, cols: 15, from: 9, to_row: 15, ..NO_MOVE });
    at.op(&MoveRecord { input: transposed, output: right, cols: 15, to_row: 15, ..NO_MOVE });
    let scores = at.tensor(dtype::I8, 1, 15);
    let record = MapRecord { kind: map::MUL, input: left, second: right, output: scores, ..NO_MAP };
    at.op(&MapRecord {
        m1: -(1 << 30) - 12345,
        shift: 37,
        zero_point: 4,
        lo: -128,
        hi: 127,
        z1: -128,
        z2: 127,
        ..record
    });
    at.finish(scores, readout::TOP_K, 3)
}

/// Words: sums of a layer joined in another order, and bits of the caller whose words change places.
pub(crate) fn words() -> Vec<u8> {
    let mut at = Layout::new(14, dtype::BITS, 1, 150);
    let bits = at.tensor(dtype::BITS, 1, 160);
    let part = MoveRecord { output: bits, ..NO_MOVE };
    at.op(&MoveRecord { cols: 2, from: 3, to_row: 2, ..part });
    at.op(&MoveRecord { cols: 3, to: 2, to_row: 3, ..part });
    let sums = at.tensor(dtype::I32, 1, 6);
    let (bounds, bias) = (at.constant(&[0u32, 20, 33, 64, 96, 100, 160]), at.biases(6));
    let none = GroupSumRecord::default();
    at.op(&GroupSumRecord { op: op::GROUPSUM, input: bits, output: sums, groups: 6, bounds, bias, ..none });
    let turned = at.tensor(dtype::I32, 1, 6);
    let record = MoveRecord { input: sums, output: turned, rows: 3, cols: 2, ..NO_MOVE };
    at.op(&MoveRecord { from_row: 1, from_col: 3, to_row: 2, ..record });
    at.finish(turned, readout::TOP_K, 6)
}
