//! Compares with the software that people train with: makes the fixtures again, and runs published models side by side.

use std::fs;
use std::path::{Path, PathBuf};

use crate::shell::{self, Failure, workspace};

/// Fixtures: the script that makes them and their folder, from the workspace.
const FIXTURES: [(&str, &str); 5] = [
    ("tests/interop/tflite.py", "tools/convert/tests/fixtures/tflite"),
    ("tests/interop/fff.py", "tools/convert/tests/fixtures/fff"),
    ("tests/interop/onnx_graphs.py", "tools/convert/tests/fixtures/onnx"),
    ("tests/interop/difflogic_networks.py", "tools/convert/tests/fixtures/difflogic"),
    ("tests/interop/torchlogix_networks.py", "tools/convert/tests/fixtures/torchlogix"),
];

/// The source of difflogic, as its archive names it: it cannot be installed without CUDA. The script that makes its fixtures is given
/// the folder.
const DIFFLOGIC: &str = "difflogic-0.1.0";

/// Scripts that compare published models, which the repository does not ship.
const MODELS: [&str; 2] = ["tests/interop/tflite_models.py", "tests/interop/onnx_models.py"];

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
    let difflogic = difflogic(&folder, &python)?;
    for (script, committed) in FIXTURES {
        let committed = workspace().join(committed);
        let made = folder.join("fixtures");
        if made.exists() {
            fs::remove_dir_all(&made).map_err(|error| failed(&made, &error))?;
        }
        let to = if arguments.bless { &committed } else { &made };
        let to = to.display().to_string();
        let mut words = vec![python.as_str(), script, &to];
        if script.contains("difflogic") {
            words.push(&difflogic);
        }
        shell::run(&words)?;
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

/// The folder with the source of difflogic, downloaded and unpacked.
fn difflogic(folder: &Path, python: &str) -> Result<String, Failure> {
    let (source, to) = (folder.join(DIFFLOGIC), folder.display().to_string());
    if !source.is_dir() {
        let pinned = ["--require-hashes", "--requirement", "tests/interop/difflogic.txt"];
        let as_source = ["--no-binary", ":all:", "--no-deps", "--no-build-isolation", "--dest", &to];
        let words = [&[python, "-m", "pip", "download", "--quiet"][..], &pinned, &as_source].concat();
        // Its setup asks where CUDA is, and is content with any answer as long as nothing is built.
        shell::run_with(&words, &[("CUDA_HOME", "/nonexistent")])?;
        let archive = folder.join(format!("{DIFFLOGIC}.tar.gz")).display().to_string();
        shell::run(&[python, "-m", "tarfile", "--extract", &archive, &to])?;
    }
    Ok(source.display().to_string())
}

/// Real numbers of another machine's kernels may differ by this much, relative to 1 or to the number if it is larger.
const TOLERANCE: f64 = 1e-4;

/// The same files with the same bytes; of expected outputs the same numbers.
fn compare(committed: &Path, made: &Path) -> Result<(), Failure> {
    let hint = "`cargo xtask interop --bless` writes them anew";
    let (want, have) = (files(committed, Path::new(""))?, files(made, Path::new(""))?);
    if want != have {
        return Err(Failure::new(format!("{} holds {want:?}, the script made {have:?}; {hint}", committed.display())));
    }
    for name in &want {
        let read = |folder: &Path| fs::read(folder.join(name)).map_err(|error| failed(&folder.join(name), &error));
        let (want, have) = (read(committed)?, read(made)?);
        let is_json = name.extension().is_some_and(|extension| extension == "json");
        let is_same = || match (serde_json::from_slice(&want), serde_json::from_slice(&have)) {
            (Ok(want), Ok(have)) => is_json && is_near(&want, &have),
            _ => false,
        };
        if want != have && !is_same() {
            return Err(Failure::new(format!(
                "{} is not what the script makes; {hint}",
                committed.join(name).display()
            )));
        }
    }
    eprintln!("{}: {} files are what the script makes", committed.display(), want.len());
    Ok(())
}

/// The files of `folder` and of those in it, by their paths from there, sorted.
fn files(folder: &Path, inner: &Path) -> Result<Vec<PathBuf>, Failure> {
    let place = folder.join(inner);
    let mut names = Vec::new();
    for entry in fs::read_dir(&place).map_err(|error| failed(&place, &error))?.flatten() {
        let name = inner.join(entry.file_name());
        if entry.path().is_dir() { names.extend(files(folder, &name)?) } else { names.push(name) }
    }
    names.sort();
    Ok(names)
}

/// The same but for real numbers, which may differ a little.
fn is_near(want: &serde_json::Value, have: &serde_json::Value) -> bool {
    use serde_json::Value::{Array, Number, Object};
    match (want, have) {
        (Array(want), Array(have)) => {
            want.len() == have.len() && want.iter().zip(have).all(|(want, have)| is_near(want, have))
        }
        (Object(want), Object(have)) => {
            want.len() == have.len() && want.iter().zip(have).all(|(a, b)| a.0 == b.0 && is_near(a.1, b.1))
        }
        (Number(want), Number(have)) if want.is_f64() && have.is_f64() => {
            let (want, have) = (want.as_f64().unwrap_or(f64::NAN), have.as_f64().unwrap_or(f64::NAN));
            (want - have).abs() <= TOLERANCE * want.abs().max(1.0)
        }
        _ => want == have,
    }
}

fn failed(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format!("{}: {error}", path.display()))
}
