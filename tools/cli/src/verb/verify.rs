//! `leafgate verify`: whether a device that knows a key would take an image.

use std::path::PathBuf;

use clap::Args;
use leafgate_update::signing::{PublicKey, hex};
use serde::Serialize;

use crate::error::Failure;
use crate::exit::Exit;
use crate::network::{Network, read_file, read_text};
use crate::output::{Done, Lines, Talk, grouped};

const EXAMPLES: &str = "\
Examples:
  leafgate verify digits.signed.leaf --key release.pub
  leafgate verify digits.signed.leaf --key release.pub --at-least 7";

/// Arguments of `verify`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The signed image
    image: PathBuf,
    /// The public key
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Refuse a lower version, as a device does that has confirmed this one
    #[arg(long, value_name = "N", default_value_t = 0)]
    at_least: u32,
}

#[derive(Serialize)]
struct Report {
    image: PathBuf,
    bytes: usize,
    model_version: u32,
    key: String,
}

/// Runs the verb.
pub fn run(arguments: &Arguments, talk: Talk) -> Result<Done, Failure> {
    let at = |failure: Failure| failure.at(&arguments.image);
    let text = read_text(&arguments.key)?;
    let key = PublicKey::from_pem(&text).map_err(|error| Failure::from(error).at(&arguments.key))?;
    let network = Network::read(&arguments.image)?;
    let bytes = read_file(&arguments.image)?;
    let model_version = key.verify(&bytes, network.image.len()).map_err(|error| at(error.into()))?;
    if model_version < arguments.at_least {
        return Err(at(Failure::new("E0314", Exit::Malformed, "the version is lower than one that was confirmed")
            .fact(format!("want {} or more, have {model_version}", arguments.at_least))
            .hint("sign it with a higher version: `leafgate sign --model-version N`")));
    }
    let report =
        Report { image: arguments.image.clone(), bytes: bytes.len(), model_version, key: hex(&key.to_bytes()) };
    Ok(talk.done("leafgate.verify/1", &report, || {
        let mut lines = Lines::default();
        lines.add("image", format!("{} ({} B)", report.image.display(), grouped(report.bytes)));
        lines.add("signature", "valid");
        lines.add("version", report.model_version.to_string());
        lines.add("key", &report.key);
        lines.render()
    }))
}
