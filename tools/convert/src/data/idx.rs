//! The idx files of MNIST and its kin: two zero bytes, the element type, the number of dimensions, each dimension as a
//! big-endian u32, then the elements. Only unsigned bytes (type 8) are read. Format: yann.lecun.com/exdb/mnist.

use super::{Samples, read, rows, unreadable};
use crate::error::ConvertError;
use crate::ir::InputSpec;
use std::path::Path;

/// Reads an idx file of images, and one of labels if it is given. Both may be gzip-compressed.
///
/// # Errors
/// If a file cannot be read or is no idx file of unsigned bytes, an image has not `input.len` elements, the labels are not as many as the
/// images, or a value's `q = value - offset` is not admissible.
pub fn load_idx(images: &Path, labels: Option<&Path>, input: &InputSpec, offset: i32) -> Result<Samples, ConvertError> {
    let bytes = read(images)?;
    let (shape, data) = parse(&bytes).map_err(|why| unreadable(images, why))?;
    let elements = data.len() / shape[0];
    if elements != input.len {
        return Err(ConvertError::Range {
            place: images.display().to_string(),
            what: "the number of elements of a sample".into(),
            want: format!("{}, the length of the input", input.len),
            have: elements.to_string(),
        });
    }
    let inputs = rows(data, images, input, offset)?;
    let labels = labels.map(|path| idx_labels(path, inputs.len())).transpose()?;
    Ok(Samples { inputs, labels })
}

/// The classes of `count` samples.
pub(super) fn idx_labels(path: &Path, count: usize) -> Result<Vec<u32>, ConvertError> {
    let bytes = read(path)?;
    let (shape, data) = parse(&bytes).map_err(|why| unreadable(path, why))?;
    if shape != [count] {
        return Err(ConvertError::Range {
            place: path.display().to_string(),
            what: "its shape".into(),
            want: format!("[{count}], one label per image"),
            have: format!("{shape:?}"),
        });
    }
    Ok(data.iter().map(|&label| u32::from(label)).collect())
}

/// The shape, with no dimension 0, and the elements.
fn parse(bytes: &[u8]) -> Result<(Vec<usize>, &[u8]), String> {
    let ([0, 0, kind, rank], mut rest) = bytes.split_first_chunk::<4>().ok_or("too short for an idx file")? else {
        return Err("not an idx file: it does not start with two zero bytes".into());
    };
    if *kind != 8 {
        return Err(format!("an idx file of element type {kind:#04x}, wanted 0x08, unsigned bytes"));
    }
    let mut shape = Vec::new();
    for _ in 0..*rank {
        let (dim, after) = rest.split_first_chunk::<4>().ok_or("an idx file that ends inside its dimensions")?;
        shape.push(u32::from_be_bytes(*dim) as usize);
        rest = after;
    }
    let elements = shape.iter().try_fold(1usize, |product, dim| product.checked_mul(*dim));
    if shape.is_empty() || elements == Some(0) || elements != Some(rest.len()) {
        return Err(format!("an idx file of shape {shape:?} with {} elements", rest.len()));
    }
    Ok((shape, rest))
}

#[cfg(test)]
mod tests {
    use super::{load_idx, parse};
    use crate::ir::InputSpec;

    const IMAGES: [u8; 20] = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0, 255, 128, 7];

    #[test]
    fn images_and_labels() {
        let dir = tempfile::tempdir().unwrap();
        let (images, labels) = (dir.path().join("images"), dir.path().join("labels"));
        std::fs::write(&images, IMAGES).unwrap();
        std::fs::write(&labels, [0, 0, 8, 1, 0, 0, 0, 2, 9, 4]).unwrap();
        let mut input = InputSpec { len: 2, scale: 1.0, zero_point: 0.0, min: -128, max: 127 };
        let samples = load_idx(&images, Some(&labels), &input, 128).unwrap();
        assert_eq!(samples.inputs, [[-128, 127], [0, -121]]);
        assert_eq!(samples.labels, Some(vec![9, 4]));

        std::fs::write(&labels, [0, 0, 8, 1, 0, 0, 0, 1, 9]).unwrap();
        let error = load_idx(&images, Some(&labels), &input, 128).unwrap_err().to_string();
        assert!(error.contains("its shape is [1], wanted [2], one label per image"), "{error}");
        input.len = 3;
        let error = load_idx(&images, None, &input, 128).unwrap_err().to_string();
        assert!(error.contains("the number of elements of a sample is 2, wanted 3"), "{error}");
    }

    #[test]
    fn every_truncation_and_absurd_shapes_are_refused() {
        assert!(parse(&IMAGES).is_ok());
        for len in 0..IMAGES.len() {
            assert!(parse(&IMAGES[..len]).is_err(), "{len}");
        }
        let huge = [[0, 0, 8, 3].as_slice(), &[255; 12]].concat();
        assert!(parse(&huge).is_err());
        assert!(parse(&[0, 0, 8, 1, 0, 0, 0, 0]).is_err());
        assert!(parse(&[0, 0, 8, 0, 1]).is_err());
        assert!(parse(&[0, 0, 13, 1, 0, 0, 0, 1, 1]).is_err());
    }
}
