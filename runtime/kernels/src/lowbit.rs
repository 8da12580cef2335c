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
//! Once for all rows: first, for the layouts in rows, the elements as half-words, completed with zeros to a multiple of 8; then the sum of the
//! elements of each group, of which 8 or 1 times is what offset binary adds.
//!
//! Sums wrap modulo 2^32. What a field gives that is no weight (`w + 1 = 3`, and -2 in two's complement) is not specified; images have none.

#[cfg(leafgate_isa)]
use crate::arch::lowbit as twin;
#[cfg(not(leafgate_isa))]
use crate::portable::lowbit as twin;
use crate::portable::requantize::requantize;

/// Columns of a group, where a row has more than one.
pub const GROUP: usize = 32;

/// Rows of the largest block.
pub(crate) const ROWS: usize = 16;

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

    /// Rows of a block, a multiple of 4.
    #[inline]
    pub const fn block_rows(self) -> u32 {
        match self {
            Self::W4Columns => 8,
            Self::T2Columns => 16,
            Self::W4Rows | Self::T2Rows | Self::T2Bytes => 4,
        }
    }

    /// Words of so many columns of a block, without scales.
    #[inline]
    pub(crate) const fn column_words(self, cols: u32) -> u32 {
        match self {
            Self::W4Columns | Self::T2Columns => cols,
            Self::W4Rows => cols.div_ceil(8).wrapping_mul(4),
            Self::T2Rows => cols.div_ceil(8).wrapping_mul(2),
            Self::T2Bytes => cols.div_ceil(4),
        }
    }

    /// Words of a block.
    #[inline]
    pub(crate) const fn block_words(self, cols: u32, is_grouped: bool) -> u32 {
        let scales = if is_grouped { cols.div_ceil(GROUP as u32).wrapping_mul(self.block_rows() / 4) } else { 0 };
        self.column_words(cols).wrapping_add(scales)
    }

    /// Words of a matrix of so many rows and columns, wrapping.
    #[inline]
    pub const fn matrix_words(self, rows: u32, cols: u32, is_grouped: bool) -> u32 {
        self.block_words(cols, is_grouped).wrapping_mul(rows.div_ceil(self.block_rows()))
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

    /// Of sums over fields, what makes them sums over weights, if those of the input are `sum`.
    #[inline]
    pub(crate) fn starts(self, sum: i32) -> [i32; ROWS] {
        let w4 = sum.wrapping_mul(-8);
        let t2 = sum.wrapping_neg();
        let mut starts = [0; ROWS];
        match self {
            Self::W4Rows => [starts[0], starts[1], starts[2]] = [w4; 3],
            Self::W4Columns => starts = [w4; ROWS],
            Self::T2Rows => [starts[0], starts[2]] = [t2; 2],
            Self::T2Columns => starts = [t2; ROWS],
            Self::T2Bytes => [starts[0], starts[1], starts[2]] = [t2; 3],
        }
        starts
    }
}

/// What a kernel multiplies with: the elements, and for the layouts in rows the same as half-words.
#[derive(Clone, Copy)]
pub(crate) struct Input<'a> {
    pub(crate) x: &'a [i8],
    pub(crate) halves: &'a [[i32; 4]],
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
        self.fours(x, prepared, y.len(), |r, sums| {
            if let Some(biases) = four(biases, r)
                && let Some(records) = four(records, r)
                && let Some(y) = y.get_mut(r..).and_then(<[i8]>::first_chunk_mut::<4>)
            {
                for (((y, sum), bias), &record) in y.iter_mut().zip(sums).zip(biases).zip(records) {
                    *y = requantize(record, sum.wrapping_add(*bias));
                }
                return;
            }
            requantize_rows(r, sums, biases, records, y);
        });
    }

    /// `y[r] = bias[r] + W_r x`, or added to what `y` holds.
    #[inline(never)]
    pub fn linear_i32(&self, x: &[i8], prepared: &[i32], biases: &[i32], accumulate: bool, y: &mut [i32]) {
        self.fours(x, prepared, y.len(), |r, sums| {
            for (i, &sum) in sums.iter().enumerate() {
                let r = r.wrapping_add(i);
                let a = sum.wrapping_add(biases.get(r).copied().unwrap_or(0));
                if let Some(y) = y.get_mut(r) {
                    *y = if accumulate { y.wrapping_add(a) } else { a };
                }
            }
        });
    }

    /// Gives the sums of four rows after four to `put` until it has had `count`, with the number of the first; the last may be of rows
    /// that do not exist.
    #[inline(always)]
    fn fours(&self, x: &[i8], prepared: &[i32], count: usize, mut put: impl FnMut(usize, &[i32; 4])) {
        let Some(mut blocks) = self.blocks(x, prepared) else { return };
        let fours = self.layout.block_rows() as usize / 4;
        let (mut sums, mut r) = ([0; ROWS], 0usize);
        while r < count && blocks.next(&mut sums).is_some() {
            for sums in sums.as_chunks::<4>().0.iter().take(fours) {
                put(r, sums);
                r = r.wrapping_add(4);
            }
        }
    }

    #[inline(never)]
    fn blocks<'a>(&'a self, x: &'a [i8], prepared: &'a [i32]) -> Option<Blocks<'a>> {
        let &Self { layout, is_grouped, words } = self;
        let cols = x.len() as u32;
        let (halves, totals) = prepared.split_at_checked(layout.half_words(cols) as usize)?;
        let input = Input { x, halves: halves.as_chunks().0 };
        let starts = if is_grouped { [0; ROWS] } else { layout.starts(totals.first().copied().unwrap_or(0)) };
        Some(Blocks {
            matrix: self,
            size: layout.block_words(cols, is_grouped) as usize,
            rest: words,
            input,
            totals,
            starts,
        })
    }
}

/// The blocks of a matrix that are left, times an input.
struct Blocks<'a> {
    matrix: &'a Matrix<'a>,
    size: usize,
    rest: &'a [i32],
    input: Input<'a>,
    totals: &'a [i32],
    starts: [i32; ROWS],
}

impl Blocks<'_> {
    /// The sums of the next one's rows.
    #[inline(never)]
    fn next(&mut self, sums: &mut [i32; ROWS]) -> Option<()> {
        let &Matrix { layout, is_grouped, .. } = self.matrix;
        let (block, rest) = self.rest.split_at_checked(self.size)?;
        self.rest = rest;
        let fours = sums.as_chunks_mut::<4>().0.iter_mut().zip(self.starts.as_chunks::<4>().0);
        for (sums, starts) in fours.take(layout.block_rows() as usize / 4) {
            *sums = *starts;
        }
        if is_grouped {
            twin::add_groups(layout, block, self.input, self.totals, sums);
        } else {
            twin::add(layout, block, self.input, sums);
        }
        Some(())
    }
}

/// Rows from `first` on, as far as there are some: the way of the last ones, and of all where one bias or one record is for all.
#[inline(never)]
fn requantize_rows(first: usize, sums: &[i32; 4], biases: &[i32], records: &[[i32; 2]], y: &mut [i8]) {
    let rows = y.iter_mut().enumerate().skip(first);
    for ((r, y), &sum) in rows.zip(sums) {
        if let Some(&record) = records.get(if records.len() == 1 { 0 } else { r }) {
            *y = requantize(record, sum.wrapping_add(biases.get(r).copied().unwrap_or(0)));
        }
    }
}

/// Four elements from one on, if there are.
#[inline(always)]
fn four<T>(of: &[T], first: usize) -> Option<&[T; 4]> {
    of.get(first..).and_then(<[T]>::first_chunk::<4>)
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
