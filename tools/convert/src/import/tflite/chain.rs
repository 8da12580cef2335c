//! From operators to the steps of a network: what each one means, which are only another view of a tensor, which end it.

use super::file::{Element, File, Operator, Tensor};
use crate::error::ConvertError;
use crate::ir::{Activation, Readout};

/// A function of one number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Function {
    /// A change of scale.
    Identity,
    /// Between bounds.
    Clamp(f32, f32),
    /// A curve.
    Curve(Activation),
}

impl Function {
    pub(super) fn of(self, x: f32) -> f32 {
        match self {
            Self::Identity => x,
            Self::Clamp(lo, hi) => x.max(lo).min(hi),
            Self::Curve(activation) => activation.of(x),
        }
    }
}

/// A step. Numbers are indices of tensors: of constants, or of the tensor that holds the activations.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// `y = bound(W x + b)`.
    Dense { weights: usize, bias: Option<usize>, bound: Function },
    /// `y = f(x)`.
    Map(Function),
    /// `y = bound(x + second)`.
    Add { second: usize, bound: Function },
    /// `y = bound(x * second)`.
    Mul { second: usize, bound: Function },
    /// The elements of the input, then those of the others.
    Concat { others: Vec<usize> },
    /// The elements from `start` on, as many as the output has.
    Slice { start: usize },
    /// A matrix of so many rows and columns, transposed.
    Transpose { rows: usize, cols: usize },
    /// `y = bound(gain * x + bias)`, of constants.
    Affine { gain: Option<usize>, bias: Option<usize>, bound: Function },
}

impl Kind {
    /// The activations that it reads beside the step's input.
    pub(super) fn others(&self) -> &[usize] {
        match self {
            Self::Add { second, .. } | Self::Mul { second, .. } => std::slice::from_ref(second),
            Self::Concat { others } => others,
            _ => &[],
        }
    }
}

/// A step with what it reads and writes.
#[derive(Clone, Debug)]
pub(super) struct Step {
    /// The operator, by its index in the file.
    pub(super) operator: usize,
    pub(super) kind: Kind,
    pub(super) input: usize,
    pub(super) output: usize,
}

/// The network.
pub(super) struct Chain {
    pub(super) steps: Vec<Step>,
    /// The tensor whose bytes the network reads.
    pub(super) input: usize,
    /// The tensor with the scores.
    pub(super) output: usize,
    pub(super) readout: Readout,
    /// Whether every activation is a signed byte.
    pub(super) is_quantised: bool,
    /// What was left out, for the user.
    pub(super) notes: Vec<String>,
}

/// Element types that activations of a network have, in a sentence.
const ACTIVATIONS: &str = "activations of i8 (quantised) or f32, the same for all";

impl Chain {
    /// Goes through the operators of a file. What cannot be imported is listed in one error.
    pub(super) fn of(file: &File<'_>) -> Result<Self, ConvertError> {
        let mut walk = Walk {
            file,
            // At first each tensor stands for itself.
            stands_for: (0..file.tensors.len()).collect(),
            is_known: file.tensors.iter().map(|tensor| tensor.data.is_some()).collect(),
            has_ended: vec![false; file.tensors.len()],
            chain: Self {
                steps: Vec::new(),
                input: file.input,
                output: file.output,
                readout: Readout::None,
                is_quantised: false,
                notes: Vec::new(),
            },
        };
        walk.is_known[file.input] = true;
        let mut refused = Vec::new();
        for (i, operator) in file.operators.iter().enumerate() {
            // What follows an operator that is refused is still looked at, to name all of them at once.
            if let Err(why) = walk.operator(i, operator) {
                refused.push(format!("{} (operator {i}): {why}", operator.name));
                for &output in &operator.outputs {
                    walk.is_known[output] = true;
                }
            }
        }
        if !refused.is_empty() {
            return Err(ConvertError::Unsupported { operators: refused });
        }
        let mut chain = walk.finish()?;
        chain.prune();
        Ok(chain)
    }

    /// Drops steps whose output nobody reads.
    fn prune(&mut self) {
        let mut wanted = vec![self.output];
        let mut kept = Vec::new();
        while let Some(step) = self.steps.pop() {
            if wanted.contains(&step.output) {
                wanted.push(step.input);
                wanted.extend(step.kind.others());
                kept.push(step);
            }
        }
        kept.reverse();
        self.steps = kept;
    }
}

struct Walk<'f, 'a> {
    file: &'f File<'a>,
    /// The tensor that holds what this one does.
    stands_for: Vec<usize>,
    /// Constants, and what some operator has written.
    is_known: Vec<bool>,
    /// Whether a step at the end of the network was left out before it.
    has_ended: Vec<bool>,
    chain: Chain,
}

impl Walk<'_, '_> {
    fn tensor(&self, id: usize) -> &Tensor<'_> {
        &self.file.tensors[id]
    }

    /// What operand `i` stands for; it must have been written before.
    fn operand(&self, operator: &Operator, i: usize) -> Result<usize, String> {
        let id = operator.inputs.get(i).copied().flatten().ok_or_else(|| format!("input {i} is missing"))?;
        if self.is_known[id] { Ok(self.stands_for[id]) } else { Err(format!("input {i} is read before it is written")) }
    }

    /// An operand that is computed from the input, by a step that was not left out.
    fn activation(&self, operator: &Operator, i: usize) -> Result<usize, String> {
        let id = self.operand(operator, i)?;
        if self.tensor(id).data.is_some() {
            return Err(format!("input {i} is a constant"));
        }
        if operator.inputs[i].is_some_and(|id| self.has_ended[id]) {
            return Err("it follows an operator that can only end a network".into());
        }
        Ok(id)
    }

    fn operator(&mut self, index: usize, operator: &Operator) -> Result<(), String> {
        let &[output] = &operator.outputs[..] else {
            return Err(format!("{} outputs, wanted 1", operator.outputs.len()));
        };
        if self.is_known[output] {
            return Err("its output is written twice".into());
        }
        let curve = |activation| Ok(Function::Curve(activation));
        let function = match operator.name.as_str() {
            "FULLY_CONNECTED" => return self.dense(index, operator, output),
            "ADD" | "MUL" => return self.arithmetic(index, operator, output),
            "CONCATENATION" => return self.concat(index, operator, output),
            "SLICE" => return self.slice(index, operator, output),
            "TRANSPOSE" => return self.transpose(index, operator, output),
            // A vector has no shape.
            "RESHAPE" | "SQUEEZE" | "EXPAND_DIMS" | "DEQUANTIZE" => return self.alias(operator, output),
            "QUANTIZE" => return self.quantize(index, operator, output),
            "SOFTMAX" | "LOG_SOFTMAX" | "ARG_MAX" => return self.end(operator, output),
            "RELU" => Ok(Function::Clamp(0.0, f32::INFINITY)),
            "RELU6" => Ok(Function::Clamp(0.0, 6.0)),
            "RELU_N1_TO_1" => Ok(Function::Clamp(-1.0, 1.0)),
            "LOGISTIC" => curve(Activation::Sigmoid),
            "TANH" => curve(Activation::Tanh),
            "HARD_SWISH" => curve(Activation::HardSwish),
            _ => Err("networks of dense layers can be imported, and nothing with this operator".to_owned()),
        }?;
        let input = self.activation(operator, 0)?;
        self.same_len(input, output)?;
        self.push(index, Kind::Map(function), input, output);
        Ok(())
    }

    fn push(&mut self, operator: usize, kind: Kind, input: usize, output: usize) {
        self.is_known[output] = true;
        self.chain.steps.push(Step { operator, kind, input, output });
    }

    fn same_len(&self, input: usize, output: usize) -> Result<(), String> {
        let (want, have) = (self.tensor(input).len, self.tensor(output).len);
        if want == have { Ok(()) } else { Err(format!("its output has {have} elements, wanted {want}")) }
    }

    fn bound(operator: &Operator) -> Result<Function, String> {
        match operator.activation {
            0 => Ok(Function::Identity),
            1 => Ok(Function::Clamp(0.0, f32::INFINITY)),
            2 => Ok(Function::Clamp(-1.0, 1.0)),
            3 => Ok(Function::Clamp(0.0, 6.0)),
            other => Err(format!("fused activation {other} is not known")),
        }
    }

    fn dense(&mut self, index: usize, operator: &Operator, output: usize) -> Result<(), String> {
        let input = self.activation(operator, 0)?;
        let weights = self.operand(operator, 1)?;
        let w = self.tensor(weights);
        if w.data.is_none() {
            return Err("its weights are not constant".into());
        }
        let &[rows, cols] = &w.shape[..] else {
            return Err(format!("its weights are {w}, wanted two dimensions"));
        };
        let have = self.tensor(input).len;
        if have != cols {
            return Err(format!("its input has {have} elements, wanted {cols}: a batch of one"));
        }
        let have = self.tensor(output).len;
        if have != rows {
            return Err(format!("its output has {have} elements, wanted {rows}"));
        }
        let bias = operator.inputs.get(2).copied().flatten().map(|_| self.operand(operator, 2)).transpose()?;
        if let Some(bias) = bias.map(|bias| self.tensor(bias))
            && (bias.data.is_none() || bias.len != rows)
        {
            return Err(format!("its bias is {bias}, wanted {rows} constants"));
        }
        self.push(index, Kind::Dense { weights, bias, bound: Self::bound(operator)? }, input, output);
        Ok(())
    }

    fn arithmetic(&mut self, index: usize, operator: &Operator, output: usize) -> Result<(), String> {
        let bound = Self::bound(operator)?;
        let operands = [self.operand(operator, 0)?, self.operand(operator, 1)?];
        let is_constant = operands.map(|id| self.tensor(id).data.is_some());
        let is_add = operator.name == "ADD";
        let (input, kind) = match is_constant {
            [false, false] => {
                let [a, second] = [self.activation(operator, 0)?, self.activation(operator, 1)?];
                self.same_len(second, output)?;
                (a, if is_add { Kind::Add { second, bound } } else { Kind::Mul { second, bound } })
            }
            [true, true] => return Err("both inputs are constants".into()),
            [constant, _] => {
                let at = usize::from(constant);
                let (input, constant) = (self.activation(operator, at)?, operands[1 - at]);
                let have = self.tensor(constant).len;
                if have != 1 && have != self.tensor(input).len {
                    return Err(format!("a constant of {have} elements, wanted 1 or {}", self.tensor(input).len));
                }
                let (gain, bias) = if is_add { (None, Some(constant)) } else { (Some(constant), None) };
                (input, Kind::Affine { gain, bias, bound })
            }
        };
        self.same_len(input, output)?;
        self.push(index, kind, input, output);
        Ok(())
    }

    /// What is joined along the first dimension that is not 1: of a batch of one, the elements one after the other.
    fn concat(&mut self, index: usize, operator: &Operator, output: usize) -> Result<(), String> {
        let inputs = (0..operator.inputs.len()).map(|i| self.activation(operator, i));
        let inputs = inputs.collect::<Result<Vec<_>, _>>()?;
        let (&input, others) = inputs.split_first().ok_or("no inputs")?;
        let y = self.tensor(output);
        // Not what the input stands for: its shape may be another.
        let shape = &self.tensor(operator.inputs[0].unwrap_or(input)).shape;
        let axis = shape.iter().zip(&y.shape).position(|(x, y)| x != y).unwrap_or(0);
        if y.shape[..axis.min(y.shape.len())].iter().any(|&size| size != 1) {
            return Err(format!("its {y} is joined along dimension {axis}, wanted one with nothing but 1 before it"));
        }
        let have: usize = inputs.iter().map(|&id| self.tensor(id).len).sum();
        if have != y.len {
            return Err(format!("its inputs have {have} elements, its output {}", y.len));
        }
        self.push(index, Kind::Concat { others: others.to_vec() }, input, output);
        Ok(())
    }

    /// The shape of an operand and the whole numbers of another, one for each dimension.
    fn of_shape(&self, operator: &Operator, i: usize) -> Result<(&[usize], Vec<i32>), String> {
        let id = operator.inputs[0].ok_or("input 0 is missing")?;
        let shape = self.tensor(id).shape.as_slice();
        let constant = self.tensor(self.operand(operator, i)?);
        let numbers = constant.ints().filter(|numbers| numbers.len() == shape.len());
        let wanted = || format!("input {i} is {constant}, wanted {} constants of i32", shape.len());
        Ok((shape, numbers.ok_or_else(wanted)?))
    }

    /// A part that lies together: whole in every dimension but one, with nothing but 1 before it.
    fn slice(&mut self, index: usize, operator: &Operator, output: usize) -> Result<(), String> {
        let input = self.activation(operator, 0)?;
        let (shape, begin) = self.of_shape(operator, 1)?;
        let y = self.tensor(output);
        if y.shape.len() != shape.len() {
            return Err(format!("its output is {y}, wanted {} dimensions", shape.len()));
        }
        let axis = (0..shape.len()).find(|&i| y.shape[i] != shape[i]).unwrap_or(0);
        let mut start = 0usize;
        for (i, ((&size, &kept), &from)) in shape.iter().zip(&y.shape).zip(&begin).enumerate() {
            let end = usize::try_from(from).ok().and_then(|from| from.checked_add(kept));
            if end.is_none_or(|end| end > size) || (i < axis && kept != 1) || (i > axis && kept != size) {
                return Err(format!("its part {y} from {begin:?} does not lie together in the input"));
            }
            start = start * size + from as usize;
        }
        self.push(index, Kind::Slice { start }, input, output);
        Ok(())
    }

    /// Two groups of dimensions that change places.
    fn transpose(&mut self, index: usize, operator: &Operator, output: usize) -> Result<(), String> {
        let input = self.activation(operator, 0)?;
        let (shape, order) = self.of_shape(operator, 1)?;
        self.same_len(input, output)?;
        // Dimensions of 1 may be anywhere.
        let moved = order.iter().filter_map(|&from| usize::try_from(from).ok().filter(|&from| from < shape.len()));
        let moved: Vec<usize> = moved.filter(|&from| shape[from] != 1).collect();
        let mut sorted = moved.clone();
        sorted.sort_unstable();
        let all: Vec<usize> = (0..shape.len()).filter(|&i| shape[i] != 1).collect();
        let first = moved.first().and_then(|first| sorted.iter().position(|i| i == first)).unwrap_or(0);
        sorted.rotate_left(first);
        if moved != sorted || moved.len() != all.len() || all.iter().any(|i| !moved.contains(i)) {
            return Err(format!("its order {order:?} of dimensions is more than two groups that change places"));
        }
        let rows: usize = all[..first].iter().map(|&i| shape[i]).product();
        let cols: usize = all[first..].iter().map(|&i| shape[i]).product();
        if rows == 1 || cols == 1 {
            return self.alias(operator, output);
        }
        self.push(index, Kind::Transpose { rows, cols }, input, output);
        Ok(())
    }

    /// The output is the same tensor.
    fn alias(&mut self, operator: &Operator, output: usize) -> Result<(), String> {
        let input = self.operand(operator, 0)?;
        self.same_len(input, output)?;
        self.stands_for[output] = input;
        self.is_known[output] = true;
        self.has_ended[output] = operator.inputs[0].is_some_and(|id| self.has_ended[id]);
        Ok(())
    }

    fn quantize(&mut self, index: usize, operator: &Operator, output: usize) -> Result<(), String> {
        let input = self.operand(operator, 0)?;
        if self.tensor(input).element == Element::I8 && self.tensor(output).element == Element::I8 {
            let input = self.activation(operator, 0)?;
            self.same_len(input, output)?;
            self.push(index, Kind::Map(Function::Identity), input, output);
            return Ok(());
        }
        if input == self.file.input && self.tensor(output).element == Element::I8 {
            let (from, to) = (self.tensor(input), self.tensor(output));
            let is_shift = from.element == Element::U8
                && from.scales == to.scales
                && from.zero_points.iter().map(|zero| zero - 128).eq(to.zero_points.iter().copied());
            if from.element != Element::F32 && !is_shift {
                return Err(format!("from {from} to {to} of another scale"));
            }
            self.same_len(input, output)?;
            let note = match from.element {
                Element::F32 => "the input is given quantised: QUANTIZE at the start is left out",
                _ => "the input is given as signed bytes, 128 less than the file's",
            };
            self.chain.notes.push(note.into());
            self.chain.input = output;
            self.is_known[output] = true;
            return Ok(());
        }
        if self.tensor(input).element == Element::I8 && self.tensor(output).element == Element::U8 {
            self.end_with(
                operator,
                output,
                "the output stays in signed bytes: QUANTIZE at the end is left out".into(),
            )?;
            return Ok(());
        }
        Err(format!("from {} to {}", self.tensor(input), self.tensor(output)))
    }

    /// An operator that does not change which score is largest, or names it.
    fn end(&mut self, operator: &Operator, output: usize) -> Result<(), String> {
        if operator.name == "ARG_MAX" && self.tensor(output).len != 1 {
            return Err("of more than one vector".into());
        }
        let kept = if operator.name == "ARG_MAX" {
            "the class is read out"
        } else {
            "scores stay as they are, and the class is read out"
        };
        self.end_with(operator, output, format!("{} at the end is left out: {kept}", operator.name))?;
        self.chain.readout = Readout::Argmax;
        Ok(())
    }

    fn end_with(&mut self, operator: &Operator, output: usize, note: String) -> Result<(), String> {
        self.stands_for[output] = self.operand(operator, 0)?;
        self.is_known[output] = true;
        self.has_ended[output] = true;
        self.chain.notes.push(note);
        Ok(())
    }

    fn finish(mut self) -> Result<Chain, ConvertError> {
        let refuse = |what: &str, want: &str, have: String| ConvertError::Range {
            place: "the network".into(),
            what: what.into(),
            want: want.into(),
            have,
        };
        let output = self.file.output;
        if !self.is_known[output] {
            return Err(refuse("output", "a tensor that some operator writes", format!("tensor {output}")));
        }
        self.chain.output = self.stands_for[output];
        let chain = &mut self.chain;
        let is_written = chain.steps.iter().any(|step| step.output == chain.output);
        if !is_written {
            return Err(refuse("output", "computed by some operator", "the input, or a constant".into()));
        }
        let activations =
            || [chain.input].into_iter().chain(chain.steps.iter().flat_map(|step| [step.input, step.output]));
        let all = |element| activations().all(|id| self.file.tensors[id].element == element);
        chain.is_quantised = all(Element::I8);
        if !chain.is_quantised && !all(Element::F32) {
            let first = &self.file.tensors[chain.input];
            let odd = activations().map(|id| &self.file.tensors[id]).find(|tensor| tensor.element != first.element);
            return Err(refuse("element type", ACTIVATIONS, format!("{first} and {}", odd.unwrap_or(first))));
        }
        Ok(self.chain)
    }
}
