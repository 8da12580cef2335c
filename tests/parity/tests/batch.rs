//! 32 samples together give on a machine what they give one by one, and take fewer instructions.

use leafgate_emulate::{Emulation, Machine, build_binary, workspace_root};
use leafgate_tests_laws::gates::{Reads, network};
use leafgate_tests_laws::layout;
use leafgate_tests_parity::zoo_image;

/// Machines of every kind, and the largest arena of which each has room for 32.
const MACHINES: [(&str, usize); 4] = [("netduinoplus2", 1100), ("mps3-an547", 1100), ("microbit", 220), ("virt", 1100)];

/// What a sample may take together of what it takes alone, on the first machine.
const LIMITS: [(&str, f64); 2] = [("word wiring", 0.88), ("gathered wiring", 0.05)];

#[test]
fn a_batch_is_its_samples() {
    let laid_out = |name: &str| layout::all().into_iter().find(|(have, _)| *have == name).unwrap().1;
    let images = [
        ("digits-gates", zoo_image("digits-gates")),
        ("word wiring", network(Reads::Bytes, true, 400, 6, 3200).unwrap()),
        ("gathered wiring", network(Reads::Bits, false, 400, 6, 3200).unwrap()),
        ("small word wiring", network(Reads::Bytes, true, 64, 3, 512).unwrap()),
        ("small gathered wiring", network(Reads::Bytes, false, 64, 3, 512).unwrap()),
        ("odd groups", layout::counted(333, &[0, 1, 1, 2, 9, 40, 333])),
        ("bits by hand", laid_out("bits")),
        ("wide by hand", laid_out("wide")),
    ];
    let mut over = Vec::new();
    println!("| machine | network | instructions of a sample alone | in a batch of 32 |");
    println!("|---|---|---|---|");
    for (name, room) in MACHINES {
        let machine = Machine::by_name(name).unwrap();
        let firmware = build_binary(&workspace_root().unwrap(), machine, &format!("{name}-trials")).unwrap();
        for (network, image) in &images {
            if leafgate::arena_bytes(image) > room {
                continue;
            }
            let emulation = Emulation::new(machine, &firmware).image_bytes(image.clone());
            let outcome = emulation.samples_bytes(*b"LGTR\x09\0\0\0").run().unwrap();
            assert!(outcome.exit.is_success(), "{name}, {network}: {}\n{:#?}", outcome.exit, outcome.lines);
            let line = outcome.lines.last().cloned().unwrap_or_default();
            let numbers: Vec<u32> = line.split(' ').filter_map(|word| word.parse().ok()).collect();
            let [samples, alone, together] = numbers[..] else { panic!("{name}, {network}: {line}") };
            let [alone, together] = [alone, together].map(|ticks| machine.clock.insns(ticks) / u64::from(samples));
            println!("| {name} | {network} | {alone} | {together} |");
            let limit = LIMITS.iter().find(|(of, _)| of == network).filter(|_| name == MACHINES[0].0);
            if limit.is_some_and(|(_, limit)| together as f64 > limit * alone as f64) {
                over.push(format!("{network}: {together} of {alone}"));
            }
        }
    }
    assert!(over.is_empty(), "{}", over.join("\n"));
}
