//! The images of the zoo, from their weights.

use crate::shell::{self, Failure, workspace};

/// Networks of the zoo.
pub const NETWORKS: [&str; 3] = ["digits-fff", "digits-gates", "digits-moe"];

/// Options of `cargo xtask zoo`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Training digits to calibrate on (`optdigits.tra` of the UCI data set). Without it the saved ranges are used, which gives the
    /// committed images again, to the byte.
    #[arg(long, value_name = "CSV")]
    calibrate: Option<String>,
}

/// Converts every network in place.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    for name in NETWORKS {
        convert(name, &format!("models/zoo/{name}/{name}.leaf"), arguments.calibrate.as_deref())?;
    }
    Ok(())
}

/// Converts the weights of `name` to an image at `to`, both relative to the workspace.
pub fn convert(name: &str, to: &str, calibrate: Option<&str>) -> Result<(), Failure> {
    let folder = format!("models/zoo/{name}");
    let (weights, table) = (format!("{folder}/weights.safetensors"), format!("{folder}/calibration.json"));
    if !workspace().join(&weights).is_file() {
        return Err(Failure::new(format!("{weights} is missing: it is part of the repository")));
    }
    let leafgate = ["cargo", "run", "--quiet", "--locked", "--package", "leafgate-cli", "--"];
    let mut words = [leafgate.as_slice(), &["convert", &weights, "--output", to]].concat();
    match calibrate {
        Some(data) => words.extend(["--calib", data, "--save-calibration", &table]),
        None => words.extend(["--calibration", &table]),
    }
    shell::run(&words)
}
