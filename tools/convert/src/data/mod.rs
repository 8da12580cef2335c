//! Samples: inputs for calibration and evaluation, with their labels if the file has them.
//!
//! Data sets hold raw values (pixels 0 to 255, counts 0 to 16); a graph reads signed bytes. One rule joins them:
//! `q = raw - offset`. The offset is an argument because a data set does not know the network; [`default_offset`] is right for
//! the usual conventions. A `q` outside the network's admissible range is an error: its accumulators are proven over
//! that range only.
//!
//! Real numbers (arrays of floats) are the network's inputs themselves: `q = round(x / scale + zero_point)`.
//!
//! [`load`] takes any of the forms below, told by content. Files may be gzip-compressed. Every error names the file and the place in it. What a
//! file says of its size is compared with what it holds before anything is made of it.

mod csv;
mod form;
mod idx;
mod images;
mod npy;
mod npz;

pub use self::csv::load_csv;
pub use self::form::{Reading, load};
pub use self::idx::load_idx;
pub use self::images::load_images;
pub use self::npy::load_npy;
pub use self::npz::load_npz;

use crate::error::ConvertError;
use crate::ir::InputSpec;
use flate2::read::MultiGzDecoder;
use std::io::Read;
use std::path::Path;

/// The most bytes that a data file may hold, decompressed: 1 GiB.
pub const MAX_BYTES: u64 = 1 << 30;

/// What errors call a number of an array of floats.
pub const REAL_VALUE: &str = "the real value";

/// The most samples that are read, whatever their size: each takes memory of its own.
pub const MAX_SAMPLES: usize = 1 << 22;

/// Inputs of a network and, if known, what they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Samples {
    /// Each as long as the graph's input.
    pub inputs: Vec<Vec<i8>>,
    /// The class of each input.
    pub labels: Option<Vec<u32>>,
}

impl Samples {
    /// Number of samples.
    pub fn len(&self) -> usize {
        self.inputs.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.inputs.is_empty()
    }

    /// The first `count` samples, or all if there are fewer.
    pub fn truncate(&mut self, count: usize) {
        self.inputs.truncate(count);
        if let Some(labels) = &mut self.labels {
            labels.truncate(count);
        }
    }
}

/// The offset of the usual conventions: the raw value 0 becomes the smallest admissible `q`, so that pixels 0 to 255 on an
/// input of -128 to 127 are `q = p - 128`; where no `q` is negative (counts 0 to 16), raw values are `q` themselves.
pub fn default_offset(input: &InputSpec) -> i32 {
    (-i32::from(input.min)).max(0)
}

/// Reads raw samples: unsigned bytes, `input.len` a sample, one after the other, without labels.
///
/// # Errors
/// If the file cannot be read, is no whole number of samples, or holds a value whose `q` is not admissible.
pub fn load_bin(path: &Path, input: &InputSpec, offset: i32) -> Result<Samples, ConvertError> {
    let bytes = read(path)?;
    if input.len == 0 || bytes.is_empty() || bytes.len() % input.len != 0 {
        return Err(ConvertError::Range {
            place: path.display().to_string(),
            what: "its length in bytes".into(),
            want: format!("a multiple of {}, the length of the input, and not 0", input.len),
            have: bytes.len().to_string(),
        });
    }
    Ok(Samples { inputs: rows(&bytes, path, input, offset)?, labels: None })
}

/// Cuts unsigned bytes into samples.
fn rows(bytes: &[u8], path: &Path, input: &InputSpec, offset: i32) -> Result<Vec<Vec<i8>>, ConvertError> {
    check_count(path, bytes.len() / input.len)?;
    let sample = |(index, row): (usize, &[u8])| {
        let place = |column: usize| format!("{}, sample {index}, element {column}", path.display());
        row.iter().enumerate().map(|(column, &p)| admit(p, input, offset, || place(column))).collect()
    };
    bytes.chunks_exact(input.len).enumerate().map(sample).collect()
}

/// Refuses more samples than are read.
fn check_count(path: &Path, samples: usize) -> Result<(), ConvertError> {
    if samples <= MAX_SAMPLES {
        return Ok(());
    }
    let (place, what) = (path.display().to_string(), "its number of samples".into());
    Err(ConvertError::TooLarge { place, what, want: MAX_SAMPLES as u64, have: samples as u64 })
}

/// `q = raw - offset`, if it is admissible.
fn admit(raw: impl Into<i128>, input: &InputSpec, offset: i32, place: impl Fn() -> String) -> Result<i8, ConvertError> {
    let raw = raw.into();
    let q = i8::try_from(raw - i128::from(offset)).ok();
    q.filter(|q| (input.min..=input.max).contains(q)).ok_or_else(|| ConvertError::Range {
        place: place(),
        what: "the value".into(),
        want: format!(
            "{} to {}, so that value - {offset} is an admissible input",
            i64::from(input.min) + i64::from(offset),
            i64::from(input.max) + i64::from(offset)
        ),
        have: raw.to_string(),
    })
}

/// The nearest `q` to the real number `x`, if it is admissible.
fn quantise(x: f64, input: &InputSpec, place: impl Fn() -> String) -> Result<i8, ConvertError> {
    let q = (x / input.scale + input.zero_point).round();
    // The comparisons are false for NaN.
    if q >= f64::from(input.min) && q <= f64::from(input.max) {
        return Ok(q as i8);
    }
    // In the precision of the image: more digits than it has say nothing.
    let real = |q: i8| (input.scale * (f64::from(q) - input.zero_point)) as f32;
    Err(ConvertError::Range {
        place: place(),
        what: REAL_VALUE.into(),
        want: format!("{} to {}", real(input.min), real(input.max)),
        have: x.to_string(),
    })
}

/// The bytes of a file, decompressed if they are gzip.
fn read(path: &Path) -> Result<Vec<u8>, ConvertError> {
    let io = |source| ConvertError::Io { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(io)?;
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(io)?;
    if bytes.starts_with(b"\x1f\x8b") {
        let mut plain = Vec::new();
        MultiGzDecoder::new(bytes.as_slice())
            .take(MAX_BYTES + 1)
            .read_to_end(&mut plain)
            .map_err(|error| unreadable(path, format!("damaged gzip data: {error}")))?;
        bytes = plain;
    }
    if bytes.len() as u64 > MAX_BYTES {
        let place = path.display().to_string();
        let what = "its size in bytes, decompressed".into();
        return Err(ConvertError::TooLarge { place, what, want: MAX_BYTES, have: bytes.len() as u64 });
    }
    Ok(bytes)
}

fn unreadable(path: &Path, why: String) -> ConvertError {
    ConvertError::Unreadable { path: path.to_owned(), why }
}

#[cfg(test)]
mod tests {
    use super::{default_offset, load_bin};
    use crate::ir::InputSpec;

    fn input(len: usize, min: i8, max: i8) -> InputSpec {
        InputSpec { len, scale: 1.0, zero_point: 0.0, min, max }
    }

    #[test]
    fn the_default_offset_follows_the_admissible_range() {
        assert_eq!(default_offset(&input(1, -128, 127)), 128);
        assert_eq!(default_offset(&input(1, 0, 16)), 0);
        assert_eq!(default_offset(&input(1, -8, 8)), 8);
        assert_eq!(default_offset(&input(1, 3, 16)), 0);
    }

    #[test]
    fn raw_bytes_are_cut_into_samples_and_checked() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.bin");
        std::fs::write(&path, [0u8, 128, 255, 1, 2, 3]).unwrap();
        let samples = load_bin(&path, &input(3, -128, 127), 128).unwrap();
        assert_eq!(samples.inputs, [[-128, 0, 127], [-127, -126, -125]]);
        assert_eq!(samples.labels, None);

        let error = load_bin(&path, &input(4, -128, 127), 128).unwrap_err().to_string();
        assert!(error.contains("its length in bytes is 6, wanted a multiple of 4"), "{error}");
        let error = load_bin(&path, &input(3, 0, 16), 0).unwrap_err().to_string();
        assert!(error.contains("sample 0, element 1: the value is 128, wanted 0 to 16"), "{error}");
    }
}
