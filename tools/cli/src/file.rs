//! Output files, whole or not at all.
//!
//! The bytes go to a temporary file beside the target, are flushed to the disk, and are renamed over it: a full disk, a
//! pulled plug or Ctrl-C leaves the old file or the new one. Ctrl-C and SIGTERM wait for a write under way, so that no
//! temporary file stays behind either.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::Failure;
use crate::exit::Exit;

/// Held while a file is written.
static WRITING: Mutex<()> = Mutex::new(());

/// 128 + SIGINT: what shells expect of an interrupted command.
const INTERRUPTED: i32 = 130;

/// Whether work under way ends by itself when [`STOP`] says so.
static STEPS: AtomicBool = AtomicBool::new(false);
/// Whether an interrupt came.
static STOP: AtomicBool = AtomicBool::new(false);

/// Makes the first interrupt raise the flag that this gives, for work that looks at it and ends in good order; the second
/// ends the process.
#[cfg(feature = "train")]
pub fn stop_between_steps() -> &'static AtomicBool {
    STEPS.store(true, Ordering::Relaxed);
    &STOP
}

/// Keeps interrupts away from files under way while the guard lives.
pub fn writing() -> MutexGuard<'static, ()> {
    WRITING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes interrupts end the process between writes, never in one.
pub fn finish_writes_on_interrupt() {
    // Only fails if a handler is set already; then that one is as good.
    let _ = ctrlc::set_handler(|| {
        // Asked for twice, the end comes at once.
        if STEPS.load(Ordering::Relaxed) && !STOP.swap(true, Ordering::Relaxed) {
            return;
        }
        let _between_writes = writing();
        std::process::exit(INTERRUPTED);
    });
}

/// A file to be written, its path checked before the work that makes its content.
#[derive(Clone, Debug)]
pub struct Target {
    /// As the user named it.
    shown: PathBuf,
    path: PathBuf,
    folder: PathBuf,
}

impl Target {
    /// Checks that a file can be made at `path`, and that it is none of the `inputs`.
    pub fn new(path: &Path, inputs: &[&Path]) -> Result<Self, Failure> {
        let shown = path.to_owned();
        // A link is followed: what it names is replaced, not the link.
        let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let folder = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        let not_a_file = |message: &str| {
            let hint = "name a file: `-o FOLDER/NAME`";
            Err(Failure::new("E0402", Exit::Input, message).at(&shown).hint(hint))
        };
        match std::fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => return not_a_file("the output is a folder"),
            Ok(metadata) if !metadata.is_file() => return not_a_file("the output is no regular file"),
            _ => {}
        }
        let Some(name) = path.file_name() else { return not_a_file("the output names no file") };
        let folder = std::fs::canonicalize(folder).map_err(|error| refused(&shown, &error))?;
        // A file without a name, gone when closed: the folder may be written.
        tempfile::tempfile_in(&folder).map_err(|error| refused(&shown, &error))?;
        let target = Self { path: folder.join(name), folder, shown };
        for input in inputs {
            if std::fs::canonicalize(input).is_ok_and(|input| input == target.path) {
                return Err(target.named_twice("the output is one of the inputs"));
            }
        }
        Ok(target)
    }

    /// Checks that another output is another file.
    pub fn differs_from(&self, other: &Self) -> Result<(), Failure> {
        if self.path == other.path { Err(self.named_twice("two outputs are the same file")) } else { Ok(()) }
    }

    fn named_twice(&self, message: &str) -> Failure {
        Failure::new("E0403", Exit::Usage, message).at(&self.shown).hint("name another file")
    }

    /// Writes the file.
    pub fn write(&self, bytes: &[u8]) -> Result<(), Failure> {
        let _guard = writing();
        let refused = |error: std::io::Error| refused(&self.shown, &error);
        let mut builder = tempfile::Builder::new();
        builder.prefix(".leafgate-");
        #[cfg(unix)]
        {
            // As for any new file: the umask decides.
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        let mut file = builder.tempfile_in(&self.folder).map_err(refused)?;
        file.write_all(bytes).and_then(|()| file.as_file().sync_all()).map_err(refused)?;
        file.persist(&self.path).map_err(|error| refused(error.error))?;
        Ok(())
    }

    /// Where it will be.
    #[cfg(feature = "train")]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn refused(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new("E0401", Exit::Input, format!("cannot write the output: {error}"))
        .at(path)
        .hint("check that the folder exists, may be written and has room; nothing was changed")
}

#[cfg(test)]
mod tests {
    use super::Target;

    #[test]
    fn a_file_is_replaced_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        for content in ["a long first version", "short"] {
            Target::new(&path, &[]).unwrap().write(content.as_bytes()).unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), content);
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn paths_that_cannot_be_written_are_refused_early() {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("in");
        std::fs::write(&input, "x").unwrap();
        assert_eq!(Target::new(folder.path(), &[]).unwrap_err().code, "E0402");
        assert_eq!(Target::new(&folder.path().join("no/such"), &[]).unwrap_err().code, "E0401");
        assert_eq!(Target::new(&input, &[&input]).unwrap_err().code, "E0403");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real"), folder.path().join("link"));
        std::fs::write(&real, "old").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        Target::new(&link, &[]).unwrap().write(b"new").unwrap();
        assert_eq!(std::fs::read_to_string(&real).unwrap(), "new");
        assert!(link.is_symlink());
    }
}
