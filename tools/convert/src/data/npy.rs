//! NumPy's `.npy` files: magic, version, the length of a header, the header (a Python dictionary of element type, order and shape), then
//! the elements. Format: numpy.lib.format, versions 1.0 to 3.0.
//!
//! Arrays of whole numbers and of booleans hold raw values, arrays of floats the network's real inputs. The header is read here: the two
//! crates that read it, `npyz` and `ndarray-npy`, make memory for the shape that a header claims, or panic where its product
//! overflows.

use super::{Samples, admit, check_count, quantise, read, unreadable};
use crate::error::ConvertError;
use crate::ir::InputSpec;
use std::path::Path;

/// What every such file begins with.
pub(super) const MAGIC: &[u8] = b"\x93NUMPY";

/// NumPy itself refuses longer headers unless it is told to trust them.
const MAX_HEADER_BYTES: usize = 10_000;

/// An element type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Element {
    kind: Kind,
    bytes: usize,
    big_endian: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Unsigned,
    Signed,
    Float,
}

/// An element.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Number {
    Whole(i128),
    Real(f64),
}

/// An array that fills its shape.
#[derive(Debug)]
pub(super) struct Array<'a> {
    element: Element,
    /// Whether the first index runs fastest.
    fortran: bool,
    shape: Vec<usize>,
    data: &'a [u8],
}

/// Reads a `.npy` file of samples, one for each first index; the other dimensions are one input in row-major order.
///
/// # Errors
/// If the file cannot be read or is no such array of numbers, a sample has not `input.len` elements, or a value is not admissible.
pub fn load_npy(path: &Path, input: &InputSpec, offset: i32) -> Result<Samples, ConvertError> {
    Ok(Samples { inputs: samples(&read(path)?, path, input, offset)?, labels: None })
}

/// The samples of a file's bytes.
pub(super) fn samples(bytes: &[u8], path: &Path, input: &InputSpec, offset: i32) -> Result<Vec<Vec<i8>>, ConvertError> {
    let array = Array::parse(bytes).map_err(|why| unreadable(path, why))?;
    let count = array.shape[0];
    let elements = array.elements() / count;
    if elements != input.len {
        return Err(ConvertError::Range {
            place: path.display().to_string(),
            what: "the number of elements of a sample".into(),
            want: format!("{}, the length of the input; the first dimension counts samples", input.len),
            have: format!("{elements}, of an array of shape {:?}", array.shape),
        });
    }
    check_count(path, count)?;
    let mut inputs = vec![vec![0; elements]; count];
    for (index, number) in array.numbers().enumerate() {
        let (sample, element) = array.position(index);
        let place = || format!("{}, sample {sample}, element {element}", path.display());
        inputs[sample][element] = match number {
            Number::Whole(raw) => admit(raw, input, offset, place),
            Number::Real(x) => quantise(x, input, place),
        }?;
    }
    Ok(inputs)
}

/// The classes of `count` samples.
pub(super) fn labels(bytes: &[u8], path: &Path, count: usize) -> Result<Vec<u32>, ConvertError> {
    let array = Array::parse(bytes).map_err(|why| unreadable(path, why))?;
    if array.elements() != count || array.shape[0] != count {
        return Err(ConvertError::Range {
            place: path.display().to_string(),
            what: "its shape".into(),
            want: format!("[{count}], one class per sample"),
            have: format!("{:?}", array.shape),
        });
    }
    let class = |(index, number)| {
        let whole = match number {
            Number::Whole(class) => u32::try_from(class).ok(),
            Number::Real(class) => Some(class as u32).filter(|&whole| f64::from(whole) == class),
        };
        whole.ok_or_else(|| ConvertError::Range {
            place: format!("{}, sample {index}", path.display()),
            what: "the class".into(),
            want: "a whole number, 0 or more".into(),
            have: number.to_string(),
        })
    };
    array.numbers().enumerate().map(class).collect()
}

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Whole(number) => number.fmt(f),
            Self::Real(number) => number.fmt(f),
        }
    }
}

impl<'a> Array<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Self, String> {
        let rest = bytes.strip_prefix(MAGIC).ok_or("not a .npy file: it does not begin with \\x93NUMPY")?;
        let short = "a .npy file that ends inside its header";
        let (&[major, minor], rest) = rest.split_first_chunk::<2>().ok_or(short)?;
        let (length, rest) = match major {
            1 => rest.split_first_chunk::<2>().map(|(length, rest)| (usize::from(u16::from_le_bytes(*length)), rest)),
            2 | 3 => rest.split_first_chunk::<4>().map(|(length, rest)| (u32::from_le_bytes(*length) as usize, rest)),
            _ => return Err(format!("a .npy file of version {major}.{minor}, wanted 1.0 to 3.0")),
        }
        .ok_or(short)?;
        if length > MAX_HEADER_BYTES {
            return Err(format!("a .npy file with a header of {length} bytes, wanted at most {MAX_HEADER_BYTES}"));
        }
        let (header, data) = rest.split_at_checked(length).ok_or(short)?;
        let header = std::str::from_utf8(header).map_err(|_| "a .npy file whose header is no text")?;
        let (element, fortran, shape) = Self::header(header)?;
        let elements = shape.iter().try_fold(1usize, |product, dim| product.checked_mul(*dim));
        let want = elements.and_then(|elements| elements.checked_mul(element.bytes));
        if want != Some(data.len()) {
            return Err(format!(
                "a .npy file of shape {shape:?} with {} bytes of elements, {} each",
                data.len(),
                element.bytes
            ));
        }
        if shape.is_empty() || elements == Some(0) {
            return Err(format!("a .npy file of shape {shape:?}, which holds no samples"));
        }
        Ok(Self { element, fortran, shape, data })
    }

    /// Element type, order and shape.
    fn header(text: &str) -> Result<(Element, bool, Vec<usize>), String> {
        let entries =
            entries(text).ok_or_else(|| format!("a .npy file whose header does not read: {}", text.trim()))?;
        let find = |key: &str| {
            let found = entries.iter().find(|(name, _)| *name == key);
            found.map(|(_, value)| *value).ok_or_else(|| format!("a .npy file whose header has no `{key}`"))
        };
        let element = Element::parse(find("descr")?)?;
        let fortran = match find("fortran_order")? {
            "True" => true,
            "False" => false,
            other => return Err(format!("a .npy file whose `fortran_order` is {other}")),
        };
        let text = find("shape")?;
        let dims = text.split(',').map(str::trim).filter(|dim| !dim.is_empty());
        let shape: Result<Vec<usize>, _> = dims.map(str::parse).collect();
        Ok((element, fortran, shape.map_err(|_| format!("a .npy file of shape ({text})"))?))
    }

    fn elements(&self) -> usize {
        self.data.len() / self.element.bytes
    }

    /// In the order of the file.
    fn numbers(&self) -> impl Iterator<Item = Number> {
        self.data.chunks_exact(self.element.bytes).map(|bytes| self.element.read(bytes))
    }

    /// Sample and element of the file's element `index`.
    fn position(&self, index: usize) -> (usize, usize) {
        let (count, dims) = (self.shape[0], &self.shape[1..]);
        if !self.fortran {
            let elements = self.elements() / count;
            return (index / elements, index % elements);
        }
        let (mut rest, mut element, mut stride) = (index / count, 0, self.elements() / count);
        for dim in dims {
            stride /= dim;
            element += rest % dim * stride;
            rest /= dim;
        }
        (index % count, element)
    }
}

impl Element {
    /// A type such as `<f4` or `|u1`.
    fn parse(descr: &str) -> Result<Self, String> {
        let unknown = || {
            let what = match descr.chars().nth(1) {
                _ if descr.starts_with('[') => "a structured type".to_owned(),
                Some('O') => "Python objects, of which nothing is executed".to_owned(),
                _ => format!("type `{descr}`"),
            };
            format!("a .npy file with elements of {what}; wanted whole numbers, booleans or floats")
        };
        let mut chars = descr.chars();
        let big_endian = match chars.next() {
            Some('<' | '|') => false,
            Some('>') => true,
            _ => return Err(unknown()),
        };
        let (kind, sizes): (_, &[usize]) = match chars.next() {
            Some('b') => (Kind::Unsigned, &[1]),
            Some('u') => (Kind::Unsigned, &[1, 2, 4, 8]),
            Some('i') => (Kind::Signed, &[1, 2, 4, 8]),
            Some('f') => (Kind::Float, &[2, 4, 8]),
            _ => return Err(unknown()),
        };
        let bytes = chars.as_str().parse().ok().filter(|bytes| sizes.contains(bytes)).ok_or_else(unknown)?;
        Ok(Self { kind, bytes, big_endian })
    }

    /// The number that `bytes` are, as many as the type has.
    fn read(self, bytes: &[u8]) -> Number {
        let append = |word: u64, byte: &u8| word << 8 | u64::from(*byte);
        let word = if self.big_endian { bytes.iter().fold(0, append) } else { bytes.iter().rev().fold(0, append) };
        let unused = 64 - 8 * self.bytes as u32;
        match (self.kind, self.bytes) {
            (Kind::Unsigned, _) => Number::Whole(word.into()),
            (Kind::Signed, _) => Number::Whole((((word << unused) as i64) >> unused).into()),
            (Kind::Float, 2) => Number::Real(half::f16::from_bits(word as u16).to_f64()),
            (Kind::Float, 4) => Number::Real(f32::from_bits(word as u32).into()),
            (Kind::Float, _) => Number::Real(f64::from_bits(word)),
        }
    }
}

/// Keys and values of a dictionary as NumPy writes it: values are words, quoted words, and tuples of words.
fn entries(text: &str) -> Option<Vec<(&str, &str)>> {
    let mut rest = text.trim().strip_prefix('{')?.strip_suffix('}')?.trim_start();
    let mut entries = Vec::new();
    while !rest.is_empty() {
        let (key, after) = quoted(rest)?;
        let after = after.trim_start().strip_prefix(':')?.trim_start();
        let (value, after) = match after.chars().next()? {
            '\'' | '"' => quoted(after)?,
            '(' => after[1..].split_once(')')?,
            // Of a structured array: a list of fields, which no sample is.
            '[' => (after, ""),
            _ => after.split_at(after.find(',').unwrap_or(after.len())),
        };
        entries.push((key, value.trim()));
        let after = after.trim_start();
        rest = after.strip_prefix(',').or_else(|| after.is_empty().then_some(""))?.trim_start();
    }
    Some(entries)
}

/// What stands between the quotes that `text` begins with, and what follows them.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|quote| matches!(quote, '\'' | '"'))?;
    text[1..].split_once(quote)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file as NumPy writes it.
    fn file(descr: &str, fortran: &str, shape: &str, data: &[u8]) -> Vec<u8> {
        let header = format!("{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': ({shape}), }}\n");
        [MAGIC, &[1, 0], &(header.len() as u16).to_le_bytes(), header.as_bytes(), data].concat()
    }

    fn input(len: usize) -> InputSpec {
        InputSpec { len, scale: 0.5, zero_point: -3.0, min: -128, max: 127 }
    }

    fn load(bytes: &[u8], len: usize) -> Result<Vec<Vec<i8>>, String> {
        samples(bytes, Path::new("x.npy"), &input(len), 128).map_err(|error| error.to_string())
    }

    #[test]
    fn every_element_type_is_read() {
        let cases: [(&str, Vec<u8>, i8); 13] = [
            ("'|u1'", vec![200], 72),
            ("'|i1'", vec![0x7F], -1),
            ("'|b1'", vec![1], -127),
            ("'<u2'", vec![200, 0], 72),
            ("'>u2'", vec![0, 200], 72),
            ("'<i2'", vec![200, 0], 72),
            ("'>i4'", vec![0, 0, 0, 200], 72),
            ("'<i8'", vec![200, 0, 0, 0, 0, 0, 0, 0], 72),
            ("'<u8'", vec![200, 0, 0, 0, 0, 0, 0, 0], 72),
            // Reals: q = x / 0.5 - 3.
            ("'<f2'", half::f16::from_f32(2.5).to_le_bytes().into(), 2),
            ("'<f4'", 2.5f32.to_le_bytes().into(), 2),
            ("'>f4'", 2.7f32.to_be_bytes().into(), 2),
            ("\"<f8\"", (-1.0f64).to_le_bytes().into(), -5),
        ];
        for (descr, data, want) in cases {
            assert_eq!(load(&file(descr, "False", "1, 1", &data), 1).unwrap(), [[want]], "{descr}");
        }
    }

    #[test]
    fn samples_are_the_first_dimension_in_either_order() {
        let rows: Vec<u8> = (0..24).collect();
        let want: Vec<Vec<i8>> =
            (0..2).map(|n| (0..12).map(|i| (n * 12 + i) as u8 as i8 - 127 - 1).collect()).collect();
        assert_eq!(load(&file("'|u1'", "False", "2, 3, 4", &rows), 12).unwrap(), want);
        // The same array with the first index running fastest.
        let turned: Vec<u8> = (0..24).map(|i| (i % 2 * 12 + i / 2 % 3 * 4 + i / 6) as u8).collect();
        assert_eq!(load(&file("'|u1'", "True", "2, 3, 4", &turned), 12).unwrap(), want);
        assert_eq!(load(&file("'|u1'", "True", "24,", &rows), 1).unwrap().len(), 24);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        let whole = |shape: &str, data: &[u8]| load(&file("'<i2'", "False", shape, data), 2).unwrap_err();
        let error = whole("2, 2", &[0, 0, 1, 0, 2, 0, 0, 1]);
        assert_eq!(
            error,
            "x.npy, sample 1, element 1: the value is 256, wanted 0 to 255, so that value - 128 is an admissible input"
        );
        assert!(
            whole("2, 3", &[0; 12]).contains("is 3, of an array of shape [2, 3], wanted 2, the length of the input")
        );
        for x in [-63.0f32, f32::NAN, f32::INFINITY] {
            let data = [0f32, x].map(f32::to_le_bytes).concat();
            let error = load(&file("'<f4'", "False", "1, 2", &data), 2).unwrap_err();
            assert!(
                error.contains(&format!("sample 0, element 1: the real value is {x}, wanted -62.5 to 65")),
                "{error}"
            );
        }
        let error = load(&file("'<u8'", "False", "1, 1", &[255; 8]), 1).unwrap_err();
        assert!(error.contains("the value is 18446744073709551615"), "{error}");
    }

    #[test]
    fn classes_are_whole_numbers() {
        let labels = |descr: &str, shape: &str, data: &[u8], count| {
            labels(&file(descr, "False", shape, data), Path::new("y.npy"), count).map_err(|error| error.to_string())
        };
        assert_eq!(labels("'|u1'", "3,", &[4, 0, 9], 3).unwrap(), [4, 0, 9]);
        assert_eq!(labels("'|u1'", "3, 1", &[4, 0, 9], 3).unwrap(), [4, 0, 9]);
        assert_eq!(labels("'<f4'", "2,", &[1f32, 7.0].map(f32::to_le_bytes).concat(), 2).unwrap(), [1, 7]);
        assert!(labels("'|u1'", "2, 3", &[0; 6], 2).unwrap_err().contains("its shape is [2, 3], wanted [2]"));
        assert!(labels("'|i1'", "2,", &[1, 255], 2).unwrap_err().contains("sample 1: the class is -1"));
        assert!(labels("'<f4'", "1,", &0.5f32.to_le_bytes(), 1).unwrap_err().contains("the class is 0.5"));
    }

    #[test]
    fn damaged_and_absurd_files_are_refused() {
        let good = file("'|u1'", "False", "2, 3", &[0; 6]);
        assert!(load(&good, 3).is_ok());
        for len in 0..good.len() {
            assert!(load(&good[..len], 3).is_err(), "{len}");
        }
        assert!(load(&[good.as_slice(), &[0]].concat(), 3).is_err());
        let huge = [MAGIC, &[2, 0], &u32::MAX.to_le_bytes(), &[b' '; 64]].concat();
        assert!(load(&huge, 3).unwrap_err().contains("a header of 4294967295 bytes"));
        for (descr, fortran, shape, want) in [
            ("'|u1'", "False", "4294967296, 4294967296", "of shape [4294967296, 4294967296] with 6 bytes"),
            ("'<f8'", "False", "2305843009213693952, 1", "with 6 bytes of elements, 8 each"),
            ("'|u1'", "False", "99999999999999999999", "of shape (99999999999999999999)"),
            ("'|u1'", "False", "-6", "of shape (-6)"),
            ("'|u1'", "Maybe", "6,", "`fortran_order` is Maybe"),
            ("'|O'", "False", "6,", "of Python objects, of which nothing is executed"),
            ("'|S6'", "False", "1,", "with elements of type `|S6`"),
            ("'<f16'", "False", "6,", "with elements of type `<f16`"),
            ("[('a', '<f4')]", "False", "6,", "with elements of a structured type"),
            ("'|u1", "False", "6,", "whose header does not read"),
        ] {
            let error = load(&file(descr, fortran, shape, &[0; 6]), 1).unwrap_err();
            assert!(error.contains(want), "{error}");
        }
        assert!(load(&file("'|u1'", "False", "0, 3", &[]), 3).unwrap_err().contains("which holds no samples"));
        assert!(load(&file("'|u1'", "False", "", &[7]), 1).unwrap_err().contains("which holds no samples"));
    }
}
