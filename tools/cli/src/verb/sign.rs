//! `leafgate sign`: a signature behind an image.

use std::path::PathBuf;

use clap::Args;
use leafgate_update::signing::{PrivateKey, hex};
use serde::Serialize;

use crate::error::Failure;
use crate::file::Target;
use crate::network::{Network, read_text};
use crate::output::{Done, Lines, Talk, grouped};

const EXAMPLES: &str = "\
Examples:
  leafgate keygen release
  leafgate sign digits.leaf --key release.key --model-version 7 -o digits.signed.leaf
  leafgate verify digits.signed.leaf --key release.pub";

/// Arguments of `sign`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The image; a signature that it bears is replaced
    image: PathBuf,
    /// The private key
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The model's version: devices take none that is lower than one they have confirmed
    #[arg(long, value_name = "N")]
    model_version: u32,
    /// The signed image to write
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

#[derive(Serialize)]
struct Report {
    output: PathBuf,
    bytes: usize,
    model_version: u32,
    key: String,
}

/// Runs the verb.
pub fn run(arguments: &Arguments, talk: Talk) -> Result<Done, Failure> {
    let target = Target::new(&arguments.output, &[&arguments.key])?;
    let text = read_text(&arguments.key)?;
    let key = PrivateKey::from_pem(&text).map_err(|error| Failure::from(error).at(&arguments.key))?;
    let network = Network::read(&arguments.image)?;
    let signed = key.sign(&network.image, arguments.model_version);
    target.write(&signed)?;
    let report = Report {
        output: arguments.output.clone(),
        bytes: signed.len(),
        model_version: arguments.model_version,
        key: hex(&key.public().to_bytes()),
    };
    Ok(talk.done("leafgate.sign/1", &report, || {
        let mut lines = Lines::default();
        lines.add("signed", format!("{} ({} B)", report.output.display(), grouped(report.bytes)));
        lines.add("version", report.model_version.to_string());
        lines.add("key", &report.key);
        lines.render()
    }))
}
