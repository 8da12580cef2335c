//! NumPy's `.npz` files: a zip archive with a `.npy` file for each array.
//!
//! `FILE.npz:NAME` is one of its arrays; without a name it is `x`, or the only one. Classes are the array of the same name with y instead of x:
//! `y` for `x`, `y_test` for `x_test`.

use super::{MAX_BYTES, Samples, npy, unreadable};
use crate::error::ConvertError;
use crate::ir::InputSpec;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use zip::ZipArchive;

/// A file, and which of its arrays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub file: PathBuf,
    array: Option<String>,
}

impl Place {
    /// What `path` names. A file of that very name comes first.
    pub fn of(path: &Path) -> Self {
        let text = path.to_str().filter(|_| !path.exists());
        match text.and_then(|text| text.rsplit_once(".npz:")) {
            Some((file, array)) => Self { file: format!("{file}.npz").into(), array: Some(array.to_owned()) },
            None => Self { file: path.to_owned(), array: None },
        }
    }

    /// As a user names one of the arrays, for errors.
    fn named(&self, array: &str) -> PathBuf {
        PathBuf::from(format!("{}:{array}", self.file.display()))
    }
}

/// Reads the samples of an array as [`super::load_npy`] does, and their classes if the archive has them.
///
/// # Errors
/// As [`super::load_npy`]; if the archive is damaged, has no such array, or several of which none is named or called `x`.
pub fn load_npz(path: &Path, input: &InputSpec, offset: i32) -> Result<Samples, ConvertError> {
    let place = Place::of(path);
    let mut archive = Archive::open(&place)?;
    let array = archive.choose(&place)?;
    let inputs = npy::samples(&archive.read(&array)?, &place.named(&array), input, offset)?;
    let other = classes_of(&array).filter(|other| archive.names.contains(other));
    let labels =
        other.map(|other| npy::labels(&archive.read(&other)?, &place.named(&other), inputs.len())).transpose()?;
    Ok(Samples { inputs, labels })
}

/// The classes of `count` samples.
pub(super) fn npz_labels(place: &Place, count: usize) -> Result<Vec<u32>, ConvertError> {
    let mut archive = Archive::open(place)?;
    let array = match &place.array {
        None if archive.names.iter().any(|name| name == "y") => "y".to_owned(),
        _ => archive.choose(place)?,
    };
    npy::labels(&archive.read(&array)?, &place.named(&array), count)
}

/// What the classes of the samples `array` are called.
fn classes_of(array: &str) -> Option<String> {
    let y = |rest: &str, y: char| format!("{y}{rest}");
    array.strip_prefix('x').map(|rest| y(rest, 'y')).or_else(|| array.strip_prefix('X').map(|rest| y(rest, 'y')))
}

/// An open archive and the names of its arrays.
struct Archive<'p> {
    path: &'p Path,
    zip: ZipArchive<BufReader<File>>,
    names: Vec<String>,
}

impl<'p> Archive<'p> {
    fn open(place: &'p Place) -> Result<Self, ConvertError> {
        let path = place.file.as_path();
        let file = File::open(path).map_err(|source| ConvertError::Io { path: path.to_owned(), source })?;
        let damaged = |error| unreadable(path, format!("a damaged .npz file: {error}"));
        let zip = ZipArchive::new(BufReader::new(file)).map_err(damaged)?;
        let names: Result<Vec<_>, _> = zip.file_names().collect();
        let names = names.map_err(damaged)?;
        let names = names.iter().filter_map(|name| name.strip_suffix(".npy")).map(str::to_owned).collect();
        Ok(Self { path, zip, names })
    }

    fn choose(&self, place: &Place) -> Result<String, ConvertError> {
        if self.names.is_empty() {
            return Err(unreadable(self.path, "a .npz file without arrays".into()));
        }
        let listed = || self.names.join(", ");
        let found = match &place.array {
            Some(array) => self.names.iter().find(|name| *name == array).ok_or_else(|| {
                unreadable(self.path, format!("a .npz file without an array `{array}`; it has {}", listed()))
            }),
            None => match self.names.as_slice() {
                [only] => Ok(only),
                several => several.iter().find(|name| *name == "x").ok_or_else(|| {
                    let name = self.path.display();
                    unreadable(
                        self.path,
                        format!("a .npz file of several arrays, {}: name one, as in `{name}:NAME`", listed()),
                    )
                }),
            },
        };
        found.cloned()
    }

    /// The bytes of an array's file.
    fn read(&mut self, array: &str) -> Result<Vec<u8>, ConvertError> {
        let damaged =
            |error: &dyn std::fmt::Display| unreadable(self.path, format!("a damaged .npz file: {array}: {error}"));
        let entry = self.zip.by_name(&format!("{array}.npy")).map_err(|error| damaged(&error))?;
        let mut bytes = Vec::new();
        entry.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|error| damaged(&error))?;
        if bytes.len() as u64 > MAX_BYTES {
            let (place, what) = (self.path.display().to_string(), format!("the size of array `{array}` in bytes"));
            return Err(ConvertError::TooLarge { place, what, want: MAX_BYTES, have: bytes.len() as u64 });
        }
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use zip::CompressionMethod;
    use zip::write::SimpleFileOptions;

    const INPUT: InputSpec = InputSpec { len: 2, scale: 1.0, zero_point: 0.0, min: -128, max: 127 };

    fn array(shape: &str, data: &[u8]) -> Vec<u8> {
        let header = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': ({shape}), }}");
        [npy::MAGIC, &[1, 0], &(header.len() as u16).to_le_bytes(), header.as_bytes(), data].concat()
    }

    /// An archive as `np.savez_compressed` writes it.
    fn archive(folder: &Path, arrays: &[(&str, Vec<u8>)]) -> PathBuf {
        let path = folder.join("a.npz");
        let mut zip = zip::ZipWriter::new(File::create(&path).unwrap());
        for (name, bytes) in arrays {
            let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
            zip.start_file(format!("{name}.npy"), options).unwrap();
            zip.write_all(bytes).unwrap();
        }
        zip.finish().unwrap();
        path
    }

    fn load(path: &Path) -> Result<Samples, String> {
        load_npz(path, &INPUT, 128).map_err(|error| error.to_string())
    }

    #[test]
    fn arrays_are_found_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let (x, y) = (array("2, 2", &[0, 1, 2, 3]), array("2,", &[7, 8]));
        let path = archive(folder.path(), &[("x", x.clone()), ("y", y.clone()), ("x_test", array("1, 2", &[9, 9]))]);
        let samples = load(&path).unwrap();
        assert_eq!((samples.inputs[1].as_slice(), samples.labels), ([-126, -125].as_slice(), Some(vec![7, 8])));
        let named = |name: &str| PathBuf::from(format!("{}:{name}", path.display()));
        assert_eq!(load(&named("x_test")).unwrap(), Samples { inputs: vec![vec![-119, -119]], labels: None });
        assert_eq!(npz_labels(&Place::of(&path), 2).unwrap(), [7, 8]);
        assert_eq!(npz_labels(&Place::of(&named("y")), 2).unwrap(), [7, 8]);
        assert!(load(&named("z")).unwrap_err().contains("without an array `z`; it has x, y, x_test"));

        let path = archive(folder.path(), &[("images", x.clone())]);
        assert_eq!(load(&path).unwrap().labels, None);
        let path = archive(folder.path(), &[("a", x.clone()), ("b", x)]);
        assert!(load(&path).unwrap_err().contains("of several arrays, a, b: name one"));
        let path = archive(folder.path(), &[("x", array("3, 2", &[0; 6])), ("y", y)]);
        assert!(load(&path).unwrap_err().contains("a.npz:y: its shape is [2], wanted [3]"));
    }

    #[test]
    fn a_damaged_archive_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = archive(folder.path(), &[("x", array("2, 2", &[0, 1, 2, 3]))]);
        let bytes = std::fs::read(&path).unwrap();
        for len in 0..bytes.len() {
            std::fs::write(&path, &bytes[..len]).unwrap();
            assert!(load(&path).is_err(), "{len}");
        }
        // One bit of each byte: refused, or the four bytes that were written.
        let want = load_npz(&archive(folder.path(), &[("x", array("2, 2", &[0, 1, 2, 3]))]), &INPUT, 128).unwrap();
        for at in 0..bytes.len() {
            let mut bent = bytes.clone();
            bent[at] ^= 1;
            std::fs::write(&path, &bent).unwrap();
            assert!(load(&path).is_err() || load(&path).unwrap().inputs == want.inputs, "{at}");
        }
        assert!(load(&archive(folder.path(), &[])).unwrap_err().contains("without arrays"));
    }

    #[test]
    fn a_file_of_the_very_name_comes_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npz:b");
        assert_eq!(Place::of(&path).array.as_deref(), Some("b"));
        std::fs::write(&path, "").unwrap();
        assert_eq!(Place::of(&path), Place { file: path, array: None });
    }
}
