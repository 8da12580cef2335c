//! The board table: `board.toml` as types.
//!
//! One file per board package is the only place where a machine's memory map, budgets and clock are written down. The
//! package's build script makes linker scripts and constants from it; the emulator and the size checks read the same file.

pub mod build;
mod render;

use serde::Deserialize;

/// A `board.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Boards {
    /// The cargo package that holds the binaries.
    pub package: String,
    /// The emulator's program.
    pub emulator: String,
    /// The Debian package that installs the emulator.
    pub emulator_package: String,
    /// The machines, in the order of the file.
    #[serde(rename = "machine")]
    pub machines: Vec<Machine>,
}

/// A machine of a board package.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// Name, also of the binary.
    pub name: String,
    /// Processor core, for people.
    pub core: String,
    /// Target triple.
    pub target: String,
    /// `-Ctarget-cpu`, where the triple alone does not say enough.
    pub target_cpu: Option<String>,
    /// The kernels that images for it are laid out for.
    #[serde(default)]
    pub kernels: Kernels,
    /// Where the kernels run: the loops that nearly all instructions of a run are in.
    #[serde(default)]
    pub place: Place,
    /// The emulator's name of the machine.
    pub qemu_machine: String,
    /// Further arguments for the emulator.
    #[serde(default)]
    pub qemu_args: Vec<String>,
    /// Where the application is linked.
    pub flash: Region,
    /// Where data and stack are; the stack is at its bottom.
    pub ram: Region,
    /// Size of the stack region. It is at the bottom of RAM, so that an overflow leaves RAM instead of eating data.
    pub stack_bytes: u32,
    /// The model partition.
    pub model: Region,
    /// The samples partition.
    pub samples: Region,
    /// Arena that the application reserves.
    pub arena_bytes: u32,
    /// What a firmware may use.
    pub budgets: Budgets,
    /// How ticks become instructions.
    pub clock: Clock,
    /// Where updates are kept and come in, on machines that take them.
    pub update: Option<Update>,
}

/// Where updates are kept and come in. The flash is memory that plays it: it outlives a reset, and the emulator keeps it in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Update {
    /// Two slots, and two pages of a journal after them.
    pub flash: Region,
    /// The memory of the emulator that the flash lies in.
    pub memory: Region,
    /// The kind of serial port.
    pub uart: Uart,
    /// Its first register.
    pub uart_base: u32,
}

/// A kind of serial port; the file of its name in `uart/` drives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Uart {
    /// CMSDK APB UART.
    Cmsdk,
    /// 16550.
    Ns16550,
}

/// A region of the address space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Region {
    /// First address.
    pub origin: u32,
    /// Size.
    pub bytes: u32,
}

impl Region {
    /// The address after the last.
    #[must_use]
    pub fn end(&self) -> u64 {
        u64::from(self.origin) + u64::from(self.bytes)
    }

    /// Whether the two share an address.
    #[must_use]
    pub fn overlaps(&self, other: &Region) -> bool {
        u64::from(self.origin) < other.end() && u64::from(other.origin) < self.end()
    }
}

/// A family of kernels: which instructions of the core a matrix can be laid out for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kernels {
    /// None in particular.
    #[default]
    Portable,
    /// The DSP extension of Arm cores.
    Dsp,
    /// None but the plain multiplication of words: weights of few bits are multiplied two at a time.
    Swar,
    /// The vector extension of Arm cores.
    Mve,
}

/// Where code runs.
///
/// Flash makes a fast core wait: at `w` wait states and without a cache, a word of code or of weights takes `1 + w` cycles. With `ram`
/// the linker puts every function of `leafgate-kernels` into a section of RAM that is copied at the start, as data is; so the bytes are
/// taken twice, in flash and in RAM, and count for both budgets. On Arm a call from flash to RAM is out of the reach of `BL`, so that
/// the linker leads it over a veneer of a few instructions; the kernels are entered once for many rows or words, and it is for a
/// measurement to say whether that pays. The file needs no other change, nor does the runtime.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// In place, in flash.
    #[default]
    Flash,
    /// In RAM, copied at the start.
    Ram,
}

/// Upper bounds that a test or the build enforces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budgets {
    /// Code and constants of the application.
    pub flash_bytes: u32,
    /// Static data of the application, the arena included, the stack not.
    pub ram_bytes: u32,
    /// Measured stack of `Session::run` and of `Model::parse`, each.
    pub stack_bytes: u32,
    /// Instructions of a run that no input may exceed: an image that may is not for this machine. None: no limit.
    pub instructions: Option<u64>,
}

/// Which timer the application reads and how it relates to instructions under the emulator.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clock {
    /// The kind of timer.
    pub timer: Timer,
    /// Its first register; 0 if it is none of memory.
    #[serde(default)]
    pub base: u32,
    /// Its prescaler, if it has one to be set.
    #[serde(default = "one")]
    pub prescaler: u32,
    /// The emulator's `-icount shift`: an instruction takes 2^shift ns.
    pub icount_shift: u8,
    /// Ticks per instruction as numerator and denominator.
    pub ticks_per_insn: [u32; 2],
}

fn one() -> u32 {
    1
}

impl Clock {
    /// Instructions that `ticks` stand for, rounded to the nearest.
    #[must_use]
    pub fn insns(&self, ticks: u32) -> u64 {
        let [ticks_of, insns_of] = self.ticks_per_insn.map(u64::from);
        (u64::from(ticks) * insns_of + ticks_of / 2) / ticks_of
    }
}

/// A kind of timer; the file of its name in `clock/` reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Timer {
    /// CMSDK APB timer.
    Cmsdk,
    /// TIMER of the nRF51.
    Nrf51,
    /// 32-bit timer of the STM32.
    Stm32,
    /// System counter of the SSE-300.
    Sse,
    /// RISC-V retired instructions.
    Minstret,
}

impl Boards {
    /// Reads a `board.toml` and checks what its types cannot say.
    pub fn parse(text: &str) -> Result<Self, String> {
        let boards: Boards = toml::from_str(text).map_err(|error| error.to_string())?;
        for machine in &boards.machines {
            machine.check().map_err(|what| format!("{}: {what}", machine.name))?;
        }
        Ok(boards)
    }
}

impl Machine {
    /// The Rust type that stands for the machine in its package: `mps2-an386` is `Mps2An386`.
    #[must_use]
    pub fn type_name(&self) -> String {
        let capitalised = |word: &str| {
            let (first, rest) = word.split_at(word.len().min(1));
            first.to_uppercase() + rest
        };
        self.name.split('-').map(capitalised).collect()
    }

    /// The linker symbol that marks a firmware as built for this machine.
    #[must_use]
    pub fn marker(&self) -> String {
        format!("{MARKER_PREFIX}{}", self.name.replace('-', "_"))
    }

    fn check(&self) -> Result<(), String> {
        let regions = [("flash", self.flash), ("ram", self.ram), ("model", self.model), ("samples", self.samples)];
        for (i, (name, region)) in regions.iter().enumerate() {
            if region.bytes == 0
                || !region.origin.is_multiple_of(16)
                || !region.bytes.is_multiple_of(16)
                || region.end() > 1 << 32
            {
                return Err(format!("region {name} is empty, not a multiple of 16 or past the end of memory"));
            }
            if let Some((other, _)) = regions[i + 1..].iter().find(|(_, other)| region.overlaps(other)) {
                return Err(format!("regions {name} and {other} overlap"));
            }
        }
        if !self.stack_bytes.is_multiple_of(16) || !self.arena_bytes.is_multiple_of(16) {
            return Err("stack_bytes and arena_bytes must be multiples of 16".into());
        }
        if u64::from(self.stack_bytes) + u64::from(self.arena_bytes) > u64::from(self.ram.bytes) {
            return Err("stack and arena exceed RAM".into());
        }
        if self.clock.ticks_per_insn.contains(&0) || self.clock.prescaler == 0 {
            return Err("ticks_per_insn and prescaler must not be 0".into());
        }
        if let Some(Update { flash, memory, .. }) = self.update {
            let inside = memory.origin <= flash.origin && flash.end() <= memory.end();
            if !inside || regions.iter().any(|(_, region)| region.overlaps(&flash)) {
                return Err("the flash of updates is outside of its memory, or overlaps another region".into());
            }
        }
        Ok(())
    }
}

/// What [`Machine::marker`] begins with.
pub const MARKER_PREFIX: &str = "__leafgate_machine_";
