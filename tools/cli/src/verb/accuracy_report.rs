//! What `convert` says of how well an image does what the trained network does.

use leafgate_convert::Conversion;
use leafgate_convert::accuracy::{Accuracy, Difference, accuracy_with};
use leafgate_convert::data::Samples;
use leafgate_convert::layer_error::{LayerError, LayerErrors, layer_errors_with};
use serde::Serialize;

use crate::error::Failure;
use crate::output::{Lines, Talk, grouped, percent};
use crate::stages::Stages;

/// The report.
#[derive(Debug, Serialize)]
pub struct AccuracyReport {
    #[serde(flatten)]
    accuracy: Accuracy,
    /// `eval`, or `calibration` where no others were given.
    on: &'static str,
    /// Each layer on its own.
    layer_errors: LayerErrors,
    /// The layer that adds most noise to its outputs.
    weakest_layer: Option<String>,
}

impl AccuracyReport {
    /// Compares on samples that have classes; none if they have none.
    pub fn measure(
        conversion: &Conversion,
        samples: &Samples,
        on: &'static str,
        talk: Talk,
    ) -> Result<Option<Self>, Failure> {
        let Some(labels) = &samples.labels else { return Ok(None) };
        let mut stages = Stages::new(talk, "measuring accuracy");
        let mut show = |stage, done, total| stages.show(stage, done, total);
        let accuracy = accuracy_with(&conversion.graph, &conversion.image, &samples.inputs, labels, &mut show);
        let layer_errors = layer_errors_with(conversion, &samples.inputs, &mut show);
        stages.clear();
        let weakest_layer = layer_errors.weakest().map(|layer| layer.layer.clone());
        Ok(Some(Self { accuracy: accuracy?, on, layer_errors, weakest_layer }))
    }

    /// Adds what people read.
    pub fn describe(&self, labels: &[String], lines: &mut Lines) {
        let Accuracy { samples, float, integer, agreement, route_flips, usage, largest } = &self.accuracy;
        let of = if self.on == "calibration" { "calibration samples" } else { "samples" };
        let mut text = format!(
            "float {}, image {} on {} {of}; same class on {}",
            percent(*float),
            percent(*integer),
            grouped(*samples),
            percent(*agreement)
        );
        if let Some(flips) = route_flips {
            text += &format!("\nroutes differ from the float network's on {}", percent(*flips));
        }
        for (layer, counts) in usage {
            text += &format!("\nlayer `{layer}`: {}", describe_usage(counts));
        }
        lines.add("accuracy", text);
        let LayerErrors { samples, layers } = &self.layer_errors;
        if !layers.is_empty() {
            let mut text =
                format!("signal to noise on {} samples, of each layer alone, and up to there", grouped(*samples));
            layers.iter().for_each(|layer| text += &format!("\n{}", describe_layer(layer)));
            if let Some(weakest) = self.layer_errors.weakest() {
                text += &format!("\n`{}` loses most: {} alone", weakest.layer, decibels(weakest.own_snr_db));
            }
            lines.add("layers", text);
        }
        let farthest: Vec<String> = largest.iter().map(|difference| describe_difference(difference, labels)).collect();
        if !farthest.is_empty() {
            lines.add("farthest", farthest.join("\n"));
        }
    }
}

fn decibels(snr: Option<f64>) -> String {
    snr.map_or_else(|| "exact".into(), |snr| format!("{snr:.1} dB"))
}

fn describe_layer(layer: &LayerError) -> String {
    let LayerError { layer, outputs, snr_db, own_snr_db, max_error, at_lo, at_hi, clipped, bits_differ } = layer;
    if let Some(bits) = bits_differ {
        return format!("`{layer}`: {} of {} bits differ", grouped(*bits), grouped(*outputs));
    }
    let mut text = format!("`{layer}`: {}, {}; largest error {max_error:.4}", decibels(*own_snr_db), decibels(*snr_db));
    if at_lo + at_hi + clipped > 0 {
        let [lo, hi, clipped] = [at_lo, at_hi, clipped].map(|&count| grouped(count));
        text += &format!(
            "; of {} outputs {lo} at the lowest value, {hi} at the highest, {clipped} clipped",
            grouped(*outputs)
        );
    }
    text
}

fn describe_difference(difference: &Difference, labels: &[String]) -> String {
    let Difference { sample, label, float_class, image_class, output, float, image } = difference;
    let name = |class: usize| labels.get(class).cloned().unwrap_or_else(|| class.to_string());
    let wanted = label.map_or_else(String::new, |label| format!(" of class {}", name(label as usize)));
    format!(
        "sample {sample}{wanted}: output {output} is {image:.4}, float {float:.4}; image says {}, float {}",
        name(*image_class),
        name(*float_class)
    )
}

/// Counts per range, all of them if they are few.
fn describe_usage(counts: &[u64]) -> String {
    const SHOWN: usize = 16;
    if counts.len() <= SHOWN {
        let counts: Vec<String> = counts.iter().map(u64::to_string).collect();
        return format!("samples per range {}", counts.join(" "));
    }
    let reached = counts.iter().filter(|&&count| count > 0).count();
    let busiest = counts.iter().max().copied().unwrap_or(0);
    format!("{reached} of {} ranges reached, the busiest by {busiest} samples", counts.len())
}
