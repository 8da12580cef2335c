//! The ops as plain data. Tensors are indices into [`Image::tensors`](super::Image::tensors).

use super::image::{Array, BitTest, Rq};
use super::low_bit::LowBit;

/// One op of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// Op 1, a dense layer.
    Linear(Linear),
    /// Op 2, ranges of neurons.
    Ffn(Ffn),
    /// Op 3, chooses ranges.
    Route(Route),
    /// Op 4, a layer of logic gates.
    Gates(Gates),
    /// Op 5, counts ones.
    GroupSum(GroupSum),
    /// Op 6, element by element.
    Map(Map),
    /// Op 7, ends the program.
    Readout(Readout),
    /// Op 8, copies a part of a tensor.
    Move(Move),
}

impl Op {
    /// The number of the op in the image and in the feature bits.
    pub fn number(&self) -> u8 {
        match self {
            Self::Linear(_) => 1,
            Self::Ffn(_) => 2,
            Self::Route(_) => 3,
            Self::Gates(_) => 4,
            Self::GroupSum(_) => 5,
            Self::Map(_) => 6,
            Self::Readout(_) => 7,
            Self::Move(_) => 8,
        }
    }

    /// The name of the op in the format document.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Linear(_) => "LINEAR",
            Self::Ffn(_) => "FFN",
            Self::Route(_) => "ROUTE",
            Self::Gates(_) => "GATES",
            Self::GroupSum(_) => "GROUPSUM",
            Self::Map(_) => "MAP",
            Self::Readout(_) => "READOUT",
            Self::Move(_) => "MOVE",
        }
    }

    /// The tensors it reads whose values matter to it.
    pub fn reads(&self) -> Vec<usize> {
        match *self {
            Self::Linear(op) => {
                let mut reads = vec![op.input];
                reads.extend(op.accumulate.then_some(op.output));
                reads
            }
            Self::Ffn(op) => {
                let mut reads = vec![op.input];
                reads.extend(op.list);
                reads.extend(op.start_acc.then_some(op.acc));
                reads
            }
            Self::Route(op) => {
                let mut reads: Vec<_> = op.input().into_iter().collect();
                reads.extend(op.append.then_some(op.list));
                reads
            }
            Self::Gates(op) => vec![op.input],
            Self::GroupSum(op) => vec![op.input],
            Self::Map(op) => match op.kind {
                MapKind::Add { second, .. } | MapKind::Mul { second, .. } => vec![op.input, second],
                _ => vec![op.input],
            },
            Self::Readout(op) => vec![op.input],
            Self::Move(op) => vec![op.input],
        }
    }

    /// The tensors it writes, scratch included, each once.
    pub fn writes(&self) -> Vec<usize> {
        match *self {
            Self::Linear(op) => [Some(op.output), op.weights.prepared()].into_iter().flatten().collect(),
            Self::Ffn(op) => {
                let mut writes = vec![op.acc];
                writes.extend(op.output.map(|(output, _)| output));
                writes.extend(op.hidden);
                writes.extend(op.partial);
                writes
            }
            Self::Route(op) => {
                let mut writes = vec![op.list];
                if let RouteKind::Linear { scores, .. } = op.kind {
                    writes.push(scores);
                }
                writes
            }
            Self::Gates(op) => vec![op.output],
            Self::GroupSum(op) => vec![op.output],
            Self::Map(op) => vec![op.output],
            Self::Readout(op) => op.output.into_iter().collect(),
            Self::Move(op) => vec![op.output],
        }
    }
}

/// `a[t,r] = bias[r] + sum_c W[r,c] * x[t,c]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Linear {
    /// I8, (T, C), or (C, T) if transposed.
    pub input: usize,
    /// I8 or I32, (T, R).
    pub output: usize,
    /// R.
    pub rows: usize,
    /// C.
    pub cols: usize,
    /// (R, C).
    pub weights: Weights,
    /// (R); `None`: zeros.
    pub bias: Option<Array<i32>>,
    /// 1 record or R; `None` for an I32 output.
    pub rq: Option<Array<Rq>>,
    /// The I32 output is added to.
    pub accumulate: bool,
    /// The input is read as its transpose.
    pub transposed: bool,
}

/// How a matrix is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weights {
    /// Format 1: row after row.
    Rows(Array<i8>),
    /// Format 2: in pairs, four rows interleaved.
    Pairs {
        /// Groups of four rows.
        matrix: Array<u32>,
        /// I32 scratch, (1, 2 * ceil(C / 4)).
        prepared: usize,
    },
    /// Formats 3 to 7: few bits.
    LowBit(LowBit),
}

impl Weights {
    /// The scratch tensor for the prepared input, if there is one.
    pub fn prepared(&self) -> Option<usize> {
        match *self {
            Self::Rows(_) => None,
            Self::Pairs { prepared, .. } | Self::LowBit(LowBit { prepared, .. }) => Some(prepared),
        }
    }

    /// The bit of the header's features that says of such a matrix, and the kernels it is for.
    pub(super) fn packing(&self) -> (u32, u32) {
        match self {
            Self::Rows(_) => (0, 0),
            Self::Pairs { .. } => (1 << 16, 1),
            Self::LowBit(low_bit) => {
                (if low_bit.layout.bits() == 4 { 1 << 17 } else { 1 << 18 }, low_bit.layout.packing())
            }
        }
    }
}

/// What becomes of a requantised neuron.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// `h`
    Identity,
    /// `max(h, 0)`
    Relu,
    /// `lut[h + 128]`
    Lut(Array<i8>),
}

/// The neurons of the ranges that a list names, or of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ffn {
    /// I8, (1, C).
    pub input: usize,
    /// I8, (1, R), with its requantise records, 1 or R; `None`: the output is `acc`.
    pub output: Option<(usize, Array<Rq>)>,
    /// The list; `None`: every range once, in order, weight One.
    pub list: Option<usize>,
    /// I8 scratch.
    pub hidden: Option<usize>,
    /// I32, (1, R).
    pub acc: usize,
    /// I32 scratch, (1, R).
    pub partial: Option<usize>,
    /// Index of the first range.
    pub first_range: usize,
    /// Ranges, 1 or more.
    pub range_count: usize,
    /// C.
    pub cols: usize,
    /// R.
    pub rows: usize,
    /// (R); `None`: zeros.
    pub shared_bias: Option<Array<i32>>,
    /// The activation.
    pub activation: Activation,
    /// Neurons with `z <= 0` are skipped.
    pub keep_positive: bool,
    /// An entry names a neuron of the one range.
    pub neurons: bool,
    /// An entry brings its `z`.
    pub handed_z: bool,
    /// The accumulator keeps its values.
    pub start_acc: bool,
}

/// Appends to a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// The list.
    pub list: usize,
    /// The number that the first choice is given.
    pub first: usize,
    /// Q15 weight of each entry, at most [`ONE`](super::ONE); unused with a gate table.
    pub weight: u16,
    /// The list is not emptied first.
    pub append: bool,
    /// How it chooses.
    pub kind: RouteKind,
}

/// How a ROUTE chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RouteKind {
    /// The ranges `first .. first + count`.
    Static {
        /// Ranges.
        count: usize,
    },
    /// One leaf, or the visited nodes, of each of K perfect binary trees.
    Tree {
        /// The rows of the nodes: K * (2^depth - 1).
        rows: Rows,
        /// K.
        trees: usize,
        /// Levels d, 1 to 16.
        depth: u32,
        /// What is appended.
        emit: Emit,
    },
    /// The k experts of largest score.
    Linear {
        /// The rows of the experts: E.
        rows: Rows,
        /// k, 1 to E.
        top: usize,
        /// I32 scratch, (1, E).
        scores: usize,
        /// Makes a weight of a score: 1 record, and 256 weights of at most [`ONE`](super::ONE).
        gate: Option<(Array<Rq>, Array<u16>)>,
    },
}

/// What a tree appends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Emit {
    /// The leaf that it ends in.
    Leaf,
    /// Each node that it visits; with `hand_z` the node's product without bias as well.
    Path {
        /// The entry's `z` is the product.
        hand_z: bool,
    },
}

/// The rows of weights of a ROUTE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rows {
    /// I8, (1, C).
    pub input: usize,
    /// Rows.
    pub count: usize,
    /// C.
    pub cols: usize,
    /// (count, C).
    pub weights: Array<i8>,
    /// (count); `None`: zeros.
    pub bias: Option<Array<i32>>,
}

impl Route {
    /// The input tensor of the kinds that look at one.
    pub fn input(&self) -> Option<usize> {
        match self.kind {
            RouteKind::Static { .. } => None,
            RouteKind::Tree { rows, .. } | RouteKind::Linear { rows, .. } => Some(rows.input),
        }
    }
}

/// Logic gates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gates {
    /// Bits, one row.
    pub input: usize,
    /// Bits, one row of W words; signals for a netlist.
    pub output: usize,
    /// How gates find their operands.
    pub wiring: Wiring,
}

/// How gates find their operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wiring {
    /// Two words of the input, rotated.
    Words {
        /// W.
        words: usize,
        /// The wiring and the gates, five words each.
        table: Array<u32>,
    },
    /// Any two signals.
    Netlist {
        /// Of each gate: operand A in the lower half, B in the upper.
        wires: Array<u32>,
        /// Of each series: where it ends and its function, its first signal.
        series: Array<u32>,
    },
}

impl Gates {
    /// Gates of a run.
    pub fn count(&self) -> usize {
        match self.wiring {
            Wiring::Words { words, .. } => 32 * words,
            Wiring::Netlist { wires, .. } => wires.count(),
        }
    }
}

/// Ones per group of bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupSum {
    /// Bits, or signals; one row.
    pub input: usize,
    /// Signals, four to a word of the input.
    pub signals: bool,
    /// I32, (1, K).
    pub output: usize,
    /// K.
    pub groups: usize,
    /// (K + 1) bit indices, not descending.
    pub bounds: Array<u32>,
    /// (K); `None`: zeros.
    pub bias: Option<Array<i32>>,
}

/// One output element for each input element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Map {
    /// I8, (T, C).
    pub input: usize,
    /// I8, (T, C); Bits, (1, n) for [`MapKind::Bits`].
    pub output: usize,
    /// The function.
    pub kind: MapKind,
}

/// The function of a MAP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MapKind {
    /// `table[x + 128]`.
    Lut(Array<i8>),
    /// `rq_c(bias[c] + table[c] * x[t,c])`.
    Affine {
        /// (C).
        table: Array<i8>,
        /// (C); `None`: zeros.
        bias: Option<Array<i32>>,
        /// 1 record or C.
        rq: Array<Rq>,
    },
    /// `clamp((((x - z1)*m1 + (x' - z2)*m2 + 2^(shift-1)) >> shift) + zero_point, lo, hi)`.
    Add {
        /// I8, (T, C).
        second: usize,
        /// Factor of the first.
        m1: i32,
        /// Factor of the second.
        m2: i32,
        /// 1 to 62.
        shift: u8,
        /// Added after the shift.
        zero_point: i8,
        /// Least result.
        lo: i8,
        /// Greatest result.
        hi: i8,
        /// Zero point of the first.
        z1: i8,
        /// Zero point of the second.
        z2: i8,
    },
    /// Bit i is `x[feature_i] > threshold_i`.
    Bits(Array<BitTest>),
    /// `clamp((((x - z1)*(x' - z2)*m1 + 2^(shift-1)) >> shift) + zero_point, lo, hi)`.
    Mul {
        /// I8, (T, C).
        second: usize,
        /// Factor of the product.
        m1: i32,
        /// 1 to 62.
        shift: u8,
        /// Added after the shift.
        zero_point: i8,
        /// Least result.
        lo: i8,
        /// Greatest result.
        hi: i8,
        /// Zero point of the first.
        z1: i8,
        /// Zero point of the second.
        z2: i8,
    },
    /// `clamp(x, lo, hi)`.
    Clamp {
        /// Least result.
        lo: i8,
        /// Greatest result.
        hi: i8,
    },
}

/// A copy: `y[to + r*to_row + c] = x[from + r*from_row + c*from_col]` in elements, of Bits in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Move {
    /// I8, I32 or Bits.
    pub input: usize,
    /// Of the same type.
    pub output: usize,
    /// Rows, 1 or more.
    pub rows: usize,
    /// Columns, 1 or more.
    pub cols: usize,
    /// First element read.
    pub from: usize,
    /// From a row that is read to the next.
    pub from_row: usize,
    /// From a column that is read to the next.
    pub from_col: usize,
    /// First element written.
    pub to: usize,
    /// From a row that is written to the next, at least `cols`.
    pub to_row: usize,
}

impl Move {
    /// Each element that is read, and where it goes.
    pub fn pairs(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        let pair = move |r: usize, c: usize| {
            (self.from + r * self.from_row + c * self.from_col, self.to + r * self.to_row + c)
        };
        (0..self.rows).flat_map(move |r| (0..self.cols).map(move |c| pair(r, c)))
    }
}

/// The end of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Readout {
    /// The header's output tensor, I8 or I32, (1, N).
    pub input: usize,
    /// I32, (1, k): class indices.
    pub output: Option<usize>,
    /// Classes to name: 0, 1 for Argmax, up to N for TopK.
    pub k: usize,
}
