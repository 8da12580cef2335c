//! From words of samples to planes, and back.

use super::{Plane, both};

/// Transposes, in every column of words for itself, 32 x 32 bits: bit `b` of `rows[r][c]` changes places with bit `r` of `rows[b][c]`.
///
/// With a word of sample `32 * c + r` in `rows[r][c]` beforehand, `rows[b]` then is the plane of the word's bit `b`; and the other way round.
///
/// Blocks of 16 bits are swapped, then of 8, to 1 (H. S. Warren, *Hacker's Delight*, 7-3): 80 exchanges of four operations for 1024 bits.
#[inline(always)]
pub fn transpose<const N: usize>(rows: &mut [Plane<N>; 32]) {
    if N == 1 {
        single(rows.as_flattened_mut());
    } else {
        swap_all(rows);
    }
}

/// Planes of one word: not a type parameter, so that this crate compiles it, for speed.
#[inline(never)]
fn single(rows: &mut [u32]) {
    if let ([rows], _) = rows.as_chunks_mut::<1>().0.as_chunks_mut() {
        swap_all::<1>(rows);
    }
}

#[inline(always)]
fn swap_all<const N: usize>(rows: &mut [Plane<N>; 32]) {
    swap::<N, 16>(rows, 0x0000_FFFF);
    swap::<N, 8>(rows, 0x00FF_00FF);
    swap::<N, 4>(rows, 0x0F0F_0F0F);
    swap::<N, 2>(rows, 0x3333_3333);
    swap::<N, 1>(rows, 0x5555_5555);
}

/// Of blocks of `J x J` bits, swaps the upper right with the lower left. `mask` has the bits whose number lacks that of `J`.
#[inline(always)]
fn swap<const N: usize, const J: usize>(rows: &mut [Plane<N>; 32], mask: u32) {
    for block in rows.chunks_exact_mut(2 * J) {
        let (upper, lower) = block.split_at_mut(block.len() / 2);
        for (a, b) in upper.iter_mut().zip(lower) {
            // Plane by plane: over pairs of words the compiler would gather them from all planes.
            let differing = both(a, b, |a, b| (a >> J ^ b) & mask);
            *b = both(b, &differing, |b, differing| b ^ differing);
            *a = both(a, &differing, |a, differing| a ^ differing << J);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::transpose;

    #[test]
    fn bits_change_places() {
        let rows: [[u32; 3]; 32] =
            core::array::from_fn(|r| core::array::from_fn(|c| ((r * 3 + c) as u32 + 1).wrapping_mul(0x9E37_79B9)));
        let mut planes = rows;
        transpose(&mut planes);
        for (r, row) in rows.iter().enumerate() {
            for (c, word) in row.iter().enumerate() {
                for (b, plane) in planes.iter().enumerate() {
                    assert_eq!(word >> b & 1, plane[c] >> r & 1, "bit {b} of row {r}, column {c}");
                }
            }
        }
        transpose(&mut planes);
        assert_eq!(planes, rows);
    }
}
