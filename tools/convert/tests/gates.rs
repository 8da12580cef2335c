//! The law of the gate simplifier: the scores stay as they were, on every input of small networks and on a million of large ones.

use leafgate_convert::ir::eval::evaluate;
use leafgate_convert::ir::netlist::{Netlist, apply};
use leafgate_convert::ir::{Graph, InputSpec, Node, Op, Readout, Value, ValueId, ValueKind, Wiring, equal_groups};
use leafgate_convert::pass;
use leafgate_convert::pass::gates::GateReport;
use leafgate_convert::{Options, Ranges, convert};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

struct Draw(ChaCha8Rng);

impl Draw {
    fn below(&mut self, n: usize) -> usize {
        ((u64::from(self.0.next_u32()) * n as u64) >> 32) as usize
    }

    /// Functions by how often each comes: mostly wires, mostly constants, mostly inverters, or all alike.
    fn function(&mut self, taste: usize) -> u8 {
        let own: &[u8] =
            [&[3, 5][..], &[0, 15], &[10, 12], &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]][taste % 4];
        if self.below(3) > 0 { own[self.below(own.len())] } else { self.below(16) as u8 }
    }
}

/// `bits` thresholds on `inputs` bytes of 0 to 3, layers of these widths, groups.
fn network(draw: &mut Draw, inputs: usize, bits: usize, widths: &[usize], groups: usize, taste: usize) -> Graph {
    let mut graph = Graph {
        name: "gates".into(),
        input: InputSpec { len: inputs, scale: 1.0, zero_point: 0.0, min: 0, max: 3 },
        labels: Vec::new(),
        values: vec![Value { name: "input".into(), len: inputs, kind: ValueKind::Real }],
        nodes: Vec::new(),
        output: Graph::INPUT,
        readout: Readout::Argmax,
        source_sha256: "0".repeat(64),
    };
    let push = |graph: &mut Graph, op: Op, len: usize, kind: ValueKind| {
        let (name, input) = (format!("layer {}", graph.nodes.len()), graph.output);
        graph.values.push(Value { name: name.clone(), len, kind });
        graph.output = ValueId(graph.values.len() - 1);
        graph.nodes.push(Node { name, op, input, output: graph.output });
    };
    let feature = (0..bits).map(|i| if i < inputs { i } else { draw.below(inputs) } as u32).collect();
    // Some are never or always exceeded, some are the same.
    let threshold =
        (0..bits).map(|i| if i < inputs { 1.5 } else { [-1.0, 0.5, 1.5, 2.0, 3.0][draw.below(5)] }).collect();
    push(&mut graph, Op::Bits { feature, threshold }, bits, ValueKind::Bits);
    let mut below = bits;
    for (layer, &width) in widths.iter().enumerate() {
        let gate = (0..width).map(|_| draw.function(taste)).collect();
        // Now and then a layer of words among the others; never the first alone.
        let wiring = if layer > 0 && width % 32 == 0 && draw.below(3) == 0 {
            let mut column = |limit| (0..width / 32).map(|_| draw.below(limit) as u32).collect();
            let words = below.div_ceil(32);
            Wiring::Word { a_word: column(words), a_rot: column(32), b_word: column(words), b_rot: column(32) }
        } else {
            // Few different operands make duplicates.
            let near = 1 + draw.below(below);
            let mut column = || (0..width).map(|_| draw.below(near) as u32).collect();
            Wiring::Gathered { a: column(), b: column() }
        };
        push(&mut graph, Op::Gates { wiring, gate }, width, ValueKind::Bits);
        below = width;
    }
    let bias = (0..groups).map(|k| k as f32 - 2.0).collect();
    push(&mut graph, Op::GroupSum { bounds: equal_groups(below, groups), bias, tau: 2.0 }, groups, ValueKind::Real);
    graph
}

fn netlist(graph: &Graph) -> &Netlist {
    graph
        .nodes
        .iter()
        .find_map(|node| if let Op::Netlist(netlist) = &node.op { Some(netlist) } else { None })
        .expect("the gates are a netlist now")
}

fn check_report(graph: &Graph, report: &GateReport) {
    let netlist = netlist(graph);
    assert_eq!((report.gates[1], report.inputs[1]), (netlist.gates.len(), netlist.inputs));
    assert_eq!(report.kinds.iter().sum::<usize>(), report.gates[1]);
    assert!(graph.nodes.iter().all(|node| !matches!(node.op, Op::Gates { .. })), "no layer is left");
    for gate in &netlist.gates {
        assert!([1, 2, 6, 7, 8, 9, 11, 14].contains(&gate.function), "{gate:?} takes one instruction or two");
        let copy = gate.a == gate.b;
        assert!(!copy || [7, 8].contains(&gate.function), "{gate:?} is a copy, or not at all");
    }
}

#[test]
fn all_inputs_of_small_networks() {
    let mut draw = Draw(ChaCha8Rng::seed_from_u64(1));
    let (mut gates, mut shortest) = ([0; 2], usize::MAX);
    for round in 0..400 {
        let inputs = 1 + draw.below(5);
        let (bits, layers) = (inputs + draw.below(12), 1 + draw.below(4));
        let widths: Vec<usize> = (0..layers).map(|_| [1 + draw.below(40), 32, 64][draw.below(3)]).collect();
        let groups = 1 + draw.below(4).min(widths[layers - 1] - 1);
        let before = network(&mut draw, inputs, bits, &widths, groups, round);
        let mut after = before.clone();
        let report = pass::run(&mut after).gates;
        check_report(&after, &report[0]);
        for code in 0..4usize.pow(inputs as u32) {
            let q: Vec<i8> = (0..inputs).map(|i| (code >> (2 * i) & 3) as i8).collect();
            assert_eq!(evaluate(&after, &q).scores, evaluate(&before, &q).scores, "round {round}, {q:?}");
        }
        gates = [gates[0] + report[0].gates[0], gates[1] + report[0].gates[1]];
        shortest = shortest.min(report[0].gates[1]);
        // And what becomes of it in the image: engine and reference agree with each other, and with this.
        if round % 8 == 0 {
            let made = convert(before.clone(), Ranges::Random, &Options::default()).unwrap();
            assert_eq!(made.passes.gates, report);
            let mut engine = leafgate_convert::host::HostEngine::new(&made.image).unwrap();
            for code in (0..4usize.pow(inputs as u32)).step_by(3) {
                let q: Vec<i8> = (0..inputs).map(|i| (code >> (2 * i) & 3) as i8).collect();
                let bytes: Vec<u8> = q.iter().map(|&q| q as u8).collect();
                let have: Vec<f32> =
                    engine.run_one(&bytes).unwrap().values.iter().map(|&sum| sum as f32 / 2.0).collect();
                assert_eq!(have, evaluate(&before, &q).scores, "round {round}, {q:?}");
            }
        }
    }
    println!("{} gates, {} are left", gates[0], gates[1]);
    assert!(3 * gates[1] < gates[0], "most of these have nothing to do");
    assert_eq!(shortest, 0, "some networks are constant");
}

/// Ones of 64 samples at once, in planes of binary digits.
#[derive(Default, PartialEq, Debug)]
struct Count(Vec<u64>);

impl Count {
    fn add(&mut self, mut carry: u64) {
        let mut digit = 0;
        while carry != 0 {
            if digit == self.0.len() {
                self.0.push(0);
            }
            (self.0[digit], carry) = (self.0[digit] ^ carry, self.0[digit] & carry);
            digit += 1;
        }
    }
}

/// The counts of every group for 64 samples, by layers as the file has them.
fn by_layers(graph: &Graph, bits: &[u64]) -> Vec<Count> {
    let mut x = bits.to_vec();
    for node in &graph.nodes {
        match &node.op {
            Op::Gates { wiring, gate } => {
                let read = |i: usize| x.get(i).copied().unwrap_or(0);
                let operands = |i: usize| match wiring {
                    Wiring::Gathered { a, b } => [read(a[i] as usize), read(b[i] as usize)],
                    Wiring::Word { a_word, a_rot, b_word, b_rot } => [(a_word, a_rot), (b_word, b_rot)]
                        .map(|(word, rot)| read(32 * word[i / 32] as usize + (i + rot[i / 32] as usize) % 32)),
                };
                x = (0..gate.len())
                    .map(|i| {
                        let [a, b] = operands(i);
                        apply(gate[i], a, b)
                    })
                    .collect();
            }
            Op::Netlist(netlist) => x = netlist.evaluate(&x),
            Op::GroupSum { bounds, bias, .. } => {
                let groups = bounds.windows(2).zip(bias).enumerate().map(|(k, (pair, bias))| {
                    let mut count = Count::default();
                    x[pair[0] as usize..pair[1] as usize].iter().for_each(|&bit| count.add(bit));
                    // What the passes have added to the bias of the file.
                    (0..(*bias - (k as f32 - 2.0)) as usize).for_each(|_| count.add(u64::MAX));
                    while count.0.last() == Some(&0) {
                        count.0.pop();
                    }
                    count
                });
                return groups.collect();
            }
            _ => {}
        }
    }
    Vec::new()
}

#[test]
fn a_million_inputs_of_large_networks() {
    let mut draw = Draw(ChaCha8Rng::seed_from_u64(2));
    for taste in 0..4 {
        let (inputs, widths) = (200, [1024, 1024, 1024, 1000]);
        let before = network(&mut draw, inputs, inputs, &widths, 10, taste);
        let mut after = before.clone();
        let report = pass::run(&mut after).gates.remove(0);
        check_report(&after, &report);
        println!("{report:?}");
        // Every threshold is one of its own, so that any bits are the bits of some input.
        let Op::Bits { feature, .. } = &after.nodes[0].op else { panic!("thresholds come first") };
        for _ in 0..1_000_000 / 64 {
            let bits: Vec<u64> = (0..inputs).map(|_| draw.0.next_u64()).collect();
            let left: Vec<u64> = feature.iter().map(|&feature| bits[feature as usize]).collect();
            assert_eq!(by_layers(&after, &left), by_layers(&before, &bits));
        }
    }
}

#[test]
fn what_nothing_sums_is_refused() {
    let mut draw = Draw(ChaCha8Rng::seed_from_u64(3));
    let mut graph = network(&mut draw, 4, 8, &[40], 2, 3);
    graph.nodes.pop();
    graph.values.pop();
    graph.output = ValueId(graph.values.len() - 1);
    let error = convert(graph, Ranges::Random, &Options::default()).unwrap_err();
    let want = "layer `layer 1`: its output is the network's, wanted bits that a group_sum adds up";
    assert_eq!(error.to_string(), want);
}
