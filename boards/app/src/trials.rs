//! A second program for the machines: it does on request what must not happen in the first, and measures loops.
//!
//! What to do stands in the samples partition: the magic `LGTR`, and the number of the trial as u32.

mod dense;
#[cfg(feature = "low-bit")]
mod lowbit;

use crate::batches;
use crate::board::Board;
use leafgate_board_support::clock::{self, Clock};
use leafgate_board_support::{ExitCode, GuardedArena, provoke};

/// Rounds of two instructions each.
const ROUNDS: [u32; 6] = [1, 5, 50, 5_000, 500_000, 15_000_000];
/// More instructions than any counter of this project holds, in the slowest ratio: 2^32 ticks at 4 a instruction.
const OVERRUN_ROUNDS: u32 = 550_000_000;

/// Runs the trial that the samples partition asks for.
pub fn run<B: Board>(arena: GuardedArena) -> ! {
    defmt::info!("trials on {=str}", B::NAME);
    let code = match B::samples() {
        [b'L', b'G', b'T', b'R', number, 0, 0, 0, ..] => trial::<B>(*number, arena),
        _ => ExitCode::BadSamples,
    };
    B::exit(code)
}

/// One trial. Those that must not return are followed by `Success`, which then is the wrong code.
fn trial<B: Board>(number: u8, mut arena: GuardedArena) -> ExitCode {
    match number {
        0 => ExitCode::Success,
        1 => {
            provoke::undefined_instruction();
            ExitCode::Success
        }
        2 => panic!("as asked"),
        3 => {
            arena.spoil();
            if arena.is_intact() { ExitCode::Success } else { ExitCode::CanaryBroken }
        }
        4 => {
            defmt::info!("depth {=u32}", provoke::exhaust_stack(0));
            ExitCode::Success
        }
        5 => {
            provoke::unhandled_exception();
            ExitCode::Success
        }
        6 => measure_loops::<B::Clock>(),
        7 => overrun::<B::Clock>(),
        8 => compare_gates(),
        9 => batches::compare::<B>(&mut arena).err().unwrap_or(ExitCode::Success),
        #[cfg(feature = "low-bit")]
        10 => lowbit::compare(),
        11 => dense::compare(),
        _ => ExitCode::BadSamples,
    }
}

/// Measures loops of known length; the host compares.
fn measure_loops<C: Clock>() -> ExitCode {
    C::init();
    let ((), empty) = clock::time::<C, _>(|| ());
    for rounds in ROUNDS {
        let insns = 2 * rounds;
        let rounds = core::hint::black_box(rounds);
        let ((), ticks) = clock::time::<C, _>(|| clock::count_down(rounds));
        let (Some(empty), Some(ticks)) = (empty, ticks) else { return ExitCode::ClockFailed };
        defmt::info!("loop of {=u32} insns took {=u32} ticks", insns, ticks.saturating_sub(empty));
    }
    ExitCode::Success
}

/// Outlasts the counter, which must say so.
fn overrun<C: Clock>() -> ExitCode {
    C::init();
    let rounds = core::hint::black_box(OVERRUN_ROUNDS);
    match clock::time::<C, _>(|| clock::count_down(rounds)) {
        ((), Some(ticks)) => {
            defmt::error!("the counter has not noticed its wrap: {=u32} ticks", ticks);
            ExitCode::Success
        }
        ((), None) => ExitCode::ClockFailed,
    }
}

/// Whether the core's own loop over word-wired gates gives what the portable one gives, on random tables that no check has seen: indices
/// beyond the input, every number of words.
fn compare_gates() -> ExitCode {
    const WORDS: usize = 24;
    let mut state = 1u32;
    let mut draw = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state ^ state >> 15
    };
    for round in 0..600 {
        let (inputs, words) = (round % (WORDS + 1), round / 25);
        // Half of the indices are inside, some without a rotation.
        let kept = [u32::MAX, 0xF80F_F80F, 0xF80F_000F, 0x000F_000F][round % 4];
        let table: [[u32; 5]; WORDS] = core::array::from_fn(|_| [draw() & kept, draw(), draw(), draw(), draw()]);
        let input: [u32; WORDS] = core::array::from_fn(|_| draw());
        let [mut want, mut have] = [[draw(); WORDS]; 2];
        let (Some(table), Some(input)) = (table.get(..words), input.get(..inputs)) else { return ExitCode::Panic };
        leafgate_kernels::portable::bits::gates_words(table, input, &mut want);
        leafgate_kernels::gates_words(table, input, &mut have);
        if want != have {
            defmt::error!("{=usize} words of gates on {=usize}: {} instead of {}", words, inputs, have, want);
            return ExitCode::OutputsDiffer;
        }
    }
    if !compare_series(&mut draw) {
        return ExitCode::OutputsDiffer;
    }
    defmt::info!("gates: equal");
    ExitCode::Success
}

/// The same of a netlist's gates: every function, every number of them, numbers of signals that are powers of two and others, series
/// that end with the signals.
fn compare_series(draw: &mut impl FnMut() -> u32) -> bool {
    const GATES: usize = 40;
    const SIGNALS: [usize; 6] = [128, 64, 100, 32, 2, 1];
    for round in 0..960 {
        let (function, gates) = (round as u32 % 16, round / 16 * 11 % (GATES + 1));
        let all: [u8; 128] = core::array::from_fn(|_| draw() as u8);
        let first = draw() as usize % 140;
        let Some(&len) = SIGNALS.get(round / 160) else { return false };
        let mut wire = || draw() % len as u32;
        let wires: [i32; GATES] = core::array::from_fn(|_| (wire() | wire() << 16) as i32);
        let Some(wires) = wires.get(..gates) else { return false };
        let [mut want, mut have] = [all; 2];
        let (Some(some), Some(others)) = (want.get_mut(..len), have.get_mut(..len)) else { return false };
        leafgate_kernels::portable::netlist::gates_series(function, wires, first, some);
        leafgate_kernels::gates_series(function, wires, first, others);
        // Of a signal only the lowest bit is said.
        if want.iter().zip(&have).any(|(want, have)| (want ^ have) & 1 != 0) {
            defmt::error!(
                "{=usize} gates {=u32} on {=usize} signals: {} instead of {}",
                gates,
                function,
                len,
                have,
                want
            );
            return false;
        }
    }
    true
}
