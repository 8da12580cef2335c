//! The integer graph of a file that is quantised throughout: its own integers.
//!
//! Between a vector of bytes and the next stand operators on real numbers. Those that are one op of an image become it: a dense layer with what
//! is added to it and its bounds, a function of each element as a table, a sum or a product of two vectors. Accumulators are equal to those of
//! onnxruntime's 8-bit kernels; the factor of requantisation is computed in `f32`, as they do, and applied by the image's one rounding, which
//! differs from theirs at ties.
//!
//! A file of which this cannot be made (a part stays in real numbers, a zero point of weights is not 0) is no error: the reason is given, and
//! the network is imported in real numbers.

use std::collections::HashMap;

use leafgate_image::{RequantRecord, readout};

use super::chain::{Chain, Dense, Function, Kind, Step, Steps};
use super::constant::{Constant, Data};
use crate::error::ConvertError;
use crate::ir::{Activation, Readout};
use crate::quantize::integer::{Dtype, IntGraph, IntMap, IntOp, IntTensor, TensorId};
use crate::quantize::number;

/// Why a graph has no integers of its own, or an error that it cannot be imported for at all.
enum Stop {
    Partly(String),
    Error(ConvertError),
}

impl From<String> for Stop {
    fn from(why: String) -> Self {
        Self::Partly(why)
    }
}

impl From<ConvertError> for Stop {
    fn from(error: ConvertError) -> Self {
        Self::Error(error)
    }
}

/// Makes the integer graph, or says why there is none.
pub(super) fn read(chain: &Chain) -> Result<Result<IntGraph, String>, ConvertError> {
    let out = IntGraph::default();
    let mut reader = Reader { chain, readers: chain.readers(), out, tensors: HashMap::new() };
    match reader.graph() {
        Ok(()) => Ok(Ok(reader.out)),
        Err(Stop::Partly(why)) => Ok(Err(why)),
        Err(Stop::Error(error)) => Err(error),
    }
}

struct Reader<'c> {
    chain: &'c Chain,
    readers: HashMap<usize, usize>,
    out: IntGraph,
    /// By vector of the chain.
    tensors: HashMap<usize, TensorId>,
}

impl Steps {
    /// The byte that stands for `real`; an infinite bound is a bound of the bytes.
    fn byte(self, real: f32) -> i8 {
        let steps = (real / self.scale).round_ties_even().clamp(-65536.0, 65536.0) as i32;
        (steps + self.zero).clamp(-128, 127) as i8
    }

    /// What `byte` stands for.
    fn real(self, byte: i32) -> f32 {
        self.scale * (byte - self.zero) as f32
    }
}

/// Bounds of a result, in real numbers.
type Bounds = (f32, f32);

const UNBOUNDED: Bounds = (f32::NEG_INFINITY, f32::INFINITY);

impl Reader<'_> {
    fn graph(&mut self) -> Result<(), Stop> {
        self.add(self.chain.input)?;
        for step in &self.chain.steps {
            if matches!(step.kind, Kind::Quantize) {
                self.quantized(step)?;
            }
        }
        let input = match self.tensors.get(&self.chain.output) {
            Some(&tensor) => tensor,
            None => self.scores()?,
        };
        let outputs = self.out.tensor(input).cols;
        let (kind, k) = match self.chain.readout {
            Readout::None => (readout::NONE, 0),
            Readout::Argmax => (readout::ARGMAX, 1),
            Readout::TopK(k) => (readout::TOP_K, k.min(outputs)),
        };
        let output = (k > 0).then(|| self.wide("classes".into(), k, 1.0));
        self.out.ops.push(("readout".into(), IntOp::Readout { input, output, kind, k }));
        Ok(())
    }

    /// The tensor of a vector of bytes.
    fn add(&mut self, id: usize) -> Result<TensorId, Stop> {
        let vector = &self.chain.vectors[id];
        let steps = vector.steps.ok_or_else(|| "its input is real numbers".to_owned())?;
        let name = if id == self.chain.input { "input".into() } else { format!("value {id}") };
        let (scale, zero_point) = (steps.scale.into(), steps.zero.into());
        let added =
            self.out.add(IntTensor { name, dtype: Dtype::I8, cols: vector.len, scale, zero_point, lo: -128, hi: 127 });
        self.tensors.insert(id, added);
        Ok(added)
    }

    fn wide(&mut self, name: String, cols: usize, scale: f64) -> TensorId {
        let (dtype, lo, hi) = (Dtype::I32, i32::MIN, i32::MAX);
        self.out.add(IntTensor { name, dtype, cols, scale, zero_point: 0.0, lo, hi })
    }

    /// The steps on real numbers before vector `id`, from the first on; the first reads bytes.
    fn pieces(&self, mut id: usize) -> Result<Vec<&Step>, Stop> {
        let mut pieces = Vec::new();
        while !self.tensors.contains_key(&id) {
            let step = self.chain.writer(id).ok_or_else(|| "a part stays in real numbers".to_owned())?;
            if self.readers.get(&id) != Some(&1) {
                return Err(format!("real numbers of {} are read twice", self.chain.names[step.node]).into());
            }
            pieces.push(step);
            if matches!(step.kind, Kind::Quantize) {
                return Err("a part stays in real numbers".to_owned().into());
            }
            id = step.input;
        }
        pieces.reverse();
        Ok(pieces)
    }

    /// A tensor that a step reads, with its steps.
    fn source(&self, id: usize) -> Result<(TensorId, Steps), Stop> {
        match (self.tensors.get(&id), self.chain.vectors[id].steps) {
            (Some(&tensor), Some(steps)) => Ok((tensor, steps)),
            _ => Err("a part stays in real numbers".to_owned().into()),
        }
    }

    /// What becomes bytes in `step`.
    fn quantized(&mut self, step: &Step) -> Result<(), Stop> {
        let pieces: Vec<Step> = self.pieces(step.input)?.into_iter().cloned().collect();
        let named = pieces.first().unwrap_or(step);
        let name = self.chain.names[named.node].clone();
        let from = named.input;
        let (input, x) = self.source(from)?;
        let output = self.add(step.output)?;
        let (_, y) = self.source(step.output)?;
        let refuse = || Stop::Partly(format!("{name} is followed by what no op of an image does with it"));
        let op = match pieces.split_first() {
            Some((Step { kind: Kind::Dense(dense), .. }, rest)) => {
                let (added, rest) = added(rest);
                let bound = bounds(rest).ok_or_else(refuse)?;
                let (weights, bias, factors) = dense_integers(&name, dense, added, x)?;
                let (lo, hi) = (y.byte(bound.0), y.byte(bound.1));
                let record = |factor: &f32| number::requant(&name, (factor / y.scale).into(), y.zero.into(), lo, hi);
                let rq: Vec<RequantRecord> = factors.iter().map(record).collect::<Result<_, _>>()?;
                IntOp::Linear { input, output, weights, bias, rq, prepared: None, low_bit: None }
            }
            Some((Step { kind: Kind::Add { second }, .. }, rest)) => {
                let (second, other) = self.source(*second)?;
                let bound = bounds(rest).ok_or_else(refuse)?;
                let factors = [x, other].map(|from| f64::from(from.scale) / f64::from(y.scale));
                let (_, shift) = number::multiplier(&name, factors[0].max(factors[1]))?;
                let shift = shift - 1;
                let m = factors.map(|factor| (factor * 2f64.powi(shift.into())).round() as i32);
                let (z, (lo, hi)) = ([x.zero as i8, other.zero as i8], (y.byte(bound.0), y.byte(bound.1)));
                let map = IntMap::Add { second, m, z, shift, zero_point: y.zero as i8, lo, hi };
                IntOp::Map { input, output, map }
            }
            Some((Step { kind: Kind::Mul { second }, .. }, rest)) if second != &from => {
                let (second, other) = self.source(*second)?;
                let bound = bounds(rest).ok_or_else(refuse)?;
                let (m, shift) =
                    number::multiplier(&name, f64::from(x.scale) * f64::from(other.scale) / f64::from(y.scale))?;
                let (z, (lo, hi)) = ([x.zero as i8, other.zero as i8], (y.byte(bound.0), y.byte(bound.1)));
                let map = IntMap::Mul { second, m: m as i32, z, shift, zero_point: y.zero as i8, lo, hi };
                IntOp::Map { input, output, map }
            }
            Some((Step { kind: Kind::Affine { gain, bias }, .. }, rest)) if gain.len() > 1 || bias.len() > 1 => {
                let bound = bounds(rest).ok_or_else(refuse)?;
                IntOp::Map {
                    input,
                    output,
                    map: affine(&name, self.chain.vectors[from].len, (gain, bias), x, y, bound)?,
                }
            }
            // Nothing between them, or functions of each element.
            _ => {
                let value = |q: i32| pieces.iter().try_fold(x.real(q), |real, piece| function(&piece.kind, real));
                let table: Option<Vec<i8>> = (-128..=127).map(|q| value(q).map(|real| y.byte(real))).collect();
                IntOp::Map { input, output, map: IntMap::Lut256(table.ok_or_else(refuse)?) }
            }
        };
        self.out.ops.push((name, op));
        Ok(())
    }

    /// The scores of a network that ends in real numbers: the accumulators of a dense layer, if they have one scale.
    fn scores(&mut self) -> Result<TensorId, Stop> {
        let pieces: Vec<Step> = self.pieces(self.chain.output)?.into_iter().cloned().collect();
        let Some((Step { kind: Kind::Dense(dense), node, input, .. }, rest)) = pieces.split_first() else {
            return Err("its output is real numbers".to_owned().into());
        };
        let name = self.chain.names[*node].clone();
        let (added, rest) = added(rest);
        let (input, x) = self.source(*input)?;
        let (weights, bias, factors) = dense_integers(&name, dense, added, x)?;
        let scale = factors.first().copied().unwrap_or(1.0);
        if !rest.is_empty() || factors.iter().any(|&factor| factor != scale) {
            return Err("its output is real numbers of several scales".to_owned().into());
        }
        let output = self.wide("scores".into(), factors.len(), scale.into());
        let (prepared, low_bit) = (None, None);
        self.out.ops.push((name, IntOp::Linear { input, output, weights, bias, rq: Vec::new(), prepared, low_bit }));
        Ok(output)
    }
}

/// The constant that follows a dense layer in a step of its own, and the steps after it.
fn added(rest: &[Step]) -> (&[f32], &[Step]) {
    match rest.split_first() {
        Some((Step { kind: Kind::Affine { gain, bias }, .. }, rest)) if gain[..] == [1.0] => (bias, rest),
        _ => (&[0.0], rest),
    }
}

/// The bounds that steps are, if they are nothing else.
fn bounds(rest: &[Step]) -> Option<Bounds> {
    rest.iter().try_fold(UNBOUNDED, |(lo, hi), step| match step.kind {
        Kind::Map(Function::Clamp(min, max)) => Some((lo.max(min).min(max), hi.max(min).min(max))),
        Kind::Map(Function::Curve(Activation::Relu)) => Some((lo.max(0.0), hi.max(0.0))),
        _ => None,
    })
}

/// A function of one number.
fn function(kind: &Kind, x: f32) -> Option<f32> {
    match kind {
        Kind::Map(function) => Some(function.of(x)),
        Kind::Affine { gain, bias } => match (&gain[..], &bias[..]) {
            (&[gain], &[bias]) => Some(gain * x + bias),
            _ => None,
        },
        _ => None,
    }
}

/// Weights; biases with the input's zero point folded in; of each row the real number that a step of the accumulator is.
type Integers = (Vec<i8>, Vec<i32>, Vec<f32>);

/// The integers of a dense layer.
fn dense_integers(place: &str, dense: &Dense, added: &[f32], x: Steps) -> Result<Integers, Stop> {
    let refuse = |why: &str| Err(Stop::Partly(format!("{place} {why}")));
    let w = &dense.weights;
    let (rows, cols) = (w.shape[0], w.shape[1]);
    let Some(q) = &w.quantisation else { return refuse("has weights in real numbers") };
    if q.scales.len() > 1 && q.axis != 0 {
        return refuse("has a scale for each input");
    }
    let (weights, zero): (Vec<i8>, i32) = match &w.data {
        Data::I8(list) => (list.clone(), 0),
        Data::U8(list) => (list.iter().map(|&q| (q ^ 0x80) as i8).collect(), 128),
        _ => return refuse("has weights of another type than bytes"),
    };
    if q.zeros.iter().any(|&z| z != zero) {
        return refuse("has weights with a zero point");
    }
    if dense.alpha != 1.0 || dense.beta != 1.0 {
        return refuse("has factors alpha or beta");
    }
    let factors: Vec<f32> = (0..rows).map(|r| x.scale * q.scales[if q.scales.len() == 1 { 0 } else { r }]).collect();
    let own = dense.bias.as_ref().map_or(vec![0.0], |bias| bias.reals());
    let exact = dense.bias.as_ref().and_then(|bias| steps_of(bias, &factors));
    let of = |list: &[f32], r: usize| f64::from(list[if list.len() == 1 { 0 } else { r }]);
    let mut folded = Vec::with_capacity(rows);
    for (r, row) in weights.chunks_exact(cols).enumerate() {
        let sum: i64 = row.iter().map(|&w| i64::from(w)).sum();
        let steps = |real: f64| (real / f64::from(factors[r])).round_ties_even() as i64;
        let bias = match &exact {
            Some(bias) => bias[r] + steps(of(added, r)),
            None => steps(of(&own, r) + of(added, r)),
        };
        let bias = bias.saturating_sub(i64::from(x.zero) * sum);
        let overflow =
            |_| ConvertError::Overflow { place: place.into(), row: r, want: i32::MAX.into(), have: bias.into() };
        folded.push(i32::try_from(bias).map_err(overflow)?);
    }
    Ok((weights, folded, factors))
}

/// A bias in steps of the accumulators, if it is in these already.
fn steps_of(bias: &Constant, factors: &[f32]) -> Option<Vec<i64>> {
    let q = bias.quantisation.as_ref().filter(|q| q.zeros.iter().all(|&zero| zero == 0))?;
    let Data::I32(list) = &bias.data else { return None };
    let is_near = |r: usize| {
        let scale = q.scales[if q.scales.len() == 1 { 0 } else { r }];
        (scale / factors[r] - 1.0).abs() < 1e-5
    };
    let of = |r: usize| i64::from(list[if list.len() == 1 { 0 } else { r }]);
    let count = factors.len();
    ((0..count).all(is_near) && (q.scales.len() == 1 || q.scales.len() == count)).then(|| (0..count).map(of).collect())
}

/// A gain and a bias for each element.
fn affine(
    place: &str,
    len: usize,
    (gain, bias): (&[f32], &[f32]),
    x: Steps,
    y: Steps,
    bound: Bounds,
) -> Result<IntMap, ConvertError> {
    let (lo, hi) = (y.byte(bound.0), y.byte(bound.1));
    let of = |list: &[f32], c: usize| f64::from(list[if list.len() == 1 { 0 } else { c }]);
    let (mut gains, mut biases, mut rq) = (Vec::new(), Vec::new(), Vec::new());
    for c in 0..len {
        let (g, b) = (of(gain, c), of(bias, c));
        let scale = number::weight_scale(g.abs(), b, x.scale.into());
        let step = scale * f64::from(x.scale);
        let g = number::nearest_i8(g / scale, -127, 127);
        gains.push(g);
        biases.push(number::bias_i32(place, c, (b / step).round() - f64::from(x.zero) * f64::from(g))?);
        rq.push(number::requant(place, step / f64::from(y.scale), y.zero.into(), lo, hi)?);
    }
    Ok(IntMap::Affine { gain: gains, bias: biases, rq })
}
