//! Weight formats 3 to 7: weights of four and of two bits, each looked up where the format document says that it lies.

use super::image::{Array, Constants};

/// Columns of a group, where a row is not one.
pub const GROUP: usize = 32;

/// A matrix of weights of few bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LowBit {
    /// How the words lie.
    pub layout: Layout,
    /// Whether 32 columns share a scale; otherwise there are none.
    pub grouped: bool,
    /// All blocks.
    pub matrix: Array<u32>,
    /// I32 scratch, one row.
    pub prepared: usize,
}

/// The weight formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// 3: four bits, four rows in a half of a word.
    W4Rows,
    /// 4: four bits, eight rows in a word.
    W4Columns,
    /// 5: two bits, two rows of eight columns in a word.
    T2Rows,
    /// 6: two bits, sixteen rows in a word.
    T2Columns,
    /// 7: two bits, four rows in a byte.
    T2Bytes,
}

/// Where a weight lies.
struct Field {
    /// In the words of a group, the first after its scales.
    word: usize,
    bit: usize,
    /// What is subtracted from the field; 0: the field is in two's complement.
    offset: i64,
}

impl Layout {
    /// That of a weight format.
    pub fn of(weight_format: u8) -> Option<Self> {
        [Self::W4Rows, Self::W4Columns, Self::T2Rows, Self::T2Columns, Self::T2Bytes]
            .get(usize::from(weight_format.checked_sub(3)?))
            .copied()
    }

    /// Bits of a weight.
    pub fn bits(self) -> usize {
        match self {
            Self::W4Rows | Self::W4Columns => 4,
            Self::T2Rows | Self::T2Columns | Self::T2Bytes => 2,
        }
    }

    /// The kernels it is for, as the header's `packing` says.
    pub fn packing(self) -> u32 {
        match self {
            Self::W4Rows | Self::T2Rows => 1,
            Self::W4Columns | Self::T2Columns => 2,
            Self::T2Bytes => 3,
        }
    }

    /// Rows of a block.
    pub fn block_rows(self) -> usize {
        match self {
            Self::W4Rows | Self::T2Rows | Self::T2Bytes => 4,
            Self::W4Columns => 8,
            Self::T2Columns => 16,
        }
    }

    /// Columns that are completed together, and the words of a block that hold them.
    fn step(self) -> (usize, usize) {
        match self {
            Self::W4Rows => (8, 4),
            Self::T2Rows => (8, 2),
            Self::T2Bytes => (4, 1),
            Self::W4Columns | Self::T2Columns => (1, 1),
        }
    }

    /// Words of so many columns of a block.
    fn words(self, cols: usize) -> usize {
        let (step, words) = self.step();
        cols.div_ceil(step) * words
    }

    /// Words of a block.
    fn block_words(self, cols: usize, grouped: bool) -> usize {
        self.words(cols) + if grouped { cols.div_ceil(GROUP) * self.block_rows() / 4 } else { 0 }
    }

    /// Words of a matrix; exact for any record.
    pub fn matrix_words(self, rows: u64, cols: u64, grouped: bool) -> u64 {
        rows.div_ceil(self.block_rows() as u64) * self.block_words(cols as usize, grouped) as u64
    }

    /// Columns of the tensor for the prepared input.
    pub fn prepared_cols(self, cols: u64, grouped: bool) -> u64 {
        let halves = match self {
            Self::W4Rows | Self::T2Rows => 4 * cols.div_ceil(8),
            Self::W4Columns | Self::T2Columns | Self::T2Bytes => 0,
        };
        halves + if grouped { cols.div_ceil(GROUP as u64) } else { 1 }
    }

    /// Row `r` of a block, column `c` of a group.
    fn field(self, r: usize, c: usize) -> Field {
        match self {
            Self::W4Rows => Field { word: c / 2, bit: 16 * (c % 2) + 4 * r, offset: if r == 3 { 0 } else { 8 } },
            Self::W4Columns => Field { word: c, bit: 4 * r, offset: 8 },
            Self::T2Rows => {
                let slot = 4 * (c % 8 / 2) + 16 * (c % 2);
                let (bit, offset) = if r.is_multiple_of(2) { (slot, 1) } else { ((slot + 14) % 32, 0) };
                Field { word: c / 8 * 2 + r / 2, bit, offset }
            }
            Self::T2Columns => Field { word: c, bit: 2 * r, offset: 1 },
            Self::T2Bytes => Field { word: c / 4, bit: 8 * (c % 4) + 2 * r, offset: if r == 3 { 0 } else { 1 } },
        }
    }
}

impl LowBit {
    /// First word of a group of the block: of its scales, or, without groups, of its weights.
    fn group_at(&self, block: usize, group: usize, cols: usize) -> usize {
        let before = group * (self.layout.words(GROUP) + self.layout.block_rows() / 4);
        block * self.layout.block_words(cols, self.grouped) + before
    }

    /// Row `r` of the whole matrix, which has `cols` columns: each weight times its scale.
    pub fn row(&self, constants: &Constants, r: usize, cols: usize) -> Vec<i64> {
        let layout = self.layout;
        let word = |i: usize| constants.get(self.matrix, i);
        let (block, r) = (r / layout.block_rows(), r % layout.block_rows());
        let weight = |c: usize| {
            let (group, c) = if self.grouped { (c / GROUP, c % GROUP) } else { (0, c) };
            let at = self.group_at(block, group, cols);
            let (scale, at) = if self.grouped {
                (i64::from(word(at + r / 4).to_le_bytes()[r % 4]), at + layout.block_rows() / 4)
            } else {
                (1, at)
            };
            scale * self.weight(word(at + layout.field(r, c).word), r, c)
        };
        (0..cols).map(weight).collect()
    }

    fn weight(&self, word: u32, r: usize, c: usize) -> i64 {
        let Field { bit, offset, .. } = self.layout.field(r, c);
        let bits = self.layout.bits();
        let field = i64::from(word >> bit) & ((1 << bits) - 1);
        if offset == 0 && field >> (bits - 1) == 1 { field - (1 << bits) } else { field - offset }
    }

    /// A weight of two bits that is none of -1, 0 and 1, among all that the blocks hold, if there is one: its word.
    pub fn misfit(&self, words: &[u32], rows: usize, cols: usize) -> Option<u32> {
        let layout = self.layout;
        if layout.bits() != 2 {
            return None;
        }
        let (step, _) = layout.step();
        for block in 0..rows.div_ceil(layout.block_rows()) {
            for from in (0..cols).step_by(if self.grouped { GROUP } else { cols.max(1) }) {
                let scales = if self.grouped { layout.block_rows() / 4 } else { 0 };
                let at = self.group_at(block, from / GROUP * usize::from(self.grouped), cols) + scales;
                let size = if self.grouped { GROUP.min(cols - from) } else { cols };
                for c in 0..size.next_multiple_of(step) {
                    for r in 0..layout.block_rows() {
                        let word = words[at + layout.field(r, c).word];
                        if self.weight(word, r, c).abs() > 1 {
                            return Some(word);
                        }
                    }
                }
            }
        }
        None
    }
}
