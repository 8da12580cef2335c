//! Hidden neurons in experts, of which a linear router chooses some.
//!
//! Sources: MoEfication (arXiv 2110.01786: balanced clusters of keys), CMoE (arXiv 2502.04416: co-activation, shared neurons, representative
//! neurons), Avg-K (arXiv 2305.13999: the mean key). The regression router is ours: it predicts each expert's contribution from the input by least
//! squares, which needs no training. Centred experts are ours too: an expert that is not chosen still gives its mean.

use leafgate_convert::ir::{GateWeight, Graph, Route};
use nalgebra::{DMatrix, RowDVector};

use super::bounded;
use crate::algebra::{descending, least_squares, means, narrow, with_ones};
use crate::cluster::balanced;
use crate::neurons::{Neurons, constant};
use crate::random::Random;
use crate::{CompressError, RouterKind, SplitKind, activations};

/// Figures of the pass.
pub struct Shape {
    pub experts: usize,
    pub active: usize,
    pub shared: usize,
}

/// Its choices.
pub struct Choices {
    pub split: SplitKind,
    pub router: RouterKind,
    pub centre: bool,
}

pub fn run(
    graph: &mut Graph,
    inputs: &[Vec<i8>],
    layer: &str,
    shape: &Shape,
    choices: &Choices,
    random: &mut Random,
) -> Result<String, CompressError> {
    let neurons = Neurons::of(graph, layer)?;
    let Shape { experts, active, shared } = *shape;
    let count = neurons.count();
    bounded("experts", experts, 2, count)?;
    bounded("shared", shared, 0, count - experts)?;
    bounded("active", active, 1, experts)?;
    let hidden = neurons.hidden(graph, inputs);
    let contributions = neurons.contributions(&hidden);
    let by_contribution = descending(&contributions);
    let (always, mut routed) = (by_contribution[..shared].to_vec(), by_contribution[shared..].to_vec());
    routed.sort_unstable();
    let members = split(&neurons, &hidden, &routed, experts, choices.split, random);

    let mut ranges = Vec::new();
    let (cols, mut base) = (neurons.keys.ncols(), RowDVector::from_row_slice(&neurons.value_bias));
    let averages = RowDVector::from_vec(means(&hidden));
    for (e, chosen) in members.iter().enumerate() {
        let mut range = neurons.range(format!("expert {e}"), chosen);
        if choices.centre {
            let mean = averages.select_columns(chosen) * neurons.values.select_rows(chosen);
            range.value_bias = mean.iter().map(|&mean| -mean as f32).collect();
            base += mean;
        }
        ranges.push(range);
    }
    let (weight, bias) = router(graph, inputs, &neurons, &hidden, &members, choices.router, random);
    let routes = vec![
        Route::Static { first: experts, count: 1 },
        Route::TopK { weight: narrow(&weight), bias, k: active, gate: GateWeight::One, first: 0 },
    ];
    let base: Vec<f32> = base.iter().map(|&bias| bias as f32).collect();
    let mut rest =
        if shared == 0 { constant("always", cols, base.clone()) } else { neurons.range("shared".into(), &always) };
    rest.value_bias = base;
    ranges.push(rest);
    neurons.into_ffn(graph, routes, ranges);
    Ok(format!(
        "{count} neurons of `{layer}` became {experts} experts of {} or so, {active} active, {shared} neurons shared",
        (count - shared) / experts
    ))
}

/// The neurons of each expert, in ascending order.
fn split(
    neurons: &Neurons,
    hidden: &DMatrix<f64>,
    routed: &[usize],
    experts: usize,
    kind: SplitKind,
    random: &mut Random,
) -> Vec<Vec<usize>> {
    let unit_rows = |mut matrix: DMatrix<f64>| {
        for mut row in matrix.row_iter_mut() {
            let norm = row.norm();
            if norm > 0.0 {
                row.scale_mut(1.0 / norm);
            }
        }
        matrix
    };
    let of = match kind {
        SplitKind::Keys => balanced(&unit_rows(neurons.keys.select_rows(routed)), experts, random),
        SplitKind::Coactivation => balanced(&unit_rows(hidden.select_columns(routed).transpose()), experts, random),
        SplitKind::Random => {
            let mut of = vec![0; routed.len()];
            random.order(routed.len()).into_iter().enumerate().for_each(|(place, i)| of[i] = place % experts);
            of
        }
    };
    let mut members = vec![Vec::new(); experts];
    of.iter().zip(routed).for_each(|(&e, &j)| members[e].push(j));
    members
}

/// Router rows `(E, C)` and biases.
fn router(
    graph: &Graph,
    inputs: &[Vec<i8>],
    neurons: &Neurons,
    hidden: &DMatrix<f64>,
    members: &[Vec<usize>],
    kind: RouterKind,
    random: &mut Random,
) -> (DMatrix<f64>, Vec<f32>) {
    let (experts, cols) = (members.len(), neurons.keys.ncols());
    let f32s = |numbers: Vec<f64>| numbers.into_iter().map(|number| number as f32).collect();
    match kind {
        RouterKind::Regression => {
            let x = with_ones(&activations::of(graph, neurons.input, inputs));
            // How much the output misses without the expert: the size of what it gives beside its mean.
            let mut worth = DMatrix::zeros(hidden.nrows(), experts);
            for (e, chosen) in members.iter().enumerate() {
                let given = hidden.select_columns(chosen) * neurons.values.select_rows(chosen);
                let mean = RowDVector::from_vec(means(&given));
                for (i, row) in given.row_iter().enumerate() {
                    worth[(i, e)] = (row - &mean).norm();
                }
            }
            match least_squares(&x, &worth) {
                Some(fitted) => {
                    (fitted.rows(0, cols).transpose(), fitted.row(cols).iter().map(|&bias| bias as f32).collect())
                }
                None => (DMatrix::zeros(experts, cols), vec![0.0; experts]),
            }
        }
        RouterKind::MeanKey => {
            let mean = |chosen: &Vec<usize>| neurons.keys.select_rows(chosen).row_mean();
            let rows: Vec<_> = members.iter().map(mean).collect();
            let bias =
                |chosen: &Vec<usize>| chosen.iter().map(|&j| neurons.key_bias[j]).sum::<f64>() / chosen.len() as f64;
            (DMatrix::from_rows(&rows), f32s(members.iter().map(bias).collect()))
        }
        RouterKind::Representative => {
            let nearest = |chosen: &Vec<usize>| {
                let mean = hidden.select_columns(chosen).column_mean();
                let distance = |&j: &usize| (hidden.column(j) - &mean).norm_squared();
                chosen.iter().copied().min_by(|a, b| distance(a).total_cmp(&distance(b))).unwrap_or(0)
            };
            let rows: Vec<usize> = members.iter().map(nearest).collect();
            (neurons.keys.select_rows(&rows), f32s(rows.iter().map(|&j| neurons.key_bias[j]).collect()))
        }
        RouterKind::Random => (DMatrix::from_fn(experts, cols, |_, _| random.normal()), vec![0.0; experts]),
    }
}
