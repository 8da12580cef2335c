//! Whether the core's own dense kernels give what plain loops over the same bytes give.

use leafgate_board_support::ExitCode;
use leafgate_kernels::{axpys, dot, dot4, requantize, rows_i8};

/// Columns, or outputs.
const COLS: usize = 41;
/// Rows, or neurons.
const ROWS: usize = 19;

/// Numbers that look random, in which the least byte and its neighbours are frequent.
struct Numbers(u32);

impl Numbers {
    fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        self.0 ^ self.0 >> 15
    }

    fn byte(&mut self) -> i8 {
        match self.next() & 15 {
            0 => -128,
            1 => 127,
            _ => (self.next() >> 8) as i8,
        }
    }
}

/// Every number of columns and rows, at every address of a word.
pub(super) fn compare() -> ExitCode {
    let mut numbers = Numbers(1);
    let mut bytes = [0i8; ROWS * COLS + 4];
    for cols in 0..COLS {
        for round in 0..8 {
            bytes.iter_mut().for_each(|byte| *byte = numbers.byte());
            let rows = (numbers.next() >> 8) as usize % ROWS;
            let (Some(w), Some(x)) = (bytes.get(round & 3..), bytes.get(round / 2..).and_then(|x| x.get(..cols)))
            else {
                return ExitCode::Panic;
            };
            let is_equal =
                sums(&mut numbers, w, x) && outputs(&mut numbers, w, x, rows) && values(&mut numbers, w, x, rows);
            if !is_equal {
                defmt::error!("{=usize} columns, {=usize} rows, {=usize} bytes on", cols, rows, round & 3);
                return ExitCode::OutputsDiffer;
            }
        }
    }
    defmt::info!("dense: equal");
    ExitCode::Success
}

/// Row `r` of as many columns as `x` has, times `x`.
fn product(w: &[i8], r: usize, x: &[i8]) -> i32 {
    let row = w.get(r * x.len()..).unwrap_or(&[]);
    row.iter().zip(x).fold(0, |sum: i32, (&w, &x)| sum.wrapping_add(i32::from(w) * i32::from(x)))
}

fn sums(numbers: &mut Numbers, w: &[i8], x: &[i8]) -> bool {
    let mut have = [numbers.next() as i32; 4];
    let is_done = dot4(w, x.len(), x, &mut have);
    is_done && have == [0, 1, 2, 3].map(|r| product(w, r, x)) && dot(w, x) == product(w, 0, x)
}

/// Requantised rows: what the kernel does of them, with biases and records of their own or without, of which some have a shift for which the
/// upper word of a product is not enough.
fn outputs(numbers: &mut Numbers, w: &[i8], x: &[i8], rows: usize) -> bool {
    let kinds = numbers.next() >> 8;
    let least = if kinds & 3 == 0 { 1 } else { 33 };
    let mut record = || {
        let s = least + (numbers.next() >> 8) % (63 - least);
        [(numbers.next() >> 2 | 1 << 30) as i32, (numbers.next() & !0xFF | s) as i32]
    };
    let records: [[i32; 2]; ROWS] = core::array::from_fn(|_| record());
    // Large ones, so that small shifts are not all that is not cut off.
    let biases: [i32; ROWS] = core::array::from_fn(|_| numbers.next() as i32 >> (kinds >> 2 & 15));
    let records = if kinds & 0x100 == 0 { &records[..1] } else { &records[..rows] };
    let biases = if kinds & 0x600 == 0 { &[][..] } else { &biases[..rows] };
    let mut y = [7; ROWS];
    let done = rows_i8(w, x.len(), x, biases, records, &mut y[..rows]);
    let want = |r: usize| {
        let record = records[if records.len() == 1 { 0 } else { r }];
        requantize(record, product(w, r, x).wrapping_add(biases.get(r).copied().unwrap_or(0)))
    };
    // One may stop at a small shift, and then has written more than it says.
    let is_any = least < 33 || done >= rows & !3;
    is_any && done <= rows && (0..done).all(|r| y[r] == want(r)) && y[rows..].iter().all(|&y| y == 7)
}

/// Value rows of as many outputs as `x` has elements, some of them skipped.
fn values(numbers: &mut Numbers, w: &[i8], x: &[i8], rows: usize) -> bool {
    let (n, often) = (x.len(), numbers.next() >> 8 & 3);
    let h: [i8; ROWS] = core::array::from_fn(|_| if numbers.next() >> 8 & 3 < often { 0 } else { numbers.byte() });
    let start: [i32; COLS] = core::array::from_fn(|_| numbers.next() as i32);
    let mut have = start;
    axpys(&mut have[..n], w, &h[..rows]);
    (0..COLS).all(|r| {
        let column = w.iter().skip(r).step_by(n.max(1)).zip(&h[..rows]);
        let sum = column.fold(start[r], |sum, (&v, &h)| sum.wrapping_add(i32::from(v) * i32::from(h)));
        have[r] == if r < n { sum } else { start[r] }
    })
}
