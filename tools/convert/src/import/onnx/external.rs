//! Contents of tensors that stand in another file.
//!
//! A model names such a file by a path relative to its own folder, an offset and a length. A hostile one would name any file of the machine,
//! so what the path leads to, links resolved, must lie in the model's folder.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};

use sha2::{Digest, Sha256};

use super::schema::StringStringEntryProto;

/// Where a model may keep contents.
pub(super) struct Folder {
    /// None of bytes that are not from a file.
    place: Option<PathBuf>,
    /// Of all that was read.
    digest: Option<Sha256>,
}

impl Folder {
    /// The folder of a model that was read from `model`.
    pub(super) fn of(model: Option<&Path>) -> Self {
        let folder =
            model.map(|path| path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")));
        Self { place: folder.map(Path::to_owned), digest: None }
    }

    /// SHA-256 of what was read, in the order it was; none if nothing was.
    pub(super) fn digest(self) -> Option<Vec<u8>> {
        Some(self.digest?.finalize().to_vec())
    }

    /// Reads the `want` bytes that `entries` describe.
    pub(super) fn read(&mut self, entries: &[StringStringEntryProto], want: usize) -> Result<Vec<u8>, String> {
        let entry = |key: &str| entries.iter().find(|entry| entry.key == key).map(|entry| entry.value.as_str());
        let number = |key: &str| match entry(key) {
            None => Ok(None),
            Some(text) => text
                .parse::<u64>()
                .map(Some)
                .map_err(|_| format!("its {key} in another file is `{}`", super::file::cut(text))),
        };
        let location = entry("location").ok_or("it is in another file, which it does not name")?;
        let (offset, length) = (number("offset")?.unwrap_or(0), number("length")?);
        let shown = super::file::cut(location);
        let place = self
            .place
            .as_ref()
            .ok_or_else(|| format!("it is in another file, `{shown}`: give the model by its path"))?;
        let path = inside(place, location).map_err(|why| format!("it is in another file, `{shown}`, {why}"))?;
        if length.is_some_and(|length| length != want as u64) {
            return Err(format!("{} bytes in `{shown}`, wanted {want}", length.unwrap_or(0)));
        }
        let unread = |error: std::io::Error| format!("it is in another file, `{shown}`: {error}");
        let mut file = File::open(&path).map_err(unread)?;
        let metadata = file.metadata().map_err(unread)?;
        if !metadata.is_file() {
            return Err(format!("it is in `{shown}`, which is no regular file"));
        }
        if offset.checked_add(want as u64).is_none_or(|end| end > metadata.len()) {
            return Err(format!("{want} bytes from byte {offset} of `{shown}`, which has {}", metadata.len()));
        }
        let mut bytes = vec![0; want];
        file.seek(SeekFrom::Start(offset)).and_then(|_| file.read_exact(&mut bytes)).map_err(unread)?;
        self.digest.get_or_insert_default().update(&bytes);
        Ok(bytes)
    }
}

/// The file `location` of `folder`, links resolved.
fn inside(folder: &Path, location: &str) -> Result<PathBuf, String> {
    let outside = "which is outside of the model's folder";
    let relative = Path::new(location);
    if !relative.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)) {
        return Err(outside.into());
    }
    let resolve = |path: &Path| path.canonicalize().map_err(|error| format!("which cannot be read: {error}"));
    let (folder, path) = (resolve(folder)?, resolve(&folder.join(relative))?);
    if path.starts_with(&folder) { Ok(path) } else { Err(outside.into()) }
}
