//! What a gate and a counted bit take: word wiring of 6 x 8000 gates over 400 inputs, 8000 bits in 10 groups.

use leafgate_convert::ir::{Graph, InputSpec, Node, Op, Readout, Value, ValueId, ValueKind, Wiring, equal_groups};
use leafgate_convert::{Options, Ranges, convert};
use leafgate_emulate::{Emulation, Machine, build_binary, build_firmware_for, machines, workspace_root};
use leafgate_tests_laws::draw::Draw;
use leafgate_tests_laws::layout::counted;
use leafgate_tests_laws::parts::Parts;
use leafgate_tests_parity::host_outputs;

const INPUTS: usize = 400;
const GATES: usize = 8000;
const LAYERS: usize = 6;
const GROUPS: usize = 10;
const SAMPLES: usize = 5;

/// By machine: instructions per gate, and those of a group sum.
const LIMITS: [(&str, f64, f64); 3] = [("mps2-an386", 0.70, 3000.0), ("microbit", 0.95, 9e9), ("virt", 0.95, 9e9)];

/// How gates find their operands.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Word,
    Arbitrary,
}

/// A function as often as in a trained network of random wiring: 3 of 100 gates are constant, 39 wires or inverters.
fn as_trained(draw: &mut Draw) -> u8 {
    match draw.below(100) {
        0..3 => *draw.choose(&[0, 15]),
        3..42 => *draw.choose(&[3, 5, 10, 12]),
        _ => *draw.choose(&[1, 2, 4, 6, 7, 8, 9, 11, 13, 14]),
    }
}

/// Random wiring and random gates, `layers` layers of `gates` each.
fn network(kind: Kind, layers: usize, gates: usize) -> Vec<u8> {
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
    let mut bits = INPUTS;
    for _ in 0..layers {
        let gate =
            (0..gates).map(|_| if kind == Kind::Word { draw.below(16) as u8 } else { as_trained(&mut draw) }).collect();
        let mut column = |count, limit| -> Vec<u32> { (0..count).map(|_| draw.below(limit) as u32).collect() };
        let wiring = if kind == Kind::Word {
            let (words, limit) = (gates / 32, bits.div_ceil(32));
            let (a_word, a_rot) = (column(words, limit), column(words, 32));
            Wiring::Word { a_word, a_rot, b_word: column(words, limit), b_rot: column(words, 32) }
        } else {
            Wiring::Gathered { a: column(gates, bits), b: column(gates, bits) }
        };
        push(&mut graph, Op::Gates { wiring, gate }, gates, ValueKind::Bits);
        bits = gates;
    }
    let bounds = equal_groups(gates, GROUPS);
    push(&mut graph, Op::GroupSum { bounds, bias: vec![0.0; GROUPS], tau: 1.0 }, GROUPS, ValueKind::Real);
    convert(graph, Ranges::Random, &Options { golden_vectors: 1, ..Options::default() }).unwrap().image
}

/// Mean instructions of a run; outputs are those of the host.
fn insns(machine: &Machine, image: &[u8], inputs: &[Vec<u8>]) -> f64 {
    let firmware = build_firmware_for(&workspace_root().unwrap(), machine, image);
    let firmware = firmware.unwrap_or_else(|error| panic!("{error}"));
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
    let networks =
        [(LAYERS + 1, GATES), (1, GATES), (LAYERS + 1, 32), (1, 32)].map(|(n, gates)| network(Kind::Word, n, gates));
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

/// Instructions of a gate that is left of arbitrary wiring, on the machines where there is a limit.
const NETLIST_LIMIT: [(&str, f64); 5] =
    [("mps2-an386", 7.0), ("mps2-an385", 7.0), ("mps3-an547", 7.0), ("microbit", 9e9), ("virt", 9e9)];

#[test]
fn a_gate_of_arbitrary_wiring_takes_what_it_should() {
    let mut draw = Draw::new(7);
    let mut one = || {
        let mut bytes = vec![0; INPUTS];
        draw.fill(&mut bytes);
        bytes.iter_mut().for_each(|byte| *byte &= 1);
        bytes
    };
    let inputs: Vec<Vec<u8>> = (0..SAMPLES).map(|_| one()).collect();
    // What layers more take.
    let networks = [7, 1].map(|layers| network(Kind::Arbitrary, layers, 1000));
    let [deep_gates, shallow_gates] = networks.each_ref().map(|image| Parts::of(image).header.worst_gates);
    let mut over = Vec::new();
    for (name, limit) in NETLIST_LIMIT {
        let machine = Machine::by_name(name).unwrap();
        let [deep, shallow] = networks.each_ref().map(|image| insns(machine, image, &inputs));
        let gate = (deep - shallow) / f64::from(deep_gates - shallow_gates);
        println!(
            "{name:14} {gate:.2} instructions for each of {} gates that are left of {}; {:.2} with everything in a run",
            deep_gates - shallow_gates,
            6 * 1000,
            deep / f64::from(deep_gates)
        );
        if gate > limit {
            over.push(format!("{name}: {gate:.2} a gate, the limit {limit}"));
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
