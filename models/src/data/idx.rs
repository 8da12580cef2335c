//! idx files: the format of the MNIST database.
//!
//! A magic number of four bytes (0, 0, the type, the number of dimensions), a big-endian `u32` for each dimension, then
//! the values, row by row. Type 8 is unsigned bytes, the only one that image sets use.

use std::path::Path;

use super::file;
use crate::error::DataError;

/// The type of unsigned bytes.
const BYTES: u8 = 8;

/// An idx file of bytes: its dimensions and its values.
pub(super) struct Idx {
    pub(super) dims: Vec<usize>,
    pub(super) values: Vec<u8>,
}

impl Idx {
    /// Reads `path`, which must have `rank` dimensions.
    pub(super) fn read(path: &Path, rank: usize) -> Result<Self, DataError> {
        let bytes = file::read(path)?;
        let wrong = |what: String| DataError::Idx { path: path.to_owned(), what };
        let (head, values) = bytes
            .split_at_checked(4 + 4 * rank)
            .ok_or_else(|| wrong(format!("{} bytes are too few for the head of an idx file", bytes.len())))?;
        if head[..2] != [0, 0] || head[2] != BYTES || usize::from(head[3]) != rank {
            let want = format!("want the magic number [0, 0, {BYTES}, {rank}]");
            return Err(wrong(format!("{want}: unsigned bytes of {rank} dimensions, have {:?}", &head[..4])));
        }
        let dims: Vec<usize> = head[4..]
            .chunks_exact(4)
            .map(|dim| dim.iter().fold(0, |value, &byte| value << 8 | usize::from(byte)))
            .collect();
        let want = dims.iter().try_fold(1usize, |product, &dim| product.checked_mul(dim));
        if want != Some(values.len()) {
            let have = values.len();
            return Err(wrong(format!("dimensions {dims:?} do not make the {have} values that follow")));
        }
        Ok(Self { dims, values: values.to_vec() })
    }
}

/// The image of `height` x `width` pixels in which every square of `by` x `by` pixels is one, their mean with halves
/// rounded up. Columns and rows that fill no square are left out.
pub(super) fn shrink(image: &[u8], (height, width): (usize, usize), by: usize) -> Vec<u8> {
    let area = by * by;
    let square = |row: usize, column: usize| {
        let line = |y: usize| &image[(row * by + y) * width + column * by..][..by];
        let sum: usize = (0..by).flat_map(line).map(|&pixel| usize::from(pixel)).sum();
        ((sum + area / 2) / area) as u8
    };
    (0..height / by).flat_map(|row| (0..width / by).map(move |column| square(row, column))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_square_becomes_its_mean() {
        let image = [0, 1, 10, 20, 9, 2, 1, 30, 40, 9, 7, 7, 7, 7, 7];
        assert_eq!(shrink(&image, (3, 5), 2), [(1 + 2 + 1 + 2) / 4, 25]);
        assert_eq!(shrink(&image, (3, 5), 1), image);
    }
}
