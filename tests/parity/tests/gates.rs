//! What a gate and a counted bit take: word wiring of 6 x 8000 gates over 400 inputs, 8000 bits in 10 groups.

use leafgate_convert::ir::{Graph, InputSpec, Node, Op, Readout, Value, ValueId, ValueKind, Wiring};
use leafgate_convert::{Options, Ranges, convert};
use leafgate_emulate::{Emulation, Machine, build_binary, build_firmware, machines, workspace_root};
use leafgate_tests_laws::draw::Draw;
use leafgate_tests_laws::layout::counted;
use leafgate_tests_parity::host_outputs;

const INPUTS: usize = 400;
const GATES: usize = 8000;
const LAYERS: usize = 6;
const GROUPS: usize = 10;
const SAMPLES: usize = 5;

/// By machine: instructions per gate, and those of a group sum.
const LIMITS: [(&str, f64, f64); 3] = [("mps2-an386", 0.70, 3000.0), ("microbit", 0.95, 9e9), ("virt", 0.95, 9e9)];

/// Random word wiring and random gates, `layers` layers of `gates` each.
fn network(layers: usize, gates: usize) -> Vec<u8> {
    let mut draw = Draw::new(5);
    let input = InputSpec { len: INPUTS, scale: 1.0, zero_point: 0.0, min: 0, max: 1 };
    let mut graph = Graph {
        name: "gates".into(),
        input,
        labels: Vec::new(),
        values: vec![Value { name: "input".into(), len: INPUTS, kind: ValueKind::Real }],
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
    let bits = Op::Bits { feature: (0..INPUTS as u32).collect(), threshold: vec![0.5; INPUTS] };
    push(&mut graph, bits, INPUTS, ValueKind::Bits);
    let mut words = INPUTS.div_ceil(32);
    for _ in 0..layers {
        let gate = (0..gates).map(|_| draw.below(16) as u8).collect();
        let mut column = |limit| -> Vec<u32> { (0..gates / 32).map(|_| draw.below(limit) as u32).collect() };
        let (a_word, a_rot, b_word, b_rot) = (column(words), column(32), column(words), column(32));
        push(
            &mut graph,
            Op::Gates { wiring: Wiring::Word { a_word, a_rot, b_word, b_rot }, gate },
            gates,
            ValueKind::Bits,
        );
        words = gates / 32;
    }
    push(&mut graph, Op::GroupSum { groups: GROUPS, bias: vec![0.0; GROUPS], tau: 1.0 }, GROUPS, ValueKind::Real);
    convert(graph, Ranges::Random, &Options { golden_vectors: 1, ..Options::default() }).unwrap().image
}

/// Mean instructions of a run; outputs are those of the host.
fn insns(machine: &Machine, image: &[u8], inputs: &[Vec<u8>]) -> f64 {
    let firmware = build_firmware(&workspace_root().unwrap(), machine).unwrap_or_else(|error| panic!("{error}"));
    let emulation = Emulation::new(machine, &firmware).image_bytes(image.to_vec()).samples(inputs.to_vec());
    let outcome = emulation.run().unwrap_or_else(|error| panic!("{}: {error}", machine.name));
    assert!(outcome.exit.is_success(), "{}: {}\n{:#?}", machine.name, outcome.exit, outcome.lines);
    let crcs: Vec<u32> = host_outputs(image, inputs).iter().map(|output| output.crc32).collect();
    assert_eq!(outcome.samples.iter().map(|sample| sample.crc32).collect::<Vec<_>>(), crcs, "{}", machine.name);
    outcome.samples.iter().map(|sample| sample.insns as f64).sum::<f64>() / inputs.len() as f64
}

#[test]
fn a_gate_and_a_counted_bit_take_what_they_should() {
    let mut draw = Draw::new(6);
    let mut bytes = |len: usize, mask: u8| -> Vec<Vec<u8>> {
        let mut draw_one = |_| {
            let mut bytes = vec![0; len];
            draw.fill(&mut bytes);
            bytes.iter_mut().for_each(|byte| *byte &= mask);
            bytes
        };
        (0..SAMPLES).map(&mut draw_one).collect()
    };
    let (pixels, bits) = (bytes(INPUTS, 1), bytes(GATES / 8, 0xFF));
    // Differences of runs: layers of one word, and groups of no bits, take what an op takes besides.
    let networks = [(LAYERS + 1, GATES), (1, GATES), (LAYERS + 1, 32), (1, 32)].map(|(n, gates)| network(n, gates));
    let bounds: Vec<u32> = (0..=GROUPS).map(|k| (k * GATES / GROUPS) as u32).collect();
    let [full, empty] = [bounds, vec![0; GROUPS + 1]].map(|bounds| counted(GATES as u32, &bounds));
    let mut over = Vec::new();
    for (name, gate_limit, sum_limit) in LIMITS {
        let machine = Machine::by_name(name).unwrap();
        let [deep, shallow, thin, base] = networks.each_ref().map(|image| insns(machine, image, &pixels));
        let gate = ((deep - shallow) - (thin - base)) / (LAYERS * (GATES - 32)) as f64;
        let with_dispatch = (deep - shallow) / (LAYERS * GATES) as f64;
        let sum = insns(machine, &full, &bits) - insns(machine, &empty, &bits);
        println!(
            "{name:14} {gate:.4} instructions per gate, {with_dispatch:.4} with dispatch, {sum:.0} to count {GATES} bits"
        );
        if gate > gate_limit || sum > sum_limit {
            over.push(format!(
                "{name}: {gate:.4} a gate, the limit {gate_limit}; {sum:.0} to count, the limit {sum_limit}"
            ));
        }
    }
    assert!(over.is_empty(), "{}", over.join("\n"));
}

/// What the engine's check keeps from the kernels as well: tables of any bytes.
#[test]
fn every_twin_is_the_portable_kernel() {
    for machine in machines() {
        // An M4 and an M7 run what an M3 runs.
        let binary = format!("{}-trials", machine.name);
        if ["mps2-an386", "mps2-an500"].contains(&machine.name.as_str()) {
            continue;
        }
        let firmware = build_binary(&workspace_root().unwrap(), machine, &binary).unwrap_or_else(|e| panic!("{e}"));
        let outcome = Emulation::new(machine, firmware).samples_bytes(*b"LGTR\x08\0\0\0").run();
        let outcome = outcome.unwrap_or_else(|error| panic!("{}: {error}", machine.name));
        assert!(outcome.exit.is_success(), "{}: {}\n{:#?}", machine.name, outcome.exit, outcome.lines);
        assert_eq!(outcome.lines.last().map(|line| line.contains("gates: equal")), Some(true), "{}", machine.name);
    }
}
