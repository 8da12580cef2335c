//! The integer graph: what the image will hold, before anything has an address.

use leafgate_image::{RequantRecord, ThresholdRecord, WordGates};

/// Index of a tensor in [`IntGraph::tensors`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TensorId(pub usize);

/// Element type of a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dtype {
    /// Signed bytes.
    I8,
    /// Scores, accumulators, class indices.
    I32,
    /// Bits in words.
    Bits,
    /// Routed ranges.
    List,
}

/// A tensor of one row.
#[derive(Clone, Debug, PartialEq)]
pub struct IntTensor {
    /// For reports.
    pub name: String,
    /// Element type.
    pub dtype: Dtype,
    /// Elements; bits; capacity.
    pub cols: usize,
    /// `real = scale * (q - zero_point)`.
    pub scale: f64,
    /// May be fractional for the network's input.
    pub zero_point: f64,
    /// Smallest value an I8 tensor can hold.
    pub lo: i32,
    /// Largest value an I8 tensor can hold.
    pub hi: i32,
}

/// A range of the neuron table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IntRange {
    /// For reports.
    pub name: String,
    /// n.
    pub neurons: usize,
    /// `(n, C)`, or none if `z` is handed on by the route.
    pub keys: Option<Vec<i8>>,
    /// n.
    pub key_bias: Vec<i32>,
    /// n.
    pub key_rq: Vec<RequantRecord>,
    /// `(n, R)`, or `(R, n)` if `output_major`.
    pub values: Vec<i8>,
    /// R, or empty.
    pub value_bias: Vec<i32>,
    /// Whether values are stored output-major.
    pub output_major: bool,
    /// Rescaling of the partial sum to the accumulator, if their scales differ.
    pub rescale: Option<(u32, u8)>,
}

/// What a route computes.
#[derive(Clone, Debug, PartialEq)]
pub enum IntSelector {
    /// Fixed ranges.
    Static {
        /// First range.
        first: usize,
        /// Number of ranges.
        count: usize,
    },
    /// Binary trees.
    Tree {
        /// Number of trees.
        trees: usize,
        /// Nodes visited per tree.
        levels: usize,
        /// Node rows.
        weights: Vec<i8>,
        /// Node biases.
        bias: Vec<i32>,
        /// Whether the nodes visited are emitted, with their dot products.
        path: bool,
        /// First range.
        first: usize,
    },
    /// Top-k of a linear router.
    TopK {
        /// Router rows.
        weights: Vec<i8>,
        /// Router biases.
        bias: Vec<i32>,
        /// Experts chosen.
        k: usize,
        /// Requantisation of a score to a table index, and the Q15 weights.
        gate: Option<(RequantRecord, Vec<u16>)>,
        /// Range of expert 0.
        first: usize,
    },
}

/// How the words of weights of few bits lie: see `docs/image-format.md`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LowBitLayout {
    /// Columns in halves of words, for multiplications of these.
    #[default]
    Rows,
    /// A word for each column, for multiplications of words.
    Columns,
    /// A byte for each column, for vectors of bytes: of two bits only.
    Bytes,
}

/// What weights of fewer than eight bits have beside their values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LowBit {
    /// Bits of a weight: 4 (-8 to 7) or 2 (-1 to 1).
    pub bits: u8,
    /// For each row a scale of each 32 columns; empty where a row is one group.
    pub scales: Vec<u8>,
    /// How the words lie.
    pub layout: LowBitLayout,
}

/// Kinds of MAP.
#[derive(Clone, Debug, PartialEq)]
pub enum IntMap {
    /// `y = table[x + 128]`.
    Lut256(Vec<i8>),
    /// `y = rq_c(bias_c + gain_c * x)`.
    Affine {
        /// One per element.
        gain: Vec<i8>,
        /// One per element.
        bias: Vec<i32>,
        /// One per element.
        rq: Vec<RequantRecord>,
    },
    /// Sum of two tensors.
    Add {
        /// The other tensor.
        second: TensorId,
        /// Multipliers of both.
        m: [i32; 2],
        /// Zero points of both.
        z: [i8; 2],
        /// Common shift.
        shift: u8,
        /// Of the output.
        zero_point: i8,
        /// Bounds.
        lo: i8,
        /// Bounds.
        hi: i8,
    },
    /// Product of two tensors.
    Mul {
        /// The other tensor.
        second: TensorId,
        /// Multiplier.
        m: i32,
        /// Zero points of both.
        z: [i8; 2],
        /// Shift.
        shift: u8,
        /// Of the output.
        zero_point: i8,
        /// Bounds.
        lo: i8,
        /// Bounds.
        hi: i8,
    },
    /// Thresholds to bits.
    Bits(Vec<ThresholdRecord>),
    /// Bounds.
    Clamp {
        /// Lower.
        lo: i8,
        /// Upper.
        hi: i8,
    },
}

/// Elements that are copied, of Bits the words: `rows` times `cols` of them. All but the counts is in elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub cols: usize,
    /// Of the input: the first element, then from a row to the next, then from a column to the next.
    pub from: [usize; 3],
    /// Of the output: the first element, then from a row to the next; columns lie side by side.
    pub to: [usize; 2],
}

/// Gates of a layer.
#[derive(Clone, Debug, PartialEq)]
pub enum IntGates {
    /// Word wiring.
    Word(Vec<WordGates>),
    /// Any wiring; the output holds four signals a word.
    Netlist {
        /// Signals of the operands of each gate.
        wires: Vec<[u16; 2]>,
        /// All gates, in order.
        series: Vec<Series>,
    },
}

/// Gates of one function that follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Series {
    /// The truth table, as in `docs/graph-format.md`.
    pub function: u8,
    /// How many gates.
    pub gates: usize,
    /// The signal that the first of them writes; the others write those that follow.
    pub first: usize,
}

/// An op.
#[derive(Clone, Debug, PartialEq)]
pub enum IntOp {
    /// Matrix times vector.
    Linear {
        /// Input.
        input: TensorId,
        /// Output, I8 or I32.
        output: TensorId,
        /// `(R, C)`.
        weights: Vec<i8>,
        /// R.
        bias: Vec<i32>,
        /// R records for an I8 output; empty for I32.
        rq: Vec<RequantRecord>,
        /// Scratch for the prepared input, if the weights are packed: in pairs, or in few bits.
        prepared: Option<TensorId>,
        /// For weights of fewer than eight bits.
        low_bit: Option<LowBit>,
    },
    /// Ranges of the neuron table.
    Ffn {
        /// Input.
        input: TensorId,
        /// Output: I8, or the same as `acc`.
        output: TensorId,
        /// None: all ranges.
        list: Option<TensorId>,
        /// Scratch of output-major ranges.
        hidden: Option<TensorId>,
        /// Accumulator.
        acc: TensorId,
        /// Scratch of rescaled neuron-major ranges.
        partial: Option<TensorId>,
        /// The table.
        ranges: Vec<IntRange>,
        /// `leafgate_image::activation`.
        activation: u8,
        /// `leafgate_image::ffn_flag` of keep_positive, neurons, handed_z.
        flags: u16,
        /// One record for an I8 output.
        rq: Option<RequantRecord>,
        /// Activation table.
        lut: Option<Vec<i8>>,
    },
    /// Appends to a list.
    Route {
        /// Input; none for Static.
        input: Option<TensorId>,
        /// The list.
        list: TensorId,
        /// Whether the list is kept.
        append: bool,
        /// What it computes.
        selector: IntSelector,
        /// Scratch of a top-k route.
        scores: Option<TensorId>,
    },
    /// Logic gates.
    Gates {
        /// Input.
        input: TensorId,
        /// Output.
        output: TensorId,
        /// The gates.
        gates: IntGates,
    },
    /// Ones per class.
    GroupSum {
        /// Bits, or the signals of a netlist.
        input: TensorId,
        /// Output.
        output: TensorId,
        /// K + 1.
        bounds: Vec<u32>,
        /// K, or empty.
        bias: Vec<i32>,
    },
    /// Element by element.
    Map {
        /// Input.
        input: TensorId,
        /// Output.
        output: TensorId,
        /// What it computes.
        map: IntMap,
    },
    /// Copies a part of a tensor to a part of another; what is not written keeps its values.
    Move {
        /// Input.
        input: TensorId,
        /// Output, of the same type.
        output: TensorId,
        /// Which elements.
        span: Span,
    },
    /// What is read from the scores.
    Readout {
        /// The scores.
        input: TensorId,
        /// Class indices.
        output: Option<TensorId>,
        /// `leafgate_image::readout`.
        kind: u8,
        /// Classes wanted.
        k: usize,
    },
}

/// The quantised network.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IntGraph {
    /// Tensors; the network's input is the first.
    pub tensors: Vec<IntTensor>,
    /// Ops with the names of the layers they come from, in the order they run.
    pub ops: Vec<(String, IntOp)>,
}

impl IntGraph {
    /// The network's input.
    pub const INPUT: TensorId = TensorId(0);

    /// The tensor `id` stands for.
    pub fn tensor(&self, id: TensorId) -> &IntTensor {
        &self.tensors[id.0]
    }

    /// Adds a tensor.
    pub fn add(&mut self, tensor: IntTensor) -> TensorId {
        self.tensors.push(tensor);
        TensorId(self.tensors.len() - 1)
    }
}

impl IntOp {
    /// Tensors the op reads, then those it writes (scratch among them).
    pub fn operands(&self) -> (Vec<TensorId>, Vec<TensorId>) {
        match self {
            Self::Gates { input, output, .. } | Self::GroupSum { input, output, .. } => (vec![*input], vec![*output]),
            Self::Linear { input, output, prepared, .. } => {
                (vec![*input], [Some(*output), *prepared].into_iter().flatten().collect())
            }
            Self::Ffn { input, output, list, hidden, acc, partial, .. } => {
                let reads = [Some(*input), *list].into_iter().flatten().collect();
                (reads, [Some(*output), *hidden, Some(*acc), *partial].into_iter().flatten().collect())
            }
            Self::Route { input, list, append, scores, .. } => {
                let kept = if *append { Some(*list) } else { None };
                let reads = [*input, kept].into_iter().flatten().collect();
                (reads, [Some(*list), *scores].into_iter().flatten().collect())
            }
            Self::Map { input, output, map } => {
                let second = match map {
                    IntMap::Add { second, .. } | IntMap::Mul { second, .. } => Some(*second),
                    _ => None,
                };
                ([Some(*input), second].into_iter().flatten().collect(), vec![*output])
            }
            Self::Move { input, output, .. } => (vec![*input], vec![*output]),
            Self::Readout { input, output, .. } => (vec![*input], output.iter().copied().collect()),
        }
    }
}
