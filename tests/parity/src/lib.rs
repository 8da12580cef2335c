//! The zoo as the parity tests see it: every image with the digits that it classifies.

pub mod prediction;

use std::path::PathBuf;

use leafgate_convert::data::{Samples, load_csv};
use leafgate_convert::host::{HostEngine, HostOutput, input_bytes};
use leafgate_convert::ir::InputSpec;
use leafgate_emulate::workspace_root;

/// Digits in the file that the repository ships.
pub const DIGITS: usize = 1797;

/// Networks of the zoo.
pub const NETWORKS: [&str; 3] = ["digits-fff", "digits-gates", "digits-moe"];

fn zoo() -> PathBuf {
    workspace_root().expect("tests run in the workspace").join("models/zoo")
}

/// Bytes of a network's image.
///
/// # Panics
/// If the file is missing: the zoo is part of the repository.
pub fn zoo_image(name: &str) -> Vec<u8> {
    let path = zoo().join(format!("{name}/{name}.leaf"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}; run `cargo xtask zoo`", path.display()))
}

/// All digits, as the networks of the zoo read them: `q` is the pixel.
///
/// # Panics
/// If the file is missing or damaged.
pub fn digits() -> Samples {
    let input = InputSpec { len: 64, scale: 1.0 / 16.0, zero_point: 0.0, min: 0, max: 16 };
    let samples = load_csv(&zoo().join("digits.csv.gz"), &input, 0).expect("the digits are readable");
    assert_eq!(samples.len(), DIGITS);
    samples
}

/// Samples as bytes of the input tensor.
pub fn as_bytes(samples: &Samples) -> Vec<Vec<u8>> {
    samples.inputs.iter().map(|input| input_bytes(input).to_vec()).collect()
}

/// What the engine on the host gives for every sample.
///
/// # Panics
/// If it refuses the image or a sample.
pub fn host_outputs(image: &[u8], samples: &[Vec<u8>]) -> Vec<HostOutput> {
    let mut outputs = Vec::new();
    let engine = HostEngine::new(image).expect("the engine takes the image");
    engine.run(samples, |_, output| outputs.push(output)).expect("the engine takes the samples");
    outputs
}
