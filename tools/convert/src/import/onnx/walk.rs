//! From nodes to steps, one after the other. What cannot be imported is listed whole, in one error.
//!
//! The name of a tensor stands for a constant, a vector of activations with a shape, or a part of routed experts. Operators that only view
//! a tensor make no step; those on constants are computed here, so that what exporters compute from weights and shapes costs nothing.

use std::collections::HashMap;
use std::rc::Rc;

use super::chain::{Chain, Dense, Function, Kind, Step, Steps, Vector};
use super::constant::{Constant, Data, Element};
use super::experts::Routed;
use super::external::Folder;
use super::file::{self, Budget, File};
use super::schema::NodeProto;
use super::shape::{self, Shape};
use crate::error::ConvertError;
use crate::ir::{Activation, Readout};

/// Steps that an image can hold.
const MAX_STEPS: usize = 4096;

/// What a name stands for.
#[derive(Clone)]
pub(super) enum Value {
    Constant(Rc<Constant>),
    View(View),
    Routed(Rc<Routed>),
    /// The output of an operator that is refused.
    Unknown,
}

/// A vector, seen as a tensor.
#[derive(Clone)]
pub(super) struct View {
    pub(super) id: usize,
    pub(super) shape: Shape,
    /// Whether the elements are bytes that QuantizeLinear made, not yet real numbers again.
    pub(super) is_bytes: bool,
    /// Whether a step at the end of the network was left out before it.
    pub(super) has_ended: bool,
}

/// What is read of a node: its operands, some of them left out.
pub(super) type Operands<'v> = &'v [Option<Value>];

/// The walk over the nodes.
pub(super) struct Walk<'f> {
    pub(super) chain: Chain,
    pub(super) budget: Budget,
    pub(super) opset: i64,
    /// By name.
    values: HashMap<&'f str, Value>,
    folder: &'f mut Folder,
    /// The node at hand.
    pub(super) index: usize,
}

/// Goes through the nodes of a file; gives the network and a line for each node.
pub(super) fn walk(file: &mut File, folder: &mut Folder) -> Result<(Chain, Vec<String>), ConvertError> {
    let File { nodes, constants, opset, input, output, budget } = file;
    let len = input.shape.iter().product();
    let chain = Chain {
        steps: Vec::new(),
        vectors: vec![Vector { len, steps: None }],
        input: 0,
        input_element: input.element,
        output: 0,
        readout: Readout::None,
        names: names(nodes),
        notes: Vec::new(),
    };
    let budget = std::mem::take(budget);
    let mut walk = Walk { chain, budget, opset: *opset, values: HashMap::new(), folder, index: 0 };
    if let Some(open) = &input.open {
        walk.chain.notes.push(format!(
            "the dimension `{open}` of the input is taken to be 1: an image computes one sample at a time"
        ));
    }
    for (name, constant) in constants.iter() {
        walk.values.insert(name, Value::Constant(Rc::clone(constant)));
    }
    let is_bytes = !input.element.is_real();
    let entry = View { id: 0, shape: input.shape.clone(), is_bytes, has_ended: false };
    walk.values.insert(&input.name, Value::View(entry));

    let (mut refused, mut listing) = (Vec::new(), Vec::new());
    for (i, node) in nodes.iter().enumerate() {
        walk.index = i;
        let outputs = walk.node(node).unwrap_or_else(|why| {
            refused.push(format!("{} (node {i}): {why}", node.operator()));
            // What follows is still looked at, to name all of them at once.
            vec![Value::Unknown; node.output.len()]
        });
        listing.push(walk.describe(node, &outputs));
        for (name, value) in node.output.iter().zip(outputs) {
            if !name.is_empty() {
                walk.values.entry(name).or_insert(value);
            }
        }
    }
    if !refused.is_empty() {
        return Err(ConvertError::Unsupported { operators: refused });
    }
    walk.end(output)?;
    let mut chain = walk.chain;
    chain.prune();
    chain.merge_gains();
    chain.prune();
    chain.absorb_ends();
    chain.check(nodes)?;
    if chain.steps.len() > MAX_STEPS {
        let (place, what) = ("the network".into(), "its number of steps".into());
        return Err(ConvertError::TooLarge { place, what, want: MAX_STEPS as u64, have: chain.steps.len() as u64 });
    }
    Ok((chain, listing))
}

/// Each node by its own name, or by operator and number where that is none, or could not be written on a command line.
fn names(nodes: &[NodeProto]) -> Vec<String> {
    let mut count: HashMap<&str, usize> = HashMap::new();
    nodes.iter().for_each(|node| *count.entry(&node.name).or_default() += 1);
    let is_good =
        |name: &str| (1..=80).contains(&name.len()) && name.chars().all(|c| c.is_alphanumeric() || "/_.:-".contains(c));
    let name = |(i, node): (usize, &NodeProto)| {
        if is_good(&node.name) && count[&node.name[..]] == 1 {
            node.name.clone()
        } else {
            format!("{} {i}", node.operator().to_lowercase())
        }
    };
    nodes.iter().enumerate().map(name).collect()
}

impl<'f> Walk<'f> {
    fn node(&mut self, node: &'f NodeProto) -> Result<Vec<Value>, String> {
        if let Some(name) = node.output.iter().find(|name| self.values.contains_key(name.as_str())) {
            return Err(format!("its output `{}` is written twice", file::cut(name)));
        }
        let mut operands = Vec::new();
        for name in &node.input {
            operands.push(match (name.as_str(), self.values.get(name.as_str())) {
                ("", _) => None,
                (_, Some(value)) => Some(value.clone()),
                (_, None) => return Err(format!("its input `{}` is read before it is written", file::cut(name))),
            });
        }
        let is_known = operands.iter().flatten().all(|value| !matches!(value, Value::Unknown));
        let outputs = match self.operator(node, &operands) {
            // Of what follows a refused operator only the name can be judged.
            Err(why) if is_known || why == UNKNOWN_OPERATOR => return Err(why),
            Err(_) => Vec::new(),
            Ok(outputs) if is_known => outputs,
            Ok(_) => Vec::new(),
        };
        let missing = node.output.len().saturating_sub(outputs.len());
        Ok(outputs.into_iter().chain(vec![Value::Unknown; missing]).collect())
    }

    fn operator(&mut self, node: &'f NodeProto, x: Operands<'_>) -> Result<Vec<Value>, String> {
        if x.iter().flatten().any(|value| matches!(value, Value::Routed(_)))
            && let Some(value) = self.routed(node, x)?
        {
            return Ok(vec![value]);
        }
        let value = match node.operator().as_str() {
            "Gemm" => self.gemm(node, x),
            "MatMul" => self.matmul(x),
            "Add" | "Sub" | "Mul" | "Div" | "Max" | "Min" => self.arithmetic(node, x),
            "BatchNormalization" => self.normalisation(node, x),
            "Neg" => self.scalar(x, -1.0, 0.0),
            "Relu" => self.map(x, Function::Curve(Activation::Relu)),
            "Sigmoid" => self.map(x, Function::Curve(Activation::Sigmoid)),
            "Tanh" => self.map(x, Function::Curve(Activation::Tanh)),
            "Erf" => self.map(x, Function::Erf),
            "HardSwish" => self.map(x, Function::Curve(Activation::HardSwish)),
            "HardSigmoid" => self.hard_sigmoid(node, x),
            "Gelu" | "com.microsoft.Gelu" => self.gelu(node, x),
            "Clip" => self.clip(node, x),
            "Identity" | "Dropout" | "Cast" => self.same(node, x),
            "Reshape" | "Flatten" | "Squeeze" | "Unsqueeze" | "Transpose" => self.view(node, x),
            "Constant" => self.constant(node),
            "Shape" => self.shape_of(node, x),
            "Gather" => self.gather(node, x),
            "Concat" => self.concat(node, x),
            "Slice" => self.slice(node, x),
            "Split" => return self.split(node, x),
            "Softmax" | "LogSoftmax" | "ArgMax" => self.ending(node, x),
            "TopK" => return self.top_k(node, x),
            "GatherND" | "Einsum" | "ReduceSum" => Err("only within routed experts".into()),
            "QuantizeLinear" => self.quantize(node, x),
            "DequantizeLinear" => self.dequantize(node, x),
            "QLinearMatMul" => self.quantized_matmul(x),
            "com.microsoft.QGemm" => self.quantized_gemm(node, x),
            "DynamicQuantizeLinear" | "MatMulInteger" => {
                Err("scales that are found while a network runs are no op of an image: quantise statically, or give the network in real numbers".into())
            }
            _ => Err(UNKNOWN_OPERATOR.into()),
        };
        value.map(|value| vec![value])
    }

    /// An operand that must be there.
    pub(super) fn operand<'v>(&self, x: Operands<'v>, i: usize) -> Result<&'v Value, String> {
        x.get(i).and_then(Option::as_ref).ok_or_else(|| format!("input {i} is missing"))
    }

    /// An operand that must be a constant.
    pub(super) fn constant_at<'v>(&self, x: Operands<'v>, i: usize) -> Result<&'v Rc<Constant>, String> {
        match self.operand(x, i)? {
            Value::Constant(constant) => Ok(constant),
            _ => Err(format!("input {i} is not constant")),
        }
    }

    /// An operand that may be left out, and otherwise must be a constant.
    pub(super) fn optional<'v>(&self, x: Operands<'v>, i: usize) -> Result<Option<&'v Rc<Constant>>, String> {
        if x.get(i).is_some_and(Option::is_some) { self.constant_at(x, i).map(Some) } else { Ok(None) }
    }

    /// An operand that is computed from the input, in real numbers, by a step that was not left out.
    pub(super) fn vector<'v>(&self, x: Operands<'v>, i: usize) -> Result<&'v View, String> {
        match self.operand(x, i)? {
            Value::View(view) if view.has_ended => Err("it follows an operator that can only end a network".into()),
            Value::View(view) if view.is_bytes => {
                Err(format!("input {i} is integers: real numbers are wanted, from DequantizeLinear or Cast"))
            }
            Value::View(view) => Ok(view),
            Value::Constant(_) => Err(format!("input {i} is a constant")),
            Value::Routed(_) => Err(format!("input {i} is a part of routed experts: {}", super::experts::PATTERN)),
            Value::Unknown => Err(format!("input {i} is not known")),
        }
    }

    /// Integers of an operand or of an attribute of the same name: axes and sizes moved from one to the other between versions.
    pub(super) fn ints(
        &self,
        node: &NodeProto,
        x: Operands<'_>,
        i: usize,
        name: &str,
    ) -> Result<Option<Vec<i64>>, String> {
        if let Some(list) = node.ints(name)? {
            return Ok(Some(list.iter().copied().take(shape::MAX_RANK + 1).collect()));
        }
        let Some(constant) = self.optional(x, i)? else { return Ok(None) };
        let list = constant.ints(shape::MAX_RANK);
        list.map(Some).ok_or_else(|| format!("input {i} is {constant}, wanted at most {} integers", shape::MAX_RANK))
    }

    /// Adds a vector and the step that writes it.
    pub(super) fn push(&mut self, kind: Kind, input: usize, len: usize) -> usize {
        let output = self.chain.vectors.len();
        self.chain.vectors.push(Vector { len, steps: None });
        self.chain.steps.push(Step { node: self.index, kind, input, output });
        output
    }

    /// A function of each element.
    pub(super) fn map(&mut self, x: Operands<'_>, function: Function) -> Result<Value, String> {
        let x = self.vector(x, 0)?;
        let len = self.chain.vectors[x.id].len;
        let id = self.push(Kind::Map(function), x.id, len);
        Ok(real(id, x.shape.clone()))
    }

    /// `gain * x + bias`.
    fn scalar(&mut self, x: Operands<'_>, gain: f32, bias: f32) -> Result<Value, String> {
        let x = self.vector(x, 0)?;
        Ok(real(self.affine(x.id, vec![gain], vec![bias]), x.shape.clone()))
    }

    /// `gain * x + bias`, each one number or one per element.
    pub(super) fn affine(&mut self, input: usize, gain: Vec<f32>, bias: Vec<f32>) -> usize {
        let len = self.chain.vectors[input].len;
        self.push(Kind::Affine { gain, bias }, input, len)
    }

    fn hard_sigmoid(&mut self, node: &NodeProto, x: Operands<'_>) -> Result<Value, String> {
        let line = self.scalar(x, node.float("alpha", 0.2)?, node.float("beta", 0.5)?)?;
        self.map(&[Some(line)], Function::Clamp(0.0, 1.0))
    }

    fn gelu(&mut self, node: &NodeProto, x: Operands<'_>) -> Result<Value, String> {
        match node.text("approximate")? {
            None | Some("none") => self.map(x, Function::Curve(Activation::Gelu)),
            Some(other) => {
                Err(format!("its form `{}` is not the exact one: export with approximate=\"none\"", file::cut(other)))
            }
        }
    }

    fn clip(&mut self, node: &NodeProto, x: Operands<'_>) -> Result<Value, String> {
        let bound = |i: usize, name: &str, otherwise: f32| -> Result<f32, String> {
            if self.opset < 11 {
                return node.float(name, otherwise);
            }
            let constant = self.optional(x, i)?;
            constant.map_or(Ok(otherwise), |c| c.real().ok_or_else(|| format!("its {name} is {c}, wanted one number")))
        };
        let (lo, hi) = (bound(1, "min", f32::NEG_INFINITY)?, bound(2, "max", f32::INFINITY)?);
        if lo.is_nan() || hi.is_nan() || lo > hi {
            return Err(format!("its bounds are {lo} and {hi}"));
        }
        self.map(x, Function::Clamp(lo, hi))
    }

    pub(super) fn gemm(&mut self, node: &NodeProto, x: Operands<'_>) -> Result<Value, String> {
        let (a, b) = (self.vector(x, 0)?, self.constant_at(x, 1)?);
        let flag = |name| Ok::<_, String>(node.int(name, 0)? != 0);
        let (&[m, k], &[.., _, _]) = (&a.shape[..], &b.shape[..]) else {
            return Err(format!("of {} and {b}, wanted two dimensions each", shape::show(&a.shape)));
        };
        let (m, k) = if flag("transA")? { (k, m) } else { (m, k) };
        if m != 1 {
            return Err(batch(m));
        }
        let weights = self.weights(b, flag("transB")?)?;
        let bias = self.optional(x, 2)?.cloned();
        let dense = Dense { weights, alpha: node.float("alpha", 1.0)?, bias, beta: node.float("beta", 1.0)? };
        self.dense(a.id, k, dense, |rows| vec![1, rows])
    }

    pub(super) fn matmul(&mut self, x: Operands<'_>) -> Result<Value, String> {
        if let (Value::Constant(w), Value::View(column)) = (self.operand(x, 0)?, self.operand(x, 1)?) {
            self.vector(x, 1)?;
            let (cols, rank) = (self.chain.vectors[column.id].len, column.shape.len());
            if column.shape.get(rank.saturating_sub(2)) != Some(&cols) {
                return Err(format!("of {w} and {}, wanted one column", shape::show(&column.shape)));
            }
            let dense = Dense { weights: self.weights(w, true)?, alpha: 1.0, bias: None, beta: 1.0 };
            return self.dense(column.id, cols, dense, |rows| if rank == 1 { vec![rows] } else { vec![rows, 1] });
        }
        let (a, b) = (self.vector(x, 0)?, self.constant_at(x, 1)?);
        let k = a.shape.last().copied().ok_or("its input is one number")?;
        let len = self.chain.vectors[a.id].len;
        if len != k {
            return Err(batch(len / k));
        }
        let mut to = vec![1; b.shape.len().saturating_sub(a.shape.len())];
        to.extend_from_slice(&a.shape[..a.shape.len() - 1]);
        let dense = Dense { weights: self.weights(b, false)?, alpha: 1.0, bias: None, beta: 1.0 };
        self.dense(a.id, k, dense, |rows| to.into_iter().chain([rows]).collect())
    }

    /// A matrix as `(rows, cols)`; other dimensions before it must be 1. It has `(cols, rows)` unless `is_transposed`.
    fn weights(&mut self, b: &Rc<Constant>, is_transposed: bool) -> Result<Rc<Constant>, String> {
        let Some((before, &[r, c])) = b.shape.split_last_chunk() else {
            return Err(format!("its weights are {b}, wanted two dimensions"));
        };
        if before.iter().any(|&size| size != 1) {
            return Err(format!("its weights are {b}: one matrix is wanted"));
        }
        if b.shape.len() == 2 && is_transposed {
            return Ok(Rc::clone(b));
        }
        self.budget.take(b.data.bytes())?;
        let matrix = b.reshaped(vec![r, c]).ok_or("its scales do not lie along a dimension of the matrix")?;
        Ok(Rc::new(if is_transposed { matrix } else { matrix.transposed(&[1, 0]) }))
    }

    fn dense(
        &mut self,
        input: usize,
        k: usize,
        dense: Dense,
        to: impl FnOnce(usize) -> Shape,
    ) -> Result<Value, String> {
        let (rows, cols) = (dense.weights.shape[0], dense.weights.shape[1]);
        if cols != k {
            return Err(format!("its input has {k} elements, its weights {cols}"));
        }
        if let Some(bias) = dense
            .bias
            .as_ref()
            .filter(|bias| bias.len() != 1 && (bias.len() != rows || bias.shape.last() != Some(&rows)))
        {
            return Err(format!("its bias is {bias}, wanted {rows} numbers"));
        }
        let id = self.push(Kind::Dense(dense), input, rows);
        Ok(real(id, to(rows)))
    }

    fn normalisation(&mut self, node: &NodeProto, x: Operands<'_>) -> Result<Value, String> {
        let view = self.vector(x, 0)?;
        let parts = (1..5).map(|i| self.constant_at(x, i)).collect::<Result<Vec<_>, _>>()?;
        let &[_, channels, ..] = &view.shape[..] else {
            return Err(format!("of {}, wanted a dimension of channels", shape::show(&view.shape)));
        };
        if node.int("training_mode", 0)? != 0 {
            return Err("it is in training mode: export the network for inference".into());
        }
        if let Some(part) = parts.iter().find(|part| part.len() != channels) {
            return Err(format!("one of its constants is {part}, wanted {channels} numbers"));
        }
        let [scale, shift, mean, variance] = [0, 1, 2, 3].map(|i| parts[i].reals());
        let epsilon = f64::from(node.float("epsilon", 1e-5)?);
        let each = view.shape[2..].iter().product();
        let len = self.chain.vectors[view.id].len;
        self.budget.take(8 * len)?;
        let (mut gain, mut bias) = (Vec::with_capacity(len), Vec::with_capacity(len));
        for c in 0..channels {
            let g = f64::from(scale[c]) / (f64::from(variance[c]) + epsilon).sqrt();
            gain.extend(vec![g as f32; each]);
            bias.extend(vec![(f64::from(shift[c]) - f64::from(mean[c]) * g) as f32; each]);
        }
        Ok(real(self.affine(view.id, gain, bias), view.shape.clone()))
    }

    /// An operator that does not change which score is largest, or names it.
    fn ending(&mut self, node: &NodeProto, x: Operands<'_>) -> Result<Value, String> {
        let Value::View(view) = self.operand(x, 0)? else {
            return Err("its input is not computed from the network's".into());
        };
        let rank = view.shape.len();
        let name = node.op_type.as_str();
        let is_flat = name != "ArgMax" && self.opset < 13;
        let otherwise = if name == "ArgMax" {
            0
        } else if is_flat {
            1
        } else {
            -1
        };
        let axis = shape::axis(node.int("axis", otherwise)?, rank)?;
        // Before version 13 Softmax was of all dimensions from the axis on.
        let of: usize = if is_flat { view.shape[axis..].iter().product() } else { view.shape[axis] };
        if of != self.chain.vectors[view.id].len {
            return Err(format!("of {} along dimension {axis}, wanted all elements", shape::show(&view.shape)));
        }
        if node.int("select_last_index", 0)? != 0 {
            return Err("it takes the last of equal scores: an image takes the first".into());
        }
        let mut to = view.shape.clone();
        let kept = if name == "ArgMax" {
            if node.int("keepdims", 1)? == 0 {
                to.remove(axis);
            } else {
                to[axis] = 1;
            }
            "the class is read out"
        } else {
            "scores stay as they are, and the class is read out"
        };
        self.chain.notes.push(format!("{name} at the end is left out: {kept}"));
        self.chain.readout = Readout::Argmax;
        Ok(Value::View(View { shape: to, has_ended: true, ..view.clone() }))
    }

    fn end(&mut self, output: &str) -> Result<(), ConvertError> {
        let refuse = |what: &str, want: &str, have: String| ConvertError::Range {
            place: "the network".into(),
            what: what.into(),
            want: want.into(),
            have,
        };
        let name = file::cut(output);
        let id = match self.values.get(output) {
            Some(Value::View(view)) => view.id,
            Some(Value::Routed(routed)) if routed.chosen().is_some() => {
                let (id, k) = routed.chosen().unwrap_or_default();
                self.chain.readout = Readout::TopK(k);
                self.chain.notes.push(format!("TopK at the end is left out: the {k} best classes are read out"));
                id
            }
            Some(Value::Routed(_)) => {
                return Err(refuse("output", super::experts::PATTERN, format!("`{name}`, a part of routed experts")));
            }
            Some(Value::Constant(_)) => {
                return Err(refuse("output", "computed from the input", format!("`{name}`, a constant")));
            }
            None | Some(Value::Unknown) => {
                return Err(refuse("output", "a tensor that some operator writes", format!("`{name}`")));
            }
        };
        if self.chain.writer(id).is_none() {
            return Err(refuse("output", "computed by some operator", format!("`{name}`, the input")));
        }
        self.chain.output = id;
        Ok(())
    }

    /// A constant that the node itself holds.
    pub(super) fn constant(&mut self, node: &NodeProto) -> Result<Value, String> {
        let constant = if let Some(tensor) = node.tensor("value")? {
            file::constant(tensor, self.folder, &mut self.budget)?
        } else if let Some(list) = node.floats("value_floats")? {
            self.budget.take(4 * list.len())?;
            Constant::new(vec![list.len()], Data::Reals(list.to_vec()))
        } else if let Some(list) = node.ints("value_ints")? {
            self.budget.take(8 * list.len())?;
            Constant::list(list.to_vec())
        } else if node.has("value_float") {
            Constant::new(Vec::new(), Data::Reals(vec![node.float("value_float", 0.0)?]))
        } else if node.has("value_int") {
            Constant::new(Vec::new(), Data::I64(vec![node.int("value_int", 0)?]))
        } else {
            return Err("it holds neither a tensor nor numbers".into());
        };
        Ok(Value::Constant(Rc::new(constant)))
    }

    /// The node with the shapes of its operands, in a line.
    fn describe(&self, node: &NodeProto, outputs: &[Value]) -> String {
        let show = |value: &Value| match value {
            Value::Constant(constant) => constant.to_string(),
            Value::Routed(routed) => format!("f32{}", shape::show(&routed.shape)),
            Value::View(view) => {
                let element = match self.chain.vectors[view.id].steps {
                    Some(Steps { is_unsigned: true, .. }) if view.is_bytes => Element::U8,
                    Some(_) if view.is_bytes => Element::I8,
                    None if view.is_bytes => self.chain.input_element,
                    _ => Element::F32,
                };
                format!("{element}{}", shape::show(&view.shape))
            }
            Value::Unknown => "?".into(),
        };
        let inputs: Vec<String> =
            node.input.iter().filter_map(|name| self.values.get(name.as_str())).map(show).collect();
        let written = node.output.iter().zip(outputs).filter(|(name, _)| !name.is_empty());
        let outputs: Vec<String> = written.map(|(_, value)| show(value)).collect();
        let arrow = if inputs.is_empty() { "->" } else { " ->" };
        format!("{} {}{arrow} {}", node.operator(), inputs.join(" "), outputs.join(" "))
    }
}

const UNKNOWN_OPERATOR: &str = "networks of dense layers can be imported, and nothing with this operator";

/// A vector of real numbers.
pub(super) fn real(id: usize, shape: Shape) -> Value {
    Value::View(View { id, shape, is_bytes: false, has_ended: false })
}

/// Of more than one row.
fn batch(rows: usize) -> String {
    format!("its input has {rows} rows, wanted 1: export the network for a batch of one")
}
