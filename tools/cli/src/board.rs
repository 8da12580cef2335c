//! Whether an image fits a board, with figures.

use leafgate_convert::Kernels;
use leafgate_emulate::{Machine, table};
use serde::Serialize;

use crate::error::Failure;
use crate::exit::Exit;
use crate::output::grouped;

/// An image on a board.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Fit {
    /// The board.
    pub board: String,
    /// Bytes of the image.
    pub image_bytes: usize,
    /// Bytes of the model partition.
    pub model_partition_bytes: u32,
    /// Bytes of arena wanted.
    pub arena_bytes: usize,
    /// Bytes of arena that the board's application reserves.
    pub arena_reserved_bytes: u32,
    /// Instructions that a run may take, if that is limited.
    pub instruction_limit: Option<u64>,
    /// Instructions that no run exceeds, if that has been asked.
    pub max_insns: Option<u64>,
}

impl Fit {
    /// Measures an image against a board.
    pub fn of(machine: &Machine, image_bytes: usize, arena_bytes: usize) -> Self {
        Self {
            board: machine.name.clone(),
            image_bytes,
            model_partition_bytes: machine.model.bytes,
            arena_bytes,
            arena_reserved_bytes: machine.arena_bytes,
            instruction_limit: None,
            max_insns: None,
        }
    }

    /// With what a run takes at most, and may take.
    #[must_use]
    pub fn with_run(self, max_insns: u64, limit: u64) -> Self {
        Self { instruction_limit: Some(limit), max_insns: Some(max_insns), ..self }
    }

    /// How far over what there is: bytes of flash and of arena, instructions.
    pub fn over(&self) -> [u64; 3] {
        let over = |need: usize, have: u32| need.saturating_sub(have as usize) as u64;
        let run = self.max_insns.unwrap_or(0).saturating_sub(self.instruction_limit.unwrap_or(u64::MAX));
        [over(self.image_bytes, self.model_partition_bytes), over(self.arena_bytes, self.arena_reserved_bytes), run]
    }

    /// Refuses an image that does not fit.
    pub fn check(self) -> Result<Self, Failure> {
        let over = self.over();
        if over == [0; 3] {
            return Ok(self);
        }
        let mut failure =
            Failure::new("E0501", Exit::DoesNotFit, format!("the model does not fit board `{}`", self.board));
        let verdict =
            |over: u64, unit: &str| if over > 0 { format!("{}{unit} over", grouped(over)) } else { "fits".into() };
        for (what, place, need, have, over) in [
            ("flash", "the model partition has", self.image_bytes, self.model_partition_bytes, over[0]),
            ("arena", "the application reserves", self.arena_bytes, self.arena_reserved_bytes, over[1]),
        ] {
            let verdict = verdict(over, " B");
            failure =
                failure.fact(format!("{what}: needs {} B, {place} {} B -> {verdict}", grouped(need), grouped(have)));
        }
        if let (Some(max), Some(limit)) = (self.max_insns, self.instruction_limit) {
            let (max, limit, verdict) = (grouped(max), grouped(limit), verdict(over[2], ""));
            failure = failure.fact(format!("run: takes up to {max} instructions, the limit is {limit} -> {verdict}"));
        }
        Err(failure
            .hint("make the model smaller: fewer or narrower leaves, experts or gates; `leafgate inspect` shows what takes the room")
            .hint("`leafgate boards` lists boards with more room"))
    }

    /// In a line.
    pub fn describe(&self) -> String {
        let share = |need: usize, have: u32| 100.0 * need as f64 / f64::from(have.max(1));
        let text = format!(
            "{}: {} of {} B of the model partition ({:.0} %), {} of {} B of the arena ({:.0} %)",
            self.board,
            grouped(self.image_bytes),
            grouped(self.model_partition_bytes),
            share(self.image_bytes, self.model_partition_bytes),
            grouped(self.arena_bytes),
            grouped(self.arena_reserved_bytes),
            share(self.arena_bytes, self.arena_reserved_bytes),
        );
        match (self.max_insns, self.instruction_limit) {
            (Some(max), Some(limit)) => format!("{text}, up to {} of {} instructions", grouped(max), grouped(limit)),
            _ => text,
        }
    }
}

/// The kernels of a board's core.
pub fn kernels(machine: &Machine) -> Kernels {
    match machine.kernels {
        table::Kernels::Portable => Kernels::Portable,
        table::Kernels::Dsp => Kernels::Dsp,
        table::Kernels::Swar => Kernels::Swar,
        table::Kernels::Mve => Kernels::Mve,
    }
}

/// The board of a name.
pub fn find(name: &str) -> Result<&'static Machine, Failure> {
    Machine::by_name(name).map_err(Failure::from)
}
