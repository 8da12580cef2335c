//! The board table, compiled in.

use crate::EmulateError;
use leafgate_board_support::table::{self, Boards};
use std::ops::Deref;
use std::sync::LazyLock;

/// Links to the files of the board packages, so that they are part of this package too.
const TABLES: [&str; 2] = [include_str!("../boards/qemu-arm.toml"), include_str!("../boards/qemu-riscv.toml")];

static MACHINES: LazyLock<Vec<Machine>> = LazyLock::new(|| {
    TABLES
        .iter()
        .flat_map(|text| {
            let boards = Boards::parse(text).unwrap_or_else(|error| panic!("a compiled-in board.toml: {error}"));
            let Boards { package, emulator, emulator_package, machines } = boards;
            machines.into_iter().map(move |machine| Machine {
                package: package.clone(),
                emulator: emulator.clone(),
                emulator_package: emulator_package.clone(),
                machine,
            })
        })
        .collect()
});

/// A machine that can be emulated: an entry of the board table, whose fields it dereferences to, and what its file says of
/// all of its machines.
#[derive(Clone, Debug)]
pub struct Machine {
    /// The cargo package that holds its binaries.
    pub package: String,
    /// The emulator's program.
    pub emulator: String,
    /// The Debian package that installs the emulator.
    pub emulator_package: String,
    machine: table::Machine,
}

impl Deref for Machine {
    type Target = table::Machine;

    fn deref(&self) -> &table::Machine {
        &self.machine
    }
}

/// Every machine of the board table.
#[must_use]
pub fn machines() -> &'static [Machine] {
    &MACHINES
}

impl Machine {
    /// Whether its core has vector instructions that the compiler uses: Helium.
    #[must_use]
    pub fn has_vectors(&self) -> bool {
        self.target_cpu.as_deref() == Some("cortex-m55")
    }

    /// The machine of this name.
    ///
    /// # Errors
    /// If there is none; the error names all there are.
    pub fn by_name(name: &str) -> Result<&'static Machine, EmulateError> {
        machines()
            .iter()
            .find(|machine| machine.name == name)
            .ok_or_else(|| EmulateError::UnknownMachine { name: name.to_owned() })
    }

    /// Arguments for rustc beyond the target.
    #[must_use]
    pub fn rustflags(&self) -> Vec<String> {
        self.target_cpu.iter().map(|cpu| format!("-Ctarget-cpu={cpu}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Machine, machines};
    use std::collections::HashSet;

    #[test]
    fn the_eight_machines_are_there_once_each() {
        let names: HashSet<_> = machines().iter().map(|machine| machine.name.as_str()).collect();
        assert_eq!(names.len(), machines().len());
        for name in
            ["mps2-an385", "mps2-an386", "mps2-an500", "mps2-an505", "mps3-an547", "microbit", "netduinoplus2", "virt"]
        {
            assert_eq!(Machine::by_name(name).unwrap().name, name);
        }
    }

    #[test]
    fn an_unknown_machine_names_the_known() {
        let error = Machine::by_name("micro:bit").unwrap_err();
        assert!(error.hint().contains("microbit"), "{}", error.hint());
    }

    #[test]
    fn the_microbit_feeds_the_digits() {
        let machine = Machine::by_name("microbit").unwrap();
        assert!(machine.samples.bytes >= 1797 * 64 + 16);
        assert!(machine.ram.bytes == 16 * 1024);
        assert!(machine.model.end() <= 256 * 1024);
    }

    #[test]
    fn ticks_round_to_the_nearest_instruction() {
        let clock = &Machine::by_name("mps2-an386").unwrap().clock;
        for insns in [0_u32, 1, 2, 3, 1000, 100_001] {
            let exact = f64::from(insns) * 6.4;
            assert_eq!(clock.insns(exact.floor() as u32), u64::from(insns));
            assert_eq!(clock.insns(exact.ceil() as u32), u64::from(insns));
        }
    }

    #[test]
    fn the_ratio_is_that_of_the_shift_and_the_frequency() {
        let hertz = |name| match name {
            "mps2-an505" => 20_000_000_f64,
            "mps3-an547" => 32_000_000.0,
            "microbit" => 16_000_000.0,
            "netduinoplus2" => 1_000_000_000.0 / 64.0,
            "virt" => 1_000_000_000.0,
            _ => 25_000_000.0,
        };
        for machine in machines() {
            let [ticks, insns] = machine.clock.ticks_per_insn.map(f64::from);
            let want = f64::from(1_u32 << machine.clock.icount_shift) * hertz(machine.name.as_str()) / 1e9;
            assert!((ticks / insns - want).abs() < 1e-9, "{}: {} is not {want}", machine.name, ticks / insns);
        }
    }
}
