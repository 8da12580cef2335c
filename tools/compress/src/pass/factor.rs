//! A dense layer as the product of two thin ones.
//!
//! `W ~ L R` by singular values: of `W` itself, or of `W D` with `D` the root mean square of each input, so that what meets large inputs
//! is kept better (AWSVD of LoRAP, arXiv 2404.09695); then `R` takes `D^-1`. The singular values are shared between both factors by
//! their roots.

use leafgate_convert::ir::{Activation, Graph, Node, Op, Value, ValueId, ValueKind};
use nalgebra::DMatrix;

use super::bounded;
use crate::algebra::{descending, narrow, wide};
use crate::neurons::find;
use crate::random::Random;
use crate::{CompressError, FactorMethod, activations};

pub fn run(
    graph: &mut Graph,
    inputs: &[Vec<i8>],
    layer: &str,
    rank: usize,
    method: FactorMethod,
    random: &mut Random,
) -> Result<String, CompressError> {
    let index = find(graph, layer)?;
    let node = graph.nodes[index].clone();
    let Op::Linear { weight, bias, activation } = node.op else {
        return Err(CompressError::unfit(layer, "is not dense"));
    };
    let (rows, cols) = (weight.rows, weight.cols);
    bounded("rank", rank, 1, rows.min(cols))?;
    let weight = wide(&weight);
    let (left, right) = match method {
        FactorMethod::Plain => by_singular_values(&weight, &vec![1.0; cols], rank),
        FactorMethod::Weighted => {
            let x = activations::of(graph, node.input, inputs);
            let root_mean_square = |column: usize| (x.column(column).norm_squared() / x.nrows().max(1) as f64).sqrt();
            let sizes: Vec<f64> = (0..cols).map(root_mean_square).collect();
            // An input that is never anything but zero would otherwise be lost for good.
            let floor = sizes.iter().copied().fold(0.0, f64::max) * 1e-3;
            let sizes: Vec<f64> = sizes.iter().map(|size| size.max(floor).max(f64::MIN_POSITIVE)).collect();
            by_singular_values(&weight, &sizes, rank)
        }
        FactorMethod::Random => {
            let right = DMatrix::from_fn(cols, rank, |_, _| random.normal()).qr().q().transpose();
            (&weight * right.transpose(), right)
        }
    };
    let between = ValueId(graph.values.len());
    let name = format!("{layer}.rank");
    graph.values.push(Value { name: name.clone(), len: rank, kind: ValueKind::Real });
    let thin = Op::Linear { weight: narrow(&right), bias: vec![0.0; rank], activation: Activation::None };
    graph.nodes[index].input = between;
    graph.nodes[index].op = Op::Linear { weight: narrow(&left), bias, activation };
    graph.nodes.insert(index, Node { name, op: thin, input: node.input, output: between });
    let (before, after) = (rows * cols, rank * (rows + cols));
    Ok(format!("`{layer}` {rows}x{cols} through {rank}: {before} weights became {after}"))
}

/// `(L, R)` with `L R ~ W`, `sizes` being those of the inputs.
fn by_singular_values(weight: &DMatrix<f64>, sizes: &[f64], rank: usize) -> (DMatrix<f64>, DMatrix<f64>) {
    let mut scaled = weight.clone();
    for (c, size) in sizes.iter().enumerate() {
        scaled.column_mut(c).scale_mut(*size);
    }
    let svd = scaled.svd(true, true);
    let (Some(u), Some(v)) = (svd.u, svd.v_t) else { unreachable!("both sides were asked for") };
    let largest = descending(svd.singular_values.as_slice());
    let largest = &largest[..rank];
    let (mut left, mut right) = (u.select_columns(largest), v.select_rows(largest));
    for (k, &s) in largest.iter().enumerate() {
        let root = svd.singular_values[s].max(0.0).sqrt();
        left.column_mut(k).scale_mut(root);
        right.row_mut(k).scale_mut(root);
    }
    for (c, size) in sizes.iter().enumerate() {
        right.column_mut(c).scale_mut(1.0 / size);
    }
    (left, right)
}
