//! Each pass on small networks whose right answer is known.

use leafgate_compress::{Class, CompressError, Pipeline, Report, Samples, compress};
use leafgate_convert::host::HostEngine;
use leafgate_convert::ir::eval::evaluate;
use leafgate_convert::ir::{Activation, Graph, InputSpec, Matrix, Node, Op, Readout, Value, ValueId, ValueKind};
use leafgate_convert::quantize::calibrate::Calibration;
use leafgate_convert::{Options, Ranges, convert};

/// Numbers from a seed, -1 to 1.
struct Draw(u64);

impl Draw {
    fn number(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 40) as f32 / (1 << 23) as f32 - 1.0
    }

    fn numbers(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.number()).collect()
    }

    fn matrix(&mut self, rows: usize, cols: usize) -> Matrix {
        Matrix::new(rows, cols, self.numbers(rows * cols))
    }

    fn inputs(&mut self, count: usize, len: usize) -> Vec<Vec<i8>> {
        (0..count).map(|_| self.numbers(len).into_iter().map(|x| (x * 127.0) as i8).collect()).collect()
    }
}

fn graph(len: usize) -> Graph {
    Graph {
        name: "test".into(),
        input: InputSpec { len, scale: 1.0 / 64.0, zero_point: 0.0, min: -128, max: 127 },
        labels: Vec::new(),
        values: vec![Value { name: "input".into(), len, kind: ValueKind::Real }],
        nodes: Vec::new(),
        output: Graph::INPUT,
        readout: Readout::Argmax,
        source_sha256: "0".repeat(64),
    }
}

fn push(graph: &mut Graph, name: &str, op: Op, len: usize) {
    let (input, output) = (graph.output, ValueId(graph.values.len()));
    graph.values.push(Value { name: name.into(), len, kind: ValueKind::Real });
    graph.nodes.push(Node { name: name.into(), op, input, output });
    graph.output = output;
}

fn linear(graph: &mut Graph, name: &str, weight: Matrix, bias: Vec<f32>, activation: Activation) {
    let len = weight.rows;
    push(graph, name, Op::Linear { weight, bias, activation }, len);
}

/// `len` inputs, `hidden` neurons with relu, `outputs` scores.
fn perceptron(draw: &mut Draw, len: usize, hidden: usize, outputs: usize) -> Graph {
    let mut graph = graph(len);
    let (weight, bias) = (draw.matrix(hidden, len), draw.numbers(hidden));
    linear(&mut graph, "hidden", weight, bias, Activation::Relu);
    let (weight, bias) = (draw.matrix(outputs, hidden), draw.numbers(outputs));
    linear(&mut graph, "head", weight, bias, Activation::None);
    graph
}

/// `x + F(x)`, `F` two dense layers.
fn residual(graph: &mut Graph, name: &str, keys: Matrix, values: Matrix) {
    let (x, n, len) = (graph.output, keys.rows, values.rows);
    linear(graph, name, keys, vec![0.1; n], Activation::Relu);
    linear(graph, &format!("{name}.out"), values, vec![0.1; len], Activation::None);
    push(graph, &format!("{name}.sum"), Op::Add { second: x }, len);
}

fn run(graph: &mut Graph, pipeline: &str, inputs: &[Vec<i8>]) -> Result<Report, CompressError> {
    let samples = Samples { inputs, labels: None };
    compress(graph, &Pipeline::parse(pipeline)?, samples, samples, &mut |_, _| {})
}

fn one(graph: &mut Graph, pass: &str, inputs: &[Vec<i8>]) -> Report {
    run(graph, &format!("[[pass]]\n{pass}"), inputs).expect("the pass fits")
}

fn difference(a: &Graph, b: &Graph, inputs: &[Vec<i8>]) -> f32 {
    let of = |input: &Vec<i8>| {
        let (a, b) = (evaluate(a, input).scores, evaluate(b, input).scores);
        a.iter().zip(&b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
    };
    inputs.iter().map(of).fold(0.0, f32::max)
}

/// The integers of the image.
fn integers(graph: &Graph, inputs: &[Vec<i8>]) -> Vec<Vec<i32>> {
    let calibration = Calibration::run(graph, inputs).unwrap();
    let image = convert(graph.clone(), Ranges::Table(&calibration), &Options::default()).unwrap().image;
    let mut engine = HostEngine::new(&image).unwrap();
    let bytes = |input: &Vec<i8>| input.iter().map(|&q| q as u8).collect::<Vec<u8>>();
    inputs.iter().map(|input| engine.run_one(&bytes(input)).unwrap().values).collect()
}

#[test]
fn the_order_of_neurons_changes_no_integer() {
    let draw = &mut Draw(1);
    let inputs = draw.inputs(200, 12);
    let before = perceptron(draw, 12, 40, 5);
    let mut after = before.clone();
    let report = one(&mut after, "kind = 'order'\nlayer = 'hidden'", &inputs);
    assert_eq!(report.passes[0].class, Class::Exact);
    assert_ne!(before.nodes[0].op, after.nodes[0].op, "the pass did nothing");
    assert_eq!(integers(&before, &inputs), integers(&after, &inputs));
}

#[test]
fn smoothing_leaves_the_function_and_evens_the_ranges() {
    let draw = &mut Draw(2);
    let inputs = draw.inputs(200, 12);
    let mut before = perceptron(draw, 12, 40, 5);
    if let Op::Linear { weight, .. } = &mut before.nodes[0].op {
        weight.data[..12].iter_mut().for_each(|w| *w *= 100.0);
    }
    let mut after = before.clone();
    one(&mut after, "kind = 'smooth'\nlayer = 'hidden'\nstrength = 1.0", &inputs);
    assert!(difference(&before, &after, &inputs) < 1e-2);
    let spread = |graph: &Graph| {
        let peaks = |input: &Vec<i8>| evaluate(graph, input).values[1].clone();
        let mut peak = [0.0f32; 40];
        inputs.iter().for_each(|input| peak.iter_mut().zip(peaks(input)).for_each(|(p, h)| *p = p.max(h)));
        let active = peak.iter().copied().filter(|p| *p > 0.0);
        active.clone().fold(0.0, f32::max) / active.fold(f32::MAX, f32::min)
    };
    assert!(spread(&before) > 50.0 && spread(&after) < 1.01, "{} {}", spread(&before), spread(&after));
}

#[test]
fn channels_that_say_nothing_new_go_first() {
    let draw = &mut Draw(3);
    let inputs = draw.inputs(300, 12);
    let mut before = perceptron(draw, 12, 40, 5);
    // Every second neuron gives what the one before gives.
    if let Op::Linear { weight, bias, .. } = &mut before.nodes[0].op {
        for j in (1..40).step_by(2) {
            let row = weight.row(j - 1).to_vec();
            weight.data[j * 12..(j + 1) * 12].copy_from_slice(&row);
            bias[j] = bias[j - 1];
        }
    }
    // And adds almost nothing itself.
    if let Op::Linear { weight, .. } = &mut before.nodes[1].op {
        weight.data.iter_mut().skip(1).step_by(2).for_each(|w| *w *= 0.05);
    }
    let mut after = before.clone();
    let report = one(&mut after, "kind = 'prune-channels'\nlayer = 'hidden'\nkeep = 20", &inputs);
    let pass = &report.passes[0];
    assert!(pass.after.error < 0.01, "{pass:#?}");
    assert_eq!(pass.after.weights, 20 * (12 + 5));
    assert!(pass.baselines[0].measure.error > 5.0 * pass.after.error, "{pass:#?}");
    assert_eq!(pass.curve.len(), 4, "5, 10, 30 and 40; there are no 80");
    // All of them: the function is as it was.
    let mut all = before.clone();
    one(&mut all, "kind = 'prune-channels'\nlayer = 'hidden'\nkeep = 40\nrefit = false", &inputs);
    assert!(difference(&before, &all, &inputs) < 1e-4);
}

#[test]
fn a_layer_of_low_rank_is_its_factors() {
    let draw = &mut Draw(4);
    let inputs = draw.inputs(200, 16);
    let (left, right) = (draw.matrix(20, 3), draw.matrix(3, 16));
    let product = (0..20 * 16).map(|i| (0..3).map(|k| left.row(i / 16)[k] * right.row(k)[i % 16]).sum()).collect();
    let mut before = perceptron(draw, 16, 20, 4);
    if let Op::Linear { weight, .. } = &mut before.nodes[0].op {
        *weight = Matrix::new(20, 16, product);
    }
    for method in ["plain", "weighted"] {
        let mut after = before.clone();
        let pass = format!("kind = 'factor'\nlayer = 'hidden'\nrank = 3\nmethod = '{method}'");
        let report = one(&mut after, &pass, &inputs);
        assert!(report.passes[0].after.error < 1e-4, "{report:#?}");
        assert!(report.passes[0].baselines[0].measure.error > 0.1, "{report:#?}");
        assert_eq!(report.passes[0].after.weights, 3 * (20 + 16) + 20 * 4);
        integers(&after, &inputs);
    }
}

#[test]
fn weighted_factors_keep_what_meets_large_inputs() {
    let draw = &mut Draw(5);
    // Half of the inputs hardly vary.
    let inputs: Vec<Vec<i8>> = draw
        .inputs(300, 16)
        .into_iter()
        .map(|input| input.into_iter().enumerate().map(|(i, q)| if i % 2 == 0 { q } else { q / 32 }).collect())
        .collect();
    let before = perceptron(draw, 16, 20, 4);
    let error = |method: &str| {
        let pass = format!("kind = 'factor'\nlayer = 'hidden'\nrank = 8\nmethod = '{method}'");
        one(&mut before.clone(), &pass, &inputs).passes[0].after.error
    };
    assert!(error("weighted") < 0.7 * error("plain"), "{} {}", error("weighted"), error("plain"));
}

/// Four kinds of input, each of which wakes eight neurons of its own.
fn planted() -> (Graph, Vec<Vec<i8>>) {
    let draw = &mut Draw(6);
    let mut graph = graph(16);
    // Neurons of a kind are strewn over the table.
    let kind = |j: usize| (j * 7) % 4;
    let keys = (0..32 * 16).map(|i| {
        let (j, c) = (i / 16, i % 16);
        if c / 4 == kind(j) { 1.0 + 0.5 * draw.number() } else { -0.3 }
    });
    let keys = Matrix::new(32, 16, keys.collect());
    linear(&mut graph, "hidden", keys, vec![-0.5; 32], Activation::Relu);
    let values = draw.matrix(4, 32);
    linear(&mut graph, "head", values, vec![0.2; 4], Activation::None);
    let inputs = (0..400).map(|i| {
        let shown = |c: usize, x: f32| if c / 4 == i % 4 { 60 + (40.0 * x) as i8 } else { (4.0 * x) as i8 };
        draw.numbers(16).into_iter().enumerate().map(|(c, x)| shown(c, x)).collect()
    });
    let inputs = inputs.collect();
    (graph, inputs)
}

#[test]
fn experts_that_are_there_are_found() {
    let (before, inputs) = planted();
    for (split, router) in [
        ("coactivation", "regression"),
        ("keys", "regression"),
        ("coactivation", "mean-key"),
        ("keys", "representative"),
    ] {
        let mut after = before.clone();
        let pass = format!(
            "kind = 'moefy'\nlayer = 'hidden'\nexperts = 4\nactive = 1\nsplit = '{split}'\nrouter = '{router}'\ncentre = false"
        );
        let report = one(&mut after, &pass, &inputs);
        let pass = &report.passes[0];
        assert!(pass.after.error < 0.02, "{split} {router}: {pass:#?}");
        assert!(pass.after.agreement > 0.99, "{split} {router}: {pass:#?}");
        for baseline in &pass.baselines {
            assert!(baseline.measure.error > 0.2, "{split} {router}: {pass:#?}");
        }
        // The router, and an expert of eight neurons.
        assert_eq!(pass.after.active, (4 * 16 + 8 * (16 + 4)) as f64);
        let values = integers(&after, &inputs);
        let best = |values: &[i32]| (0..values.len()).rev().max_by_key(|&k| values[k]).unwrap();
        let classes = inputs.iter().zip(&values);
        let same = classes.filter(|(input, values)| best(values) == evaluate(&before, input).classes[0]).count();
        assert!(same >= 390, "{split} {router}: {same} of 400 in integers");
    }
}

#[test]
fn all_experts_together_are_the_layer() {
    let draw = &mut Draw(7);
    let inputs = draw.inputs(200, 12);
    let before = perceptron(draw, 12, 40, 5);
    for (shared, centre) in [(0, true), (8, true), (0, false), (8, false)] {
        let mut after = before.clone();
        let pass =
            format!("kind = 'moefy'\nlayer = 'hidden'\nexperts = 5\nactive = 5\nshared = {shared}\ncentre = {centre}");
        one(&mut after, &pass, &inputs);
        assert!(difference(&before, &after, &inputs) < 1e-3, "{shared} {centre}");
    }
}

#[test]
fn a_centred_expert_that_is_not_chosen_gives_its_mean() {
    let draw = &mut Draw(8);
    let inputs = draw.inputs(300, 12);
    let before = perceptron(draw, 12, 40, 5);
    let error = |centre: bool| {
        let pass = format!("kind = 'moefy'\nlayer = 'hidden'\nexperts = 5\nactive = 2\ncentre = {centre}");
        one(&mut before.clone(), &pass, &inputs).passes[0].after.error
    };
    assert!(error(true) < 0.95 * error(false), "{} {}", error(true), error(false));
}

/// Three residual blocks, of which the second does nothing, and a head.
fn blocks(draw: &mut Draw) -> Graph {
    let mut graph = graph(8);
    linear(&mut graph, "stem", draw.matrix(8, 8), vec![0.0; 8], Activation::None);
    for (i, size) in [0.5, 0.0, 0.5].into_iter().enumerate() {
        let (keys, mut values) = (draw.matrix(12, 8), draw.matrix(8, 12));
        values.data.iter_mut().for_each(|v| *v *= size);
        residual(&mut graph, &format!("block{i}"), keys, values);
        if size == 0.0
            && let Op::Linear { bias, .. } = &mut graph.nodes[5].op
        {
            bias.fill(0.0);
        }
    }
    linear(&mut graph, "head", draw.matrix(3, 8), vec![0.0; 3], Activation::None);
    graph
}

#[test]
fn a_block_that_does_nothing_is_cut_first() {
    let draw = &mut Draw(9);
    let inputs = draw.inputs(100, 8);
    let before = blocks(draw);
    let mut after = before.clone();
    let report = one(&mut after, "kind = 'cut'\nblocks = 1", &inputs);
    assert_eq!(report.passes[0].what, "`block1` taken out");
    assert_eq!(difference(&before, &after, &inputs), 0.0);
    assert_eq!(after.nodes.len(), before.nodes.len() - 3);
    integers(&after, &inputs);
    let mut all = before.clone();
    assert_eq!(one(&mut all, "kind = 'cut'\nblocks = 3", &inputs).passes[0].what.matches("block").count(), 3);
    let error = run(&mut before.clone(), "[[pass]]\nkind = 'cut'\nblocks = 4", &inputs).unwrap_err();
    assert_eq!(error.to_string(), "pass 1 (`cut`): the network has 3 blocks that could be taken out, wanted 4 or more");
}

#[test]
fn blocks_of_which_one_does_nothing_fuse_without_loss() {
    let draw = &mut Draw(10);
    let inputs = draw.inputs(100, 8);
    let before = blocks(draw);
    let mut after = before.clone();
    one(&mut after, "kind = 'fuse'\nlayers = ['block0', 'block1']", &inputs);
    assert!(difference(&before, &after, &inputs) < 1e-4);
    integers(&after, &inputs);
    let mut lossy = before.clone();
    let report = one(&mut lossy, "kind = 'fuse'\nlayers = ['block0', 'block1', 'block2']", &inputs);
    assert!(report.passes[0].after.error > 0.0);
    assert_eq!(lossy.nodes.len(), 4, "stem, FFN, sum, head");
    integers(&lossy, &inputs);
}

#[test]
fn passes_follow_each_other() {
    let draw = &mut Draw(11);
    let inputs = draw.inputs(200, 12);
    let mut graph = perceptron(draw, 12, 40, 5);
    let pipeline = "seed = 3
        [[pass]]
        kind = 'prune-channels'
        layer = 'hidden'
        keep = 32
        [[pass]]
        kind = 'moefy'
        layer = 'hidden'
        experts = 4
        active = 2";
    let report = run(&mut graph, pipeline, &inputs).unwrap();
    let again = run(&mut perceptron(&mut Draw(11), 12, 40, 5), pipeline, &inputs);
    assert_eq!(report.passes.len(), 2);
    assert!(report.passes[1].after.active < report.passes[0].after.active);
    assert!(again.is_ok());
    integers(&graph, &inputs);
}

#[test]
fn what_does_not_fit_is_refused_by_name() {
    let draw = &mut Draw(12);
    let inputs = draw.inputs(20, 12);
    let before = perceptron(draw, 12, 40, 5);
    let refuse = |pipeline: &str, inputs: &[Vec<i8>]| {
        let mut graph = before.clone();
        let error = run(&mut graph, pipeline, inputs).expect_err(pipeline).to_string();
        assert_eq!(graph, before, "the graph is as it was: {pipeline}");
        error
    };
    let figures = [
        ("kind = 'order'\nlayer = 'fc'", "pass 1 (`order`): there is no layer `fc`; there are: hidden, head"),
        (
            "kind = 'order'\nlayer = 'head'",
            "pass 1 (`order`): layer `head` has no hidden neurons: not one layer alone reads it",
        ),
        ("kind = 'factor'\nlayer = 'head'\nrank = 6", "pass 1 (`factor`): rank is 6, wanted 1 to 5"),
        ("kind = 'prune-channels'\nlayer = 'hidden'\nkeep = 0", "pass 1 (`prune-channels`): keep is 0, wanted 1 to 40"),
        (
            "kind = 'moefy'\nlayer = 'hidden'\nexperts = 41\nactive = 1",
            "pass 1 (`moefy`): experts is 41, wanted 2 to 40",
        ),
        ("kind = 'moefy'\nlayer = 'hidden'\nexperts = 4\nactive = 5", "pass 1 (`moefy`): active is 5, wanted 1 to 4"),
        ("kind = 'smooth'\nlayer = 'hidden'\nstrength = 2.0", "pass 1 (`smooth`): strength is 2, wanted 0 to 1"),
        (
            "kind = 'fuse'\nlayers = ['hidden', 'head']",
            "pass 1 (`fuse`): layer `hidden` does not begin a residual block of two dense layers",
        ),
        (
            "kind = 'cut'\nblocks = 1",
            "pass 1 (`cut`): the network has 0 blocks that could be taken out, wanted 1 or more",
        ),
    ];
    for (pass, want) in figures {
        assert_eq!(refuse(&format!("[[pass]]\n{pass}"), &inputs), want);
    }
    assert!(refuse("[[pass]]\nkind = 'order'\nlayer = 'hidden'\nspeed = 1", &inputs).contains("unknown field `speed`"));
    assert!(refuse("[[pass]]\nkind = 'shrink'", &inputs).contains("unknown variant `shrink`"));
    assert_eq!(refuse("", &[]), "calibration samples: wanted 1 or more, have 0");
    assert_eq!(refuse("", &[vec![0; 11]]), "calibration samples: wanted 12 values, have 11 in sample 0");
}
