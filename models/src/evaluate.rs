//! Accuracy, loss and usage of a network on some rows, decided hard as on the device.

use burn::tensor::{Device, Tensor};

use crate::arch::{Decisions, Network, indices, tensor};
use crate::data::Rows;
use crate::loss::cross_entropy;
use crate::recipe::Recipe;
use crate::summary::Evaluation;

/// Rows per pass: enough to keep the matrix products busy, few enough to stay in cache.
const BATCH: usize = 256;

/// Evaluates `network`, which lives on `device` without a tape, on all of `rows`.
pub(crate) fn evaluate(network: &Network, rows: &Rows, recipe: &Recipe, device: &Device) -> Result<Evaluation, String> {
    let (mut correct, mut always_correct, mut entropy) = (0, None, 0.0);
    let mut usage: Vec<usize> = Vec::new();
    for start in (0..rows.len()).step_by(BATCH) {
        let batch = start..rows.len().min(start + BATCH);
        let labels: Vec<usize> = batch.clone().map(|row| rows.label(row)).collect();
        let values = batch.flat_map(|row| rows.features(row)).map(|&q| f32::from(q)).collect();
        let pass = network.pass(real_inputs(values, recipe, device), Decisions::Hard, None)?;
        correct += count_correct(pass.scores.clone(), &labels)?;
        if let Some(always) = pass.always {
            *always_correct.get_or_insert(0) += count_correct(always, &labels)?;
        }
        if let Some(load) = pass.load {
            let counts = read(load.picks.sum_dim(0))?;
            usage.resize(counts.len(), 0);
            usage.iter_mut().zip(counts).for_each(|(total, count)| *total += count as usize);
        }
        let loss = cross_entropy(pass.scores, indices(&labels, device), 0.0);
        entropy += f64::from(read(loss)?[0]) * labels.len() as f64;
    }
    let rows = rows.len();
    let (accuracy, cross_entropy) = (correct as f64 / rows as f64, entropy / rows as f64);
    Ok(Evaluation { rows, correct, accuracy, cross_entropy, usage, always_correct })
}

/// `(rows, features)` real inputs from the values `q` of whole rows.
pub(crate) fn real_inputs(mut values: Vec<f32>, recipe: &Recipe, device: &Device) -> Tensor<2> {
    values.iter_mut().for_each(|q| *q = recipe.input.scale * (*q - recipe.input.zero_point));
    let features = recipe.data.features;
    let rows = values.len() / features;
    tensor(values, [rows, features], device)
}

/// Rows whose largest score is that of their label; ties go to the lowest class, as on the device.
fn count_correct(scores: Tensor<2>, labels: &[usize]) -> Result<usize, String> {
    let [_, classes] = scores.dims();
    let scores = read(scores)?;
    let argmax = |row: &[f32]| (1..classes).fold(0, |best, class| if row[class] > row[best] { class } else { best });
    Ok(scores.chunks_exact(classes).zip(labels).filter(|(row, label)| argmax(row) == **label).count())
}

/// The values of a tensor.
pub(crate) fn read<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, String> {
    tensor.try_into_vec_as::<f32>().map_err(|error| error.to_string())
}
