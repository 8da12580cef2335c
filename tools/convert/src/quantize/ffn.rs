//! FFN: hidden neurons, value rows and the accumulator.

use std::collections::BTreeMap;

use leafgate_image::{activation as act, ffn_flag};

use super::calibrate::Interval;
use super::integer::{Dtype, IntOp, IntRange, IntTensor, TensorId};
use super::number::{affine, multiplier, peak, requant, symmetric, weight_scale, weights_i8};
use super::{Quantizer, ReluSkip, activation_table, folded_bias};
use crate::ConvertError;
use crate::ir::{Activation, Emit, Node, Range, Route};

/// Value rows from this many outputs on are worth skipping one by one; below, a dot product over the whole range is cheaper.
const SKIP_OUTPUTS: usize = 64;
/// A range whose hidden neurons stay this far below those of the widest keeps that scale: its own would drag the accumulator's down.
const QUIETEST: f64 = 1.0 / 256.0;

/// How the hidden neurons of a range are scaled.
struct Hidden {
    /// Of the number that the requantisation gives: before a table, or the neuron itself.
    before: (f64, f64),
    /// Of the neuron.
    after: (f64, f64),
    /// Lower bound of the requantisation.
    lo: i8,
}

/// What all ranges of an op share.
struct Plan {
    /// Neuron-major ranges, skipped neuron by neuron if ReLU is not positive.
    by_neuron: bool,
    /// Entries name single neurons, whose dot products the route hands on.
    path: bool,
    relu: bool,
    /// Table activation: before and after.
    table: Option<(IntTensor, IntTensor)>,
}

impl Quantizer<'_> {
    pub(super) fn ffn(
        &mut self,
        node: &Node,
        routes: &[Route],
        ranges: &[Range],
        activation: Activation,
    ) -> Result<(), ConvertError> {
        let input = self.source(node, node.input, Dtype::I8)?;
        let x = self.out.tensor(input).clone();
        let outputs = self.graph.value(node.output).len;
        let plan = self.plan(node, routes, activation, outputs);
        let seen = Seen::new(self, node);

        let (mut integer, mut scales) = (Vec::new(), Vec::new());
        for (g, range) in ranges.iter().enumerate() {
            let (range, scale) = quantize_range(node, range, &plan, &seen.hidden(&plan, g), &x)?;
            integer.push(range);
            scales.push(scale);
        }
        let acc_scale = accumulator_scale(routes, &integer, &scales);
        for (range, scale) in integer.iter_mut().zip(&scales) {
            let factor = scale / acc_scale;
            if (factor - 1.0).abs() > 1e-12 {
                range.rescale = Some(multiplier(&node.name, factor)?);
            }
        }

        let name = &self.graph.value(node.output).name;
        let acc = self.new_i32(format!("{name} accumulator"), outputs, acc_scale);
        let (output, rq) = if self.is_raw(node.output) {
            self.out.tensors[acc.0].name.clone_from(name);
            self.tensors[node.output.0] = Some(acc);
            (acc, None)
        } else {
            let output = self.output_i8(node)?;
            let y = self.out.tensor(output);
            (output, Some(requant(&node.name, acc_scale / y.scale, y.zero_point, -128, 127)?))
        };
        let list = self.routes(node, input, routes, ranges.len())?;
        let widest = integer.iter().filter(|range| range.output_major).map(|range| range.neurons).max();
        let hidden = widest.filter(|&n| n > 0).map(|n| self.scratch(format!("{name} hidden"), Dtype::I8, n));
        let rescaled = |range: &IntRange| !range.output_major && (range.rescale.is_some() || list.is_some());
        let partial = integer.iter().any(rescaled).then(|| {
            let name = format!("{} partial sum", self.graph.value(node.output).name);
            self.scratch(name, Dtype::I32, outputs)
        });

        let mut flags = 0;
        if plan.relu && plan.by_neuron {
            flags |= ffn_flag::KEEP_POSITIVE;
        }
        if plan.path {
            flags |= ffn_flag::NEURONS | ffn_flag::HANDED_Z;
        }
        let lut = plan.table.as_ref().map(|(before, after)| activation_table(activation, before, after));
        let activation = match &lut {
            Some(_) => act::LUT256,
            None if plan.relu && plan.by_neuron => act::RELU,
            None => act::IDENTITY,
        };
        let ranges = integer;
        self.push(node, IntOp::Ffn { input, output, list, hidden, acc, partial, ranges, activation, flags, rq, lut });
        Ok(())
    }

    pub(super) fn scratch(&mut self, name: String, dtype: Dtype, cols: usize) -> TensorId {
        self.out.add(IntTensor { name, dtype, cols, scale: 1.0, zero_point: 0.0, lo: -128, hi: 127 })
    }

    fn plan(&self, node: &Node, routes: &[Route], activation: Activation, outputs: usize) -> Plan {
        let path = routes.iter().any(|route| matches!(route, Route::Tree { emit: Emit::Path, .. }));
        let relu = activation == Activation::Relu;
        let skip = match self.skip {
            ReluSkip::Auto => outputs >= SKIP_OUTPUTS,
            ReluSkip::Always => true,
            ReluSkip::Never => false,
        };
        let table = (!relu && activation != Activation::None).then(|| {
            let seen = Seen::new(self, node);
            let tensor = |(scale, zero_point)| {
                let (name, dtype) = (String::new(), Dtype::I8);
                IntTensor { name, dtype, cols: 1, scale, zero_point, lo: -128, hi: 127 }
            };
            let after = if path { symmetric(seen.all_hidden.magnitude()) } else { affine(seen.all_hidden) };
            (tensor(affine(seen.all_keys)), tensor(after))
        });
        Plan { by_neuron: path || (relu && skip), path, relu, table }
    }
}

/// Ranges of the neurons of one FFN, as calibrated.
struct Seen<'c> {
    hidden: Option<&'c BTreeMap<usize, Interval>>,
    all_hidden: Interval,
    all_keys: Interval,
}

impl<'c> Seen<'c> {
    fn new(quantizer: &Quantizer<'c>, node: &Node) -> Self {
        let all = |map: Option<&BTreeMap<usize, Interval>>| {
            let zero = Interval { min: 0.0, max: 0.0 };
            map.iter().flat_map(|map| map.values()).fold(zero, |all, &interval| all.union(interval))
        };
        let hidden = quantizer.calibration.hidden.get(&node.name);
        Self { hidden, all_hidden: all(hidden), all_keys: all(quantizer.calibration.keys.get(&node.name)) }
    }

    /// A range that no sample reached is scaled as the widest of the others.
    fn hidden(&self, plan: &Plan, g: usize) -> Hidden {
        if let Some((before, after)) = &plan.table {
            let of = |tensor: &IntTensor| (tensor.scale, tensor.zero_point);
            return Hidden { before: of(before), after: of(after), lo: -128 };
        }
        let own = self.hidden.and_then(|map| map.get(&g)).copied().unwrap_or(self.all_hidden);
        let floor = self.all_hidden.magnitude() * QUIETEST;
        let own = if own.magnitude() < floor { self.all_hidden } else { own };
        let after = if plan.by_neuron { symmetric(own.magnitude()) } else { affine(own) };
        let lo = if plan.relu { after.1 as i8 } else { -128 };
        Hidden { before: after, after, lo }
    }
}

/// The range and the scale of its partial sum.
fn quantize_range(
    node: &Node,
    range: &Range,
    plan: &Plan,
    hidden: &Hidden,
    x: &IntTensor,
) -> Result<(IntRange, f64), ConvertError> {
    let place = format!("layer `{}`, {}", node.name, range.name);
    let n = range.keys.rows;
    let key_scales: Vec<f64> =
        (0..n).map(|j| weight_scale(peak(range.keys.row(j)), range.key_bias[j].into(), x.scale)).collect();
    let keys: Vec<i8> = (0..n).flat_map(|j| weights_i8(range.keys.row(j), key_scales[j])).collect();
    let key_bias = folded_bias(&place, &keys, &range.key_bias, |j| key_scales[j] * x.scale, x.zero_point)?;
    let (scale, zero_point) = hidden.before;
    let key_rq = key_scales
        .iter()
        .map(|key_scale| requant(&place, key_scale * x.scale / scale, zero_point, hidden.lo, 127))
        .collect::<Result<_, _>>()?;

    let (hidden_scale, hidden_zero) = hidden.after;
    let widest = range.value_bias.iter().fold(0.0, |widest: f64, b| widest.max(f64::from(b.abs())));
    let value_scale = weight_scale(peak(&range.values.data), widest, hidden_scale);
    let rows: Vec<i8> = weights_i8(&range.values.transposed().data, value_scale).collect();
    let scale = value_scale * hidden_scale;
    let value_bias = folded_bias(&place, &rows, &range.value_bias, |_| scale, hidden_zero)?;
    let (values, value_bias) = if plan.by_neuron {
        let neuron_major: Vec<i8> = weights_i8(&range.values.data, value_scale).collect();
        (neuron_major, if plan.path { Vec::new() } else { value_bias })
    } else {
        (rows, value_bias)
    };
    let integer = IntRange {
        name: range.name.clone(),
        neurons: n,
        keys: if plan.path { None } else { Some(keys) },
        key_bias,
        key_rq,
        values,
        value_bias,
        output_major: !plan.by_neuron,
        rescale: None,
    };
    Ok((integer, scale))
}

/// The finest scale of the partial sums, unless the worst list would then need more than 30 bits.
fn accumulator_scale(routes: &[Route], ranges: &[IntRange], scales: &[f64]) -> f64 {
    let bound = |g: usize| super::proof::partial_bound(&ranges[g]) as f64 * scales[g];
    let worst: f64 = routes.iter().map(|route| super::proof::worst_of_route(route.into(), ranges.len(), &bound)).sum();
    let finest = scales.iter().copied().fold(f64::INFINITY, f64::min);
    finest.max(worst / f64::from(1u32 << 30))
}
