//! Matrices of weights of 4 bits and of ternary ones, in words made for a family of kernels.
//!
//! # Layouts
//! A matrix is blocks of rows, one after the other; a block is all columns of its rows. Fields of missing rows and columns are zeros and have
//! no effect. A weight is in *offset binary* (`w + 8` of 4 bits, `w + 1` of two) or, where a kernel gets it for nothing, in two's
//! complement.
//!
//! | layout | rows of a block | what | offset binary | for |
//! |---|---|---|---|---|
//! | [`W4Rows`](Layout::W4Rows) | 4 | a half-word of a column: row `r` at bit `4r`; words of 8 columns | rows 0 to 2 | DSP extension, vectors |
//! | [`W4Columns`](Layout::W4Columns) | 8 | a word of a column: row `r` at bit `4r` | all | a multiplier of 32 bits |
//! | [`T2Rows`](Layout::T2Rows) | 4 | two words of 8 columns, for rows 0 and 1, and 2 and 3 | rows 0 and 2 | DSP extension |
//! | [`T2Columns`](Layout::T2Columns) | 16 | a word of a column: row `r` at bit `2r` | all | a multiplier of 32 bits |
//! | [`T2Bytes`](Layout::T2Bytes) | 4 | a byte of a column: row `r` at bit `2r`; words of 4 columns | rows 0 to 2 | vectors of bytes |
//!
//! In `T2Rows` column `c` of 8 has the slot `s = c/2 + 4*(c%2)`; its field of the even row is at bit `4s`, that of the odd row at bit `4s + 14` modulo
//! 32. So a word rotated by `4*j` has in its halves, at bits 0 and 14, both rows of columns `2j` and `2j + 1`: what one multiplication of
//! halves takes.
//!
//! # Groups
//! A row is one group, or groups of 32 columns with a scale of each, 0 to 255: before the words of 32 columns of a block are as many bytes as it
//! has rows, row 0 first. The sum of a row is the sum of its groups' sums, each times its scale.
//!
//! # Prepared input
//! Once for all rows: first, for the layouts in rows, the elements as half-words, completed with zeros to a multiple of 8 (where no kernel reads
//! them, their words are left as they are); then the sum of the
//! elements of each group, of which 8 or 1 times is what offset binary adds.
//!
//! Sums wrap modulo 2^32. What a field gives that is no weight (`w + 1 = 3`, and -2 in two's complement) is not specified; images have none.

#[cfg(leafgate_isa)]
use crate::arch::lowbit as twin;
use crate::portable::lowbit as portable;
#[cfg(not(leafgate_isa))]
use crate::portable::lowbit as twin;
use crate::portable::requantize::requantize;

/// Columns of a group, where a row has more than one.
pub const GROUP: usize = 32;

/// How the weights lie: see the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Weight format 3.
    W4Rows,
    /// Weight format 4.
    W4Columns,
    /// Weight format 5.
    T2Rows,
    /// Weight format 6.
    T2Columns,
    /// Weight format 7.
    T2Bytes,
}

impl Layout {
    /// The layout that a weight format of an image names, 3 to 7.
    #[inline]
    pub const fn of(weight_format: u8) -> Option<Self> {
        Some(match weight_format {
            3 => Self::W4Rows,
            4 => Self::W4Columns,
            5 => Self::T2Rows,
            6 => Self::T2Columns,
            7 => Self::T2Bytes,
            _ => return None,
        })
    }

    /// Binary logarithm of the rows of a block.
    #[inline]
    pub(crate) const fn row_bits(self) -> u32 {
        match self {
            Self::W4Columns => 3,
            Self::T2Columns => 4,
            Self::W4Rows | Self::T2Rows | Self::T2Bytes => 2,
        }
    }

    /// Rows of a block, a multiple of 4.
    #[inline]
    pub const fn block_rows(self) -> u32 {
        1 << self.row_bits()
    }

    /// Words of so many columns of a block, without scales.
    #[inline]
    pub(crate) const fn column_words(self, cols: u32) -> u32 {
        // Columns that have words together, and those words: their binary logarithms.
        let (cols_bits, words_bits) = match self {
            Self::W4Columns | Self::T2Columns => (0, 0),
            Self::W4Rows => (3, 2),
            Self::T2Rows => (3, 1),
            Self::T2Bytes => (2, 0),
        };
        cols.wrapping_add((1 << cols_bits) - 1) >> cols_bits << words_bits
    }

    /// Words of a block.
    #[inline(never)]
    pub(crate) const fn block_words(self, cols: u32, is_grouped: bool) -> u32 {
        let scales = if is_grouped { cols.div_ceil(GROUP as u32) << (self.row_bits() - 2) } else { 0 };
        self.column_words(cols).wrapping_add(scales)
    }

    /// Words of a group of a block, its scales among them.
    #[inline]
    pub(crate) const fn group_words(self) -> usize {
        self.block_words(GROUP as u32, true) as usize
    }

    /// Words of a matrix of so many rows and columns, wrapping.
    #[inline]
    pub const fn matrix_words(self, rows: u32, cols: u32, is_grouped: bool) -> u32 {
        let blocks = rows.wrapping_add(self.block_rows() - 1) >> self.row_bits();
        self.block_words(cols, is_grouped).wrapping_mul(blocks)
    }

    /// Words of a prepared input of so many elements, wrapping.
    #[inline]
    pub const fn prepared_words(self, cols: u32, is_grouped: bool) -> u32 {
        let sums = if is_grouped { cols.div_ceil(GROUP as u32) } else { 1 };
        self.half_words(cols).wrapping_add(sums)
    }

    /// Words of it that are elements.
    #[inline]
    const fn half_words(self, cols: u32) -> u32 {
        match self {
            Self::W4Rows | Self::T2Rows => cols.div_ceil(8).wrapping_mul(4),
            Self::W4Columns | Self::T2Columns | Self::T2Bytes => 0,
        }
    }

    /// Whether a row of a block is in two's complement, not in offset binary.
    #[inline]
    pub(crate) const fn is_signed(self, row: usize) -> bool {
        match self {
            Self::W4Columns | Self::T2Columns => false,
            Self::T2Rows => row & 1 == 1,
            Self::W4Rows | Self::T2Bytes => row & 3 == 3,
        }
    }

    /// Bits of a weight.
    #[inline]
    pub(crate) const fn bits(self) -> u32 {
        if matches!(self, Self::W4Rows | Self::W4Columns) { 4 } else { 2 }
    }

    /// Of a sum over fields in offset binary, what makes it one over weights, if that of the input is `sum`.
    #[inline]
    pub(crate) fn start(self, sum: i32) -> i32 {
        if self.bits() == 4 { sum.wrapping_mul(-8) } else { sum.wrapping_neg() }
    }
}

/// What a kernel multiplies with: the elements, for the layouts in rows the same as half-words, and the sums of the groups; with the words of a
/// block for it.
#[derive(Clone, Copy)]
pub(crate) struct Input<'a> {
    pub(crate) x: &'a [i8],
    #[cfg_attr(not(leafgate_isa), allow(dead_code, reason = "the twins read it"))]
    pub(crate) halves: &'a [[i32; 4]],
    pub(crate) totals: &'a [i32],
    pub(crate) block_words: usize,
}

/// Words of a matrix, and how they lie.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a> {
    /// What the words hold.
    pub layout: Layout,
    /// Whether the rows have groups of 32 columns.
    pub is_grouped: bool,
    /// As many as [`Layout::matrix_words`] says.
    pub words: &'a [i32],
}

impl Matrix<'_> {
    /// Prepares an input: `prepared` has as many words as [`Layout::prepared_words`] says.
    #[inline(never)]
    pub fn prepare(&self, x: &[i8], prepared: &mut [i32]) {
        let halves = self.layout.half_words(x.len() as u32) as usize;
        let Some((halves, sums)) = prepared.split_at_mut_checked(halves) else { return };
        twin::halves(x, halves.as_chunks_mut::<4>().0);
        let mut rest = x;
        for sum in sums {
            let (now, next) =
                rest.split_at_checked(if self.is_grouped { GROUP } else { rest.len() }).unwrap_or((rest, &[]));
            *sum = twin::sum(now);
            rest = next;
        }
    }

    /// `y[r] = rq_r(bias[r] + W_r x)` for the rows that `y` has. Biases: one of each row, or none: zeros. Records: one of each row or one
    /// for all, as they lie in an image: `m`, then the bytes `s`, `zero_point`, `lo`, `hi`.
    #[inline(never)]
    pub fn linear_i8(&self, x: &[i8], prepared: &[i32], biases: &[i32], records: &[[i32; 2]], y: &mut [i8]) {
        self.blocks(x, prepared, y.len(), |r, sums| {
            let own = r..r.wrapping_add(sums.len());
            if let (Some(y), Some(biases), Some(records)) =
                (y.get_mut(own.clone()), biases.get(own.clone()), records.get(own))
            {
                for (((y, sum), bias), &record) in y.iter_mut().zip(sums).zip(biases).zip(records) {
                    *y = requantize(record, sum.wrapping_add(*bias));
                }
                return;
            }
            // The last rows, and all of them where one bias or one record is for all.
            for ((r, y), &sum) in y.iter_mut().enumerate().skip(r).zip(sums) {
                if let Some(&record) = records.get(if records.len() == 1 { 0 } else { r }) {
                    *y = apply(record, sum.wrapping_add(biases.get(r).copied().unwrap_or(0)));
                }
            }
        });
    }

    /// `y[r] = bias[r] + W_r x`, or added to what `y` holds.
    #[inline(never)]
    pub fn linear_i32(&self, x: &[i8], prepared: &[i32], biases: &[i32], accumulate: bool, y: &mut [i32]) {
        self.blocks(x, prepared, y.len(), |r, sums| {
            for ((r, y), &sum) in y.iter_mut().enumerate().skip(r).zip(sums) {
                let a = sum.wrapping_add(biases.get(r).copied().unwrap_or(0));
                *y = if accumulate { y.wrapping_add(a) } else { a };
            }
        });
    }

    /// Gives the sums of some rows after others to `put` until it has had `count`, with the number of the first; the last may be of rows
    /// that do not exist.
    #[inline(always)]
    fn blocks(&self, x: &[i8], prepared: &[i32], count: usize, mut put: impl FnMut(usize, &[i32])) {
        let Some(input) = self.input(x, prepared) else { return };
        let (mut sums, mut r) = ([0; twin::ROWS], 0usize);
        while r < count
            && let Some(rows) = self.sums(r, &input, &mut sums)
        {
            put(r, sums.get(..rows).unwrap_or(&[]));
            r = r.wrapping_add(rows);
        }
    }

    /// An input with what has been prepared of it, if that is whole.
    #[inline(never)]
    fn input<'a>(&self, x: &'a [i8], prepared: &'a [i32]) -> Option<Input<'a>> {
        let cols = x.len() as u32;
        let (halves, totals) = prepared.split_at_checked(self.layout.half_words(cols) as usize)?;
        let groups = if self.is_grouped { x.len().div_ceil(GROUP) } else { 1 };
        let block_words = self.layout.block_words(cols, self.is_grouped) as usize;
        Some(Input { x, halves: halves.as_chunks().0, totals: totals.get(..groups)?, block_words })
    }

    /// The sums of rows from `r` on, the rows of a block or, without a twin, one: how many, if there are words for them.
    #[inline(never)]
    fn sums(&self, r: usize, input: &Input<'_>, sums: &mut [i32; twin::ROWS]) -> Option<usize> {
        let at = (r >> self.layout.row_bits()).wrapping_mul(input.block_words);
        let block = self.words.get(at..)?.get(..input.block_words)?;
        if twin::reads(self.layout) {
            twin::sums(self, block, input, sums);
            return Some(self.layout.block_rows() as usize);
        }
        sums[0] = portable::sum_of_row(self, block, r, input);
        Some(1)
    }
}

/// As [`requantize`], once for all that are not many.
#[inline(never)]
fn apply(record: [i32; 2], a: i32) -> i8 {
    requantize(record, a)
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::vec;
    use std::vec::Vec;

    use super::*;

    const LAYOUTS: [Layout; 5] =
        [Layout::W4Rows, Layout::W4Columns, Layout::T2Rows, Layout::T2Columns, Layout::T2Bytes];

    /// Numbers that look random.
    struct Numbers(u64);

    impl Numbers {
        fn next(&mut self) -> u32 {
            self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (self.0 >> 32) as u32
        }

        fn weights(&mut self, layout: Layout, count: usize) -> Vec<i8> {
            let is_w4 = matches!(layout, Layout::W4Rows | Layout::W4Columns);
            (0..count).map(|_| if is_w4 { (self.next() % 16) as i8 - 8 } else { (self.next() % 3) as i8 - 1 }).collect()
        }
    }

    /// Where the field of a row of a block and a column is: word, bit, and whether it is in two's complement.
    fn field(layout: Layout, r: usize, c: usize) -> (usize, usize, bool) {
        match layout {
            Layout::W4Rows => (c / 2, 16 * (c % 2) + 4 * r, r == 3),
            Layout::W4Columns => (c, 4 * r, false),
            Layout::T2Rows => {
                let slot = c % 8 / 2 + 4 * (c % 2);
                (c / 8 * 2 + r / 2, if r.is_multiple_of(2) { 4 * slot } else { (4 * slot + 14) % 32 }, r % 2 == 1)
            }
            Layout::T2Columns => (c, 2 * r, false),
            Layout::T2Bytes => (c / 4, 8 * (c % 4) + 2 * r, r == 3),
        }
    }

    /// A matrix, by the module's description.
    fn packed(layout: Layout, weights: &[i8], cols: usize, scales: Option<&[u8]>) -> Vec<i32> {
        let (offset, mask) = if matches!(layout, Layout::W4Rows | Layout::W4Columns) { (8, 15) } else { (1, 3) };
        let (rows, block_rows) = (weights.len() / cols, layout.block_rows() as usize);
        let groups = cols.div_ceil(GROUP);
        let mut words = Vec::new();
        for block in (0..rows).step_by(block_rows) {
            let mut columns = vec![0u32; layout.column_words(cols as u32) as usize];
            for r in 0..block_rows.min(rows - block) {
                for c in 0..cols {
                    let w = i32::from(weights[(block + r) * cols + c]);
                    let (word, bit, is_signed) = field(layout, r, c);
                    columns[word] |= ((if is_signed { w } else { w + offset } & mask) as u32) << bit;
                }
            }
            let Some(scales) = scales else {
                words.extend(columns);
                continue;
            };
            for (g, columns) in columns.chunks(layout.column_words(GROUP as u32) as usize).enumerate() {
                for r in (block..block + block_rows).step_by(4) {
                    let at = |r: usize| scales.get(r * groups + g).copied().unwrap_or(0);
                    words.push(u32::from_le_bytes([at(r), at(r + 1), at(r + 2), at(r + 3)]));
                }
                words.extend(columns);
            }
        }
        words.into_iter().map(|word| word as i32).collect()
    }

    fn check(layout: Layout, weights: &[i8], x: &[i8], scales: Option<&[u8]>, biases: &[i32]) {
        let (cols, is_grouped) = (x.len(), scales.is_some());
        let (rows, groups) = (weights.len() / cols, cols.div_ceil(GROUP));
        let words = packed(layout, weights, cols, scales);
        assert_eq!(words.len(), layout.matrix_words(rows as u32, cols as u32, is_grouped) as usize);
        let matrix = Matrix { layout, is_grouped, words: &words };
        let mut prepared = vec![-1; layout.prepared_words(cols as u32, is_grouped) as usize];
        matrix.prepare(x, &mut prepared);
        let sum = |r: usize| {
            let row = &weights[r * cols..][..cols];
            let group = |(g, (w, x)): (usize, (&[i8], &[i8]))| {
                crate::portable::dense::dot(w, x) * scales.map_or(1, |scales| scales[r * groups + g].into())
            };
            row.chunks(GROUP).zip(x.chunks(GROUP)).enumerate().map(group).sum::<i32>()
        };
        let want: Vec<i32> = (0..rows).map(|r| sum(r) + biases.get(r).unwrap_or(&0)).collect();
        let mut have = vec![7; rows];
        matrix.linear_i32(x, &prepared, biases, true, &mut have);
        assert_eq!(have, want.iter().map(|a| a + 7).collect::<Vec<_>>(), "{layout:?} {rows} x {cols}");
        matrix.linear_i32(x, &prepared, biases, false, &mut have);
        assert_eq!(have, want, "{layout:?} {rows} x {cols}");

        let record = |r: usize| [(1 << 30) + r as i32, i32::from_le_bytes([32 + r as u8 % 9, 3, 0x88, 0x70])];
        for records in [vec![record(0)], (0..rows).map(record).collect::<Vec<_>>()] {
            let mut have = vec![0; rows];
            matrix.linear_i8(x, &prepared, biases, &records, &mut have);
            let each = |(r, &a): (usize, &i32)| requantize(records[r % records.len()], a);
            assert_eq!(have, want.iter().enumerate().map(each).collect::<Vec<_>>(), "{layout:?} {rows} x {cols}");
        }
    }

    #[test]
    fn sums_are_those_of_plain_rows() {
        let mut numbers = Numbers(1);
        for layout in LAYOUTS {
            for (rows, cols) in
                [(1, 1), (1, 4), (2, 3), (3, 5), (4, 8), (5, 33), (8, 64), (37, 70), (4, 516), (17, 31), (3, 1100)]
            {
                let weights = numbers.weights(layout, rows * cols);
                let x: Vec<i8> = (0..cols).map(|_| numbers.next() as i8).collect();
                let biases: Vec<i32> = (0..rows).map(|_| numbers.next() as i32 >> 8).collect();
                let scales: Vec<u8> = (0..rows * cols.div_ceil(GROUP)).map(|_| numbers.next() as u8).collect();
                for scales in [None, Some(&scales[..])] {
                    check(layout, &weights, &x, scales, &biases);
                    check(layout, &weights, &x, scales, &[]);
                }
            }
        }
    }

    #[test]
    fn the_extremes_are_exact() {
        for layout in LAYOUTS {
            let [least, most] = if matches!(layout, Layout::W4Rows | Layout::W4Columns) { [-8, 7] } else { [-1, 1] };
            for w in [least, 0, most] {
                for x in [-128, 0, 127] {
                    for cols in [32, 528, 1100, 2000] {
                        check(layout, &vec![w; 16 * cols], &vec![x; cols], None, &[]);
                        check(
                            layout,
                            &vec![w; 16 * cols],
                            &vec![x; cols],
                            Some(&vec![255; 16 * cols.div_ceil(GROUP)]),
                            &[],
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn slices_too_short_are_no_harm() {
        for layout in LAYOUTS {
            for is_grouped in [false, true] {
                let words = vec![0; layout.matrix_words(20, 50, is_grouped) as usize - 1];
                let mut prepared = vec![0; layout.prepared_words(50, is_grouped) as usize];
                let matrix = Matrix { layout, is_grouped, words: &words };
                matrix.prepare(&[1; 50], &mut prepared);
                matrix.prepare(&[1; 50], &mut []);
                for end in 0..prepared.len() {
                    matrix.linear_i32(&[1; 50], &prepared[..end], &[], false, &mut [0; 21]);
                    matrix.linear_i8(&[1; 50], &prepared[..end], &[1], &[], &mut [0; 21]);
                }
                matrix.linear_i32(&[], &prepared, &[], false, &mut [0; 21]);
            }
        }
    }
}
