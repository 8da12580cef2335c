//! What each op costs: its work by the formulas of the format document, and the constants it reads.

use leafgate_convert::reference::{
    Activation, Array, Element, Emit, Ffn, Image, LowBit, MapKind, Op, Range, RouteKind, Tensor, Weights, Wiring,
};
use serde::Serialize;

use crate::output::{grouped, table};

/// An op and its cost.
#[derive(Debug, Serialize)]
pub struct OpCost {
    /// Its place in the order of execution.
    pub index: usize,
    /// Its name in the format document.
    pub op: &'static str,
    /// Its variant, in words.
    pub kind: String,
    /// Shapes read and written, scratch left out.
    pub shapes: String,
    /// Multiply-accumulates at worst.
    pub macs: u64,
    gates: u64,
    /// These, elements and comparisons.
    steps: u64,
    /// Bytes of constants that it refers to, each counted once.
    pub constant_bytes: usize,
}

/// The ops of an image.
pub fn ops(image: &Image) -> Vec<OpCost> {
    let row = |(index, op): (usize, &Op)| {
        let [macs, gates, others] = work(image, op);
        let steps = macs + gates + others;
        let constant_bytes = covered(constants(image, op)).iter().map(|(from, to)| to - from).sum();
        let (kind, shapes) = (kind(image, op), shapes(image, op));
        OpCost { index, op: op.name(), kind, shapes, macs, gates, steps, constant_bytes }
    };
    image.ops.iter().enumerate().map(row).collect()
}

/// Bytes of the constants section that belong to no array.
pub fn unused_constants(image: &Image) -> usize {
    let used = covered(image.ops.iter().flat_map(|op| constants(image, op)).collect());
    image.constants.0.len() - used.iter().map(|(from, to)| to - from).sum::<usize>()
}

/// Multiply-accumulates, gates, and other steps at worst.
fn work(image: &Image, op: &Op) -> [u64; 3] {
    let product = |factors: &[usize]| factors.iter().map(|&factor| factor as u64).product::<u64>();
    match op {
        Op::Linear(op) => [product(&[image.tensors[op.output].rows, op.rows, op.cols]), 0, 0],
        Op::Ffn(op) => {
            let entries = op.list.map_or(op.range_count, |list| image.tensors[list].cols);
            let widest = ranges_of(image, op).iter().map(|range| range.neurons).max().unwrap_or(0);
            let neurons = if op.neurons { 1 } else { widest };
            let cols = if op.handed_z { 0 } else { op.cols };
            [product(&[entries, neurons, cols + op.rows]), 0, product(&[entries, op.rows])]
        }
        Op::Route(op) => match op.kind {
            RouteKind::Static { count } => [0, 0, count as u64],
            RouteKind::Tree { rows, trees, depth, .. } => [product(&[trees, depth as usize, rows.cols]), 0, 0],
            RouteKind::Linear { rows, top, .. } => [product(&[rows.count, rows.cols]), 0, product(&[rows.count, top])],
        },
        Op::Gates(op) => {
            let others = match op.wiring {
                Wiring::Words { .. } => 0,
                Wiring::Netlist { series, .. } => series.count() / 2 + 32 * image.tensors[op.input].row_words(),
            };
            [0, op.count() as u64, others as u64]
        }
        Op::GroupSum(op) => {
            let cols = image.tensors[op.input].cols;
            [0, 0, (if op.signals { 4 * cols } else { cols } + op.groups) as u64]
        }
        Op::Map(op) => {
            let elements = image.tensors[op.output].elements() as u64;
            if matches!(op.kind, MapKind::Affine { .. }) { [elements, 0, 0] } else { [0, 0, elements] }
        }
        Op::Move(op) => [0, 0, product(&[op.rows, op.cols])],
        Op::Readout(op) => [0, 0, product(&[op.k, image.tensors[op.input].cols])],
    }
}

fn ranges_of<'i>(image: &'i Image, op: &Ffn) -> &'i [Range] {
    &image.ranges[op.first_range..op.first_range + op.range_count]
}

/// Byte intervals of the constants that an op refers to.
fn constants(image: &Image, op: &Op) -> Vec<(usize, usize)> {
    fn bytes<T: Element>(array: Array<T>) -> (usize, usize) {
        (array.at(), array.at() + array.count() * T::BYTES)
    }
    let mut all = Vec::new();
    match op {
        Op::Linear(op) => {
            all.push(match op.weights {
                Weights::Rows(weights) => bytes(weights),
                Weights::Pairs { matrix, .. } => bytes(matrix),
                Weights::LowBit(LowBit { matrix, .. }) => bytes(matrix),
            });
            all.extend(op.bias.map(bytes));
            all.extend(op.rq.map(bytes));
        }
        Op::Ffn(op) => {
            all.extend(op.shared_bias.map(bytes));
            all.extend(op.output.map(|(_, rq)| bytes(rq)));
            if let Activation::Lut(lut) = op.activation {
                all.push(bytes(lut));
            }
            for range in ranges_of(image, op) {
                all.extend(range.keys(op.cols).map(bytes));
                all.extend(range.key_bias.map(bytes));
                all.extend(range.key_rq.map(bytes));
                all.extend(range.values(op.rows).map(bytes));
                all.extend(range.value_bias(op.rows).map(bytes));
            }
        }
        Op::Route(op) => match op.kind {
            RouteKind::Static { .. } => {}
            RouteKind::Tree { rows, .. } => {
                all.push(bytes(rows.weights));
                all.extend(rows.bias.map(bytes));
            }
            RouteKind::Linear { rows, gate, .. } => {
                all.push(bytes(rows.weights));
                all.extend(rows.bias.map(bytes));
                all.extend(gate.iter().flat_map(|&(rq, table)| [bytes(rq), bytes(table)]));
            }
        },
        Op::Gates(op) => match op.wiring {
            Wiring::Words { table, .. } => all.push(bytes(table)),
            Wiring::Netlist { wires, series } => all.extend([bytes(wires), bytes(series)]),
        },
        Op::GroupSum(op) => {
            all.push(bytes(op.bounds));
            all.extend(op.bias.map(bytes));
        }
        Op::Map(op) => match op.kind {
            MapKind::Lut(table) => all.push(bytes(table)),
            MapKind::Affine { table, bias, rq } => {
                all.extend([bytes(table), bytes(rq)]);
                all.extend(bias.map(bytes));
            }
            MapKind::Bits(table) => all.push(bytes(table)),
            MapKind::Add { .. } | MapKind::Mul { .. } | MapKind::Clamp { .. } => {}
        },
        Op::Move(_) | Op::Readout(_) => {}
    }
    all
}

/// The union of intervals: many ranges may share one array.
fn covered(mut intervals: Vec<(usize, usize)>) -> Vec<(usize, usize)> {
    intervals.sort_unstable();
    let mut union: Vec<(usize, usize)> = Vec::new();
    for (from, to) in intervals {
        match union.last_mut() {
            Some((_, end)) if from <= *end => *end = to.max(*end),
            _ => union.push((from, to)),
        }
    }
    union
}

/// Whether no hidden neuron of a range can be negative.
fn clamps_at_zero(image: &Image, range: &Range) -> bool {
    range.key_rq.is_none_or(|rq| image.constants.all(rq).all(|rq| rq.lo >= rq.zero_point))
}

/// The variant of an op, in words.
fn kind(image: &Image, op: &Op) -> String {
    let plural = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    match op {
        Op::Linear(op) => {
            let mut words = vec!["dense"];
            words.extend(match op.weights {
                Weights::Rows(_) => None,
                Weights::Pairs { .. } => Some("in pairs"),
                Weights::LowBit(LowBit { layout, grouped, .. }) => Some(match (layout.bits(), grouped) {
                    (4, false) => "w4",
                    (4, true) => "w4 in groups",
                    (_, false) => "t2",
                    (_, true) => "t2 in groups",
                }),
            });
            words.extend(op.transposed.then_some("transposed"));
            words.extend(op.accumulate.then_some("accumulate"));
            words.join(", ")
        }
        Op::Ffn(op) => {
            let activation = match op.activation {
                // The lower clamp bound of the hidden neurons does the work of a ReLU.
                Activation::Identity if ranges_of(image, op).iter().all(|range| clamps_at_zero(image, range)) => {
                    "relu by clamp"
                }
                Activation::Identity => "identity",
                Activation::Relu => "relu",
                Activation::Lut(_) => "table",
            };
            let mut words = vec![activation.to_owned()];
            words.push(plural(op.range_count, "range"));
            words.extend(op.neurons.then(|| "neurons of a path".into()));
            words.extend(op.keep_positive.then(|| "skips z <= 0".into()));
            words.join(", ")
        }
        Op::Route(op) => match op.kind {
            RouteKind::Static { count } => format!("static, {}", plural(count, "range")),
            RouteKind::Tree { trees, depth, emit, .. } => {
                let emit = if emit == Emit::Leaf { "leaf" } else { "path" };
                format!("{}, depth {depth}, {emit}", plural(trees, "tree"))
            }
            RouteKind::Linear { rows, top, gate, .. } => {
                format!("top {top} of {}{}", rows.count, if gate.is_some() { ", weighted" } else { "" })
            }
        },
        Op::Gates(op) => match op.wiring {
            Wiring::Words { .. } => "word wiring".into(),
            Wiring::Netlist { series, .. } => format!("netlist, {} series", series.count() / 2),
        },
        Op::GroupSum(op) => plural(op.groups, "group"),
        Op::Map(op) => match op.kind {
            MapKind::Lut(_) => "table",
            MapKind::Affine { .. } => "affine",
            MapKind::Add { .. } => "add",
            MapKind::Mul { .. } => "multiply",
            MapKind::Bits(_) => "thresholds to bits",
            MapKind::Clamp { .. } => "clamp",
        }
        .into(),
        Op::Move(op) if op.from_col == 1 => format!("copy, {}", plural(op.rows * op.cols, "element")),
        Op::Move(op) => format!("transpose, {}x{}", op.rows, op.cols),
        Op::Readout(op) => match (op.output, op.k) {
            (None, _) => "scores".into(),
            (Some(_), 1) => "argmax".into(),
            (Some(_), k) => format!("top {k}"),
        },
    }
}

/// Main input and output; lists, accumulators and scratch are in the table of tensors.
fn shapes(image: &Image, op: &Op) -> String {
    let shape = |i: usize| {
        let Tensor { rows, cols, .. } = image.tensors[i];
        if rows == 1 { cols.to_string() } else { format!("{rows}x{cols}") }
    };
    let arrow = |from: usize, to: usize| format!("{} -> {}", shape(from), shape(to));
    match op {
        Op::Linear(op) => arrow(op.input, op.output),
        Op::Ffn(op) => arrow(op.input, op.output.map_or(op.acc, |(output, _)| output)),
        Op::Route(op) => {
            let from = op.input().map_or_else(|| "-".into(), shape);
            format!("{from} -> list of {}", image.tensors[op.list].cols)
        }
        Op::Gates(op) => arrow(op.input, op.output),
        Op::GroupSum(op) => arrow(op.input, op.output),
        Op::Map(op) => arrow(op.input, op.output),
        Op::Move(op) => arrow(op.input, op.output),
        Op::Readout(op) => op.output.map_or_else(|| shape(op.input), |output| arrow(op.input, output)),
    }
}

/// Columns of a bar.
const BAR: usize = 20;

/// The ops as a table.
pub fn render(ops: &[OpCost]) -> String {
    let total: u64 = ops.iter().map(|op| op.steps).sum();
    let rows = ops.iter().map(|op| {
        let share = op.steps as f64 / total.max(1) as f64;
        vec![
            op.index.to_string(),
            op.op.to_owned(),
            op.kind.clone(),
            op.shapes.clone(),
            grouped(op.macs),
            grouped(op.gates),
            grouped(op.steps),
            grouped(op.constant_bytes),
            format!("{:.1} %", 100.0 * share),
            "#".repeat((share * BAR as f64).round() as usize),
        ]
    });
    table(&[">", "op", "kind", "shapes", ">MACs", ">gates", ">steps", ">constants", ">work", ""], rows)
}

#[cfg(test)]
mod tests {
    use super::covered;

    #[test]
    fn shared_constants_count_once() {
        assert_eq!(covered(vec![(8, 12), (0, 4), (10, 20), (4, 6)]), [(0, 6), (8, 20)]);
        assert_eq!(covered(Vec::new()), []);
    }
}
