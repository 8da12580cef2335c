//! The graph of a file in real numbers.

use std::path::Path;

use super::chain::{Chain, Function, Kind, Step};
use super::file::{File, Tensor};
use crate::error::ConvertError;
use crate::import::{ImportOptions, check_input, stem};
use crate::ir::{Activation, Graph, InputSpec, Matrix, Node, Op, Value, ValueId, ValueKind};

/// Makes the graph; what had to be assumed is added to `assumptions`.
pub(super) fn read(
    file: &File<'_>,
    chain: &Chain,
    path: &Path,
    options: &ImportOptions,
    assumptions: &mut Vec<String>,
) -> Result<Graph, ConvertError> {
    let x = &file.tensors[chain.input];
    assumptions.extend(chain.notes.iter().cloned());
    let input = match (&options.input, chain.is_quantised) {
        (_, true) => InputSpec {
            len: x.len,
            scale: x.scales.first().copied().unwrap_or(1.0).into(),
            zero_point: x.zero_points.first().copied().unwrap_or(0) as f64,
            min: i8::MIN,
            max: i8::MAX,
        },
        (Some(input), false) => input.clone(),
        (None, false) => {
            assumptions.push(
                "the input is taken to be pixels 0 to 255 on -1 to 1 (q = pixel - 128, scale 2/255, zero point -0.5): a file \
                 in real numbers does not say it"
                    .into(),
            );
            InputSpec { len: x.len, scale: 2.0 / 255.0, zero_point: -0.5, min: i8::MIN, max: i8::MAX }
        }
    };
    check_input(&input)?;
    if input.len != x.len {
        let (what, want, have) = ("elements of the input".into(), x.len.to_string(), input.len.to_string());
        return Err(ConvertError::Range { place: "input".into(), what, want, have });
    }
    let name = stem(path);
    let values = vec![Value { name: "input".into(), len: input.len, kind: ValueKind::Real }];
    let (readout, source_sha256) = (chain.readout, String::new());
    let graph = Graph {
        name,
        input,
        labels: Vec::new(),
        values,
        nodes: Vec::new(),
        output: Graph::INPUT,
        readout,
        source_sha256,
    };
    let values = vec![Graph::INPUT; file.tensors.len()];
    let mut reader = Reader { file, graph, values, budget: file.bytes };
    for step in &chain.steps {
        reader.step(step)?;
    }
    reader.graph.output = reader.values[chain.output];
    Ok(reader.graph)
}

struct Reader<'f, 'a> {
    file: &'f File<'a>,
    graph: Graph,
    /// By tensor of the file.
    values: Vec<ValueId>,
    /// Elements of constants that may still be read, as many as the file has bytes: what shares its bytes many times would grow.
    budget: usize,
}

impl Reader<'_, '_> {
    /// The numbers of a constant, all finite.
    fn numbers(&mut self, place: &str, id: usize) -> Result<Vec<f32>, ConvertError> {
        let tensor: &Tensor<'_> = &self.file.tensors[id];
        let refuse = |what: &str, want: &str, have: String| ConvertError::Range {
            place: place.into(),
            what: what.into(),
            want: want.into(),
            have,
        };
        self.budget = self
            .budget
            .checked_sub(tensor.len)
            .ok_or_else(|| refuse("constants", "no more elements than the file has bytes", "more are read".into()))?;
        let numbers = tensor.reals();
        let numbers = numbers
            .ok_or_else(|| refuse("a constant", "numbers, with a scale if they are integers", tensor.to_string()))?;
        match numbers.iter().position(|number| !number.is_finite()) {
            None => Ok(numbers),
            Some(index) => Err(ConvertError::NotFinite {
                tensor: tensor.name.chars().take(80).collect(),
                layer: Some(place.into()),
                index,
                value: numbers[index],
            }),
        }
    }

    /// Adds a node that writes a value of `len` elements.
    fn push(&mut self, name: &str, op: Op, input: ValueId, len: usize) -> ValueId {
        let output = ValueId(self.graph.values.len());
        // Calibration finds a value by its name.
        self.graph.values.push(Value { name: name.into(), len, kind: ValueKind::Real });
        self.graph.nodes.push(Node { name: name.into(), op, input, output });
        output
    }

    fn step(&mut self, step: &Step) -> Result<(), ConvertError> {
        let name = format!("{} {}", self.file.operators[step.operator].name.to_lowercase(), step.operator);
        let input = self.values[step.input];
        let len = self.file.tensors[step.output].len;
        let output = match step.kind.clone() {
            Kind::Dense { weights, bias, bound } => {
                let shape = &self.file.tensors[weights].shape;
                let (rows, cols) = (shape[0], shape[1]);
                let weight = Matrix::new(rows, cols, self.numbers(&name, weights)?);
                let bias = match bias {
                    Some(bias) => self.numbers(&name, bias)?,
                    None => vec![0.0; rows],
                };
                let output = self.push(&name, Op::Linear { weight, bias, activation: Activation::None }, input, len);
                self.bound(&name, bound, output, len)
            }
            Kind::Map(Function::Curve(activation)) => self.push(&name, Op::Activation(activation), input, len),
            Kind::Map(function) => self.bound(&name, function, input, len),
            Kind::Add { second, bound } => {
                let second = self.values[second];
                let output = self.push(&name, Op::Add { second }, input, len);
                self.bound(&name, bound, output, len)
            }
            Kind::Mul { second, bound } => {
                let second = self.values[second];
                let output = self.push(&name, Op::Mul { second }, input, len);
                self.bound(&name, bound, output, len)
            }
            Kind::Concat { others } => {
                let others = others.iter().map(|&other| self.values[other]).collect();
                self.push(&name, Op::Concat { others }, input, len)
            }
            Kind::Slice { start } => self.push(&name, Op::Slice { start, len }, input, len),
            Kind::Transpose { rows, cols } => self.push(&name, Op::Transpose { rows, cols }, input, len),
            Kind::Affine { gain, bias, bound } => {
                let mut each = |id: Option<usize>, otherwise: f32| {
                    let numbers = id.map_or(Ok(vec![otherwise]), |id| self.numbers(&name, id))?;
                    Ok::<_, ConvertError>(if numbers.len() == 1 { vec![numbers[0]; len] } else { numbers })
                };
                let op = Op::Affine { gain: each(gain, 1.0)?, bias: each(bias, 0.0)? };
                let output = self.push(&name, op, input, len);
                self.bound(&name, bound, output, len)
            }
        };
        self.values[step.output] = output;
        Ok(())
    }

    /// What is between bounds, as a node of its own.
    fn bound(&mut self, name: &str, bound: Function, input: ValueId, len: usize) -> ValueId {
        match bound {
            Function::Clamp(min, max) => {
                // A bound that is none is one that no number reaches.
                let (min, max) = (min.max(f32::MIN), max.min(f32::MAX));
                self.push(&format!("{name} bounds"), Op::Clamp { min, max }, input, len)
            }
            _ => input,
        }
    }
}
