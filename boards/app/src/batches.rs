//! The trial of batches: 32 random inputs of the network in the model partition, one by one and together.

use crate::board::Board;
use core::hint::black_box;
use leafgate::batch::{Batch, BatchError, Outputs};
use leafgate::{Input, Model, Session};
use leafgate_board_support::clock::{self, Clock};
use leafgate_board_support::{ExitCode, GuardedArena};
use zerocopy::{FromBytes, IntoBytes};

/// Samples of a run.
const SAMPLES: usize = Batch::<1>::SAMPLES;

/// A run in a frame of its own.
#[inline(never)]
fn run_batch<'b>(batch: &'b mut Batch<'_, '_, '_>, inputs: &[Input<'_>]) -> Result<Outputs<'b>, BatchError> {
    batch.run(inputs)
}

/// Compares every value of every output, and says what both take. The arena holds inputs, then the memory of a session, then that of
/// a batch.
pub(crate) fn compare<B: Board>(arena: &mut GuardedArena) -> Result<(), ExitCode> {
    B::Clock::init();
    let model = Model::parse(B::model()).map_err(|_| ExitCode::BadImage)?;
    let input_bytes = model.input_bytes().next_multiple_of(4);
    let too_small = ExitCode::ArenaTooSmall;
    let inputs_bytes = (SAMPLES * input_bytes).next_multiple_of(16);
    let (inputs, rest) = arena.bytes().split_at_mut_checked(inputs_bytes).ok_or(too_small)?;
    let session_bytes = model.arena_bytes().next_multiple_of(16);
    let (session, rest) = rest.split_at_mut_checked(session_bytes).ok_or(too_small)?;
    let memory = <[u32]>::mut_from_bytes(rest).map_err(|_| too_small)?;

    let mut state = 1u32;
    for word in <[u32]>::mut_from_bytes(inputs).map_err(|_| too_small)? {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *word = (state ^ state >> 15).wrapping_mul(0x2C1B_3C6D);
    }
    let input = |s: usize| {
        let bytes = inputs.as_bytes().get(s * input_bytes..).and_then(|bytes| bytes.get(..model.input_bytes()));
        bytes.and_then(|bytes| model.input(bytes).ok())
    };
    let mut all = [Input::I8(&[]); SAMPLES];
    for (s, slot) in all.iter_mut().enumerate() {
        *slot = input(s).ok_or(ExitCode::BadSamples)?;
    }

    let mut session = Session::new(&model, session).map_err(|_| too_small)?;
    let mut batch = Batch::<1>::new(&model, memory).map_err(|error| {
        defmt::error!("batch refused: {}", error);
        too_small
    })?;
    let (together, batch_ticks) = clock::time::<B::Clock, _>(|| run_batch(&mut batch, black_box(&all)));
    let together = together.map_err(|_| ExitCode::BadSamples)?;
    let (mut session_ticks, mut sum) = (0u32, 0u32);
    for (s, &input) in all.iter().enumerate() {
        let (alone, ticks) = clock::time::<B::Clock, _>(|| crate::selftest::run_once(&mut session, input));
        let alone = alone.map_err(|_| ExitCode::BadSamples)?;
        session_ticks = session_ticks.saturating_add(ticks.ok_or(ExitCode::ClockFailed)?);
        let Some(other) = together.get(s) else { return Err(ExitCode::OutputsDiffer) };
        if !alone.iter().eq(other.iter()) || alone.classes() != other.classes() {
            defmt::error!("sample {=usize} differs", s);
            return Err(ExitCode::OutputsDiffer);
        }
        sum = sum.rotate_left(1) ^ alone.crc32();
    }
    defmt::info!(
        "batch: {=usize} samples equal, sum {=u32:#x}, {=u32} ticks one by one, {=u32} ticks together",
        SAMPLES,
        sum,
        session_ticks,
        batch_ticks.ok_or(ExitCode::ClockFailed)?
    );
    Ok(())
}
