//! Routed experts, as PyTorch exports a mixture that gathers the weights of the experts it has chosen:
//!
//! ```text
//! scores = router(x)                      Gemm, or MatMul and Add
//! values, chosen = TopK(scores, k)        the k largest, along the last axis
//! h = f(x @ w1[chosen] + b1[chosen])      Gather or GatherND; MatMul or Einsum; Add; an activation
//! y = h @ w2[chosen] + b2[chosen]
//! out = sum(y * sigmoid(values))          Unsqueeze, Mul; ReduceSum over the chosen. Without Sigmoid and Mul each weighs one
//! ```
//!
//! `w1` is `(E, I, h)` or, as the second operand of a product has it turned, `(E, h, I)`; `w2` likewise. Biases may be missing. The
//! sigmoid may stand before TopK as well. Unsqueeze, Squeeze and Reshape may stand anywhere, for dimensions of 1.
//!
//! Each value on the way is a [`Routed`]: what has been computed so far, its shape, and which dimension counts the chosen experts. Anything
//! else done with one is refused.

use std::rc::Rc;

use super::chain::{Dense, Function, Kind};
use super::constant::Constant;
use super::schema::NodeProto;
use super::shape::{self, Shape};
use super::walk::{Operands, Value, View, Walk, real};
use crate::ir::Activation;

/// What is expected, in errors.
pub(super) const PATTERN: &str = "routed experts are wanted as TopK of a dense layer's output, Gather of the weights, MatMul or Einsum, Add, an \
                                  activation, MatMul or Einsum, Add, Mul with the sigmoid of the values, ReduceSum over the chosen";

/// A part of routed experts.
#[derive(Clone)]
pub(super) struct Routed {
    route: Route,
    pub(super) shape: Shape,
    /// The dimension that counts the chosen experts.
    choice: usize,
    part: Part,
}

/// What was chosen.
#[derive(Clone, Copy, PartialEq)]
struct Route {
    /// The vector of scores.
    scores: usize,
    k: usize,
}

#[derive(Clone)]
enum Part {
    /// Scores of the chosen.
    Scores,
    /// Their sigmoid.
    Gates,
    /// Their numbers.
    Indices,
    /// Their slices of a table.
    Slices(Rc<Constant>),
    /// Their hidden neurons.
    Hidden(Hidden),
    /// Their outputs.
    Outputs(Experts),
}

/// One matrix product and its bias.
#[derive(Clone)]
pub(super) struct Layer {
    /// `(E, cols, rows)`, or if `is_turned` `(E, rows, cols)`.
    pub(super) weights: Rc<Constant>,
    pub(super) is_turned: bool,
    /// `(E, rows)`.
    pub(super) bias: Option<Rc<Constant>>,
}

#[derive(Clone)]
struct Hidden {
    input: usize,
    first: Layer,
    /// None before there is one.
    activation: Option<Activation>,
}

/// All of it.
#[derive(Clone)]
pub(super) struct Experts {
    /// The vector that they read, which the router reads as well.
    input: usize,
    pub(super) scores: usize,
    pub(super) k: usize,
    pub(super) first: Layer,
    pub(super) activation: Activation,
    pub(super) second: Layer,
    /// Whether outputs are multiplied with the sigmoid of the scores.
    pub(super) is_gated: bool,
    /// The dense layer that makes the scores, and what is added to it after; found at the end.
    pub(super) router: Option<(Dense, Vec<f32>)>,
}

impl std::fmt::Debug for Experts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {} by vector {}", self.k, self.first.weights, self.scores)
    }
}

impl Routed {
    /// The scores and how many were chosen, if it is nothing but that.
    pub(super) fn chosen(&self) -> Option<(usize, usize)> {
        matches!(self.part, Part::Scores | Part::Indices).then_some((self.route.scores, self.route.k))
    }

    /// The dimension of the choice, counted from the end.
    fn choice_from_end(&self) -> usize {
        self.shape.len() - self.choice
    }

    /// Whether an operation element by element meets the same experts in both. Of one expert any dimension of 1 will do.
    fn meets(&self, other: &Self) -> bool {
        self.route == other.route && (self.route.k == 1 || self.choice_from_end() == other.choice_from_end())
    }
}

impl Layer {
    /// Of the product of `cols` numbers with the slices of `table`.
    fn rows(table: &Constant, is_turned: bool, cols: usize) -> Option<usize> {
        match (&table.shape[..], is_turned) {
            (&[_, c, r], false) | (&[_, r, c], true) if c == cols => Some(r),
            _ => None,
        }
    }
}

impl Walk<'_> {
    /// Chooses.
    pub(super) fn top_k(&mut self, node: &NodeProto, x: Operands<'_>) -> Result<Vec<Value>, String> {
        let Value::View(view) = self.operand(x, 0)? else {
            return Err("its input is not computed from the network's".into());
        };
        let len = self.chain.vectors[view.id].len;
        let rank = view.shape.len();
        let axis = shape::axis(node.int("axis", -1)?, rank)?;
        let k = if self.opset < 10 {
            node.int("k", 0)?
        } else {
            self.constant_at(x, 1)?.int().ok_or("its k is not one integer")?
        };
        let k = usize::try_from(k).ok().filter(|k| (1..=len).contains(k)).ok_or_else(|| format!("{k} of {len}"))?;
        if view.shape[axis] != len || node.int("largest", 1)? == 0 {
            return Err(format!("wanted the largest of all elements of {}", shape::show(&view.shape)));
        }
        let mut to = view.shape.clone();
        to[axis] = k;
        // A sigmoid before the choice changes none.
        let before = self
            .chain
            .writer(view.id)
            .filter(|step| matches!(step.kind, Kind::Map(Function::Curve(Activation::Sigmoid))));
        let (scores, values) = before.map_or((view.id, Part::Scores), |step| (step.input, Part::Gates));
        let route = Route { scores, k };
        let part = |part| Value::Routed(Rc::new(Routed { route, shape: to.clone(), choice: axis, part }));
        Ok(vec![part(values), part(Part::Indices)])
    }

    /// An operator with a part of routed experts among its operands; none if it is nothing that has to do with parts.
    pub(super) fn routed(&mut self, node: &NodeProto, x: Operands<'_>) -> Result<Option<Value>, String> {
        let refuse = || format!("of a part of routed experts: {PATTERN}");
        let value = match (node.op_type.as_str(), self.operand(x, 0)?, x.get(1).and_then(Option::as_ref)) {
            ("Shape", ..) => return Ok(None),
            ("Identity" | "Cast", Value::Routed(part), _) => Value::Routed(Rc::clone(part)),
            ("Softmax" | "LogSoftmax", Value::Routed(_), _) => {
                return Err(
                    "over the chosen experts: an image weighs an expert with the sigmoid of its score, or with one"
                        .into(),
                );
            }
            ("Reshape" | "Squeeze" | "Unsqueeze" | "Transpose", Value::Routed(part), _) => {
                self.routed_view(node, x, part)?
            }
            ("Relu" | "Sigmoid" | "Tanh" | "Gelu" | "HardSwish", Value::Routed(part), _) => routed_curve(node, part)?,
            ("Gather", Value::Constant(table), Some(Value::Routed(part))) if node.int("axis", 0)? == 0 => {
                slices(table, part, &part.shape)?
            }
            ("GatherND", Value::Constant(table), Some(Value::Routed(part))) if node.int("batch_dims", 0)? == 0 => {
                let (&last, to) = part.shape.split_last().ok_or_else(refuse)?;
                if last != 1 || part.choice >= to.len() {
                    return Err(refuse());
                }
                slices(table, part, to)?
            }
            ("MatMul", a, Some(b)) => self.routed_matmul(a, b)?,
            ("Einsum", a, Some(b)) => self.routed_einsum(node, a, b)?,
            ("Add", Value::Routed(a), Some(Value::Routed(b))) => {
                biased(a, b).or_else(|| biased(b, a)).ok_or_else(refuse)?
            }
            ("Mul", Value::Routed(a), Some(Value::Routed(b))) => {
                gated(a, b).or_else(|| gated(b, a)).ok_or_else(refuse)?
            }
            ("ReduceSum", Value::Routed(part), _) => self.sum(node, x, part)?,
            _ => return Err(refuse()),
        };
        Ok(Some(value))
    }

    fn routed_view(&self, node: &NodeProto, x: Operands<'_>, part: &Routed) -> Result<Value, String> {
        let shape = self.viewed(node, x, &part.shape)?;
        // The dimensions of more than 1 must stay in their order, and the choice among them.
        let big = |shape: &[usize]| shape.iter().copied().filter(|&size| size != 1).collect::<Vec<_>>();
        if big(&shape) != big(&part.shape) {
            return Err(format!("of {} to {}: {PATTERN}", shape::show(&part.shape), shape::show(&shape)));
        }
        let before = part.shape[..part.choice].iter().filter(|&&size| size != 1).count();
        let mut found = 0;
        let place = |&(_, &size): &(usize, &usize)| {
            let is_choice = size == part.route.k && found == before;
            found += usize::from(size != 1);
            is_choice
        };
        let choice = shape.iter().enumerate().find(place).map(|(d, _)| d);
        let choice = choice.ok_or_else(|| format!("the dimension of the chosen is lost: {PATTERN}"))?;
        Ok(Value::Routed(Rc::new(Routed { shape, choice, ..part.clone() })))
    }

    /// The product of activations, or of hidden neurons, with slices; `a` is the left factor.
    fn routed_matmul(&mut self, a: &Value, b: &Value) -> Result<Value, String> {
        let refuse = || format!("of a part of routed experts: {PATTERN}");
        let (left, right) = (self.shape_of_factor(a)?, self.shape_of_factor(b)?);
        let (Some((before, &[m, k])), Some((others, &[rows, n]))) = (left.split_last_chunk(), right.split_last_chunk())
        else {
            return Err(refuse());
        };
        let mut to = shape::broadcast(before, others).filter(|_| k == rows).ok_or_else(refuse)?;
        to.extend([m, n]);
        let (table, factor, is_turned, one) = match (a, b) {
            (factor, Value::Routed(table)) if matches!(table.part, Part::Slices(_)) => (table, factor, false, m),
            (Value::Routed(table), factor) if matches!(table.part, Part::Slices(_)) => (table, factor, true, n),
            _ => return Err(refuse()),
        };
        if one != 1 || table.choice_from_end() <= 2 {
            return Err(refuse());
        }
        if let Value::Routed(hidden) = factor
            && !hidden.meets(table)
        {
            return Err(refuse());
        }
        self.multiplied(table, factor, is_turned, to, table.choice_from_end())
    }

    /// As above, with the dimensions named.
    fn routed_einsum(&mut self, node: &NodeProto, a: &Value, b: &Value) -> Result<Value, String> {
        let equation: String = node.text("equation")?.unwrap_or("").split_whitespace().collect();
        let refuse = || format!("`{}` of a part of routed experts: {PATTERN}", super::file::cut(&equation));
        let (inputs, to) = equation.split_once("->").ok_or_else(refuse)?;
        let (left, right) = inputs.split_once(',').ok_or_else(refuse)?;
        let is_table = |value: &Value| matches!(value, Value::Routed(part) if matches!(part.part, Part::Slices(_)));
        let (table, factor, of_table, of_factor) = match (a, b) {
            (factor, Value::Routed(table)) if is_table(b) => (table, factor, right, left),
            (Value::Routed(table), factor) if is_table(a) => (table, factor, left, right),
            _ => return Err(refuse()),
        };
        let (of_table, of_factor, to): (Vec<char>, Vec<char>, Vec<char>) =
            (of_table.chars().collect(), of_factor.chars().collect(), to.chars().collect());
        let factor_shape = self.shape_of_factor(factor)?;
        let named = |letters: &[char], shape: &[usize]| {
            let mut sorted = letters.to_vec();
            sorted.sort_unstable();
            sorted.dedup();
            letters.len() == shape.len() && sorted.len() == shape.len() && letters.iter().all(char::is_ascii_alphabetic)
        };
        let Some((_, &[d1, d2])) = of_table.split_last_chunk() else { return Err(refuse()) };
        if !named(&of_table, &table.shape) || !named(&of_factor, &factor_shape) || table.choice_from_end() <= 2 {
            return Err(refuse());
        }
        // What is summed over is one of the matrix' dimensions, and the other is left.
        let (summed, left, is_turned) = if of_factor.contains(&d1) { (d1, d2, false) } else { (d2, d1, true) };
        let choice = of_table[table.choice];
        if to.contains(&summed)
            || !of_factor.contains(&summed)
            || of_factor.contains(&left)
            || !to.contains(&left)
            || !to.contains(&choice)
        {
            return Err(refuse());
        }
        if let Value::Routed(hidden) = factor
            && of_factor.get(hidden.choice) != Some(&choice)
            && table.route.k != 1
        {
            return Err(refuse());
        }
        let size = |letter: &char| {
            let in_table = of_table.iter().position(|l| l == letter).map(|d| table.shape[d]);
            in_table.or_else(|| of_factor.iter().position(|l| l == letter).map(|d| factor_shape[d]))
        };
        let shape: Shape = to.iter().map(size).collect::<Option<_>>().ok_or_else(refuse)?;
        let place = to.iter().position(|&l| l == choice).unwrap_or(0);
        if !named(&to, &shape) {
            return Err(refuse());
        }
        let from_end = shape.len() - place;
        self.multiplied(table, factor, is_turned, shape, from_end)
    }

    fn shape_of_factor(&self, value: &Value) -> Result<Shape, String> {
        match value {
            Value::Routed(part) => Ok(part.shape.clone()),
            Value::View(view) => Ok(view.shape.clone()),
            _ => Err(format!("of a constant and a part of routed experts: {PATTERN}")),
        }
    }

    /// The next part: `from_end` is the place of the choice in `shape`.
    fn multiplied(
        &mut self,
        table: &Routed,
        factor: &Value,
        is_turned: bool,
        shape: Shape,
        from_end: usize,
    ) -> Result<Value, String> {
        let refuse = || format!("of a part of routed experts: {PATTERN}");
        let Part::Slices(weights) = &table.part else { return Err(refuse()) };
        let layer = Layer { weights: Rc::clone(weights), is_turned, bias: None };
        let (cols, part): (usize, Box<dyn FnOnce(Layer) -> Part>) = match factor {
            Value::View(_) => {
                let View { id, .. } = *self.vector(&[Some(factor.clone())], 0)?;
                (
                    self.chain.vectors[id].len,
                    Box::new(move |first| Part::Hidden(Hidden { input: id, first, activation: None })),
                )
            }
            Value::Routed(routed) if routed.route == table.route => {
                let Part::Hidden(hidden) = &routed.part else { return Err(refuse()) };
                let cols = routed.shape.iter().product::<usize>() / table.route.k;
                let (Hidden { input, first, activation }, Route { scores, k }) = (hidden.clone(), table.route);
                let activation = activation.unwrap_or(Activation::None);
                (
                    cols,
                    Box::new(move |second| {
                        Part::Outputs(Experts {
                            input,
                            scores,
                            k,
                            first,
                            activation,
                            second,
                            is_gated: false,
                            router: None,
                        })
                    }),
                )
            }
            _ => return Err(refuse()),
        };
        let rows = Layer::rows(weights, is_turned, cols)
            .ok_or_else(|| format!("its input has {cols} elements for weights {weights}"))?;
        if shape.iter().product::<usize>() != rows * table.route.k {
            return Err(refuse());
        }
        let choice = shape.len().checked_sub(from_end).filter(|&d| shape[d] == table.route.k).ok_or_else(refuse)?;
        Ok(Value::Routed(Rc::new(Routed { route: table.route, shape, choice, part: part(layer) })))
    }

    /// The sum over the chosen.
    fn sum(&mut self, node: &NodeProto, x: Operands<'_>, routed: &Routed) -> Result<Value, String> {
        let refuse = |why: &str| Err(format!("{why}: {PATTERN}"));
        let Part::Outputs(experts) = &routed.part else {
            return refuse("of a part of routed experts that is not their outputs");
        };
        let rank = routed.shape.len();
        let axes = self.ints(node, x, 1, "axes")?.unwrap_or_else(|| (0..rank as i64).collect());
        let axes = axes.iter().map(|&at| shape::axis(at, rank)).collect::<Result<Vec<_>, _>>()?;
        if !(axes.contains(&routed.choice) || routed.route.k == 1)
            || axes.iter().any(|&d| d != routed.choice && routed.shape[d] != 1)
        {
            return refuse("not over the chosen experts");
        }
        let is_kept = node.int("keepdims", 1)? != 0;
        let sizes = routed.shape.iter().enumerate();
        let to: Shape =
            sizes.filter_map(|(d, &size)| if !axes.contains(&d) { Some(size) } else { is_kept.then_some(1) }).collect();
        let len = to.iter().product();
        let router = Some(self.router(experts)?);
        let id = self.push(Kind::Experts(Rc::new(Experts { router, ..experts.clone() })), experts.input, len);
        Ok(real(id, to))
    }

    /// The dense layer on the experts' own input that makes the scores, and a bias that is added to it.
    fn router(&self, experts: &Experts) -> Result<(Dense, Vec<f32>), String> {
        let mut step = self.chain.writer(experts.scores);
        let mut added = vec![0.0];
        if let Some(Kind::Affine { gain, bias }) = step.map(|step| &step.kind)
            && gain[..] == [1.0]
        {
            added.clone_from(bias);
            step = step.and_then(|step| self.chain.writer(step.input));
        }
        match step.map(|step| (&step.kind, step.input)) {
            Some((Kind::Dense(dense), input)) if input == experts.input => Ok((dense.clone(), added)),
            Some((Kind::Dense(_), _)) => Err(format!("the router reads another tensor than the experts: {PATTERN}")),
            _ => Err(format!("the scores are not a dense layer's: {PATTERN}")),
        }
    }
}

/// The slices of a table that `part`, indices seen in the shape `at`, names.
fn slices(table: &Rc<Constant>, part: &Routed, at: &[usize]) -> Result<Value, String> {
    let (Part::Indices, [_, slice @ ..]) = (&part.part, &table.shape[..]) else {
        return Err(format!("by a part of routed experts that is not their numbers: {PATTERN}"));
    };
    if !(1..=2).contains(&slice.len()) || table.quantisation.as_ref().is_some_and(|q| q.scales.len() > 1) {
        return Err(format!("of a table {table}, wanted a matrix or a bias for each expert"));
    }
    let shape: Shape = at.iter().chain(slice).copied().collect();
    let part = Routed { route: part.route, shape, choice: part.choice, part: Part::Slices(Rc::clone(table)) };
    Ok(Value::Routed(Rc::new(part)))
}

fn routed_curve(node: &NodeProto, routed: &Routed) -> Result<Value, String> {
    let part = match (&routed.part, node.op_type.as_str()) {
        (Part::Scores, "Sigmoid") => Part::Gates,
        (Part::Hidden(hidden @ Hidden { activation: None, .. }), name) => {
            let activation = match name {
                "Relu" => Activation::Relu,
                "Sigmoid" => Activation::Sigmoid,
                "Tanh" => Activation::Tanh,
                "HardSwish" => Activation::HardSwish,
                _ if matches!(node.text("approximate")?, None | Some("none")) => Activation::Gelu,
                _ => return Err("its form is not the exact one".into()),
            };
            Part::Hidden(Hidden { activation: Some(activation), ..hidden.clone() })
        }
        _ => return Err(format!("of a part of routed experts: {PATTERN}")),
    };
    Ok(Value::Routed(Rc::new(Routed { part, ..routed.clone() })))
}

/// `a` with the slices `b` added as its bias, which has one.
fn biased(a: &Routed, b: &Routed) -> Option<Value> {
    let Part::Slices(bias) = &b.part else { return None };
    let is_fitting = |layer: &Layer| {
        let rows = if layer.is_turned { layer.weights.shape[1] } else { layer.weights.shape[2] };
        layer.bias.is_none()
            && bias.shape.len() == 2
            && bias.shape[1] == rows
            && bias.shape[0] == layer.weights.shape[0]
    };
    let to = shape::broadcast(&a.shape, &b.shape)?;
    if !a.meets(b) || shape::elements(&to) != shape::elements(&a.shape) {
        return None;
    }
    let mut part = a.part.clone();
    let layer = match &mut part {
        Part::Hidden(Hidden { first, activation: None, .. }) => first,
        Part::Outputs(Experts { second, is_gated: false, .. }) => second,
        _ => return None,
    };
    if !is_fitting(layer) {
        return None;
    }
    layer.bias = Some(Rc::clone(bias));
    let choice = to.len() - a.choice_from_end();
    Some(Value::Routed(Rc::new(Routed { route: a.route, shape: to, choice, part })))
}

/// The outputs `a`, weighed with `b`.
fn gated(a: &Routed, b: &Routed) -> Option<Value> {
    let (Part::Outputs(experts @ Experts { is_gated: false, .. }), Part::Gates) = (&a.part, &b.part) else {
        return None;
    };
    let to = shape::broadcast(&a.shape, &b.shape)?;
    if !a.meets(b) || shape::elements(&to) != shape::elements(&a.shape) {
        return None;
    }
    let choice = to.len() - a.choice_from_end();
    let part = Part::Outputs(Experts { is_gated: true, ..experts.clone() });
    Some(Value::Routed(Rc::new(Routed { route: a.route, shape: to, choice, part })))
}
