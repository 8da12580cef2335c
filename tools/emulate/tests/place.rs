//! Kernels in RAM: `place = "ram"` of the board table, as the binaries `<machine>-ram` are linked.

use std::path::PathBuf;

use leafgate_emulate::{
    Emulation, Exit, ExitCode, Machine, Outcome, Sizes, build_binary, build_firmware, workspace_root,
};
use object::{Object, ObjectSymbol, SymbolKind};

/// Machines with a binary whose kernels are in RAM: Arm cores whose flash is out of the reach of a call, and a RISC-V core.
const MACHINES: [&str; 3] = ["mps2-an386", "mps2-an505", "virt"];

/// Instructions that a veneer may add to a call: a word is loaded and jumped to.
const VENEER_INSNS: u64 = 4;

fn zoo(name: &str) -> PathBuf {
    workspace_root().unwrap().join(format!("models/zoo/{name}/{name}.leaf"))
}

/// Functions of the kernels, and those that are in RAM.
fn kernels(machine: &Machine, firmware: &PathBuf) -> (usize, usize) {
    let bytes = std::fs::read(firmware).unwrap();
    let elf = object::File::parse(&*bytes).unwrap();
    let is_kernel = |name: &str| name.contains("leafgate_kernels") && !name.contains("Thunk");
    let functions =
        elf.symbols().filter(|symbol| symbol.kind() == SymbolKind::Text && symbol.name().is_ok_and(is_kernel));
    let addresses: Vec<u64> = functions.map(|function| function.address()).collect();
    let ram = u64::from(machine.ram.origin)..machine.ram.end();
    (addresses.len(), addresses.iter().filter(|address| ram.contains(address)).count())
}

fn run(machine: &Machine, firmware: &PathBuf, image: &str) -> Outcome {
    // The firmware compares the golden vectors; the outputs of the samples are compared here.
    let samples: Vec<Vec<u8>> = (0..8u32).map(|i| (0..64).map(|j| ((i * 37 + j * 11) % 17) as u8).collect()).collect();
    let outcome = Emulation::new(machine, firmware).image(zoo(image)).samples(samples).run();
    let outcome = outcome.unwrap_or_else(|error| panic!("{} {image}: {error}\n{}", machine.name, error.hint()));
    assert_eq!(outcome.exit, Exit::Code(ExitCode::Success), "{} {image}: {:#?}", machine.name, outcome.lines);
    outcome
}

#[test]
fn kernels_in_ram_give_the_same_integers() {
    let root = workspace_root().unwrap();
    for name in MACHINES {
        let machine = Machine::by_name(name).unwrap();
        let built = [build_firmware(&root, machine), build_binary(&root, machine, &format!("{name}-ram"))];
        let [flash, ram] = built.map(|firmware| firmware.unwrap_or_else(|error| panic!("{error}\n{}", error.hint())));

        let (count, in_ram) = kernels(machine, &ram);
        assert!(count > 5 && in_ram == count, "{name}: {in_ram} of {count} kernels are in RAM");
        assert_eq!(kernels(machine, &flash).1, 0, "{name}");

        let [in_place, moved] = [&flash, &ram].map(|firmware| Sizes::of(firmware).unwrap());
        assert_eq!(in_place.ram_text_bytes, 0, "{name}");
        assert!(moved.ram_text_bytes > 1000, "{name}: {moved:?}");
        let grown = moved.ram_bytes - in_place.ram_bytes;
        assert!(grown >= moved.ram_text_bytes && grown < moved.ram_text_bytes + 64, "{name}: {in_place:?} {moved:?}");
        assert!(moved.flash_bytes <= u64::from(machine.budgets.flash_bytes), "{name}: {moved:?}");

        for image in ["digits-fff", "digits-gates", "digits-moe"] {
            let [in_place, moved] = [&flash, &ram].map(|firmware| run(machine, firmware, image));
            let crcs = |outcome: &Outcome| outcome.samples.iter().map(|sample| sample.crc32).collect::<Vec<_>>();
            assert_eq!(crcs(&in_place), crcs(&moved), "{name} {image}");
            let [from, to] = [&in_place, &moved].map(|outcome| outcome.worst_run_insns().unwrap());
            println!("{name:14} {image:13} {from} instructions, kernels in RAM {to}; {grown} bytes of RAM");
            // A veneer is a few instructions in a call of a kernel, of which a run has no more than it has instructions by the hundred.
            assert!(
                to >= from && to - from <= VENEER_INSNS * from / 50,
                "{name} {image}: {from} and {to} instructions"
            );
        }
    }
}
