//! Hidden neurons scaled to ranges of like size.
//!
//! `relu(s z) = s relu(z)` for `s > 0`, so key row and bias may be divided by `s_j` and the value row multiplied. With
//! `s_j = a_j^strength / w_j^(1 - strength)`, `a_j` the largest `|h_j|` over the samples and `w_j` the largest weight of the value row
//! (SmoothQuant, arXiv 2211.10438), neither side has outliers that cost all others their steps.

use leafgate_convert::ir::{Activation, Graph};

use crate::CompressError;
use crate::neurons::Neurons;

pub fn run(graph: &mut Graph, inputs: &[Vec<i8>], layer: &str, strength: f64) -> Result<String, CompressError> {
    if !(0.0..=1.0).contains(&strength) {
        return Err(CompressError::Figure { what: "strength", want: "0 to 1".into(), have: strength.to_string() });
    }
    let mut neurons = Neurons::of(graph, layer)?;
    if !matches!(neurons.activation, Activation::None | Activation::Relu) {
        return Err(CompressError::unfit(layer, "has an activation that scaling changes; it can be none or relu"));
    }
    let hidden = neurons.hidden(graph, inputs);
    let (mut least, mut most, mut scaled) = (f64::INFINITY, 0.0f64, 0);
    for j in 0..neurons.count() {
        let (a, w) = (hidden.column(j).amax(), neurons.values.row(j).amax());
        let s = a.powf(strength) / w.powf(1.0 - strength);
        // A neuron that is never active or never read has no size to bring in line.
        if !(s.is_normal() && a > 0.0 && w > 0.0) {
            continue;
        }
        neurons.keys.row_mut(j).scale_mut(1.0 / s);
        neurons.key_bias[j] /= s;
        neurons.values.row_mut(j).scale_mut(s);
        (least, most, scaled) = (least.min(s), most.max(s), scaled + 1);
    }
    let count = neurons.count();
    neurons.into_layers(graph);
    let by = if scaled == 0 { String::new() } else { format!(" by {least:.3} to {most:.3}") };
    Ok(format!("{scaled} of {count} neurons of `{layer}` scaled{by}"))
}
