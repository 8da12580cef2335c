//! The integer graph of a file that is quantised to signed bytes: its own integers.
//!
//! `a = bias + sum w * (x - zero_x)` is the accumulator of TensorFlow Lite's 8-bit quantisation specification, with the input's zero point
//! folded into the bias. The factor of requantisation is computed in `f32`, as XNNPACK does, and applied by the image's one rounding.

use leafgate_image::{RequantRecord, readout};

use super::chain::{Chain, Function, Kind, Step};
use super::file::{Element, File, Tensor};
use crate::error::ConvertError;
use crate::ir::Readout;
use crate::quantize::integer::{Dtype, IntGraph, IntMap, IntOp, IntTensor, Span, TensorId};
use crate::quantize::number;

/// Makes the integer graph.
pub(super) fn read(file: &File<'_>, chain: &Chain) -> Result<IntGraph, ConvertError> {
    let mut reader = Reader { file, out: IntGraph::default(), tensors: vec![None; file.tensors.len()] };
    reader.add(chain.input)?;
    for step in &chain.steps {
        reader.step(step)?;
    }
    let input = reader.source(chain.output);
    let outputs = reader.out.tensor(input).cols;
    let (kind, k) = match chain.readout {
        Readout::None => (readout::NONE, 0),
        Readout::Argmax => (readout::ARGMAX, 1),
        Readout::TopK(k) => (readout::TOP_K, k.min(outputs)),
    };
    let output = (k > 0).then(|| {
        let (name, dtype) = ("classes".into(), Dtype::I32);
        reader.out.add(IntTensor { name, dtype, cols: k, scale: 1.0, zero_point: 0.0, lo: i32::MIN, hi: i32::MAX })
    });
    reader.out.ops.push(("readout".into(), IntOp::Readout { input, output, kind, k }));
    Ok(reader.out)
}

struct Reader<'f, 'a> {
    file: &'f File<'a>,
    out: IntGraph,
    /// By tensor of the file.
    tensors: Vec<Option<TensorId>>,
}

/// Scale and zero point of an activation.
#[derive(Clone, Copy)]
struct Steps {
    scale: f32,
    zero: i32,
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

impl Reader<'_, '_> {
    fn name(&self, step: &Step) -> String {
        format!("{} {}", self.file.operators[step.operator].name.to_lowercase(), step.operator)
    }

    /// Scale and zero point of a tensor, which must have one of each.
    fn steps(&self, id: usize) -> Result<Steps, ConvertError> {
        let Tensor { scales, zero_points, name, .. } = &self.file.tensors[id];
        match (&scales[..], &zero_points[..]) {
            (&[scale], &[zero]) if (-128..=127).contains(&zero) => Ok(Steps { scale, zero: zero as i32 }),
            _ => Err(ConvertError::Range {
                place: format!("tensor {id} (`{name}`)"),
                what: "quantisation".into(),
                want: "one scale and one zero point of -128 to 127".into(),
                have: format!("{} scales, zero points {:?}", scales.len(), zero_points.first()),
            }),
        }
    }

    /// The tensor of an activation.
    fn add(&mut self, id: usize) -> Result<TensorId, ConvertError> {
        let steps = self.steps(id)?;
        let tensor = IntTensor {
            name: self.file.tensors[id].name.chars().take(80).collect(),
            dtype: Dtype::I8,
            cols: self.file.tensors[id].len,
            scale: steps.scale.into(),
            zero_point: steps.zero.into(),
            lo: -128,
            hi: 127,
        };
        let added = self.out.add(tensor);
        self.tensors[id] = Some(added);
        Ok(added)
    }

    /// The tensor of an activation that was added before: a step reads what another has written.
    fn source(&self, id: usize) -> TensorId {
        self.tensors[id].unwrap_or(IntGraph::INPUT)
    }

    fn step(&mut self, step: &Step) -> Result<(), ConvertError> {
        let name = self.name(step);
        let (x, y) = (self.steps(step.input)?, self.steps(step.output)?);
        let input = self.source(step.input);
        let op = match step.kind.clone() {
            Kind::Add { second, bound } if second == step.input => {
                let output = self.add(step.output)?;
                table(input, output, y, |q| bound.of(x.real(q) + x.real(q)))
            }
            Kind::Mul { second, bound } if second == step.input => {
                let output = self.add(step.output)?;
                table(input, output, y, |q| bound.of(x.real(q) * x.real(q)))
            }
            Kind::Dense { weights, bias, bound } => {
                let output = self.add(step.output)?;
                let (weights, bias, rq) = self.dense(&name, (weights, bias), x, y, bound)?;
                IntOp::Linear { input, output, weights, bias, rq, prepared: None, low_bit: None }
            }
            Kind::Map(function) => {
                let output = self.add(step.output)?;
                table(input, output, y, |q| function.of(x.real(q)))
            }
            Kind::Add { second, bound } => {
                let other = self.steps(second)?;
                let second = self.source(second);
                let output = self.add(step.output)?;
                let factors = [x, other].map(|from| f64::from(from.scale) / f64::from(y.scale));
                let (_, shift) = number::multiplier(&name, factors[0].max(factors[1]))?;
                let shift = shift - 1;
                let m = factors.map(|factor| (factor * 2f64.powi(shift.into())).round() as i32);
                let z = [x.zero as i8, other.zero as i8];
                let (lo, hi) = bounds(bound, y);
                let map = IntMap::Add { second, m, z, shift, zero_point: y.zero as i8, lo, hi };
                IntOp::Map { input, output, map }
            }
            Kind::Mul { second, bound } => {
                let other = self.steps(second)?;
                let second = self.source(second);
                let output = self.add(step.output)?;
                let factor = x.scale * other.scale / y.scale;
                let (m, shift) = number::multiplier(&name, factor.into())?;
                let (m, z) = (m as i32, [x.zero as i8, other.zero as i8]);
                let (lo, hi) = bounds(bound, y);
                let map = IntMap::Mul { second, m, z, shift, zero_point: y.zero as i8, lo, hi };
                IntOp::Map { input, output, map }
            }
            Kind::Concat { others } => return self.concat(&name, step, &others, y),
            Kind::Slice { start } => {
                let len = self.file.tensors[step.output].len;
                return self.part(&name, step, Span { rows: 1, cols: len, from: [start, 0, 1], to: [0, len] });
            }
            Kind::Transpose { rows, cols } => {
                return self.part(&name, step, Span { rows: cols, cols: rows, from: [0, 1, cols], to: [0, rows] });
            }
            Kind::Affine { gain, bias, bound } => {
                let output = self.add(step.output)?;
                let map = self.affine(&name, step, (gain, bias), x, y, bound)?;
                IntOp::Map { input, output, map }
            }
        };
        self.out.ops.push((name, op));
        Ok(())
    }

    /// The parts are copied to their places, one of another scale by way of a table.
    fn concat(&mut self, name: &str, step: &Step, others: &[usize], y: Steps) -> Result<(), ConvertError> {
        let parts = [&[step.input], others].concat();
        let parts: Vec<TensorId> =
            parts.into_iter().map(|part| self.rescaled(name, part, y)).collect::<Result<_, _>>()?;
        let output = self.add(step.output)?;
        let mut at = 0;
        for input in parts {
            let len = self.out.tensor(input).cols;
            let span = Span { rows: 1, cols: len, from: [0, 0, 1], to: [at, len] };
            self.out.ops.push((name.into(), IntOp::Move { input, output, span }));
            at += len;
        }
        Ok(())
    }

    /// Some elements of a tensor.
    fn part(&mut self, name: &str, step: &Step, span: Span) -> Result<(), ConvertError> {
        let input = self.rescaled(name, step.input, self.steps(step.output)?)?;
        let output = self.add(step.output)?;
        self.out.ops.push((name.into(), IntOp::Move { input, output, span }));
        Ok(())
    }

    /// The tensor of an activation in the steps of `y`.
    fn rescaled(&mut self, name: &str, id: usize, y: Steps) -> Result<TensorId, ConvertError> {
        let (x, input) = (self.steps(id)?, self.source(id));
        if (x.scale, x.zero) == (y.scale, y.zero) {
            return Ok(input);
        }
        let (scale, zero_point) = (y.scale.into(), y.zero.into());
        let output = self.out.add(IntTensor { scale, zero_point, ..self.out.tensor(input).clone() });
        self.out.ops.push((name.into(), table(input, output, y, |q| x.real(q))));
        Ok(output)
    }

    #[allow(clippy::type_complexity)]
    fn dense(
        &self,
        place: &str,
        (weights, bias): (usize, Option<usize>),
        x: Steps,
        y: Steps,
        bound: Function,
    ) -> Result<(Vec<i8>, Vec<i32>, Vec<RequantRecord>), ConvertError> {
        let refuse = |what: &str, want: &str, have: String| {
            Err(ConvertError::Range { place: place.into(), what: what.into(), want: want.into(), have })
        };
        let w = &self.file.tensors[weights];
        let (rows, cols) = (w.shape[0], w.shape[1]);
        if w.element != Element::I8 || w.scales.is_empty() || (w.scales.len() > 1 && w.axis != 0) {
            return refuse(
                "weights",
                "i8 with one scale, or one for each row",
                format!("{w} with {} scales", w.scales.len()),
            );
        }
        if let Some(zero) = w.zero_points.iter().find(|&&zero| zero != 0) {
            return refuse("zero point of the weights", "0", zero.to_string());
        }
        let data: Vec<i8> = w.data.unwrap_or(&[]).iter().map(|&byte| byte as i8).collect();
        let given = match bias.map(|bias| &self.file.tensors[bias]) {
            None => vec![0; rows],
            Some(bias) => match bias.ints() {
                Some(bias) => bias,
                None => return refuse("bias", "i32", bias.to_string()),
            },
        };
        let mut folded = Vec::with_capacity(rows);
        for (r, (row, &bias)) in data.chunks_exact(cols).zip(&given).enumerate() {
            let sum: i64 = row.iter().map(|&w| i64::from(w)).sum();
            let exact = i64::from(bias) - i64::from(x.zero) * sum;
            let overflow =
                || ConvertError::Overflow { place: place.into(), row: r, want: i32::MAX.into(), have: exact.into() };
            folded.push(i32::try_from(exact).map_err(|_| overflow())?);
        }
        let (lo, hi) = bounds(bound, y);
        let record = |r: usize| {
            let scale = w.scales[if w.scales.len() == 1 { 0 } else { r }];
            let factor = x.scale * scale / y.scale;
            number::requant(place, factor.into(), y.zero.into(), lo, hi)
        };
        let rq = (0..rows).map(record).collect::<Result<_, _>>()?;
        Ok((data, folded, rq))
    }

    fn affine(
        &self,
        place: &str,
        step: &Step,
        (gain, bias): (Option<usize>, Option<usize>),
        x: Steps,
        y: Steps,
        bound: Function,
    ) -> Result<IntMap, ConvertError> {
        let len = self.file.tensors[step.input].len;
        let numbers = |id: Option<usize>, otherwise: f32| match id.map(|id| &self.file.tensors[id]) {
            None => Ok(vec![otherwise]),
            Some(tensor) => tensor.reals().ok_or_else(|| ConvertError::Range {
                place: place.into(),
                what: "the constant".into(),
                want: "numbers, quantised or not".into(),
                have: tensor.to_string(),
            }),
        };
        let (gain, bias) = (numbers(gain, 1.0)?, numbers(bias, 0.0)?);
        let of = |numbers: &[f32], c: usize| if numbers.len() == 1 { numbers[0] } else { numbers[c] };
        if gain.len() == 1 && bias.len() == 1 {
            let value = |q| y.byte(bound.of(gain[0] * x.real(q) + bias[0]));
            return Ok(IntMap::Lut256((-128..=127).map(value).collect()));
        }
        let (lo, hi) = bounds(bound, y);
        let (mut gains, mut biases, mut rq) = (Vec::new(), Vec::new(), Vec::new());
        for c in 0..len {
            let (g, b) = (of(&gain, c), of(&bias, c));
            let scale = number::weight_scale(f64::from(g.abs()), b.into(), x.scale.into());
            let step = scale * f64::from(x.scale);
            let g = number::nearest_i8(f64::from(g) / scale, -127, 127);
            gains.push(g);
            biases.push(number::bias_i32(place, c, (f64::from(b) / step).round() - f64::from(x.zero) * f64::from(g))?);
            rq.push(number::requant(place, step / f64::from(y.scale), y.zero.into(), lo, hi)?);
        }
        Ok(IntMap::Affine { gain: gains, bias: biases, rq })
    }
}

/// `y = f(x)` by a table.
fn table(input: TensorId, output: TensorId, y: Steps, f: impl Fn(i32) -> f32) -> IntOp {
    let table = (-128..=127).map(|q| y.byte(f(q))).collect();
    IntOp::Map { input, output, map: IntMap::Lut256(table) }
}

/// The bytes that a fused activation lets through.
fn bounds(bound: Function, y: Steps) -> (i8, i8) {
    match bound {
        Function::Clamp(lo, hi) => (y.byte(lo), y.byte(hi)),
        _ => (-128, 127),
    }
}
