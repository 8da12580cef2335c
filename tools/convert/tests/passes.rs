//! The law of the passes: whatever the graph, its scores stay as they were. The graphs here have small dyadic numbers, so that no sum
//! rounds and "as they were" can mean equal, ties and all.

use leafgate_convert::ir::eval::evaluate;
use leafgate_convert::ir::{
    Activation, Emit, GateWeight, Graph, InputSpec, Matrix, Node, Op, Range, Readout, Route, Value, ValueId, ValueKind,
};
use leafgate_convert::pass;
use proptest::prelude::*;

/// Draws from the bytes that proptest made; 0 when they run out, so that shrinking shortens graphs.
struct Draw<'a>(std::slice::Iter<'a, u8>);

impl Draw<'_> {
    fn below(&mut self, n: usize) -> usize {
        usize::from(*self.0.next().unwrap_or(&0)) % n
    }

    fn number(&mut self) -> f32 {
        [0.0, 1.0, -1.0, 0.5, -0.5][self.below(5)]
    }

    fn numbers(&mut self, n: usize) -> Vec<f32> {
        (0..n).map(|_| self.number()).collect()
    }

    fn matrix(&mut self, rows: usize, cols: usize) -> Matrix {
        Matrix::new(rows, cols, self.numbers(rows * cols))
    }

    fn activation(&mut self) -> Activation {
        [Activation::None, Activation::Relu][self.below(2)]
    }

    fn range(&mut self, name: usize, cols: usize, outputs: usize) -> Range {
        let n = self.below(3);
        Range {
            name: name.to_string(),
            keys: self.matrix(n, cols),
            key_bias: self.numbers(n),
            values: self.matrix(n, outputs),
            value_bias: self.numbers(outputs),
        }
    }

    /// One to three routes over ranges of their own, with a spare range between them now and then.
    fn ffn(&mut self, cols: usize, outputs: usize) -> Op {
        let mut routes = Vec::new();
        let mut ranges: Vec<Range> = Vec::new();
        for _ in 0..=self.below(3) {
            if self.below(3) == 1 {
                let spare = self.range(ranges.len(), cols, outputs);
                ranges.push(spare);
            }
            let first = ranges.len();
            let (route, count) = match self.below(5) {
                // A range that another route reaches as well.
                4 if first > 0 => (Route::Static { first: self.below(first), count: 1 }, 0),
                0 | 4 => (Route::Static { first, count: 1 }, 1),
                1 => {
                    let (trees, levels) = (1 + self.below(2), 1 + self.below(2));
                    let nodes = trees * ((1 << levels) - 1);
                    let (weight, bias) = (self.matrix(nodes, cols), self.numbers(nodes));
                    let strict = self.below(2) == 1;
                    (Route::Tree { trees, levels, weight, bias, strict, emit: Emit::Leaf, first }, trees << levels)
                }
                2 => {
                    let k = 1 + self.below(2);
                    let (weight, bias) = (self.matrix(3, cols), self.numbers(3));
                    (Route::TopK { weight, bias, k, gate: GateWeight::One, first }, 3)
                }
                _ => {
                    let (weight, bias) = (self.matrix(3, cols), self.numbers(3));
                    let path = Range {
                        name: "path".into(),
                        keys: weight.clone(),
                        key_bias: bias.clone(),
                        values: self.matrix(3, outputs),
                        value_bias: vec![0.0; outputs],
                    };
                    ranges.push(path);
                    (Route::Tree { trees: 1, levels: 2, weight, bias, strict: true, emit: Emit::Path, first }, 0)
                }
            };
            routes.push(route);
            for _ in 0..count {
                let range = self.range(ranges.len(), cols, outputs);
                ranges.push(range);
            }
        }
        Op::Ffn { routes, ranges, activation: self.activation() }
    }

    fn graph(&mut self) -> Graph {
        let len = 1 + self.below(3);
        let input = InputSpec { len, scale: 0.5, zero_point: 1.0, min: -4, max: 4 };
        let mut values = vec![Value { name: "input".into(), len, kind: ValueKind::Real }];
        let mut nodes = Vec::new();
        for index in 0..=self.below(5) {
            // Mostly a chain, with side branches that may be dead.
            let input = if self.below(4) == 1 { ValueId(self.below(values.len())) } else { ValueId(values.len() - 1) };
            let cols = values[input.0].len;
            let mut outputs = cols;
            let op = match self.below(9) {
                0 | 1 => {
                    let gain = (0..cols).map(|_| [1.0, 2.0, -1.0, 0.5, 0.0][self.below(5)]).collect();
                    Op::Affine { gain, bias: self.numbers(cols) }
                }
                2 => {
                    outputs = 1 + self.below(3);
                    Op::Linear {
                        weight: self.matrix(outputs, cols),
                        bias: self.numbers(outputs),
                        activation: self.activation(),
                    }
                }
                3 => Op::Clamp { min: [0.0, -4.0][self.below(2)], max: [f32::MAX, 4.0, 1.0][self.below(3)] },
                4 => {
                    let peers: Vec<usize> = (0..values.len()).filter(|v| values[*v].len == cols).collect();
                    let second = ValueId(peers[self.below(peers.len())]);
                    // A second product would have more digits than a number holds.
                    let is_first = !nodes.iter().any(|node: &Node| matches!(node.op, Op::Mul { .. }));
                    if is_first && self.below(2) == 1 { Op::Mul { second } } else { Op::Add { second } }
                }
                5 => {
                    let others: Vec<ValueId> = (0..self.below(3)).map(|_| ValueId(self.below(values.len()))).collect();
                    outputs += others.iter().map(|other| values[other.0].len).sum::<usize>();
                    Op::Concat { others }
                }
                6 => {
                    let start = self.below(cols);
                    outputs = 1 + self.below(cols - start);
                    Op::Slice { start, len: outputs }
                }
                7 => {
                    let rows = [1, 2, 3, cols].into_iter().rfind(|rows| cols.is_multiple_of(*rows)).unwrap_or(1);
                    Op::Transpose { rows, cols: cols / rows }
                }
                _ => {
                    outputs = 1 + self.below(3);
                    self.ffn(cols, outputs)
                }
            };
            let output = ValueId(values.len());
            values.push(Value { name: index.to_string(), len: outputs, kind: ValueKind::Real });
            nodes.push(Node { name: index.to_string(), op, input, output });
        }
        let output = ValueId(values.len() - 1);
        Graph {
            name: "random".into(),
            input,
            labels: Vec::new(),
            values,
            nodes,
            output,
            readout: Readout::Argmax,
            source_sha256: String::new(),
        }
    }
}

/// What every pass must leave whole: ids in bounds, each value written at most once and before it is read.
fn holds_together(graph: &Graph) {
    let mut written = vec![false; graph.values.len()];
    written[Graph::INPUT.0] = true;
    for node in &graph.nodes {
        assert!(node.reads().all(|read| written[read.0]));
        assert!(!std::mem::replace(&mut written[node.output.0], true));
    }
    assert!(written.iter().all(|written| *written), "a value that nobody writes");
    assert!(!graph.nodes.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn passes_preserve_the_scores(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let before = Draw(bytes.iter()).graph();
        let mut after = before.clone();
        let report = pass::run(&mut after);
        holds_together(&after);
        prop_assert_eq!(report.changes.is_empty(), after == before);
        prop_assert!(pass::run(&mut after).changes.is_empty(), "a second run found more");
        let len = before.input.len;
        for code in 0..9usize.pow(len as u32) {
            let q: Vec<i8> = (0..len).map(|i| (code / 9usize.pow(i as u32) % 9) as i8 - 4).collect();
            let (want, have) = (evaluate(&before, &q), evaluate(&after, &q));
            prop_assert_eq!(&want.scores, &have.scores, "at {:?} after {:?}", q, report);
            prop_assert_eq!(want.classes, have.classes);
        }
    }
}

fn chain(len: usize, ops: Vec<(Op, usize)>) -> Graph {
    let input = InputSpec { len, scale: 0.5, zero_point: 0.0, min: -4, max: 4 };
    let mut values = vec![Value { name: "input".into(), len, kind: ValueKind::Real }];
    let mut nodes = Vec::new();
    for (index, (op, outputs)) in ops.into_iter().enumerate() {
        values.push(Value { name: format!("n{index}"), len: outputs, kind: ValueKind::Real });
        nodes.push(Node { name: format!("n{index}"), op, input: ValueId(index), output: ValueId(index + 1) });
    }
    let output = ValueId(values.len() - 1);
    let (name, labels, readout, source_sha256) = ("chain".into(), Vec::new(), Readout::None, String::new());
    Graph { name, input, labels, values, nodes, output, readout, source_sha256 }
}

fn linear(weight: &[f32], bias: f32) -> (Op, usize) {
    let weight = Matrix::new(1, weight.len(), weight.to_vec());
    (Op::Linear { weight, bias: vec![bias], activation: Activation::None }, 1)
}

#[test]
fn values_are_multiplied_joined_cut_and_transposed() {
    let ops = vec![
        (Op::Mul { second: Graph::INPUT }, 3),
        (Op::Concat { others: vec![Graph::INPUT] }, 6),
        (Op::Transpose { rows: 2, cols: 3 }, 6),
        (Op::Slice { start: 1, len: 4 }, 4),
        (Op::Activation(Activation::HardSwish), 4),
    ];
    let evaluation = evaluate(&chain(3, ops), &[2, -4, 4]);
    assert_eq!(evaluation.values[1], [1.0, 4.0, 4.0]);
    assert_eq!(evaluation.values[2], [1.0, 4.0, 4.0, 1.0, -2.0, 2.0]);
    assert_eq!(evaluation.values[3], [1.0, 1.0, 4.0, -2.0, 4.0, 2.0]);
    assert_eq!(evaluation.values[4], [1.0, 4.0, -2.0, 4.0]);
    assert_eq!(evaluation.scores, [4.0 / 6.0, 4.0, -2.0 / 6.0, 4.0]);
}

#[test]
fn affines_on_both_sides_and_a_relu_become_one_linear() {
    let mut graph = chain(
        2,
        vec![
            (Op::Affine { gain: vec![2.0, 1.0], bias: vec![1.0, 0.0] }, 2),
            linear(&[1.0, -1.0], 0.5),
            (Op::Affine { gain: vec![0.5], bias: vec![1.0] }, 1),
            (Op::Clamp { min: 0.0, max: f32::MAX }, 1),
        ],
    );
    let report = pass::run(&mut graph);
    let said: Vec<String> = report.changes.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        ["fold: `n0` is now part of `n1`", "fold: `n2` is now part of `n1`", "fold: `n3` is now the relu of `n1`"]
    );
    let [node] = &graph.nodes[..] else { panic!("{:?}", graph.nodes) };
    let weight = Matrix::new(1, 2, vec![1.0, -0.5]);
    assert_eq!(node.op, Op::Linear { weight, bias: vec![1.75], activation: Activation::Relu });
    assert_eq!((graph.values.len(), graph.output), (2, ValueId(1)));
}

#[test]
fn a_clamp_that_can_bind_stays() {
    // The output reaches 2.5 over the admissible inputs.
    for (max, nodes) in [(2.0, 2), (2.6, 1)] {
        let mut graph = chain(1, vec![linear(&[1.0], 0.5), (Op::Clamp { min: 0.0, max }, 1)]);
        pass::run(&mut graph);
        assert_eq!(graph.nodes.len(), nodes, "max {max}");
    }
    let mut graph = chain(1, vec![linear(&[1.0], 0.5), (Op::Clamp { min: -1.6, max: 3.0 }, 1)]);
    assert!(pass::run(&mut graph).changes[0].to_string().ends_with("never clamps an admissible input"));
}

#[test]
fn ranges_that_no_route_reaches_go_and_the_others_are_renumbered() {
    let range = |name: &str| Range {
        name: name.into(),
        keys: Matrix::new(0, 1, Vec::new()),
        key_bias: Vec::new(),
        values: Matrix::new(0, 1, Vec::new()),
        value_bias: vec![1.0],
    };
    let routes = vec![Route::Static { first: 1, count: 1 }, Route::Static { first: 3, count: 2 }];
    let ranges = ["a", "b", "c", "d", "e"].map(range).to_vec();
    let mut graph = chain(1, vec![(Op::Ffn { routes, ranges, activation: Activation::Relu }, 1)]);
    let report = pass::run(&mut graph);
    assert_eq!(report.changes[0].what, "had ranges that no route reaches: a, c");
    let Op::Ffn { routes, ranges, .. } = &graph.nodes[0].op else { unreachable!() };
    assert_eq!(routes[..], [Route::Static { first: 0, count: 1 }, Route::Static { first: 1, count: 2 }]);
    assert_eq!(ranges.iter().map(|range| range.name.as_str()).collect::<Vec<_>>(), ["b", "d", "e"]);
}

#[test]
fn a_fold_that_would_leave_f32_is_not_made() {
    let mut graph = chain(1, vec![linear(&[1e30], 0.0), (Op::Affine { gain: vec![1e30], bias: vec![0.0] }, 1)]);
    assert!(pass::run(&mut graph).changes.is_empty());
}
