//! The float graph: what an importer makes and every pass, the calibration and the quantiser read.
//!
//! Nodes are the ops of the image in real numbers, so that lowering is a change of number format and never of structure:
//! a fast feedforward network is already a [`Op::Ffn`] with a tree and a static route, a mixture of experts the same op with
//! a top-k route. The alternative, one node per framework layer with a lowering step, would have put the meaning of each family in two
//! places.
//!
//! [`eval`] is the float reference: what the trained network computes, and what the integer image is compared with.

pub mod eval;
pub mod netlist;

use netlist::Netlist;

/// Index of an activation vector in [`Graph::values`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ValueId(pub usize);

/// What an activation vector holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueKind {
    /// Real numbers.
    Real,
    /// Bits, 0 or 1.
    Bits,
}

/// One activation vector (batch size one).
#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    /// For reports and errors.
    pub name: String,
    /// Number of elements.
    pub len: usize,
    /// Numbers or bits.
    pub kind: ValueKind,
}

/// A dense matrix, row-major, `(rows, cols)`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Matrix {
    /// Number of rows.
    pub rows: usize,
    /// Number of columns.
    pub cols: usize,
    /// `rows * cols` numbers.
    pub data: Vec<f32>,
}

impl Matrix {
    /// A matrix over `data`, which must hold `rows * cols` numbers.
    ///
    /// # Panics
    /// If the count differs: importers check shapes before they come here.
    pub fn new(rows: usize, cols: usize, data: Vec<f32>) -> Self {
        assert_eq!(data.len(), rows * cols, "matrix data does not fill its shape");
        Self { rows, cols, data }
    }

    /// Row `r`, `cols` numbers.
    pub fn row(&self, r: usize) -> &[f32] {
        &self.data[r * self.cols..(r + 1) * self.cols]
    }

    /// The transposed matrix, `(cols, rows)`.
    pub fn transposed(&self) -> Self {
        let data = (0..self.cols).flat_map(|c| (0..self.rows).map(move |r| self.data[r * self.cols + c])).collect();
        Self { rows: self.cols, cols: self.rows, data }
    }
}

/// A pointwise function of a neuron.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Activation {
    /// The identity.
    #[default]
    None,
    /// `max(x, 0)`.
    Relu,
    /// `x * Phi(x)`, the erf form.
    Gelu,
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
    /// Hyperbolic tangent.
    Tanh,
    /// `x * sigmoid(x)`.
    Silu,
    /// `x * min(max(x + 3, 0), 6) / 6`.
    HardSwish,
}

/// A contiguous run of neurons: a leaf, an expert, a master leaf.
#[derive(Clone, Debug, PartialEq)]
pub struct Range {
    /// For reports: `leaf 3`, `expert 0`, `master`.
    pub name: String,
    /// Key rows `(n, C)`.
    pub keys: Matrix,
    /// Key biases, `n`.
    pub key_bias: Vec<f32>,
    /// Value rows `(n, R)`, neuron-major.
    pub values: Matrix,
    /// Output bias, `R`; zeros where the range has none.
    pub value_bias: Vec<f32>,
}

/// What an entry of a top-k route weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GateWeight {
    /// One.
    One,
    /// `sigmoid(score)`.
    Sigmoid,
}

/// What a tree emits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Emit {
    /// The leaf reached: range `first + tree * 2^levels + leaf`.
    Leaf,
    /// Every node visited, as neuron `tree * (2^levels - 1) + node` of the op's only range, whose keys are the node rows.
    Path,
}

/// A selector: how ranges come to be evaluated. The ranges that an [`Op::Ffn`] evaluates are those of all its routes.
#[derive(Clone, Debug, PartialEq)]
pub enum Route {
    /// Ranges `first .. first + count`, always, weight one.
    Static {
        /// First range.
        first: usize,
        /// Number of ranges.
        count: usize,
    },
    /// Binary trees in heap order: `i = 2i + 1 + [s >= 0]` with `s = w_i . x + b_i` (`> 0` if `strict`).
    Tree {
        /// Number of trees.
        trees: usize,
        /// Nodes visited per tree.
        levels: usize,
        /// Node rows, `(trees * (2^levels - 1), C)`.
        weight: Matrix,
        /// Node biases.
        bias: Vec<f32>,
        /// Whether a tie goes left.
        strict: bool,
        /// Leaf or path.
        emit: Emit,
        /// First range.
        first: usize,
    },
    /// The `k` largest of `weight . x + bias`, ties to the lowest index.
    TopK {
        /// Router rows, `(E, C)`.
        weight: Matrix,
        /// Router biases, `E`.
        bias: Vec<f32>,
        /// Experts chosen.
        k: usize,
        /// Weight of a chosen expert.
        gate: GateWeight,
        /// Range of expert 0.
        first: usize,
    },
}

impl Route {
    /// The ranges that it can reach, `(first, count)`.
    pub fn span(&self) -> (usize, usize) {
        match self {
            Self::Static { first, count } => (*first, *count),
            Self::Tree { first, emit: Emit::Path, .. } => (*first, 1),
            Self::Tree { trees, levels, first, .. } => (*first, trees << levels),
            Self::TopK { bias, first, .. } => (*first, bias.len()),
        }
    }
}

/// How gates find their operands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wiring {
    /// Per output word: the two input words and their right rotations, 0 to 31.
    Word {
        /// Input word of operand A.
        a_word: Vec<u32>,
        /// Its rotation.
        a_rot: Vec<u32>,
        /// Input word of operand B.
        b_word: Vec<u32>,
        /// Its rotation.
        b_rot: Vec<u32>,
    },
    /// Per gate: the input bits of both operands.
    Gathered {
        /// Bit index of operand A.
        a: Vec<u32>,
        /// Bit index of operand B.
        b: Vec<u32>,
    },
}

/// The operations.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// `y = act(W x + b)`.
    Linear {
        /// `(out, in)`.
        weight: Matrix,
        /// `out`.
        bias: Vec<f32>,
        /// Applied to the output.
        activation: Activation,
    },
    /// `y = shared + sum over routed ranges g of weight * (value_bias_g + sum_j act(K_j . x + b_j) V_j)`.
    Ffn {
        /// The selectors, in order; several feed one op.
        routes: Vec<Route>,
        /// The neuron table.
        ranges: Vec<Range>,
        /// Of the hidden neurons.
        activation: Activation,
    },
    /// `y = gain * x + bias`, element by element.
    Affine {
        /// One per element.
        gain: Vec<f32>,
        /// One per element.
        bias: Vec<f32>,
    },
    /// `y = x + second`, the first input and another value of the same length.
    Add {
        /// The other value.
        second: ValueId,
    },
    /// `y = x * second`, element by element.
    Mul {
        /// The other value, of the same length.
        second: ValueId,
    },
    /// The elements of the input, then those of the others, one value after the other. All are numbers, or all bits; of bits
    /// each but the last has a multiple of 32.
    Concat {
        /// The values that follow the input, in order.
        others: Vec<ValueId>,
    },
    /// The elements `start .. start + len` of the input. Of bits `start` is a multiple of 32.
    Slice {
        /// First element.
        start: usize,
        /// Number of elements.
        len: usize,
    },
    /// The input is a matrix `(rows, cols)`, row by row; the output is its transpose. Numbers only.
    Transpose {
        /// Rows of the input.
        rows: usize,
        /// Columns of the input.
        cols: usize,
    },
    /// `y = f(x)`, element by element.
    Activation(Activation),
    /// `y = min(max(x, min), max)`.
    Clamp {
        /// Lower bound.
        min: f32,
        /// Upper bound.
        max: f32,
    },
    /// Bit `i` is `x[feature[i]] > threshold[i]`.
    Bits {
        /// Element of the input.
        feature: Vec<u32>,
        /// In units of the input.
        threshold: Vec<f32>,
    },
    /// Two-input logic gates on bits; ids as in `docs/graph-format.md`.
    Gates {
        /// Operands.
        wiring: Wiring,
        /// One id, 0 to 15, per gate.
        gate: Vec<u8>,
    },
    /// Two-input gates of any wiring, all layers of them at once.
    Netlist(Netlist),
    /// Class `c` counts the ones of the bits `[bounds[c], bounds[c + 1])`: `y = (count + bias) / tau`.
    GroupSum {
        /// One more than there are classes, not descending.
        bounds: Vec<u32>,
        /// One per class.
        bias: Vec<f32>,
        /// Temperature; more than 0.
        tau: f32,
    },
}

impl Op {
    /// The values that it reads beside the node's input.
    pub fn others(&self) -> &[ValueId] {
        match self {
            Self::Add { second } | Self::Mul { second } => std::slice::from_ref(second),
            Self::Concat { others } => others,
            _ => &[],
        }
    }

    /// As [`Self::others`], to change.
    pub fn others_mut(&mut self) -> &mut [ValueId] {
        match self {
            Self::Add { second } | Self::Mul { second } => std::slice::from_mut(second),
            Self::Concat { others } => others,
            _ => &mut [],
        }
    }
}

/// One step of the graph.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// For reports and errors: the layer's name in the source file.
    pub name: String,
    /// What it computes.
    pub op: Op,
    /// What it reads.
    pub input: ValueId,
    /// What it writes.
    pub output: ValueId,
}

impl Node {
    /// Every value that it reads, the input first; one that is read twice is there twice.
    pub fn reads(&self) -> impl Iterator<Item = ValueId> + '_ {
        std::iter::once(self.input).chain(self.op.others().iter().copied())
    }
}

/// How input bytes become real numbers: `x = scale * (q - zero_point)`.
#[derive(Clone, Debug, PartialEq)]
pub struct InputSpec {
    /// Elements.
    pub len: usize,
    /// Real value of one step.
    pub scale: f64,
    /// May be fractional.
    pub zero_point: f64,
    /// Smallest admissible `q`.
    pub min: i8,
    /// Largest admissible `q`.
    pub max: i8,
}

/// What is read from the final scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readout {
    /// The scores alone.
    None,
    /// The class of the largest score, ties to the lowest index.
    Argmax,
    /// The `k` classes of the largest scores.
    TopK(usize),
}

/// A trained network.
#[derive(Clone, Debug, PartialEq)]
pub struct Graph {
    /// Name of the network.
    pub name: String,
    /// Its input, value 0.
    pub input: InputSpec,
    /// Names of the outputs; empty if unknown.
    pub labels: Vec<String>,
    /// Every activation vector; the input is the first.
    pub values: Vec<Value>,
    /// Steps, in the order they run; each value is written by at most one.
    pub nodes: Vec<Node>,
    /// The scores.
    pub output: ValueId,
    /// What is read from them.
    pub readout: Readout,
    /// SHA-256 of the source file, and of the graph file beside it after that if there is one, hexadecimal.
    pub source_sha256: String,
}

/// Bounds of `groups` classes of `bits` as a graph file has them: class `c` owns `[c*n/groups, (c+1)*n/groups)`.
pub fn equal_groups(bits: usize, groups: usize) -> Vec<u32> {
    (0..=groups as u64).map(|c| (c * bits as u64 / groups.max(1) as u64) as u32).collect()
}

impl Graph {
    /// The input value.
    pub const INPUT: ValueId = ValueId(0);

    /// The value `id` stands for.
    pub fn value(&self, id: ValueId) -> &Value {
        &self.values[id.0]
    }
}
