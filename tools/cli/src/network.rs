//! An image file as the verbs see it: accepted by the engine, with what it says of its input and outputs.

use std::path::{Path, PathBuf};

use leafgate::image::{View, dtype};
use leafgate_convert::host::AlignedBytes;
use leafgate_convert::ir::InputSpec;
use serde::Serialize;

use crate::error::Failure;
use crate::exit::Exit;

/// A file larger than this cannot be an image; it is refused before it is read.
const MAX_FILE_BYTES: u64 = 1 << 32;

/// An image that the engine accepts.
#[derive(Clone, Debug)]
pub struct Network {
    /// The file.
    pub path: PathBuf,
    /// Its bytes, without what may follow the image.
    pub image: Vec<u8>,
    /// Name, from the provenance; otherwise the file's.
    pub name: String,
    /// Names of the outputs; may be empty.
    pub labels: Vec<String>,
    /// Where it comes from: key and value.
    pub provenance: Vec<(String, String)>,
    /// What an input is.
    pub input: InputSpec,
    /// Whether the input is bits instead of signed bytes.
    pub bits: bool,
    /// Number of output values.
    pub outputs: usize,
    /// Real value of one step of an output, and the output that means 0.
    pub output_scale: (f32, f32),
    /// Working memory.
    pub arena_bytes: usize,
    /// Inputs of the golden vectors.
    pub golden: Vec<Vec<u8>>,
}

impl Network {
    /// Reads and checks an image file.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let bytes = AlignedBytes::copy_of(&read_file(path)?);
        let view = View::parse(bytes.as_slice()).map_err(|error| Failure::from(error).at(path))?;
        let provenance = provenance(view.provenance());
        let find = |key: &str| provenance.iter().find(|(have, _)| have == key).map(|(_, value)| value.as_str());
        // The view has proven that both tensors are there.
        let (input, output) = (view.input().copied().unwrap_or_default(), view.output().copied().unwrap_or_default());
        let bits = input.dtype == dtype::BITS;
        let bound = |key: &str, otherwise: i8| find(key).and_then(|text| text.parse().ok()).unwrap_or(otherwise);
        let (min, max) = if bits { (0, 1) } else { (bound("input_min", i8::MIN), bound("input_max", i8::MAX)) };
        let (min, max) = if min <= max { (min, max) } else { (i8::MIN, i8::MAX) };
        let spec = InputSpec {
            len: input.rows as usize * input.cols as usize,
            scale: input.scale.into(),
            zero_point: input.zero_point.into(),
            min,
            max,
        };
        let stem = || path.file_stem().map_or_else(|| "image".into(), |stem| stem.to_string_lossy().into_owned());
        Ok(Self {
            path: path.to_owned(),
            name: find("name").map_or_else(stem, str::to_owned),
            labels: view.labels().map(str::to_owned).collect(),
            input: spec,
            bits,
            outputs: output.cols as usize,
            output_scale: (output.scale, output.zero_point),
            arena_bytes: view.arena_bytes(),
            golden: view.golden().map(|(input, _)| input.to_vec()).collect(),
            image: view.bytes().to_vec(),
            provenance,
        })
    }

    /// The label of a class.
    pub fn label(&self, class: usize) -> Option<&str> {
        self.labels.get(class).map(String::as_str)
    }

    /// An output value as the real number it stands for.
    pub fn real(&self, value: i32) -> f64 {
        let (scale, zero_point) = self.output_scale;
        f64::from(scale) * (f64::from(value) - f64::from(zero_point))
    }

    /// A sample as the bytes of the input tensor.
    pub fn bytes_of(&self, sample: &[i8]) -> Vec<u8> {
        if !self.bits {
            return sample.iter().map(|&q| q as u8).collect();
        }
        // Each row of bits starts on a word; rows other than one do not occur in inputs of gates.
        let word = |bits: &[i8]| bits.iter().enumerate().fold(0u32, |word, (i, &bit)| word | u32::from(bit > 0) << i);
        sample.chunks(32).flat_map(|bits| word(bits).to_le_bytes()).collect()
    }

    /// What reports say of the image.
    pub fn summary(&self) -> Summary<'_> {
        Summary {
            image: self.path.display().to_string(),
            name: &self.name,
            image_bytes: self.image.len(),
            arena_bytes: self.arena_bytes,
        }
    }
}

/// The head of every report on an image.
#[derive(Debug, Serialize)]
pub struct Summary<'n> {
    image: String,
    name: &'n str,
    image_bytes: usize,
    arena_bytes: usize,
}

/// Reads a small file of text, such as a key.
pub fn read_text(path: &Path) -> Result<String, Failure> {
    let bytes = read_file(path)?;
    // What is no text is no key: whoever reads it says so.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Reads a regular file of admissible size.
pub fn read_file(path: &Path) -> Result<Vec<u8>, Failure> {
    let io = |error: std::io::Error| Failure::unreadable(path, &error);
    let metadata = std::fs::metadata(path).map_err(io)?;
    if !metadata.is_file() {
        let hint = "give an image, as `leafgate convert` writes it";
        return Err(Failure::new("E0102", Exit::Input, "not a regular file").at(path).hint(hint));
    }
    if metadata.len() >= MAX_FILE_BYTES {
        return Err(Failure::new("E0202", Exit::DoesNotFit, "the file is larger than any image")
            .at(path)
            .fact(format!("want less than {MAX_FILE_BYTES} bytes, have {}", metadata.len()))
            .hint("give an image, as `leafgate convert` writes it"));
    }
    std::fs::read(path).map_err(io)
}

/// Lines `key=value`.
fn provenance(bytes: &[u8]) -> Vec<(String, String)> {
    let text = String::from_utf8_lossy(bytes);
    text.lines().filter_map(|line| line.split_once('=')).map(|(key, value)| (key.into(), value.into())).collect()
}
