//! Running other programs, visibly.

use std::fmt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// A chore could not be finished.
pub struct Failure {
    /// What went wrong and what to do.
    pub why: String,
    /// Exit code of the process.
    pub code: u8,
}

impl Failure {
    /// A failure with the general exit code 1.
    pub fn new(why: impl Into<String>) -> Self {
        Self { why: why.into(), code: 1 }
    }

    /// Something that has to be installed first: exit code 6.
    pub fn missing(why: impl Into<String>) -> Self {
        Self { why: why.into(), code: 6 }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

/// The folder that holds Cargo.toml and README.md.
pub fn workspace() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).map(PathBuf::from).unwrap_or(here)
}

/// A command in the workspace.
pub fn command(words: &[&str]) -> Command {
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).current_dir(workspace());
    command
}

/// Shows a command and runs it.
pub fn run(words: &[&str]) -> Result<(), Failure> {
    run_with(words, &[])
}

/// As [`run`], with environment variables.
pub fn run_with(words: &[&str], variables: &[(&str, &str)]) -> Result<(), Failure> {
    let prefix: String = variables.iter().map(|(key, value)| format!("{key}='{value}' ")).collect();
    eprintln!("$ {prefix}{}", words.join(" "));
    let status = command(words).envs(variables.iter().copied()).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Failure::new(format!("`{}` failed: {status}", words.join(" ")))),
        Err(error) => Err(Failure::missing(format!("`{}` could not be started: {error}", words[0]))),
    }
}

/// What a command prints, in English, if it succeeds; its errors are not shown.
pub fn output(words: &[&str]) -> Option<String> {
    let output = command(words).env("LC_ALL", "C").stderr(Stdio::null()).output().ok()?;
    if output.status.success() { String::from_utf8(output.stdout).ok() } else { None }
}
