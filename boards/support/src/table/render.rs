//! What build scripts write from the board table: linker scripts and Rust types.

use super::{Boards, Machine, Place, Timer, Uart, Update};
use std::fmt::Write;

impl Boards {
    /// One type per machine with its constants, each a `Board`.
    #[must_use]
    pub fn rust_types(&self) -> String {
        self.machines.iter().map(Machine::rust_type).collect()
    }
}

impl Machine {
    /// `memory.x` for `cortex-m-rt`.
    #[must_use]
    pub fn cortex_m_script(&self) -> String {
        self.regions() + &self.symbols() + self.kernels_in_ram()
    }

    /// `memory.x` for `riscv-rt`, which wants to know what goes where.
    #[must_use]
    pub fn riscv_script(&self) -> String {
        let mut script = self.regions();
        for (alias, region) in [
            ("TEXT", "FLASH"),
            ("RODATA", "FLASH"),
            ("DATA", "RAM"),
            ("BSS", "RAM"),
            ("HEAP", "RAM"),
            ("STACK", "STACK"),
        ] {
            let _ = writeln!(script, "REGION_ALIAS(\"REGION_{alias}\", {region});");
        }
        // Nothing unwinds: the tables for it would take a sixth of the flash.
        if self.place == Place::Ram {
            // What runs before anything is copied; without a place of its own it would follow the last code, which is in RAM.
            script += "SECTIONS { .init.rust : { *(.init.rust) } > FLASH } INSERT AFTER .text;\n";
        }
        script + &self.symbols() + self.kernels_in_ram() + "SECTIONS { /DISCARD/ : { *(.eh_frame .eh_frame.*) } }\n"
    }

    fn regions(&self) -> String {
        let mut script = format!("/* {}, from board.toml. */\nMEMORY\n{{\n", self.name);
        let data_origin = self.ram.origin + self.stack_bytes;
        for (name, origin, bytes) in [
            ("FLASH", self.flash.origin, self.flash.bytes),
            ("STACK", self.ram.origin, self.stack_bytes),
            ("RAM", data_origin, self.ram.bytes - self.stack_bytes),
            ("MODEL", self.model.origin, self.model.bytes),
            ("SAMPLES", self.samples.origin, self.samples.bytes),
        ] {
            let _ = writeln!(script, "  {name} : ORIGIN = {origin:#010x}, LENGTH = {bytes:#x}");
        }
        script + "}\n"
    }

    fn symbols(&self) -> String {
        let mut script = String::new();
        for (symbol, value) in [
            ("_stack_start", "ORIGIN(STACK) + LENGTH(STACK)"),
            ("_stack_end", "ORIGIN(STACK)"),
            ("__model_start", "ORIGIN(MODEL)"),
            ("__model_end", "ORIGIN(MODEL) + LENGTH(MODEL)"),
            ("__samples_start", "ORIGIN(SAMPLES)"),
            ("__samples_end", "ORIGIN(SAMPLES) + LENGTH(SAMPLES)"),
            (self.marker().as_str(), "1"),
        ] {
            let _ = writeln!(script, "{symbol} = {value};");
        }
        script
    }

    /// Every function is in a section of its own that bears its symbol, in which the name of the crate is.
    fn kernels_in_ram(&self) -> &'static str {
        match self.place {
            Place::Flash => "",
            // What is inserted here is copied along with .data, by cortex-m-rt as by riscv-rt: as one block, so that it must not be aligned
            // to more than .data is.
            Place::Ram => {
                "SECTIONS\n{\n  .kernels : ALIGN(4) SUBALIGN(4)\n  {\n    *(.text.*leafgate_kernels*);\n    . = ALIGN(4);\n  } > RAM AT > FLASH\n}\n\
                 INSERT AFTER .data;\n"
            }
        }
    }

    fn rust_type(&self) -> String {
        format!(
            r#"
/// The machine `{name}` ({core}).
pub struct {type_name};

impl {type_name} {{
    /// Arena that the application reserves.
    pub const ARENA_BYTES: usize = {arena_bytes};
}}

impl Board for {type_name} {{
    const NAME: &'static str = "{name}";
    const CORE: &'static str = "{core}";
    type Clock = {clock};

    fn model() -> &'static [u8] {{
        partition::model()
    }}

    fn samples() -> &'static [u8] {{
        partition::samples()
    }}

    fn stack() -> core::ops::Range<usize> {{
        partition::stack()
    }}

    fn exit(code: ExitCode) -> ! {{
        leafgate_board_support::exit(code)
    }}
}}
"#,
            name = self.name,
            core = self.core,
            type_name = self.type_name(),
            arena_bytes = self.arena_bytes,
            clock = self.clock_type(),
        ) + &self.update_type()
    }

    /// What makes the machine one that takes updates.
    fn update_type(&self) -> String {
        let Some(Update { flash, uart, uart_base, .. }) = self.update else { return String::new() };
        let uart = match uart {
            Uart::Cmsdk => "Cmsdk",
            Uart::Ns16550 => "Ns16550",
        };
        format!(
            r#"
impl leafgate_app::UpdatedBoard for {type_name} {{
    type Flash = leafgate_board_support::flash::MemoryFlash<{origin:#x}, {bytes:#x}>;
    type Port = leafgate_board_support::uart::{uart}<{uart_base:#x}>;
}}
"#,
            type_name = self.type_name(),
            origin = flash.origin,
            bytes = flash.bytes,
        )
    }

    fn clock_type(&self) -> String {
        let base = self.clock.base;
        match self.clock.timer {
            Timer::Cmsdk => format!("Cmsdk<{base:#x}>"),
            Timer::Nrf51 => format!("Nrf51<{base:#x}>"),
            Timer::Stm32 => format!("Stm32<{base:#x}, {}>", self.clock.prescaler),
            Timer::Sse => format!("Sse<{base:#x}>"),
            Timer::Minstret => "Minstret".into(),
        }
    }
}
