//! On machines: the application with a module instead of an image classifies all digits.

use leafgate_convert::emit::{EmitOptions, Rows, emit};
use leafgate_convert::reference::{Crc, read};
use leafgate_emulate::{CrateSizes, Emulation, Machine, Sizes, build_compiled, build_firmware, workspace_root};
use leafgate_tests_parity::{NETWORKS, as_bytes, digits, host_outputs, zoo_image};

use crate::cases::folder;

/// One of each instruction set.
const MACHINES: [&str; 5] = ["mps2-an385", "mps2-an386", "mps3-an547", "microbit", "virt"];

#[test]
fn compiled_networks_give_the_same_integers_on_machines() {
    println!(
        "| network | machine | compiled insns | text B | constants B | stack B | interpreted insns | text B | image B | stack B |"
    );
    println!("|---|---|---:|---:|---:|---:|---:|---:|---:|---:|");
    let folder = folder("machines");
    let samples = as_bytes(&digits());
    for name in NETWORKS {
        let image = zoo_image(name);
        let want: Vec<_> = host_outputs(&image, &samples).iter().map(|out| (out.crc32, out.class())).collect();
        for machine in MACHINES {
            let machine = Machine::by_name(machine).unwrap();
            let options = EmitOptions { rows: rows(machine), ..EmitOptions::default() };
            let emitted = emit(&read(&image, Crc::Check).unwrap(), &options).unwrap();
            let module = folder.join(format!("{name}-{}.rs", machine.name));
            std::fs::write(&module, emitted.source).unwrap();
            let root = workspace_root().unwrap();
            let compiled =
                build_compiled(&root, machine, &module).unwrap_or_else(|error| panic!("{error}\n{}", error.hint()));
            let outcome = Emulation::new(machine, &compiled).samples(samples.clone()).run();
            let outcome = outcome.unwrap_or_else(|error| panic!("{} {name}: {error}", machine.name));
            assert!(outcome.exit.is_success(), "{} {name}: {}\n{:#?}", machine.name, outcome.exit, outcome.lines);
            let have: Vec<_> = outcome.samples.iter().map(|sample| (sample.crc32, sample.class)).collect();
            assert!(have == want, "{} {name}: other outputs", machine.name);

            let interpreter = build_firmware(&root, machine).unwrap_or_else(|error| panic!("{error}"));
            let other = Emulation::new(machine, &interpreter).image_bytes(image.clone()).samples(samples.clone());
            let other = other.run().unwrap_or_else(|error| panic!("{} {name}: {error}", machine.name));
            let sizes = CrateSizes::of(&compiled, "leafgate_compiled").unwrap();
            let (insns, interpreted) = (outcome.worst_run_insns().unwrap(), other.worst_run_insns().unwrap());
            println!(
                "| {name} | {} ({}) | **{insns}** | {} | {} | {} | {interpreted} | {} | {} | {} |",
                machine.name,
                machine.core,
                sizes.text_bytes,
                sizes.constant_bytes,
                outcome.stack_run_bytes.unwrap_or(0),
                Sizes::of(&interpreter).unwrap().runtime_text_bytes,
                image.len(),
                other.stack_run_bytes.unwrap_or(0)
            );
        }
    }
}

fn rows(machine: &Machine) -> Rows {
    if machine.has_vectors() { Rows::One } else { Rows::Four }
}
