//! Dense layers: one scale a row where the output is requantised row by row, one for all rows where rows are compared.

use super::integer::{Dtype, IntMap, IntOp, LowBit, LowBitLayout, TensorId};
use super::low_bit::{effective, fit};
use super::number::{bias_i32, peak, requant, weight_scale, weights_i8};
use super::weights::{LayerWeights, WeightFormat};
use super::{Quantizer, activation_table};
use crate::ConvertError;
use crate::ir::{Activation, Matrix, Node};

/// A matrix in integers.
struct Rows {
    weights: Vec<i8>,
    low_bit: Option<LowBit>,
    /// Real value of one, by row.
    steps: Vec<f64>,
    /// The weights with their scales.
    effective: Vec<i32>,
}

impl Rows {
    /// Rows with a scale each, or with one for all of them. A scale is so coarse that the bias has room.
    fn of(weight: &Matrix, bias: &[f32], format: WeightFormat, input_scale: f64, one_scale: bool) -> Self {
        let cols = weight.cols;
        let widest = bias.iter().fold(0.0, |widest: f64, b| widest.max(f64::from(b.abs())));
        let parts: Vec<(&[f32], f64)> = if one_scale {
            vec![(&weight.data, widest)]
        } else {
            (0..weight.rows).map(|r| (weight.row(r), bias[r].into())).collect()
        };
        let (mut weights, mut scales, mut steps) = (Vec::new(), Vec::new(), Vec::new());
        for (rows, bias) in parts {
            let step = if format == WeightFormat::W8 {
                let step = weight_scale(peak(rows), bias, input_scale);
                weights.extend(weights_i8(rows, step));
                step
            } else {
                let fit = fit(rows, cols, format, weight_scale(0.0, bias, input_scale));
                weights.extend(fit.weights);
                scales.extend(fit.scales);
                fit.step
            };
            steps.extend(vec![step; if one_scale { weight.rows } else { 1 }]);
        }
        let effective = effective(&weights, cols, &scales);
        let bits = match format {
            WeightFormat::W8 => 8,
            WeightFormat::W4 | WeightFormat::W4Groups => 4,
            WeightFormat::T2 | WeightFormat::T2Groups => 2,
        };
        let low_bit = (bits < 8).then_some(LowBit { bits, scales, layout: LowBitLayout::default() });
        Self { weights, low_bit, steps, effective }
    }

    /// Biases in units of the accumulator, with the input's zero point folded in.
    fn bias(&self, place: &str, bias: &[f32], input_scale: f64, zero_point: f64) -> Result<Vec<i32>, ConvertError> {
        let cols = self.effective.len().checked_div(bias.len()).unwrap_or(0);
        let row = |(r, &b): (usize, &f32)| {
            let sum: i64 = self.effective[r * cols..(r + 1) * cols].iter().map(|&w| i64::from(w)).sum();
            bias_i32(place, r, (f64::from(b) / (self.steps[r] * input_scale) - zero_point * sum as f64).round())
        };
        bias.iter().enumerate().map(row).collect()
    }

    /// The weights as real numbers.
    fn reals(&self) -> impl Iterator<Item = f64> + '_ {
        let cols = self.effective.len().checked_div(self.steps.len()).unwrap_or(0).max(1);
        self.effective.iter().enumerate().map(move |(i, &w)| self.steps[i / cols] * f64::from(w))
    }
}

impl Quantizer<'_> {
    pub(super) fn linear(
        &mut self,
        node: &Node,
        weight: &Matrix,
        bias: &[f32],
        activation: Activation,
    ) -> Result<(), ConvertError> {
        let input = self.source(node, node.input, Dtype::I8)?;
        let x = self.out.tensor(input).clone();
        let name = &self.graph.value(node.output).name;
        let raw = self.is_raw(node.output) && activation == Activation::None;
        let format = self.weights.of(&node.name);
        let rows = Rows::of(weight, bias, format, x.scale, raw);
        self.dense.push(LayerWeights::compare(&node.name, format, &weight.data, rows.reals()));
        let bias = rows.bias(&node.name, bias, x.scale, x.zero_point)?;
        if raw {
            let scale = rows.steps.first().copied().unwrap_or(1.0);
            let output = self.new_i32(name.clone(), weight.rows, scale * x.scale);
            self.tensors[node.output.0] = Some(output);
            self.push_linear(node, (input, output), rows, bias, Vec::new());
            return Ok(());
        }
        let table = !matches!(activation, Activation::None | Activation::Relu);
        let target = if table {
            let interval = self.interval(&self.calibration.before_activation, name)?;
            let name = format!("{name} before activation");
            self.new_i8(&name, weight.rows, interval)
        } else {
            self.output_i8(node)?
        };
        let y = self.out.tensor(target).clone();
        // ReLU is the lower bound of the requantisation: zero, which the zero point stands for.
        let lo = if activation == Activation::Relu { y.zero_point as i8 } else { -128 };
        let record = |scale: &f64| requant(&node.name, scale * x.scale / y.scale, y.zero_point, lo, 127);
        let rq = rows.steps.iter().map(record).collect::<Result<_, _>>()?;
        self.push_linear(node, (input, target), rows, bias, rq);
        if table {
            let output = self.output_i8(node)?;
            let map = IntMap::Lut256(activation_table(activation, &y, self.out.tensor(output)));
            self.push(node, IntOp::Map { input: target, output, map });
        }
        Ok(())
    }

    fn push_linear(
        &mut self,
        node: &Node,
        (input, output): (TensorId, TensorId),
        rows: Rows,
        bias: Vec<i32>,
        rq: Vec<leafgate_image::RequantRecord>,
    ) {
        let Rows { weights, low_bit, .. } = rows;
        self.push(node, IntOp::Linear { input, output, weights, bias, rq, prepared: None, low_bit });
    }
}
