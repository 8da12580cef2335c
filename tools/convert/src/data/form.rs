//! Samples in whatever form they come: which it is, and who reads it.

use super::idx::idx_labels;
use super::npz::{Place, load_npz, npz_labels};
use super::{MAX_BYTES, Samples, load_bin, load_csv, load_idx, load_images, load_npy, npy, unreadable};
use crate::error::ConvertError;
use crate::ir::InputSpec;
use flate2::read::MultiGzDecoder;
use std::io::Read;
use std::path::Path;

/// How samples are read.
#[derive(Clone, Copy, Debug)]
pub struct Reading<'a> {
    /// What the network reads.
    pub input: &'a InputSpec,
    /// Subtracted from each raw value.
    pub offset: i32,
    /// Classes of the samples, if they are in a file of their own.
    pub labels: Option<&'a Path>,
    /// Names of the network's classes; may be empty. Sub-folders of images may have them.
    pub classes: &'a [String],
    /// Whether the colours of an image come one after the other, instead of pixel by pixel.
    pub channels_first: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Csv,
    Idx,
    Bin,
    Npy,
    Npz,
    Images,
}

/// Reads samples: CSV, idx, `.npy`, `.npz` (of which `FILE.npz:NAME` names an array), a folder of PNG images, or `.bin`; all files but those of a
/// folder may be gzip-compressed.
///
/// # Errors
/// If the file cannot be read or is of no such form, a sample has not the length of the input, a value is not admissible, or the classes are
/// not one for each sample. Errors name file, sample and figure.
pub fn load(path: &Path, how: &Reading<'_>) -> Result<Samples, ConvertError> {
    let &Reading { input, offset, labels, classes, channels_first } = how;
    let place = Place::of(path);
    let mut samples = match form_of(&place)? {
        Form::Csv => load_csv(path, input, offset),
        Form::Idx => load_idx(path, None, input, offset),
        Form::Bin => load_bin(path, input, offset),
        Form::Npy => load_npy(path, input, offset),
        Form::Npz => load_npz(path, input, offset),
        Form::Images => load_images(path, input, offset, classes, channels_first),
    }?;
    if let Some(labels) = labels {
        // Classes that were found beside the samples give way to those that are named; a column of them is part of the samples.
        if samples.labels.is_some() && !matches!(form_of(&place)?, Form::Npz | Form::Images) {
            return Err(unreadable(labels, format!("not needed: {} has classes of its own", path.display())));
        }
        samples.labels = Some(load_labels(labels, samples.len())?);
    }
    if samples.is_empty() {
        return Err(unreadable(path, "holds no samples".into()));
    }
    Ok(samples)
}

/// The classes of `count` samples: idx, `.npy`, or an array of a `.npz`.
fn load_labels(path: &Path, count: usize) -> Result<Vec<u32>, ConvertError> {
    let place = Place::of(path);
    match form_of(&place)? {
        Form::Idx => idx_labels(path, count),
        Form::Npy => npy::labels(&super::read(path)?, path, count),
        Form::Npz => npz_labels(&place, count),
        _ => Err(unreadable(path, "no file of classes: these come as idx, .npy or .npz".into())),
    }
}

/// Raw bytes can look like anything, so only their name tells them; the others begin with what they are, within gzip or not.
fn form_of(place: &Place) -> Result<Form, ConvertError> {
    let path = place.file.as_path();
    let io = |source| ConvertError::Io { path: path.to_owned(), source };
    let metadata = std::fs::metadata(path).map_err(io)?;
    if metadata.is_dir() {
        return Ok(Form::Images);
    }
    if !metadata.is_file() {
        return Err(unreadable(path, "not a regular file".into()));
    }
    if metadata.len() > MAX_BYTES {
        let (place, what) = (path.display().to_string(), "the file of samples, in bytes".into());
        return Err(ConvertError::TooLarge { place, what, want: MAX_BYTES, have: metadata.len() });
    }
    if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("bin")) {
        return Ok(Form::Bin);
    }
    let mut head = Vec::new();
    std::fs::File::open(path).map_err(io)?.take(4096).read_to_end(&mut head).map_err(io)?;
    if head.starts_with(b"\x1f\x8b") {
        let mut plain = Vec::new();
        // What is cut off or damaged shows when the file is read as a whole.
        let _ = MultiGzDecoder::new(head.as_slice()).take(8).read_to_end(&mut plain);
        head = plain;
    }
    let known: [(&[u8], Form); 4] =
        [(b"\0\0\x08", Form::Idx), (npy::MAGIC, Form::Npy), (b"PK\x03\x04", Form::Npz), (b"PK\x05\x06", Form::Npz)];
    let form = known.iter().find(|(magic, _)| head.starts_with(magic)).map_or(Form::Csv, |(_, form)| *form);
    if form == Form::Csv && head.starts_with(b"\x89PNG") {
        return Err(unreadable(path, "one PNG image: name the folder of images".into()));
    }
    Ok(form)
}
