//! On machines: the application with a module instead of an image classifies all digits.

use std::sync::{Mutex, PoisonError};

use leafgate_convert::emit::{EmitOptions, Rows, emit};
use leafgate_convert::ir::{Graph, InputSpec, Node, Op, Readout, Value, ValueId, ValueKind, Wiring, equal_groups};
use leafgate_convert::reference::{Crc, read};
use leafgate_convert::{Options, Ranges, convert};
use leafgate_emulate::{CrateSizes, Emulation, Machine, Sizes, build_compiled, build_firmware_for, workspace_root};
use leafgate_tests_laws::dense::layers;
use leafgate_tests_laws::draw::Draw;
use leafgate_tests_laws::gates::CLASSES;
use leafgate_tests_parity::{NETWORKS, as_bytes, digits, host_outputs, zoo_image};

use crate::cases::folder;

/// One of each instruction set.
const MACHINES: [&str; 5] = ["mps2-an385", "mps2-an386", "mps3-an547", "microbit", "virt"];

/// A machine has one firmware with a module, which must not be built anew before it has run.
static FIRMWARE: Mutex<()> = Mutex::new(());

#[test]
fn compiled_networks_give_the_same_integers_on_machines() {
    let unrolled = EmitOptions::default().unroll_bytes;
    let digits = as_bytes(&digits());
    println!(
        "| network | machine | compiled insns | text B | constants B | stack B | interpreted insns | text B | image B | stack B |"
    );
    println!("|---|---|---:|---:|---:|---:|---:|---:|---:|---:|");
    for name in NETWORKS {
        MACHINES.iter().for_each(|machine| compare(name, &zoo_image(name), &digits, machine, unrolled));
    }
    let dense = layers(1, &[784, 128], false);
    let mut draw = Draw::new(1);
    let mut input = |_| {
        let mut bytes = vec![0; 784];
        draw.fill(&mut bytes);
        bytes
    };
    let inputs: Vec<Vec<u8>> = (0..4).map(&mut input).collect();
    for machine in MACHINES.iter().filter(|&&machine| machine != "microbit") {
        compare("dense-784x128", &dense, &inputs, machine, unrolled);
    }
}

#[test]
fn compiled_netlists_give_the_same_integers_on_machines() {
    let unrolled = EmitOptions::default().unroll_bytes;
    let (inputs, layers, gates) = (128, 6, 400);
    let netlist = converted(inputs, layers, gates);
    let count = read(&netlist, Crc::Check).unwrap().header.worst_gates;
    println!("{count} gates are left of {}", layers * gates);
    let mut draw = Draw::new(2);
    let mut input = |_| {
        let mut bytes = vec![0; inputs];
        draw.fill(&mut bytes);
        bytes
    };
    let inputs: Vec<Vec<u8>> = (0..8).map(&mut input).collect();
    for machine in MACHINES {
        compare("netlist", &netlist, &inputs, machine, unrolled);
        compare("netlist-loops", &netlist, &inputs, machine, 0);
    }
}

/// Layers of gates of random wiring and function on as many thresholds as `inputs`, as the converter makes a netlist of them.
fn converted(inputs: usize, layers: usize, gates: usize) -> Vec<u8> {
    let mut draw = Draw::new(5);
    let mut graph = Graph {
        name: "netlist".into(),
        input: InputSpec { len: inputs, scale: 1.0, zero_point: 0.0, min: -128, max: 127 },
        labels: Vec::new(),
        values: vec![Value { name: "input".into(), len: inputs, kind: ValueKind::Real }],
        nodes: Vec::new(),
        output: Graph::INPUT,
        readout: Readout::Argmax,
        source_sha256: "0".repeat(64),
    };
    let mut push = |op: Op, len: usize, kind: ValueKind| {
        let (name, input) = (format!("layer {}", graph.nodes.len()), graph.output);
        graph.values.push(Value { name: name.clone(), len, kind });
        graph.output = ValueId(graph.values.len() - 1);
        graph.nodes.push(Node { name, op, input, output: graph.output });
    };
    let mut column =
        |count: usize, limit: usize| -> Vec<u32> { (0..count).map(|_| draw.below(limit) as u32).collect() };
    let threshold = column(inputs, 255).into_iter().map(|at| at as f32 - 127.5).collect();
    push(Op::Bits { feature: (0..inputs as u32).collect(), threshold }, inputs, ValueKind::Bits);
    for layer in 0..layers {
        let from = if layer == 0 { inputs } else { gates };
        let wiring = Wiring::Gathered { a: column(gates, from), b: column(gates, from) };
        let gate = column(gates, 16).into_iter().map(|gate| gate as u8).collect();
        push(Op::Gates { wiring, gate }, gates, ValueKind::Bits);
    }
    let sums = Op::GroupSum { bounds: equal_groups(gates, CLASSES), bias: vec![0.0; CLASSES], tau: 1.0 };
    push(sums, CLASSES, ValueKind::Real);
    convert(graph, Ranges::Random, &Options::default()).unwrap().image
}

/// Both forms on a machine: equal, and what they take.
fn compare(name: &str, image: &[u8], inputs: &[Vec<u8>], machine: &str, unroll_bytes: usize) {
    let _one = FIRMWARE.lock().unwrap_or_else(PoisonError::into_inner);
    let machine = Machine::by_name(machine).unwrap();
    let options = EmitOptions { rows: rows(machine), unroll_bytes };
    let emitted = emit(&read(image, Crc::Check).unwrap(), &options).unwrap();
    let module = folder("machines").join(format!("{name}-{}.rs", machine.name));
    std::fs::write(&module, emitted.source).unwrap();
    let root = workspace_root().unwrap();
    let compiled = build_compiled(&root, machine, &module);
    let compiled = compiled.unwrap_or_else(|error| panic!("{error}\n{}", error.hint()));
    let interpreter = build_firmware_for(&root, machine, image).unwrap_or_else(|error| panic!("{error}"));
    let want: Vec<_> = host_outputs(image, inputs).iter().map(|out| (out.crc32, out.class())).collect();
    let run = |emulation: Emulation<'_>| {
        let outcome = emulation.samples(inputs.to_vec()).run();
        let outcome = outcome.unwrap_or_else(|error| panic!("{} {name}: {error}", machine.name));
        assert!(outcome.exit.is_success(), "{} {name}: {}\n{:#?}", machine.name, outcome.exit, outcome.lines);
        let have: Vec<_> = outcome.samples.iter().map(|sample| (sample.crc32, sample.class)).collect();
        assert!(have == want, "{} {name}: other outputs", machine.name);
        (outcome.worst_run_insns().unwrap(), outcome.stack_run_bytes.unwrap())
    };
    let (insns, stack) = run(Emulation::new(machine, &compiled));
    let (interpreted, other_stack) = run(Emulation::new(machine, &interpreter).image_bytes(image.to_vec()));
    let CrateSizes { text_bytes, constant_bytes } = CrateSizes::of(&compiled, "leafgate_compiled").unwrap();
    let runtime = Sizes::of(&interpreter).unwrap().runtime_text_bytes;
    println!(
        "| {name} | {} ({}) | **{insns}** | {text_bytes} | {constant_bytes} | {stack} | {interpreted} | {runtime} | {} | {other_stack} |",
        machine.name,
        machine.core,
        image.len()
    );
}

fn rows(machine: &Machine) -> Rows {
    if machine.has_vectors() { Rows::One } else { Rows::Four }
}
