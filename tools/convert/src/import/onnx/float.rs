//! The graph of a file in real numbers. Of a quantised one it is what its integers mean.

use std::collections::HashSet;
use std::path::Path;

use super::chain::{Chain, Dense, Function, Kind, Step};
use super::constant::{Constant, Element};
use super::experts::{Experts, Layer};
use crate::error::ConvertError;
use crate::import::{ImportOptions, check_input, ffn, stem};
use crate::ir::{Activation, GateWeight, Graph, InputSpec, Matrix, Node, Op, Range, Route, Value, ValueId, ValueKind};

/// Numbers of all weights together: a file whose nodes share a constant many times would grow.
const MAX_NUMBERS: usize = 1 << 25;

/// Elements of an activation: more than any microcontroller holds.
const MAX_LEN: usize = 1 << 20;

/// Makes the graph; what had to be assumed is added to `assumptions`.
pub(super) fn read(
    chain: &Chain,
    path: &Path,
    options: &ImportOptions,
    assumptions: &mut Vec<String>,
) -> Result<Graph, ConvertError> {
    let input = input(chain, options, assumptions)?;
    if let Some(vector) = chain.vectors.iter().find(|vector| vector.len > MAX_LEN) {
        return Err(ConvertError::TooLarge {
            place: "the network".into(),
            what: "the number of elements of an activation".into(),
            want: MAX_LEN as u64,
            have: vector.len as u64,
        });
    }
    let values = vec![Value { name: "input".into(), len: input.len, kind: ValueKind::Real }];
    let graph = Graph {
        name: stem(path),
        input,
        labels: Vec::new(),
        values,
        nodes: Vec::new(),
        output: Graph::INPUT,
        readout: chain.readout,
        source_sha256: String::new(),
    };
    let ids = vec![Graph::INPUT; chain.vectors.len()];
    let mut reader = Reader { chain, graph, ids, names: HashSet::from(["input".into()]), budget: MAX_NUMBERS };
    for step in &chain.steps {
        reader.step(step)?;
    }
    reader.graph.output = reader.ids[chain.output];
    Ok(reader.graph)
}

/// What the network reads, as the file or the options say it.
fn input(chain: &Chain, options: &ImportOptions, assumptions: &mut Vec<String>) -> Result<InputSpec, ConvertError> {
    let vector = &chain.vectors[chain.input];
    let spec =
        |scale: f64, zero_point: f64| InputSpec { len: vector.len, scale, zero_point, min: i8::MIN, max: i8::MAX };
    let input = match (vector.steps, chain.input_element, &options.input) {
        (Some(steps), ..) => spec(steps.scale.into(), steps.zero.into()),
        (None, Element::U8, _) => spec(1.0, -128.0),
        (None, Element::I8, _) => spec(1.0, 0.0),
        (None, _, Some(input)) => input.clone(),
        (None, _, None) => {
            assumptions.push(
                "the input is taken to be pixels 0 to 255 on -1 to 1 (q = pixel - 128, scale 2/255, zero point -0.5): a file \
                 in real numbers does not say it"
                    .into(),
            );
            spec(2.0 / 255.0, -0.5)
        }
    };
    check_input(&input)?;
    if input.len != vector.len {
        let (what, want, have) = ("elements of the input".into(), vector.len.to_string(), input.len.to_string());
        return Err(ConvertError::Range { place: "input".into(), what, want, have });
    }
    Ok(input)
}

struct Reader<'c> {
    chain: &'c Chain,
    graph: Graph,
    /// By vector of the chain.
    ids: Vec<ValueId>,
    /// Those given to nodes: calibration finds a value by its name.
    names: HashSet<String>,
    /// Numbers that may still be read.
    budget: usize,
}

impl Reader<'_> {
    fn pay(&mut self, place: &str, numbers: usize) -> Result<(), ConvertError> {
        self.budget = self.budget.checked_sub(numbers).ok_or_else(|| ConvertError::TooLarge {
            place: place.into(),
            what: "the number of weights up to it".into(),
            want: MAX_NUMBERS as u64,
            have: (MAX_NUMBERS - self.budget + numbers) as u64,
        })?;
        Ok(())
    }

    /// The numbers of a constant, all finite, times `factor`.
    fn numbers(&mut self, place: &str, what: &str, constant: &Constant, factor: f32) -> Result<Vec<f32>, ConvertError> {
        self.pay(place, constant.len())?;
        let mut numbers = constant.reals();
        if factor != 1.0 {
            numbers.iter_mut().for_each(|number| *number *= factor);
        }
        finite(place, what, &numbers)?;
        Ok(numbers)
    }

    /// Adds a node that writes a value of `len` elements.
    fn push(&mut self, step: &Step, op: Op, input: ValueId, len: usize) -> ValueId {
        let base = &self.chain.names[step.node];
        let mut name = base.clone();
        let mut count = 1;
        while !self.names.insert(name.clone()) {
            count += 1;
            name = format!("{base} {count}");
        }
        let output = ValueId(self.graph.values.len());
        self.graph.values.push(Value { name: name.clone(), len, kind: ValueKind::Real });
        self.graph.nodes.push(Node { name, op, input, output });
        output
    }

    fn step(&mut self, step: &Step) -> Result<(), ConvertError> {
        let place = &self.chain.names[step.node];
        let input = self.ids[step.input];
        let len = self.chain.vectors[step.output].len;
        let op = match &step.kind {
            Kind::Quantize => {
                self.ids[step.output] = input;
                return Ok(());
            }
            Kind::Dense(dense) => {
                let (weight, bias) = self.dense(place, dense)?;
                Op::Linear { weight, bias, activation: Activation::None }
            }
            Kind::Map(Function::Curve(activation)) => Op::Activation(*activation),
            // A bound that is none is one that no number reaches.
            Kind::Map(Function::Clamp(min, max)) => Op::Clamp { min: min.max(f32::MIN), max: max.min(f32::MAX) },
            // A chain with one of these alone was refused.
            Kind::Map(Function::Erf) => Op::Activation(Activation::None),
            Kind::Affine { gain, bias } => {
                self.pay(place, 2 * len)?;
                finite(place, "gain", gain)?;
                finite(place, "bias", bias)?;
                let each = |numbers: &[f32]| if numbers.len() == 1 { vec![numbers[0]; len] } else { numbers.to_vec() };
                Op::Affine { gain: each(gain), bias: each(bias) }
            }
            Kind::Add { second } => Op::Add { second: self.ids[*second] },
            Kind::Mul { second } => Op::Mul { second: self.ids[*second] },
            Kind::Concat { others } => Op::Concat { others: others.iter().map(|&other| self.ids[other]).collect() },
            Kind::Slice { start } => Op::Slice { start: *start, len },
            Kind::Transpose { rows, cols } => Op::Transpose { rows: *rows, cols: *cols },
            Kind::Experts(experts) => self.experts(place, experts)?,
        };
        self.ids[step.output] = self.push(step, op, input, len);
        Ok(())
    }

    fn dense(&mut self, place: &str, dense: &Dense) -> Result<(Matrix, Vec<f32>), ConvertError> {
        let (rows, cols) = (dense.weights.shape[0], dense.weights.shape[1]);
        let weight = Matrix::new(rows, cols, self.numbers(place, "weights", &dense.weights, dense.alpha)?);
        let bias = match &dense.bias {
            Some(bias) => self.numbers(place, "bias", bias, dense.beta)?,
            None => vec![0.0],
        };
        Ok((weight, if bias.len() == 1 { vec![bias[0]; rows] } else { bias }))
    }

    fn experts(&mut self, place: &str, experts: &Experts) -> Result<Op, ConvertError> {
        let Some((router, added)) = &experts.router else {
            return Err(ConvertError::Check { why: format!("the experts of {place} have no router") });
        };
        let (weight, mut bias) = self.dense(place, router)?;
        finite(place, "bias of the router", added)?;
        bias.iter_mut().enumerate().for_each(|(e, bias)| *bias += added[if added.len() == 1 { 0 } else { e }]);
        let count = weight.rows;
        let (keys, key_bias) = self.tables(place, &experts.first, count)?;
        let (values, value_bias) = self.tables(place, &experts.second, count)?;
        let too_large = |what: &str, want: usize, have: usize| ConvertError::TooLarge {
            place: place.into(),
            what: what.into(),
            want: want as u64,
            have: have as u64,
        };
        if count > ffn::MAX_ENTRIES {
            return Err(too_large("its number of experts", ffn::MAX_ENTRIES, count));
        }
        let mut ranges = Vec::new();
        for (e, (((keys, key_bias), values), value_bias)) in
            keys.into_iter().zip(key_bias).zip(values).zip(value_bias).enumerate()
        {
            if keys.rows > ffn::MAX_NEURONS {
                return Err(too_large("the number of neurons of an expert", ffn::MAX_NEURONS, keys.rows));
            }
            // Value rows belong to neurons.
            ranges.push(Range { name: format!("expert {e}"), keys, key_bias, values: values.transposed(), value_bias });
        }
        let gate = if experts.is_gated { GateWeight::Sigmoid } else { GateWeight::One };
        let route = Route::TopK { weight, bias, k: experts.k, gate, first: 0 };
        Ok(Op::Ffn { routes: vec![route], ranges, activation: experts.activation })
    }

    /// Of each expert a matrix `(rows, cols)` and a bias.
    #[allow(clippy::type_complexity)]
    fn tables(
        &mut self,
        place: &str,
        layer: &Layer,
        experts: usize,
    ) -> Result<(Vec<Matrix>, Vec<Vec<f32>>), ConvertError> {
        let &[count, a, b] = &layer.weights.shape[..] else {
            return Err(ConvertError::Check { why: format!("the experts of {place} have no matrices") });
        };
        if count != experts {
            return Err(ConvertError::Range {
                place: place.into(),
                what: "the number of experts".into(),
                want: format!("{experts}, that of the router's scores"),
                have: count.to_string(),
            });
        }
        let numbers = self.numbers(place, "weights of experts", &layer.weights, 1.0)?;
        let matrices: Vec<Matrix> = numbers.chunks_exact(a * b).map(|data| Matrix::new(a, b, data.to_vec())).collect();
        let matrices = if layer.is_turned { matrices } else { matrices.iter().map(Matrix::transposed).collect() };
        let rows = if layer.is_turned { a } else { b };
        let bias = match &layer.bias {
            Some(bias) => self.numbers(place, "biases of experts", bias, 1.0)?,
            None => {
                self.pay(place, experts * rows)?;
                vec![0.0; experts * rows]
            }
        };
        Ok((matrices, bias.chunks_exact(rows).map(<[f32]>::to_vec).collect()))
    }
}

fn finite(place: &str, what: &str, numbers: &[f32]) -> Result<(), ConvertError> {
    match numbers.iter().position(|number| !number.is_finite()) {
        None => Ok(()),
        Some(index) => Err(ConvertError::NotFinite {
            tensor: what.into(),
            layer: Some(place.into()),
            index,
            value: numbers[index],
        }),
    }
}
