//! Every layer of `docs/graph-format.md` through the importer and the float reference, against figures worked out by hand or by the
//! original software; and the state dict doors.

mod files;

use files::{Tensor, f32s, i32s, i64s, safetensors, tiny_fff, torch, u8s};
use leafgate_convert::ConvertError;
use leafgate_convert::import::{self, ImportOptions, Imported};
use leafgate_convert::ir::eval::{Entry, Observer, class_of, evaluate, evaluate_observed};
use leafgate_convert::ir::{Activation, Emit, Graph, InputSpec, Op, Readout, Route};

fn open(bytes: &[u8], options: &ImportOptions) -> Result<Imported, ConvertError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tiny.model");
    std::fs::write(&path, bytes).unwrap();
    import::open(&path, options)
}

/// A graph file of `layers` on an input of `len` quarters.
fn graph(tensors: &[Tensor], len: usize, layers: &str) -> Graph {
    described(tensors, len, layers).unwrap()
}

fn described(tensors: &[Tensor], len: usize, layers: &str) -> Result<Graph, ConvertError> {
    let text = format!(
        r#"{{"format": "leafgate.graph/1", "name": "test", "input": {{"len": {len}, "scale": 0.25, "zero_point": 0.0}}, "layers": [{layers}]}}"#
    );
    open(&safetensors(tensors, Some(&text)), &ImportOptions::default()).map(|imported| imported.graph)
}

/// Scores of an input in real numbers, multiples of a quarter.
fn scores(graph: &Graph, x: &[f32]) -> Vec<f32> {
    let q: Vec<i8> = x.iter().map(|x| (x * 4.0) as i8).collect();
    evaluate(graph, &q).scores
}

/// Input, output as trained, output of the package's version 0.2.1.
const TINY_FFF: [([f32; 3], [f32; 2], [f32; 2]); 4] = [
    ([-1.0, 0.25, 1.0], [8.125, -9.0625], [-1.875, 0.9375]),
    ([-1.0, 1.0, 1.0], [22.0, -10.25], [2.0, 9.75]),
    ([1.0, 0.0, -1.0], [52.5, 0.0], [22.5, 30.0]),
    ([1.0, 0.0, 1.0], [48.0, -30.0], [8.0, 10.0]),
];

#[test]
fn the_tiny_fff_gives_the_packages_figures_through_every_door() {
    let input = InputSpec { len: 3, scale: 0.25, zero_point: 0.0, min: -128, max: 127 };
    let options = ImportOptions { input: Some(input), ..ImportOptions::default() };
    let old = ImportOptions { match_eval_0_2_1: true, ..options.clone() };
    let described =
        graph(&tiny_fff("a.b."), 3, r#"{"op": "fff", "prefix": "a.b.", "activation": "relu"}, {"op": "argmax"}"#);
    assert_eq!(described.nodes[0].name, "a.b");
    for file in [torch(&tiny_fff("")), safetensors(&tiny_fff("module."), None)] {
        let imported = open(&file, &options).unwrap();
        assert_eq!(imported.assumptions, ["the hidden activation is taken to be relu: a state dict does not say it"]);
        let (graph, old) = (imported.graph, open(&file, &old).unwrap().graph);
        for (x, want, want_old) in TINY_FFF {
            assert_eq!(scores(&graph, &x), want, "{x:?}");
            assert_eq!(scores(&old, &x), want_old, "{x:?}");
            assert_eq!(scores(&described, &x), want, "{x:?}");
        }
        assert_eq!((graph.name.as_str(), graph.readout), ("tiny", Readout::Argmax));
        assert_eq!(graph.source_sha256.len(), 64);
    }
}

/// Collects what an evaluation shows.
#[derive(Default)]
struct Trace {
    ranges: Vec<(usize, Option<usize>, f32)>,
    scores: Vec<(usize, f32)>,
    hidden: Vec<Vec<f32>>,
    partial: Vec<Vec<f32>>,
    values: usize,
}

impl Observer for Trace {
    fn value(&mut self, _: leafgate_convert::ir::ValueId, _: &[f32]) {
        self.values += 1;
    }

    fn score(&mut self, _: usize, _: usize, row: usize, score: f32) {
        self.scores.push((row, score));
    }

    fn entry(&mut self, _: usize, entry: &Entry<'_>) {
        self.ranges.push((entry.range, entry.neuron, entry.weight));
        self.hidden.push(entry.hidden.to_vec());
        self.partial.push(entry.partial.to_vec());
    }
}

fn trace(graph: &Graph, x: &[f32]) -> Trace {
    let q: Vec<i8> = x.iter().map(|x| (x * 4.0) as i8).collect();
    let mut trace = Trace::default();
    evaluate_observed(graph, &q, &mut trace);
    trace
}

#[test]
fn a_tie_goes_right_and_the_observer_sees_the_way() {
    let graph = graph(&tiny_fff(""), 3, r#"{"op": "fff", "activation": "relu"}"#);
    let seen = trace(&graph, &[0.0, 0.0, 1.0]);
    assert_eq!(seen.ranges, [(3, None, 1.0)]);
    assert_eq!(seen.scores, [(0, 0.0), (2, 1.25)]);
    // 4 * (-1 + 0.5) clipped, 4 * (1 - 0.25).
    assert_eq!(seen.hidden, [[0.0, 3.0]]);
    assert_eq!(seen.partial, [[40.0 + 3.0 * 2.0, -40.0 + 3.0 * 3.5]]);
    assert_eq!(seen.values, 2);
}

#[test]
fn a_master_leaf_shares_with_the_sigmoid_of_k() {
    let mut tensors = tiny_fff("");
    let k = 3.0f32.ln();
    tensors.push(f32s("magic_w1", &[1, 3, 1], &[1.0, 1.0, 1.0]));
    tensors.push(f32s("magic_b1", &[1, 1], &[1.0]));
    tensors.push(f32s("magic_w2", &[1, 1, 2], &[4.0, -4.0]));
    tensors.push(f32s("magic_b2", &[1, 2], &[8.0, 16.0]));
    tensors.push(f32s("k", &[], &[k]));
    tensors.push(f32s("leaf_usage", &[4], &[0.0; 4]));
    tensors.push(f32s("f", &[4], &[f32::NAN; 4]));
    let graph = graph(&tensors, 3, r#"{"op": "fff", "activation": "relu"}"#);
    // sigmoid(ln 3) = 3/4. The master's neuron: -1 + 0.25 + 1 + 1 = 1.25, so 4 * 1.25 + 8 = 13 and -4 * 1.25 + 16 = 11.
    for (have, want) in
        scores(&graph, &[-1.0, 0.25, 1.0]).iter().zip([0.75 * 8.125 + 0.25 * 13.0, 0.75 * -9.0625 + 0.25 * 11.0])
    {
        assert!((have - want).abs() < 1e-5, "{have} {want}");
    }
    let Op::Ffn { routes, ranges, .. } = &graph.nodes[0].op else { panic!() };
    assert_eq!(routes[1], Route::Static { first: 4, count: 1 });
    assert_eq!((ranges.len(), ranges[4].name.as_str()), (5, "master"));
}

#[test]
fn a_network_of_depth_zero_is_one_leaf_without_nodes() {
    let tensors = [
        i64s("depth", &[], &[0]),
        f32s("w1s", &[1, 2, 1], &[1.0, 2.0]),
        f32s("b1s", &[1, 1], &[0.5]),
        f32s("w2s", &[1, 1, 1], &[2.0]),
        f32s("b2s", &[1, 1], &[-1.0]),
    ];
    let graph = graph(&tensors, 2, r#"{"op": "fff", "activation": "relu"}"#);
    let Op::Ffn { routes, .. } = &graph.nodes[0].op else { panic!() };
    assert_eq!(routes[..], [Route::Static { first: 0, count: 1 }]);
    assert_eq!(scores(&graph, &[1.0, 1.0]), [6.0]);
}

#[test]
fn ultrafast_adds_every_visited_node_and_a_tie_goes_left() {
    // Two trees of depth 1, three nodes each; the roots decide on x[0].
    let keys = [[1.0, 0.0], [0.0, 1.0], [0.0, 2.0], [-1.0, 0.0], [0.0, 4.0], [0.0, 8.0]].concat();
    let tensors = [
        f32s("linear_in.weight", &[6, 2], &keys),
        f32s("linear_in.bias", &[6], &[0.0; 6]),
        f32s("linear_out.weight", &[2, 6], &[1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0]),
    ];
    let layer = r#"{"op": "ultrafast", "activation": "none", "trees": 2, "depth": 1, "residual": true}"#;
    let graph = graph(&tensors, 2, layer);
    let seen = trace(&graph, &[1.0, 0.5]);
    // Tree 0 goes right (1 > 0) to node 2, tree 1 left (-1) to node 1.
    assert_eq!(seen.ranges, [(0, Some(0), 1.0), (0, Some(2), 1.0), (0, Some(3), 1.0), (0, Some(4), 1.0)]);
    assert_eq!(scores(&graph, &[1.0, 0.5]), [1.0 + (1.0 + 1.0 - 1.0 + 2.0), 0.5 + (2.0 - 3.0 + 8.0)]);
    assert_eq!(trace(&graph, &[0.0, 0.5]).ranges[1].1, Some(1), "a tie goes left");
    let Op::Ffn { routes, .. } = &graph.nodes[0].op else { panic!() };
    assert!(matches!(routes[..], [Route::Tree { trees: 2, levels: 2, strict: true, emit: Emit::Path, first: 0, .. }]));
    assert!(matches!(graph.nodes[1].op, Op::Add { second: Graph::INPUT }));
}

#[test]
fn experts_win_by_score_and_the_shared_one_always_runs() {
    let tensors = [
        f32s("m.router.weight", &[3, 1], &[1.0, -1.0, 1.0]),
        f32s("m.router.bias", &[3], &[0.0, 0.0, 0.0]),
        f32s("m.w1s", &[3, 1, 1], &[1.0, 1.0, 1.0]),
        f32s("m.b1s", &[3, 1], &[0.0, 0.0, 0.0]),
        f32s("m.w2s", &[3, 1, 1], &[1.0, 10.0, 100.0]),
        f32s("m.b2s", &[3, 1], &[0.25, 0.5, 0.75]),
        f32s("m.shared.w1", &[1, 2], &[1.0, -1.0]),
        f32s("m.shared.b1", &[2], &[0.0, 0.0]),
        f32s("m.shared.w2", &[2, 1], &[1000.0, 2000.0]),
        f32s("m.shared.b2", &[1], &[0.0]),
    ];
    let layer = |top_k: usize, gate: &str| {
        format!(r#"{{"op": "moe", "prefix": "m.", "activation": "relu", "top_k": {top_k}, "gate": "{gate}"}}"#)
    };
    let one = graph(&tensors, 1, &layer(1, "one"));
    // Experts 0 and 2 tie; the lowest index wins.
    assert_eq!(scores(&one, &[2.0]), [2000.0 + 2.25]);
    assert_eq!(scores(&one, &[-2.0]), [4000.0 + 0.5]);
    let two = graph(&tensors, 1, &layer(2, "one"));
    assert_eq!(scores(&two, &[2.0]), [2000.0 + 2.25 + 200.75]);
    let gated = graph(&tensors, 1, &layer(1, "sigmoid"));
    let g = 1.0 / (1.0 + (-2.0f32).exp());
    assert!((scores(&gated, &[2.0])[0] - (2000.0 + 2.25 * g)).abs() < 1e-3);
    assert_eq!(trace(&two, &[2.0]).ranges.iter().map(|(range, ..)| *range).collect::<Vec<_>>(), [0, 2, 3]);
}

#[test]
fn the_tiny_gate_network_gives_difflogics_figures() {
    let layer = |p: &str, a: [i32; 12], b: [i32; 12], gates: [u8; 12]| {
        [i32s(&format!("{p}a"), &[12], &a), i32s(&format!("{p}b"), &[12], &b), u8s(&format!("{p}gate"), &gates)]
    };
    let first = layer(
        "1.",
        [1, 3, 1, 3, 0, 0, 5, 0, 3, 5, 7, 5],
        [6, 2, 4, 6, 2, 4, 7, 4, 7, 1, 6, 2],
        [13, 7, 13, 11, 5, 9, 0, 10, 6, 3, 4, 6],
    );
    let second = layer(
        "2.",
        [0, 4, 10, 8, 3, 2, 0, 5, 6, 1, 7, 9],
        [1, 5, 11, 9, 4, 3, 2, 6, 7, 2, 8, 10],
        [3, 6, 11, 11, 14, 14, 6, 3, 7, 0, 11, 10],
    );
    let mut tensors = vec![i32s("feature", &[8], &[0, 1, 2, 3, 4, 5, 6, 7]), f32s("threshold", &[8], &[0.5; 8])];
    tensors.extend(first);
    tensors.extend(second);
    let graph = graph(
        &tensors,
        8,
        r#"{"op": "thermometer"}, {"op": "gates", "prefix": "1.", "wiring": "gathered"},
           {"op": "gates", "prefix": "2.", "wiring": "gathered"}, {"op": "group_sum", "groups": 3, "tau": 2.0}"#,
    );
    for (bits, want) in [
        ("00000000", [2.0, 1.0, 1.5]),
        ("00000011", [2.0, 1.5, 1.5]),
        ("01011010", [1.5, 0.5, 0.0]),
        ("11111111", [1.0, 0.5, 1.0]),
    ] {
        let x: Vec<f32> = bits.bytes().map(|bit| f32::from(bit - b'0')).collect();
        assert_eq!(scores(&graph, &x), want, "{bits}");
    }
}

#[test]
fn word_wiring_rotates_right_and_every_gate_is_its_truth_table() {
    // 32 gates: id l % 16, A = in[0] rotated by 3, B = in[0] rotated by 30.
    let ids: Vec<u8> = (0..32).map(|l| l % 16).collect();
    let tensors = [
        i32s("t.feature", &[32], &(0..32).collect::<Vec<i32>>()),
        f32s("t.threshold", &[32], &[0.5; 32]),
        u8s("gate", &ids),
        i32s("a_word", &[1], &[0]),
        i32s("a_rot", &[1], &[3]),
        i32s("b_word", &[1], &[0]),
        i32s("b_rot", &[1], &[30]),
    ];
    let layers = r#"{"op": "thermometer", "prefix": "t."}, {"op": "gates", "wiring": "word"},
                    {"op": "group_sum", "groups": 32, "tau": 1.0}"#;
    let graph = graph(&tensors, 32, layers);
    let word = 0xB5C3_1E72u32;
    let x: Vec<f32> = (0..32).map(|l| (word >> l & 1) as f32).collect();
    let (a, b) = (word.rotate_right(3), word.rotate_right(30));
    for (l, have) in scores(&graph, &x).into_iter().enumerate() {
        let (a, b) = (a >> l & 1, b >> l & 1);
        let want = match l % 16 {
            0 => 0,
            1 => a & b,
            2 => a & !b & 1,
            3 => a,
            4 => b & !a & 1,
            5 => b,
            6 => a ^ b,
            7 => a | b,
            id => {
                let positive = [0, a & b, a & !b & 1, a, b & !a & 1, b, a ^ b, a | b];
                1 ^ positive[15 - id]
            }
        };
        assert_eq!(have, want as f32, "gate {}, a {a}, b {b}", l % 16);
    }
}

#[test]
fn the_plain_layers_and_other_element_types() {
    let half = |name: &str, shape: &[usize], data: &[f32]| Tensor {
        name: name.into(),
        dtype: safetensors::Dtype::F16,
        shape: shape.to_vec(),
        bytes: data.iter().flat_map(|v| half::f16::from_f32(*v).to_le_bytes()).collect(),
    };
    let wide = |name: &str, data: &[f64]| Tensor {
        name: name.into(),
        dtype: safetensors::Dtype::F64,
        shape: vec![data.len()],
        bytes: data.iter().flat_map(|v| v.to_le_bytes()).collect(),
    };
    let tensors = [
        half("fc.weight", &[2, 2], &[1.0, 2.0, -1.0, 0.5]),
        f32s("fc.bias", &[2], &[0.25, 0.0]),
        wide("norm.gain", &[2.0, -4.0]),
    ];
    let layers = r#"{"op": "linear", "prefix": "fc.", "activation": "relu", "residual": true},
                    {"op": "affine", "prefix": "norm."}, {"op": "clamp", "min": -3.0, "max": 6}, {"op": "argmax"}"#;
    let graph = graph(&tensors, 2, layers);
    let evaluation = evaluate(&graph, &[4, 4]);
    assert_eq!(evaluation.values[1], [3.25, 0.0]);
    assert_eq!(evaluation.values[2], [4.25, 1.0]);
    assert_eq!(evaluation.values[3], [8.5, -4.0]);
    assert_eq!((evaluation.scores, evaluation.classes), (vec![6.0, -3.0], vec![0]));
    let names: Vec<&str> = graph.nodes.iter().map(|node| node.name.as_str()).collect();
    assert_eq!(names, ["fc", "fc.residual", "norm", "clamp_2"]);
}

#[test]
fn layers_may_be_named_and_branch() {
    let tensors = [f32s("up.weight", &[2, 2], &[1.0, 0.0, 0.0, 2.0])];
    let layers = r#"{"op": "linear", "prefix": "up.", "activation": "none", "id": "up"},
                    {"op": "mul", "inputs": ["up", "input"], "id": "square"},
                    {"op": "activation", "function": "relu", "input": "input"},
                    {"op": "concat", "inputs": ["square", "up", "input"]},
                    {"op": "transpose", "rows": 3, "cols": 2},
                    {"op": "slice", "start": 1, "len": 4, "id": "part"},
                    {"op": "add", "inputs": ["part", "part"]}, {"op": "top_k", "k": 2, "input": "part"}"#;
    let graph = graph(&tensors, 2, layers);
    // The input is 2 and -1.
    let evaluation = evaluate(&graph, &[8, -4]);
    assert_eq!(evaluation.values[2], [4.0, 2.0]);
    assert_eq!(evaluation.values[3], [2.0, 0.0]);
    assert_eq!(evaluation.values[4], [4.0, 2.0, 2.0, -2.0, 2.0, -1.0]);
    assert_eq!(evaluation.values[5], [4.0, 2.0, 2.0, 2.0, -2.0, -1.0]);
    assert_eq!((evaluation.scores, evaluation.classes), (vec![2.0, 2.0, 2.0, -2.0], vec![0, 1]));
}

#[test]
fn names_that_are_wrong_are_said() {
    let cases = [
        (r#"{"op": "clamp", "min": 0, "max": 1, "input": "later"}, {"op": "argmax", "id": "later"}"#, "`later`"),
        (r#"{"op": "clamp", "min": 0, "max": 1, "id": "input"}"#, "a text of its own"),
        (r#"{"op": "clamp", "min": 0, "max": 1, "id": "a"}, {"op": "argmax", "id": "a"}"#, "a text of its own"),
        (r#"{"op": "clamp", "min": 0, "max": 1, "inputs": ["input"]}"#, "unknown key `inputs`"),
        (r#"{"op": "add", "inputs": ["input"]}"#, "a list of two names"),
        (r#"{"op": "add", "input": "input"}"#, "unknown key `input`"),
        (r#"{"op": "concat", "inputs": []}"#, "a list of one or more names"),
        (r#"{"op": "concat", "inputs": ["input", 3]}"#, "`3`"),
        (r#"{"op": "slice", "start": 1, "len": 2}"#, "1 or more of the 2 elements"),
        (r#"{"op": "slice", "start": 18446744073709551615, "len": 2}"#, "1 or more of the 2 elements"),
        (r#"{"op": "slice", "start": 0, "len": 0}"#, "1 or more of the 2 elements"),
        (r#"{"op": "transpose", "rows": 4294967296, "cols": 4294967296}"#, "a product of 2"),
        (
            r#"{"op": "concat", "inputs": ["input", "input"], "id": "a"}, {"op": "mul", "inputs": ["a", "input"]}"#,
            "4 numbers",
        ),
        (r#"{"op": "clamp", "min": 0, "max": 1}, {"op": "top_k", "k": 3}"#, "1 to 2"),
        (r#"{"op": "top_k", "k": 1}, {"op": "clamp", "min": 0, "max": 1}"#, "the last layer"),
    ];
    for (layers, want) in cases {
        let error = described(&[], 2, layers).unwrap_err().to_string();
        assert!(error.contains(want), "{layers}: {error}");
    }
    // Each joins the value before with itself: 2^41 elements.
    let twice = r#"{"op": "concat", "inputs": ["a", "a"], "id": "a"},"#;
    let layers: String = (0..40)
        .map(|i| {
            twice
                .replace(r#"["a", "a"]"#, &format!(r#"["{i}", "{i}"]"#))
                .replace(r#""id": "a""#, &format!(r#""id": "{}""#, i + 1))
        })
        .collect();
    let layers = format!(r#"{{"op": "clamp", "min": 0, "max": 1, "id": "0"}}, {layers} {{"op": "argmax"}}"#);
    assert!(
        described(&[], 2, &layers).unwrap_err().to_string().contains("elements is 33554432, the limit is 16777216")
    );
}

#[test]
fn activations_are_those_of_the_frameworks() {
    // PyTorch 2: gelu(1), silu(1), tanh(1), sigmoid(1).
    let cases = [
        (Activation::Gelu, 0.841_344_7),
        (Activation::Silu, 0.731_058_6),
        (Activation::Tanh, 0.761_594_2),
        (Activation::Sigmoid, 0.731_058_6),
        (Activation::Relu, 1.0),
        (Activation::None, 1.0),
        (Activation::HardSwish, 0.666_666_7),
    ];
    for (activation, want) in cases {
        assert!((activation.of(1.0) - want).abs() < 2e-7, "{activation:?}");
    }
    assert_eq!(Activation::Relu.of(-1.0), 0.0);
    assert_eq!(class_of(&[1.0, 3.0, 3.0]), 1);
}

#[test]
fn options_name_the_network_and_its_outputs() {
    let options = ImportOptions {
        name: Some("renamed".into()),
        labels: Some(vec!["no".into(), "yes".into()]),
        activation: Some(Activation::Silu),
        ..ImportOptions::default()
    };
    let imported = open(&torch(&tiny_fff("")), &options).unwrap();
    assert_eq!((imported.graph.name.as_str(), imported.graph.labels.len()), ("renamed", 2));
    assert_eq!(imported.graph.input, InputSpec { len: 3, scale: 2.0 / 255.0, zero_point: -0.5, min: -128, max: 127 });
    assert!(imported.assumptions[0].starts_with("the input is taken to be pixels 0 to 255 on -1 to 1"));
    let labels = Some(vec!["one".into()]);
    let error = open(&torch(&tiny_fff("")), &ImportOptions { labels, ..ImportOptions::default() }).unwrap_err();
    assert_eq!(error.to_string(), "labels: the number of labels is 1, wanted 2, one per output, or none");
}

#[test]
fn a_graph_file_that_was_written_reads_as_the_same_graph() {
    use leafgate_convert::export::graph_file;
    use leafgate_convert::ir::{Emit, GateWeight, Matrix, Node, Op, Range, Readout, Route, Value, ValueId, ValueKind};
    use leafgate_convert::ir::{InputSpec, Wiring, equal_groups};

    let mut state = 1u32;
    let mut numbers = |count: usize| -> Vec<f32> {
        let mut number = || {
            state = state.wrapping_mul(1664525).wrapping_add(1013904223);
            (state >> 8) as f32 / 1e7 - 0.8
        };
        (0..count).map(|_| number()).collect()
    };
    let mut graph = Graph {
        name: "everything".into(),
        input: InputSpec { len: 6, scale: 0.125, zero_point: -0.5, min: -100, max: 90 },
        labels: ["a", "b", "c"].map(String::from).to_vec(),
        values: vec![Value { name: "input".into(), len: 6, kind: ValueKind::Real }],
        nodes: Vec::new(),
        output: Graph::INPUT,
        readout: Readout::Argmax,
        source_sha256: String::new(),
    };
    let mut push = |name: &str, op: Op, input: usize, len: usize, kind: ValueKind| {
        let (input, output) = (ValueId(input), ValueId(graph.values.len()));
        graph.values.push(Value { name: name.into(), len, kind });
        graph.nodes.push(Node { name: name.into(), op, input, output });
        output.0
    };
    let (real, bits) = (ValueKind::Real, ValueKind::Bits);
    let mut range = |name: &str, n: usize, cols: usize, rows: usize| Range {
        name: name.into(),
        keys: Matrix::new(n, cols, numbers(n * cols)),
        key_bias: numbers(n),
        values: Matrix::new(n, rows, numbers(n * rows)),
        value_bias: numbers(rows),
    };
    let ranges = [0, 3, 1, 2, 2, 5, 1].map(|n| n).into_iter().enumerate();
    let ranges: Vec<Range> = ranges.map(|(g, n)| range(&format!("range {g}"), n, 6, 4)).collect();
    let nodes = range("nodes", 7, 4, 4);
    let path = Route::Tree {
        trees: 1,
        levels: 3,
        weight: nodes.keys.clone(),
        bias: nodes.key_bias.clone(),
        strict: true,
        emit: Emit::Path,
        first: 0,
    };
    let mut ultrafast = nodes;
    ultrafast.value_bias = vec![0.0; 4];
    let routes = vec![
        Route::Static { first: 0, count: 2 },
        Route::Tree {
            trees: 1,
            levels: 1,
            weight: Matrix::new(1, 6, numbers(6)),
            bias: numbers(1),
            strict: true,
            emit: Emit::Leaf,
            first: 2,
        },
        Route::TopK {
            weight: Matrix::new(3, 6, numbers(18)),
            bias: numbers(3),
            k: 2,
            gate: GateWeight::Sigmoid,
            first: 4,
        },
    ];
    let linear = Op::Linear { weight: Matrix::new(4, 6, numbers(24)), bias: numbers(4), activation: Activation::Silu };
    let l = push("fc", linear, 0, 4, real);
    let f = push("table", Op::Ffn { routes, ranges, activation: Activation::Relu }, 0, 4, real);
    let u = Op::Ffn { routes: vec![path], ranges: vec![ultrafast], activation: Activation::Gelu };
    let u = push("paths", u, f, 4, real);
    let a = push("sum", Op::Add { second: ValueId(l) }, u, 4, real);
    let m = push("product", Op::Mul { second: ValueId(f) }, a, 4, real);
    let g = push("gain", Op::Affine { gain: numbers(4), bias: numbers(4) }, m, 4, real);
    let c = push("clamped", Op::Clamp { min: -1.5, max: 2.0 }, g, 4, real);
    let t = push("turned", Op::Transpose { rows: 2, cols: 2 }, c, 4, real);
    let j = push("joined", Op::Concat { others: vec![ValueId(l), ValueId(t)] }, t, 12, real);
    let s = push("cut", Op::Slice { start: 2, len: 8 }, j, 8, real);
    let s = push("bent", Op::Activation(Activation::Tanh), s, 8, real);
    let thermometer = Op::Bits { feature: (0..64).map(|i| i % 8).collect(), threshold: numbers(64) };
    let b = push("bits", thermometer, s, 64, bits);
    let gate: Vec<u8> = (0..64).map(|i| i % 16).collect();
    let word = Wiring::Word { a_word: vec![0, 1], a_rot: vec![3, 0], b_word: vec![1, 1], b_rot: vec![31, 7] };
    let b = push("words", Op::Gates { wiring: word, gate: gate.clone() }, b, 64, bits);
    let gathered = Wiring::Gathered { a: (0..64).collect(), b: (0..64).rev().collect() };
    let b = push("wires", Op::Gates { wiring: gathered, gate }, b, 64, bits);
    let sums = Op::GroupSum { bounds: equal_groups(64, 3), bias: numbers(3), tau: 2.5 };
    push("votes", sums, b, 3, real);
    graph.output = ValueId(graph.values.len() - 1);

    let bytes = graph_file(&graph).unwrap();
    let again =
        leafgate_convert::import::parse(&bytes, std::path::Path::new("x.safetensors"), &ImportOptions::default())
            .unwrap();
    // Layers without weights are called by their op and place.
    let unnamed = |graph: &Graph| {
        let mut graph = graph.clone();
        graph.source_sha256 = String::new();
        graph.nodes.iter_mut().for_each(|node| node.name.clear());
        graph.values.iter_mut().for_each(|value| value.name.clear());
        graph
    };
    assert_eq!(unnamed(&again.graph), unnamed(&graph));
    assert_eq!(graph_file(&graph).unwrap(), bytes);

    graph.nodes.pop();
    graph.output = graph.nodes[1].output;
    graph.readout = Readout::None;
    assert!(graph_file(&graph).is_err(), "scores that are not the last layer's cannot be said without a readout");
}
