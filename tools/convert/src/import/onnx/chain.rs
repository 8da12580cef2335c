//! The network as steps on vectors: what the nodes of a graph mean, constants and views of a tensor resolved.

use std::collections::HashMap;
use std::rc::Rc;

use super::constant::{Constant, Element};
use super::experts::Experts;
use crate::error::ConvertError;
use crate::ir::{Activation, Readout};

/// A function of one number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Function {
    /// Between bounds.
    Clamp(f32, f32),
    /// A curve.
    Curve(Activation),
    /// The error function, of which GELU is made; no image has it alone.
    Erf,
}

impl Function {
    pub(super) fn of(self, x: f32) -> f32 {
        match self {
            Self::Clamp(lo, hi) => x.max(lo).min(hi),
            Self::Curve(activation) => activation.of(x),
            Self::Erf => libm::erf(x.into()) as f32,
        }
    }
}

/// A dense layer: `y = alpha * W x + beta * b`.
#[derive(Clone, Debug)]
pub(super) struct Dense {
    /// `(rows, cols)`.
    pub(super) weights: Rc<Constant>,
    pub(super) alpha: f32,
    /// One element, or `rows`.
    pub(super) bias: Option<Rc<Constant>>,
    pub(super) beta: f32,
}

/// A step.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    Dense(Dense),
    /// `y = f(x)`.
    Map(Function),
    /// `y = gain * x + bias`; each one number, or one per element.
    Affine {
        gain: Vec<f32>,
        bias: Vec<f32>,
    },
    /// `y = x + second`.
    Add {
        second: usize,
    },
    /// `y = x * second`.
    Mul {
        second: usize,
    },
    /// `x`, then the others.
    Concat {
        others: Vec<usize>,
    },
    /// As many elements as the output has, from `start` on.
    Slice {
        start: usize,
    },
    /// Of the input as a matrix.
    Transpose {
        rows: usize,
        cols: usize,
    },
    /// The nearest bytes; the steps of the output say which.
    Quantize,
    Experts(Rc<Experts>),
}

impl Kind {
    /// The vectors that it reads beside the step's input.
    pub(super) fn others(&self) -> &[usize] {
        match self {
            Self::Add { second } | Self::Mul { second } => std::slice::from_ref(second),
            Self::Concat { others } => others,
            _ => &[],
        }
    }

    fn others_mut(&mut self) -> &mut [usize] {
        match self {
            Self::Add { second } | Self::Mul { second } => std::slice::from_mut(second),
            Self::Concat { others } => others,
            _ => &mut [],
        }
    }
}

/// A step with the vectors that it reads and writes.
#[derive(Clone, Debug)]
pub(super) struct Step {
    /// The node, by its index in the file.
    pub(super) node: usize,
    pub(super) kind: Kind,
    pub(super) input: usize,
    pub(super) output: usize,
}

/// What a byte of a quantised vector means: `scale * (q - zero)`, of signed bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Steps {
    pub(super) scale: f32,
    pub(super) zero: i32,
    /// As the file has it: of unsigned bytes zero is 128 less here.
    pub(super) is_unsigned: bool,
}

/// Activations.
#[derive(Clone, Debug)]
pub(super) struct Vector {
    pub(super) len: usize,
    pub(super) steps: Option<Steps>,
}

/// The network.
pub(super) struct Chain {
    pub(super) steps: Vec<Step>,
    pub(super) vectors: Vec<Vector>,
    /// What the network reads.
    pub(super) input: usize,
    pub(super) input_element: Element,
    /// The scores.
    pub(super) output: usize,
    pub(super) readout: Readout,
    /// Names of the nodes, each once.
    pub(super) names: Vec<String>,
    /// What was left out or assumed, for the user.
    pub(super) notes: Vec<String>,
}

impl Chain {
    /// Where vector `id` is written; the input is not.
    pub(super) fn writer(&self, id: usize) -> Option<&Step> {
        // Steps follow each other in the order of what they write.
        let at = self.steps.binary_search_by_key(&id, |step| step.output).ok()?;
        self.steps.get(at)
    }

    /// How often each vector is read.
    pub(super) fn readers(&self) -> HashMap<usize, usize> {
        let mut readers = HashMap::new();
        for step in &self.steps {
            for &read in [step.input].iter().chain(step.kind.others()) {
                *readers.entry(read).or_default() += 1;
            }
        }
        *readers.entry(self.output).or_default() += 1;
        readers
    }

    /// Drops steps whose output nobody reads.
    pub(super) fn prune(&mut self) {
        let mut wanted = vec![false; self.vectors.len()];
        wanted[self.output] = true;
        for step in self.steps.iter().rev() {
            if wanted[step.output] {
                wanted[step.input] = true;
                step.kind.others().iter().for_each(|&read| wanted[read] = true);
            }
        }
        self.steps.retain(|step| wanted[step.output]);
    }

    /// Makes one of a gain that follows another, as it does after the curves that exporters write in pieces, and none of a gain of 1. What
    /// is not read any more stays, to be pruned.
    pub(super) fn merge_gains(&mut self) {
        let readers = self.readers();
        // Of the output of each step that is one gain and one bias: its input, and both.
        let mut affine: HashMap<usize, (usize, f32, f32)> = HashMap::new();
        let mut stands_for: HashMap<usize, usize> = HashMap::new();
        for step in &mut self.steps {
            let same = |id: &mut usize| *id = stands_for.get(id).copied().unwrap_or(*id);
            same(&mut step.input);
            step.kind.others_mut().iter_mut().for_each(same);
            if let Kind::Affine { gain, bias } = &mut step.kind
                && let (&[g], &[b]) = (&gain[..], &bias[..])
            {
                let before = affine.get(&step.input).filter(|_| readers.get(&step.input) == Some(&1));
                let (x, first, offset) = before.copied().unwrap_or((step.input, 1.0, 0.0));
                let (g, b) = (g * first, g * offset + b);
                if (g - 1.0).abs() <= NEAR && b == 0.0 && x != self.input {
                    stands_for.insert(step.output, x);
                }
                affine.insert(step.output, (x, g, b));
                (step.input, *gain, *bias) = (x, vec![g], vec![b]);
            }
        }
        self.output = stands_for.get(&self.output).copied().unwrap_or(self.output);
    }

    /// Where a network begins or ends with QuantizeLinear: its bytes are those of the network.
    pub(super) fn absorb_ends(&mut self) {
        let mut first = self
            .steps
            .iter()
            .filter(|step| step.kind.others().iter().chain([&step.input]).any(|&read| read == self.input));
        if let (Some(Step { kind: Kind::Quantize, output, .. }), None) = (first.next(), first.next()) {
            let (from, to) = (*output, self.input);
            self.vectors[to].steps = self.vectors[from].steps;
            self.steps.retain(|step| step.output != from);
            for step in &mut self.steps {
                let others = step.kind.others_mut().iter_mut();
                others.chain([&mut step.input]).filter(|read| **read == from).for_each(|read| *read = to);
            }
            self.notes.push("the input is given quantised: QuantizeLinear at the start is left out".into());
        }
        let is_unsigned = |id: usize| self.vectors[id].steps.is_some_and(|steps| steps.is_unsigned);
        let is_unsigned_input =
            is_unsigned(self.input) || (self.vectors[self.input].steps.is_none() && self.input_element == Element::U8);
        for (what, is_unsigned) in [("input", is_unsigned_input), ("output", is_unsigned(self.output))] {
            if is_unsigned {
                self.notes.push(format!("the {what} is signed bytes, each 128 less than the file's"));
            }
        }
    }

    /// Whether the file says what the bytes of its input mean.
    pub(super) fn states_input(&self) -> bool {
        self.vectors[self.input].steps.is_some() || !self.input_element.is_real()
    }

    /// Whether some activation is quantised.
    pub(super) fn has_steps(&self) -> bool {
        self.vectors.iter().any(|vector| vector.steps.is_some())
    }

    /// Refuses what only is part of something else.
    pub(super) fn check(&self, nodes: &[super::schema::NodeProto]) -> Result<(), ConvertError> {
        let alone = self.steps.iter().filter(|step| matches!(step.kind, Kind::Map(Function::Erf)));
        let refused: Vec<String> = alone
            .map(|step| {
                format!(
                    "{} (node {}): only as part of GELU, x * (1 + erf(x / sqrt(2))) / 2",
                    nodes[step.node].op_type, step.node
                )
            })
            .collect();
        if refused.is_empty() { Ok(()) } else { Err(ConvertError::Unsupported { operators: refused }) }
    }
}

/// Gains closer to 1 than the constants of exporters, which have seven digits.
const NEAR: f32 = 1e-6;
