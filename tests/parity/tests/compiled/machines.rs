//! On machines: the application with a module instead of an image classifies all digits.

use leafgate_convert::emit::{EmitOptions, Rows, emit};
use leafgate_convert::reference::{Crc, read};
use leafgate_emulate::{CrateSizes, Emulation, Machine, Sizes, build_compiled, build_firmware, workspace_root};
use leafgate_tests_laws::dense::layers;
use leafgate_tests_laws::draw::Draw;
use leafgate_tests_parity::{NETWORKS, as_bytes, digits, host_outputs, zoo_image};

use crate::cases::folder;

/// One of each instruction set.
const MACHINES: [&str; 5] = ["mps2-an385", "mps2-an386", "mps3-an547", "microbit", "virt"];

#[test]
fn compiled_networks_give_the_same_integers_on_machines() {
    let digits = as_bytes(&digits());
    println!(
        "| network | machine | compiled insns | text B | constants B | stack B | interpreted insns | text B | image B | stack B |"
    );
    println!("|---|---|---:|---:|---:|---:|---:|---:|---:|---:|");
    for name in NETWORKS {
        MACHINES.iter().for_each(|machine| compare(name, &zoo_image(name), &digits, machine));
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
        compare("dense-784x128", &dense, &inputs, machine);
    }
}

/// Both forms on a machine: equal, and what they take.
fn compare(name: &str, image: &[u8], inputs: &[Vec<u8>], machine: &str) {
    let machine = Machine::by_name(machine).unwrap();
    let options = EmitOptions { rows: rows(machine), ..EmitOptions::default() };
    let emitted = emit(&read(image, Crc::Check).unwrap(), &options).unwrap();
    let module = folder("machines").join(format!("{name}-{}.rs", machine.name));
    std::fs::write(&module, emitted.source).unwrap();
    let root = workspace_root().unwrap();
    let compiled = build_compiled(&root, machine, &module);
    let compiled = compiled.unwrap_or_else(|error| panic!("{error}\n{}", error.hint()));
    let interpreter = build_firmware(&root, machine).unwrap_or_else(|error| panic!("{error}"));
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
