//! Matrices of signed bytes packed in pairs, four rows interleaved: two multiply-accumulates in one of 16 bits.
//!
//! # Why it works
//! A half-word holds `h = 256*w1 + w0`, two weights of a row. With a pair of inputs
//!
//! ```text
//! h*x1 + w0*(256*x0 - x1 + 127)  =  256*(w0*x0 + w1*x1) + 127*w0
//! ```
//! `w0` is the lower byte of `h`, its sign extended, and both factors made of inputs fit a half-word for any signed bytes. A row's start
//! value takes the `127*w0` away, and 8 bits further up is the sum. It is exact while `-2^23 <= sum < 2^23` and each `h` fits a half-word; what is
//! computed beyond that is the same everywhere, for it is defined in wrapping arithmetic.
//!
//! # Layout
//! A matrix is `ceil(R/4)` groups of `4 + 4*ceil(C/4)` words: the start values of four rows, then for each four columns (a *quad*) one word of each
//! row: `256*w1 + w0` in its lower half, `256*w3 + w2` in its upper. Missing rows and columns are zeros. A prepared input is a [`Quad`] for each
//! four elements: `(x1, x3)`, then `(256*x0 - x1 + 127, 256*x2 - x3 + 127)`, lower half first.
//!
//! ```text
//! sum = start
//! for each quad: sum += h0*x1 + h1*x3                   (16 bits times 16 bits, wrapping sums of 32)
//!                sum += low(h0)*e0 + low(h1)*e1         (low: the lower byte, its sign extended)
//! a = (sum >> 8) + bias
//! ```

#[cfg(any(leafgate_isa = "dsp", leafgate_isa = "mve"))]
use crate::arch::pairs as twin;
#[cfg(not(any(leafgate_isa = "dsp", leafgate_isa = "mve")))]
use crate::portable::pairs as twin;
use crate::portable::requantize::requantize;

/// What a prepared input has for four columns.
pub type Quad = [i32; 2];

/// Prepares an input: `quads` are `ceil(len/4)`, the last one completed with zeros. Those beyond are as of zeros.
#[inline]
pub fn prepare(x: &[i8], quads: &mut [Quad]) {
    twin::prepare(x, quads);
}

/// Words of a matrix of so many rows and columns, wrapping.
#[inline]
pub const fn matrix_words(rows: u32, cols: u32) -> u32 {
    rows.div_ceil(4).wrapping_mul(cols.div_ceil(4).wrapping_add(1)).wrapping_mul(4)
}

/// `y[r] = rq_r(bias[r] + W_r x)` for the rows that `y` has. Biases: one of each row, or none: zeros. Records: one of each row or one for
/// all, as they lie in an image: `m`, then the bytes `s`, `zero_point`, `lo`, `hi`.
#[inline(never)]
pub fn linear_i8(matrix: &[i32], quads: &[Quad], biases: &[i32], records: &[[i32; 2]], y: &mut [i8]) {
    let (groups, (fours, _), (own, _)) = (matrix.as_chunks::<4>().0, biases.as_chunks::<4>(), records.as_chunks::<4>());
    let done = twin::groups_i8(groups, quads, fours, own, y.as_chunks_mut::<4>().0);
    rows(matrix, quads, biases, done, y.len(), |r, a| {
        let record = records.get(if records.len() == 1 { 0 } else { r });
        if let (Some(y), Some(&record)) = (y.get_mut(r), record) {
            *y = requantize(record, a);
        }
    });
}

/// `y[r] = bias[r] + W_r x`, or added to what `y` holds.
#[inline(never)]
pub fn linear_i32(matrix: &[i32], quads: &[Quad], biases: &[i32], accumulate: bool, y: &mut [i32]) {
    rows(matrix, quads, biases, 0, y.len(), |r, a| {
        if let Some(y) = y.get_mut(r) {
            *y = if accumulate { y.wrapping_add(a) } else { a };
        }
    });
}

/// Gives each row up to `count` to `put`, from the group `first` on.
#[inline(always)]
fn rows(matrix: &[i32], quads: &[Quad], biases: &[i32], first: usize, count: usize, mut put: impl FnMut(usize, i32)) {
    let size = quads.len().wrapping_add(1);
    let mut rest = matrix.as_chunks::<4>().0.get(size.wrapping_mul(first)..).unwrap_or(&[]);
    let mut r = first.wrapping_mul(4);
    while r < count
        && let Some(([starts, words @ ..], next)) = rest.split_at_checked(size)
    {
        for sum in twin::sums(starts, words, quads) {
            put(r, (sum >> 8).wrapping_add(biases.get(r).copied().unwrap_or(0)));
            r = r.wrapping_add(1);
        }
        rest = next;
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::vec;
    use std::vec::Vec;

    use super::*;

    /// Numbers that look random.
    struct Numbers(u64);

    impl Numbers {
        fn next(&mut self) -> u32 {
            self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (self.0 >> 32) as u32
        }

        fn bytes(&mut self, count: usize, least: i8) -> Vec<i8> {
            (0..count).map(|_| (self.next() as i8).max(least)).collect()
        }
    }

    /// A matrix in pairs, by the module's description.
    fn packed(weights: &[i8], cols: usize) -> Vec<i32> {
        let rows = weights.len() / cols;
        let weight = |r: usize, c: usize| if r < rows && c < cols { i32::from(weights[r * cols + c]) } else { 0 };
        let half = |r: usize, c: usize| 256 * weight(r, c + 1) + weight(r, c);
        let mut words = Vec::new();
        for group in (0..rows).step_by(4) {
            words.extend((group..group + 4).map(|r| -127 * (0..cols).step_by(2).map(|c| weight(r, c)).sum::<i32>()));
            for c in (0..cols).step_by(4) {
                words.extend((group..group + 4).map(|r| half(r, c + 2) << 16 | half(r, c) & 0xFFFF));
            }
        }
        words
    }

    fn prepared(x: &[i8]) -> Vec<Quad> {
        let mut quads = vec![[-1; 2]; x.len().div_ceil(4)];
        prepare(x, &mut quads);
        quads
    }

    #[test]
    fn sums_are_those_of_plain_rows() {
        let mut numbers = Numbers(1);
        for (rows, cols) in [(1, 1), (1, 4), (2, 3), (3, 5), (4, 8), (5, 33), (8, 64), (37, 70), (4, 516)] {
            let (weights, x) = (numbers.bytes(rows * cols, -127), numbers.bytes(cols, -128));
            let biases: Vec<i32> = (0..rows).map(|_| numbers.next() as i32 >> 8).collect();
            let matrix = packed(&weights, cols);
            assert_eq!(matrix.len(), matrix_words(rows as u32, cols as u32) as usize);
            let want: Vec<i32> =
                weights.chunks(cols).zip(&biases).map(|(row, bias)| crate::dot(row, &x) + bias).collect();
            let mut have = vec![7; rows];
            linear_i32(&matrix, &prepared(&x), &biases, true, &mut have);
            assert_eq!(have, want.iter().map(|a| a + 7).collect::<Vec<_>>(), "{rows} x {cols}");
            linear_i32(&matrix, &prepared(&x), &biases, false, &mut have);
            assert_eq!(have, want, "{rows} x {cols}");

            let record = |r: usize| [(1 << 30) + r as i32, i32::from_le_bytes([32 + r as u8 % 9, 3, 0x88, 0x70])];
            for records in [vec![record(0)], (0..rows).map(record).collect::<Vec<_>>()] {
                let mut have = vec![0; rows];
                linear_i8(&matrix, &prepared(&x), &biases, &records, &mut have);
                let each = |(r, &a): (usize, &i32)| requantize(records[r % records.len()], a);
                assert_eq!(have, want.iter().enumerate().map(each).collect::<Vec<_>>(), "{rows} x {cols}");
            }
        }
    }

    #[test]
    fn every_pair_of_weights_and_the_extremes_of_inputs_are_exact() {
        let extremes = [-128, -127, -1, 0, 1, 126, 127];
        for w0 in -127..=127i8 {
            for w1 in -127..=127i8 {
                // Two rows, so that both halves of a word are seen.
                let matrix = packed(&[w0, w1, 0, 0, 0, 0, w0, w1], 4);
                for x0 in extremes {
                    for x1 in extremes {
                        let mut y = [0; 2];
                        linear_i32(&matrix, &prepared(&[x0, x1, x0, x1]), &[], false, &mut y);
                        let want = i32::from(w0) * i32::from(x0) + i32::from(w1) * i32::from(x1);
                        assert_eq!(y, [want; 2], "{w0} {w1} {x0} {x1}");
                    }
                }
            }
        }
    }

    #[test]
    fn every_pair_of_inputs_fits_and_is_exact() {
        let matrix = packed(&[127, -127, -127, 127, 127, 127, 1, 0], 4);
        for x0 in i8::MIN..=i8::MAX {
            for x1 in i8::MIN..=i8::MAX {
                let mut y = [0; 2];
                linear_i32(&matrix, &prepared(&[x0, x1, x1, x0]), &[], false, &mut y);
                let (a, b) = (i32::from(x0), i32::from(x1));
                assert_eq!(y, [254 * (a - b), 127 * (a + b) + b], "{a} {b}");
            }
        }
    }

    #[test]
    fn the_largest_sums_are_exact() {
        // 516 products of 127 and 128 are the last below 2^23.
        for (w, x) in [(127, -128), (-127, -128), (127, 127), (-127, 127)] {
            let mut y = [0];
            linear_i32(&packed(&[w; 516], 516), &prepared(&[x; 516]), &[], false, &mut y);
            assert_eq!(y, [516 * i32::from(w) * i32::from(x)], "{w} {x}");
        }
    }

    #[test]
    fn any_words_mean_what_is_said_of_them() {
        let mut numbers = Numbers(2);
        for cols in [1usize, 4, 7, 40] {
            let quads = cols.div_ceil(4);
            let x = numbers.bytes(cols, -128);
            let matrix: Vec<i32> = (0..4 * (1 + quads)).map(|_| numbers.next() as i32).collect();
            let mut have = [0; 4];
            linear_i32(&matrix, &prepared(&x), &[], false, &mut have);
            for (r, have) in have.into_iter().enumerate() {
                let mut exact = i64::from(matrix[r]);
                for c in 0..4 * quads {
                    let half = (matrix[4 + 4 * (c / 4) + r] >> (16 * (c / 2 % 2))) as i16;
                    let (even, x) = (i64::from(half as i8), i64::from(x.get(c).copied().unwrap_or(0)));
                    exact += if c % 2 == 0 { 127 * even + 256 * even * x } else { (i64::from(half) - even) * x };
                }
                assert_eq!(have, exact as i32 >> 8, "row {r} of {cols} columns");
            }
        }
    }
}
