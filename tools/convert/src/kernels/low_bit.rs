//! Words of weights of few bits, as `docs/image-format.md` says.

use leafgate_image::*;

use super::Kernels;
use crate::quantize::integer::{LowBit, LowBitLayout};
use crate::quantize::low_bit::GROUP;

/// The layout of weights of so many bits for a family of kernels.
pub(super) fn layout(kernels: Kernels, bits: u8) -> LowBitLayout {
    match (kernels, bits) {
        (Kernels::Swar, _) => LowBitLayout::Columns,
        (Kernels::Mve, 2) => LowBitLayout::Bytes,
        (Kernels::Portable | Kernels::Dsp | Kernels::Mve, _) => LowBitLayout::Rows,
    }
}

/// Columns of the scratch tensor for the prepared input.
pub(super) fn prepared_cols(low_bit: &LowBit, cols: usize) -> usize {
    let halves = if low_bit.layout == LowBitLayout::Rows { 4 * cols.div_ceil(8) } else { 0 };
    halves + if low_bit.scales.is_empty() { 1 } else { cols.div_ceil(GROUP) }
}

/// The weight format, the feature bit and the packing that an image states.
pub(crate) fn format(low_bit: &LowBit) -> (u8, u32, u32) {
    match (low_bit.bits, low_bit.layout) {
        (4, LowBitLayout::Columns) => (WEIGHT_W4_COLUMNS, FEATURE_W4, PACKING_SWAR),
        (4, _) => (WEIGHT_W4_ROWS, FEATURE_W4, PACKING_DSP),
        (_, LowBitLayout::Rows) => (WEIGHT_T2_ROWS, FEATURE_T2, PACKING_DSP),
        (_, LowBitLayout::Columns) => (WEIGHT_T2_COLUMNS, FEATURE_T2, PACKING_SWAR),
        (_, LowBitLayout::Bytes) => (WEIGHT_T2_BYTES, FEATURE_T2, PACKING_MVE),
    }
}

/// The matrix of `cols` columns: blocks of rows; in each, for each group its scales and its columns.
pub(crate) fn words(weights: &[i8], cols: usize, low_bit: &LowBit) -> Vec<u32> {
    let cols = cols.max(1);
    let rows: Vec<&[i8]> = weights.chunks(cols).collect();
    let block_rows = match (low_bit.layout, low_bit.bits) {
        (LowBitLayout::Columns, bits) => 32 / usize::from(bits),
        _ => 4,
    };
    let groups = cols.div_ceil(GROUP);
    let is_grouped = !low_bit.scales.is_empty();
    let mut words = Vec::new();
    for block in (0..rows.len()).step_by(block_rows) {
        let part = &rows[block..rows.len().min(block + block_rows)];
        for from in (0..cols).step_by(if is_grouped { GROUP } else { cols }) {
            if is_grouped {
                let scale = |r: usize| low_bit.scales.get(r * groups + from / GROUP).copied().unwrap_or(0);
                let four = |r: usize| u32::from_le_bytes([0, 1, 2, 3].map(|i| scale(r + i)));
                words.extend((block..block + block_rows).step_by(4).map(four));
            }
            let to = if is_grouped { cols.min(from + GROUP) } else { cols };
            let part: Vec<&[i8]> = part.iter().map(|row| &row[from..to]).collect();
            words.extend(columns(&part, to - from, low_bit));
        }
    }
    words
}

/// The columns of a group of a block.
fn columns(rows: &[&[i8]], cols: usize, low_bit: &LowBit) -> Vec<u32> {
    let two_bits = low_bit.bits == 2;
    let size = match (low_bit.layout, two_bits) {
        (LowBitLayout::Columns, _) => cols,
        (LowBitLayout::Rows, false) => 4 * cols.div_ceil(8),
        (LowBitLayout::Rows, true) => 2 * cols.div_ceil(8),
        (LowBitLayout::Bytes, _) => cols.div_ceil(4),
    };
    let mut words = vec![0; size];
    let offset = if two_bits { 1 } else { 8 };
    let mask = if two_bits { 3 } else { 15 };
    for (r, row) in rows.iter().enumerate() {
        for (c, &w) in row.iter().enumerate() {
            // Word, bit, and whether two's complement spares the kernel a correction.
            let (word, bit, is_signed) = match (low_bit.layout, two_bits) {
                (LowBitLayout::Columns, _) => (c, usize::from(low_bit.bits) * r, false),
                (LowBitLayout::Rows, false) => (c / 2, 16 * (c % 2) + 4 * r, r == 3),
                (LowBitLayout::Rows, true) => {
                    let slot = 4 * (c % 8 / 2) + 16 * (c % 2);
                    (c / 8 * 2 + r / 2, (slot + 14 * (r % 2)) % 32, r % 2 == 1)
                }
                (LowBitLayout::Bytes, _) => (c / 4, 8 * (c % 4) + 2 * r, r == 3),
            };
            let field = i32::from(w) + if is_signed { 0 } else { offset };
            words[word] |= ((field & mask) as u32) << bit;
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two rows of three columns, by hand.
    #[test]
    fn fields_lie_where_the_document_says() {
        let of = |bits, layout, scales: &[u8]| {
            let weights: &[i8] = if bits == 4 { &[-8, 7, 1, 2, -3, 0] } else { &[-1, 1, 0, 0, -1, 1] };
            words(weights, 3, &LowBit { bits, scales: scales.to_vec(), layout })
        };
        // Rows that are missing are zeros, and so is what completes the columns.
        assert_eq!(of(4, LowBitLayout::Rows, &[]), [0x005F_00A0, 0x0000_0089, 0, 0]);
        assert_eq!(of(4, LowBitLayout::Columns, &[]), [0xA0, 0x5F, 0x89]);
        assert_eq!(of(4, LowBitLayout::Columns, &[5, 255]), [0xFF05, 0, 0xA0, 0x5F, 0x89]);
        // Row 0: 0, 2, 1 at the slots 0, 4, 1; row 1: 0, 3, 1 at the bits 14, 30 and 18.
        assert_eq!(of(2, LowBitLayout::Rows, &[]), [2 << 16 | 1 << 4 | 3 << 30 | 1 << 18, 0]);
        assert_eq!(of(2, LowBitLayout::Columns, &[]), [0b0100, 0b0010, 0b1001]);
        assert_eq!(of(2, LowBitLayout::Bytes, &[]), [0b1001 << 16 | 0b0010 << 8 | 0b0100]);
    }

    #[test]
    fn the_last_row_of_four_is_in_twos_complement() {
        let low_bit = |bits, layout| LowBit { bits, scales: Vec::new(), layout };
        assert_eq!(words(&[-8, 0, 7, -1], 1, &low_bit(4, LowBitLayout::Rows))[0], 0xFF80);
        assert_eq!(words(&[-1, 0, 1, -1], 1, &low_bit(2, LowBitLayout::Bytes)), [0b1110_0100]);
    }
}
