//! `leafgate run`: the engine on the host, on samples.

use std::path::PathBuf;

use clap::Args;
use leafgate_convert::host::HostEngine;
use serde::Serialize;

use crate::error::Failure;
use crate::network::{Network, Summary};
use crate::output::{Done, Talk, grouped, percent, table};
use crate::samples::{FORMS, SampleOptions};

const EXAMPLES: &str = "\
Examples:
  leafgate run digits.leaf --input test.csv.gz --limit 10
  leafgate run xor.leaf --value 0,1
  leafgate run mnist.leaf --input t10k-images.idx.gz --labels-file t10k-labels.idx.gz --format json";

/// Arguments of `run`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{FORMS}"))]
pub struct Arguments {
    /// The image
    image: PathBuf,
    /// Samples to run
    #[arg(long, value_name = "FILE", required_unless_present = "value", conflicts_with = "value")]
    input: Option<PathBuf>,
    /// One sample, its values separated by commas
    #[arg(long, value_name = "V,V,..", allow_hyphen_values = true)]
    value: Option<String>,
    #[command(flatten)]
    sample_options: SampleOptions,
    /// Run only the first samples
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

#[derive(Serialize)]
struct Report<'n> {
    #[serde(flatten)]
    image: Summary<'n>,
    samples: Vec<Sample<'n>>,
    /// Of all samples, if their classes are known.
    correct: Option<usize>,
    accuracy: Option<f64>,
}

#[derive(Serialize)]
struct Sample<'n> {
    index: usize,
    /// What the image reads out, or else the largest output.
    class: usize,
    label: Option<&'n str>,
    wanted: Option<u32>,
    /// Output values as on the device.
    values: Vec<i32>,
    /// The same as real numbers.
    scores: Vec<f64>,
    crc32: u32,
}

/// Runs the verb.
pub fn run(arguments: &Arguments, talk: Talk) -> Result<Done, Failure> {
    let network = Network::read(&arguments.image)?;
    let options = &arguments.sample_options;
    let (mut inputs, mut labels) = match (&arguments.input, &arguments.value) {
        (Some(path), _) => {
            let samples = options.load(path, &network.input, network.outputs, &network.labels)?;
            (samples.inputs, samples.labels)
        }
        (None, Some(text)) => (vec![options.parse(text, &network.input)?], None),
        (None, None) => return Err(Failure::usage("give --input FILE or --value V,V,..")),
    };
    let limit = arguments.limit.unwrap_or(usize::MAX);
    inputs.truncate(limit);
    labels.iter_mut().for_each(|labels| labels.truncate(limit));

    let bytes: Vec<Vec<u8>> = inputs.iter().map(|input| network.bytes_of(input)).collect();
    let bar = talk.bar("running", bytes.len() as u64);
    let mut samples = Vec::with_capacity(bytes.len());
    let ran = HostEngine::new(&network.image)?.run(&bytes, |index, output| {
        bar.inc(1);
        // The first of several largest values, as the image would read it.
        let largest = (0..output.values.len()).rev().max_by_key(|&i| output.values[i]);
        let class = output.class().or(largest).unwrap_or(0);
        samples.push(Sample {
            index,
            class,
            label: network.label(class),
            wanted: labels.as_ref().and_then(|labels| labels.get(index)).copied(),
            scores: output.values.iter().map(|&value| network.real(value)).collect(),
            values: output.values,
            crc32: output.crc32,
        });
    });
    bar.finish_and_clear();
    ran.map_err(|error| Failure::from(error).at(&arguments.image))?;

    let correct = labels.map(|_| samples.iter().filter(|sample| sample.wanted == Some(sample.class as u32)).count());
    let accuracy = correct.filter(|_| !samples.is_empty()).map(|correct| correct as f64 / samples.len() as f64);
    let report = Report { image: network.summary(), samples, correct, accuracy };
    Ok(talk.done("leafgate.run/1", &report, || human(&report)))
}

/// Scores shown of a sample; all are in the JSON.
const SHOWN: usize = 10;

fn human(report: &Report<'_>) -> String {
    let rows = report.samples.iter().map(|sample| {
        let mut scores: Vec<String> = sample.scores.iter().take(SHOWN).map(|score| format!("{score:.3}")).collect();
        if sample.scores.len() > SHOWN {
            scores.push("..".into());
        }
        let verdict = match sample.wanted {
            Some(wanted) if wanted as usize == sample.class => "right".into(),
            Some(wanted) => format!("wanted {wanted}"),
            None => String::new(),
        };
        let label = sample.label.unwrap_or("").to_owned();
        vec![sample.index.to_string(), sample.class.to_string(), label, verdict, scores.join(" ")]
    });
    let mut text = table(&[">sample", ">class", "label", "", "scores"], rows);
    if let (Some(correct), Some(accuracy)) = (report.correct, report.accuracy) {
        let (correct, samples) = (grouped(correct), grouped(report.samples.len()));
        text += &format!("\naccuracy {} ({correct} of {samples})\n", percent(accuracy));
    }
    text
}
