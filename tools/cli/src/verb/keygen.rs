//! `leafgate keygen`: a pair of keys.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use leafgate_update::signing::{PrivateKey, hex};
use serde::Serialize;

use crate::error::Failure;
use crate::exit::Exit;
use crate::file::writing;
use crate::output::{Done, Lines, Talk};

const EXAMPLES: &str = "\
Examples:
  leafgate keygen release
  leafgate sign digits.leaf --key release.key --model-version 7 -o digits.signed.leaf";

/// Arguments of `keygen`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Name of the pair: NAME.key is to be kept secret, NAME.pub goes to whoever verifies
    name: PathBuf,
}

#[derive(Serialize)]
struct Report {
    private_key: PathBuf,
    public_key: PathBuf,
    /// For firmware.
    public_bytes: String,
}

/// Runs the verb. A file that is there is never replaced: with the key the devices in the field would be lost.
pub fn run(arguments: &Arguments, talk: Talk) -> Result<Done, Failure> {
    let with = |suffix: &str| {
        let mut name = arguments.name.clone().into_os_string();
        name.push(suffix);
        PathBuf::from(name)
    };
    let (private_key, public_key) = (with(".key"), with(".pub"));
    if let Some(path) = [&private_key, &public_key].into_iter().find(|path| path.symlink_metadata().is_ok()) {
        return Err(exists(path));
    }
    let key = PrivateKey::generate()?;
    let _guard = writing();
    create(&private_key, &key.to_pem()?, 0o600)?;
    if let Err(failure) = key.public().to_pem().map_err(Failure::from).and_then(|pem| create(&public_key, &pem, 0o644))
    {
        // Half a pair is none.
        let _ = std::fs::remove_file(&private_key);
        return Err(failure);
    }
    let bytes = key.public().to_bytes();
    let report = Report { private_key, public_key, public_bytes: hex(&bytes) };
    Ok(talk.done("leafgate.keygen/1", &report, || {
        let mut lines = Lines::default();
        lines.add("private key", format!("{} (keep it secret, and keep a copy)", report.private_key.display()));
        lines.add("public key", report.public_key.display().to_string());
        let rust: Vec<String> = bytes.iter().map(|byte| format!("{byte:#04x}")).collect();
        lines.add("in firmware", format!("const KEY: [u8; 32] = [{}];", rust.join(", ")));
        lines.render()
    }))
}

fn exists(path: &Path) -> Failure {
    Failure::new("E0310", Exit::Input, "the key file exists already, and is not replaced")
        .at(path)
        .hint("choose another name; devices that know the old key take nothing that is signed with a new one")
}

/// Writes a new file that only its owner may read if `mode` says so.
fn create(path: &Path, text: &str, mode: u32) -> Result<(), Failure> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    let mut file = options.open(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => exists(path),
        _ => unwritable(path, &error),
    })?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    written.map_err(|error| {
        let _ = std::fs::remove_file(path);
        unwritable(path, &error)
    })
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new("E0401", Exit::Input, format!("cannot write the output: {error}"))
        .at(path)
        .hint("check that the folder exists, may be written and has room")
}
