//! Weights of few bits: the core's own kernels against a plain evaluation of the same words.

use leafgate_board_support::ExitCode;
use leafgate_kernels::lowbit::{GROUP, Layout, Matrix};

const LAYOUTS: [Layout; 5] = [Layout::W4Rows, Layout::W4Columns, Layout::T2Rows, Layout::T2Columns, Layout::T2Bytes];
const ROWS: usize = 17;
const COLS: usize = 100;
/// Enough for any layout of so many rows and columns.
const WORDS: usize = 324;

/// Numbers that look random.
struct Numbers(u32);

impl Numbers {
    fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        self.0 ^ self.0 >> 15
    }
}

/// What a field of a matrix is: `word` in a group's words of a block, `bit`, and what takes part in the sum.
fn weight(layout: Layout, words: &[i32], r: usize, c: usize) -> i32 {
    let (word, bit, bits, is_signed) = match layout {
        Layout::W4Rows => (c / 2, 16 * (c % 2) + 4 * r, 4, r == 3),
        Layout::W4Columns => (c, 4 * r, 4, false),
        Layout::T2Rows => {
            let slot = c % 8 / 2 + 4 * (c % 2);
            (c / 8 * 2 + r / 2, (4 * slot + 14 * (r % 2)) % 32, 2, r % 2 == 1)
        }
        Layout::T2Columns => (c, 2 * r, 2, false),
        Layout::T2Bytes => (c / 4, 8 * (c % 4) + 2 * r, 2, r == 3),
    };
    let word = words.get(word).copied().unwrap_or(0);
    let signed = word << (32 - bits - bit) >> (32 - bits);
    if is_signed { signed } else { (signed & ((1 << bits) - 1)) - if bits == 4 { 8 } else { 1 } }
}

/// Random words of which every field is a weight.
fn fill(numbers: &mut Numbers, layout: Layout, words: &mut [i32]) {
    for word in words {
        *word = numbers.next() as i32;
        // No field of two bits is 3 or, in two's complement, -2.
        match layout {
            Layout::W4Rows | Layout::W4Columns => {}
            Layout::T2Columns => *word &= !((*word & 0x5555_5555) << 1),
            Layout::T2Rows => *word = fields(*word, 0x1111_1111),
            Layout::T2Bytes => *word = fields(*word, 0x1515_1515),
        }
    }
}

/// The least weights, but for those in two's complement, and scales of one.
fn least(layout: Layout, words: &mut [i32], cols: usize, is_grouped: bool) {
    words.fill(0);
    let block_words = layout.matrix_words(1, cols as u32, is_grouped) as usize;
    let group_words = layout.matrix_words(1, GROUP as u32, true) as usize;
    for block in words.chunks_mut(block_words.max(1)).filter(|_| is_grouped) {
        for group in block.chunks_mut(group_words) {
            group.iter_mut().take(layout.block_rows() as usize / 4).for_each(|scales| *scales = 0x0101_0101);
        }
    }
}

/// Fields in offset binary have their lower bits at `offset`.
fn fields(word: i32, offset: i32) -> i32 {
    let signed = 0x5555_5555 & !offset;
    (word & !((word & offset) << 1)) & !(!(word & signed) << 1 & signed << 1)
}

/// Compares all layouts for every number of columns, with and without groups.
pub(super) fn compare() -> ExitCode {
    let mut numbers = Numbers(1);
    let mut words = [0; WORDS];
    for layout in LAYOUTS {
        for cols in 0..=COLS {
            for is_grouped in [false, true] {
                let rows = 1 + numbers.next() as usize % ROWS;
                let size = layout.matrix_words(rows as u32, cols as u32, is_grouped) as usize;
                let Some(words) = words.get_mut(..size) else { return ExitCode::Panic };
                if numbers.next().is_multiple_of(4) {
                    least(layout, words, cols, is_grouped);
                } else {
                    fill(&mut numbers, layout, words);
                }
                let x: [i8; COLS] = match numbers.next() % 4 {
                    0 => [-128; COLS],
                    1 => [127; COLS],
                    _ => core::array::from_fn(|_| numbers.next() as i8),
                };
                let mut prepared = [0; COLS];
                let prepared_size = layout.prepared_words(cols as u32, is_grouped) as usize;
                let (Some(x), Some(prepared)) = (x.get(..cols), prepared.get_mut(..prepared_size)) else {
                    return ExitCode::Panic;
                };
                let matrix = Matrix { layout, is_grouped, words };
                matrix.prepare(x, prepared);
                let mut have = [0; ROWS];
                let Some(have) = have.get_mut(..rows) else { return ExitCode::Panic };
                matrix.linear_i32(x, prepared, &[], false, have);
                for (r, &have) in have.iter().enumerate() {
                    let want = sum(&matrix, x, r);
                    if have != want {
                        defmt::error!(
                            "layout {=u8}, {=usize} x {=usize}, row {=usize}: {=i32} instead of {=i32}",
                            layout as u8,
                            rows,
                            cols,
                            r,
                            have,
                            want
                        );
                        return ExitCode::OutputsDiffer;
                    }
                }
            }
        }
    }
    defmt::info!("weights of few bits: equal");
    ExitCode::Success
}

/// Row `r` times `x`, field by field.
fn sum(matrix: &Matrix<'_>, x: &[i8], r: usize) -> i32 {
    let (layout, cols) = (matrix.layout, x.len());
    let block_rows = layout.block_rows() as usize;
    let block_words = layout.matrix_words(1, cols as u32, matrix.is_grouped) as usize;
    let mut rest = matrix.words.get(r / block_rows * block_words..).unwrap_or(&[]);
    let r = r % block_rows;
    let mut sum = 0i32;
    for x in x.chunks(if matrix.is_grouped { GROUP } else { COLS }) {
        let mut scale = 1;
        if matrix.is_grouped {
            scale = rest.get(r / 4).map_or(0, |word| i32::from(word.to_le_bytes()[r % 4]));
            rest = rest.get(block_rows / 4..).unwrap_or(&[]);
        }
        let each = x.iter().enumerate().map(|(c, &x)| weight(layout, rest, r, c) * i32::from(x));
        sum = sum.wrapping_add(scale.wrapping_mul(each.sum()));
        rest = rest.get(layout.matrix_words(1, x.len() as u32, false) as usize..).unwrap_or(&[]);
    }
    sum
}
