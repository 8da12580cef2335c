//! The named tensors of a file, whatever it is, and the checks that every importer makes of them: present, of the wanted
//! shape and element type, finite. A tensor that nobody asked for is an error at the end.

use crate::error::{ConvertError, layer_named, named};
use safetensors::{Dtype, SafeTensors};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The metadata key of a graph description.
pub(super) const DESCRIPTION: &str = "leafgate.graph";

/// A header lists tensors and holds the description: some hundred bytes each. What a reader makes of it takes many times as much.
pub(super) const MAX_HEADER_BYTES: u64 = 1 << 23;

/// Bytes of numbers that layers may take beyond those of all tensors, each taken once.
const SHARED_BYTES: u64 = 1 << 24;

/// A tensor as the file holds it: little-endian, row-major, `shape`'s product times the element's size bytes.
#[derive(Clone, Debug)]
pub(super) struct RawTensor<'a> {
    pub dtype: Dtype,
    pub shape: Vec<usize>,
    pub bytes: Cow<'a, [u8]>,
}

/// A wanted dimension, with the letter that the format document calls it by.
#[derive(Clone, Copy, Debug)]
pub(super) enum Dim {
    /// Exactly this.
    Is(&'static str, usize),
    /// 1 or more.
    Any(&'static str),
}

/// The tensors of a file and which of them were asked for.
#[derive(Debug, Default)]
pub(super) struct Tensors<'a> {
    all: BTreeMap<String, RawTensor<'a>>,
    /// Texts that the file carries beside its tensors.
    metadata: HashMap<String, String>,
    used: BTreeSet<String>,
    taken_bytes: u64,
    /// The layer whose tensors are being asked for, as errors call it.
    layer: Option<String>,
}

impl<'a> Tensors<'a> {
    pub(super) fn new(all: BTreeMap<String, RawTensor<'a>>) -> Self {
        Self { all, ..Self::default() }
    }

    /// Reads a safetensors file; also gives the text of its graph description, if it has one.
    pub(super) fn from_safetensors(bytes: &'a [u8]) -> Result<(Self, Option<String>), String> {
        let damaged = |error| format!("a damaged safetensors file: {error}");
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(damaged)?;
        let metadata = header.metadata().clone().unwrap_or_default();
        let description = metadata.get(DESCRIPTION).cloned();
        let file = SafeTensors::deserialize(bytes).map_err(damaged)?;
        let all = file
            .iter()
            .map(|(name, view)| {
                let tensor =
                    RawTensor { dtype: view.dtype(), shape: view.shape().to_vec(), bytes: Cow::Borrowed(view.data()) };
                (name.to_owned(), tensor)
            })
            .collect();
        Ok((Self { all, metadata, ..Self::default() }, description))
    }

    /// Adds the tensors of another file. Fails if both have one of the same name.
    pub(super) fn join(&mut self, other: Self) -> Result<(), ConvertError> {
        let twice: Vec<String> = other.all.keys().filter(|name| self.has(name)).cloned().collect();
        if !twice.is_empty() {
            return Err(ConvertError::DuplicateTensors { tensors: twice });
        }
        self.all.extend(other.all);
        Ok(())
    }

    /// Says whose tensors are asked for from here on.
    pub(super) fn enter(&mut self, layer: &str) {
        self.layer = Some(layer.to_owned());
    }

    /// The layer as the place of an error.
    pub(super) fn layer(&self) -> String {
        self.layer.as_deref().map_or_else(|| "the graph".into(), layer_named)
    }

    /// A tensor as the place of an error.
    pub(super) fn place(&self, name: &str) -> String {
        named(name, self.layer.as_deref())
    }

    /// The error for a tensor that has another shape than `want`.
    pub(super) fn misshapen(&self, name: &str, want: impl Into<String>, have: &[usize]) -> ConvertError {
        let (tensor, layer) = (name.to_owned(), self.layer.clone());
        ConvertError::Shape { tensor, layer, want: want.into(), have: have.to_vec() }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.all.contains_key(name)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.all.keys().map(String::as_str)
    }

    /// A text of the file's metadata.
    pub(super) fn metadata(&self, key: &str) -> Option<&str> {
        self.metadata.get(key).map(String::as_str)
    }

    /// Forgets the tensors that `which` names; gives their names.
    pub(super) fn leave_out(&mut self, which: impl Fn(&str) -> bool) -> Vec<String> {
        self.all.extract_if(.., |name, _| which(name)).map(|(name, _)| name).collect()
    }

    /// Counts `name` as used, if it is there: bookkeeping of a framework that no layer needs.
    pub(super) fn ignore(&mut self, name: &str) {
        if self.has(name) {
            self.used.insert(name.to_owned());
        }
    }

    /// The shape of a tensor that must be there.
    pub(super) fn shape(&self, name: &str) -> Result<&[usize], ConvertError> {
        self.all.get(name).map(|tensor| tensor.shape.as_slice()).ok_or_else(|| self.missing(name))
    }

    /// The finite numbers of a tensor and its shape. F16, BF16 and F64 become F32.
    pub(super) fn floats(&mut self, name: &str, want: &[Dim]) -> Result<(Vec<usize>, Vec<f32>), ConvertError> {
        let tensor = self.take(name, want)?;
        let data: Vec<f32> = match tensor.dtype {
            Dtype::F32 => each(&tensor.bytes, f32::from_le_bytes),
            Dtype::F64 => each(&tensor.bytes, |bytes| f64::from_le_bytes(bytes) as f32),
            Dtype::F16 => each(&tensor.bytes, |bytes| half::f16::from_le_bytes(bytes).to_f32()),
            Dtype::BF16 => each(&tensor.bytes, |bytes| half::bf16::from_le_bytes(bytes).to_f32()),
            other => return Err(self.element_type(name, "F32, F16, BF16 or F64", other)),
        };
        let shape = tensor.shape.clone();
        match data.iter().position(|value| !value.is_finite()) {
            None => Ok((shape, data)),
            Some(index) => {
                let (tensor, layer) = (name.to_owned(), self.layer.clone());
                Err(ConvertError::NotFinite { tensor, layer, index, value: data[index] })
            }
        }
    }

    /// As [`Self::floats`], or zeros of `len` if there is no such tensor: an optional bias.
    pub(super) fn floats_or_zeros(
        &mut self,
        name: &str,
        dim: &'static str,
        len: usize,
    ) -> Result<Vec<f32>, ConvertError> {
        if self.has(name) { Ok(self.floats(name, &[Dim::Is(dim, len)])?.1) } else { Ok(vec![0.0; len]) }
    }

    /// The integers of a tensor, each of which must be less than `limit`; `what` names them.
    pub(super) fn indices(
        &mut self,
        name: &str,
        want: &[Dim],
        what: &str,
        limit: usize,
    ) -> Result<(Vec<usize>, Vec<u32>), ConvertError> {
        let tensor = self.take(name, want)?;
        // The first that does not fit.
        let mut misfit: Option<(usize, i64)> = None;
        let mut count = 0;
        let mut fits = |value: i64| {
            let index = u32::try_from(value).ok().filter(|&index| (index as usize) < limit);
            if index.is_none() {
                misfit.get_or_insert((count, value));
            }
            count += 1;
            index.unwrap_or(0)
        };
        let bytes = &tensor.bytes;
        let indices: Vec<u32> = match tensor.dtype {
            Dtype::I64 => each(bytes, |bytes| fits(i64::from_le_bytes(bytes))),
            Dtype::I32 => each(bytes, |bytes| fits(i32::from_le_bytes(bytes).into())),
            Dtype::U32 => each(bytes, |bytes| fits(u32::from_le_bytes(bytes).into())),
            Dtype::I16 => each(bytes, |bytes| fits(i16::from_le_bytes(bytes).into())),
            Dtype::U16 => each(bytes, |bytes| fits(u16::from_le_bytes(bytes).into())),
            Dtype::U8 => each(bytes, |[byte]| fits(byte.into())),
            other => return Err(self.element_type(name, "I32 or another integer type", other)),
        };
        let shape = tensor.shape.clone();
        match misfit {
            None => Ok((shape, indices)),
            Some((index, value)) => Err(ConvertError::Range {
                place: self.place(name),
                what: format!("{what} at index {index}"),
                want: format!("0 to {}", limit as i128 - 1),
                have: value.to_string(),
            }),
        }
    }

    /// Fails if a tensor was never asked for.
    pub(super) fn finish(self) -> Result<(), ConvertError> {
        let tensors: Vec<String> = self.all.into_keys().filter(|name| !self.used.contains(name)).collect();
        if tensors.is_empty() { Ok(()) } else { Err(ConvertError::ExtraTensors { tensors }) }
    }

    fn take(&mut self, name: &str, want: &[Dim]) -> Result<&RawTensor<'a>, ConvertError> {
        let tensor = self.all.get(name).ok_or_else(|| self.missing(name))?;
        self.used.insert(name.to_owned());
        let fits = |(have, want): (&usize, &Dim)| match want {
            Dim::Is(_, want) => have == want,
            Dim::Any(_) => *have >= 1,
        };
        if tensor.shape.len() != want.len() || !tensor.shape.iter().zip(want).all(fits) {
            return Err(self.misshapen(name, in_words(want), &tensor.shape));
        }
        // Layers may share tensors, each with a copy of its own in numbers of four bytes: a small file must not fill the memory.
        let bytes = |tensor: &RawTensor<'_>| 4 * tensor.shape.iter().product::<usize>() as u64;
        self.taken_bytes += bytes(tensor);
        let most = SHARED_BYTES + self.all.values().map(bytes).sum::<u64>();
        if self.taken_bytes > most {
            return Err(ConvertError::TooLarge {
                place: self.place(name),
                what: "the bytes of all tensors that the layers use, counted each time".into(),
                want: most,
                have: self.taken_bytes,
            });
        }
        Ok(tensor)
    }

    fn missing(&self, name: &str) -> ConvertError {
        ConvertError::MissingTensor { tensor: name.into(), layer: self.layer.clone() }
    }

    fn element_type(&self, name: &str, want: &str, have: Dtype) -> ConvertError {
        ConvertError::Range {
            place: self.place(name),
            what: "its element type".into(),
            want: want.into(),
            have: have.to_string(),
        }
    }
}

/// `(2^d = 8, I = 784, l)`.
fn in_words(dims: &[Dim]) -> String {
    let word = |dim: &Dim| match dim {
        Dim::Is(letter, value) if *letter == value.to_string() => letter.to_string(),
        Dim::Is(letter, value) => format!("{letter} = {value}"),
        Dim::Any(letter) => letter.to_string(),
    };
    format!("({})", dims.iter().map(word).collect::<Vec<_>>().join(", "))
}

/// The elements of `bytes`; the file's reader has made sure that they fill it.
fn each<const N: usize, T>(bytes: &[u8], mut read: impl FnMut([u8; N]) -> T) -> Vec<T> {
    bytes.as_chunks::<N>().0.iter().map(|chunk| read(*chunk)).collect()
}

/// The header of a safetensors file; what the file has of it.
pub(super) fn header(bytes: &[u8]) -> &[u8] {
    let Some((length, rest)) = bytes.split_first_chunk() else { return &[] };
    let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX);
    rest.get(..length).unwrap_or(rest)
}
