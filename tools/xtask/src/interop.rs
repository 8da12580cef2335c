//! Compares with the software that people train with: makes the fixtures again, and runs published models side by side.

use std::fs;
use std::path::{Path, PathBuf};

use crate::shell::{self, Failure, workspace};

/// Fixtures: the script that makes them and their folder, from the workspace.
const FIXTURES: [(&str, &str); 2] = [
    ("tests/interop/tflite.py", "tools/convert/tests/fixtures/tflite"),
    ("tests/interop/fff.py", "tools/convert/tests/fixtures/fff"),
];

/// Scripts that compare published models, which the repository does not ship.
const MODELS: [&str; 1] = ["tests/interop/tflite_models.py"];

/// Options of `cargo xtask interop`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Write the fixtures instead of comparing them.
    #[arg(long)]
    bless: bool,
}

/// Installs the packages in a virtual environment, makes every fixture again and compares.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let folder = workspace().join("target/interop");
    let python = environment(&folder)?;
    for (script, committed) in FIXTURES {
        let committed = workspace().join(committed);
        let made = folder.join("fixtures");
        if made.exists() {
            fs::remove_dir_all(&made).map_err(|error| failed(&made, &error))?;
        }
        let to = if arguments.bless { &committed } else { &made };
        shell::run(&[&python, script, &to.display().to_string()])?;
        if !arguments.bless {
            compare(&committed, &made)?;
        }
    }
    let data = std::env::var("LEAFGATE_DATA").map(PathBuf::from).unwrap_or_else(|_| workspace().join("../shared/data"));
    if !data.join("mlperf_tiny").is_dir() {
        eprintln!("SKIPPED: published models: LEAFGATE_DATA does not name the folder that holds them");
        return Ok(());
    }
    shell::run(&["cargo", "build", "--quiet", "--locked", "--package", "leafgate-cli"])?;
    let target = std::env::var("CARGO_TARGET_DIR").map(PathBuf::from).unwrap_or_else(|_| workspace().join("target"));
    let leafgate = target.join("debug/leafgate").display().to_string();
    MODELS.iter().try_for_each(|script| shell::run(&[&python, script, &leafgate, &data.display().to_string()]))
}

/// A virtual environment with the pinned packages; gives its Python.
fn environment(folder: &Path) -> Result<String, Failure> {
    let venv = folder.join("venv");
    let python = venv.join("bin/python").display().to_string();
    if !Path::new(&python).exists() {
        shell::run(&["python3", "-m", "venv", &venv.display().to_string()])?;
    }
    shell::run(&[&python, "-m", "pip", "install", "--quiet", "--requirement", "tests/interop/requirements.txt"])?;
    Ok(python)
}

/// The same files with the same bytes.
fn compare(committed: &Path, made: &Path) -> Result<(), Failure> {
    let names = |folder: &Path| -> Result<Vec<PathBuf>, Failure> {
        let entries = fs::read_dir(folder).map_err(|error| failed(folder, &error))?;
        let mut names: Vec<PathBuf> = entries.flatten().map(|entry| PathBuf::from(entry.file_name())).collect();
        names.sort();
        Ok(names)
    };
    let hint = "`cargo xtask interop --bless` writes them anew";
    let (want, have) = (names(committed)?, names(made)?);
    if want != have {
        return Err(Failure::new(format!("{} holds {want:?}, the script made {have:?}; {hint}", committed.display())));
    }
    for name in &want {
        let read = |folder: &Path| fs::read(folder.join(name)).map_err(|error| failed(&folder.join(name), &error));
        if read(committed)? != read(made)? {
            return Err(Failure::new(format!(
                "{} is not what the script makes; {hint}",
                committed.join(name).display()
            )));
        }
    }
    eprintln!("{}: {} files are what the script makes", committed.display(), want.len());
    Ok(())
}

fn failed(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format!("{}: {error}", path.display()))
}
