//! Classifies every sample of the samples partition, and reports.

use crate::board::Board;
use crate::run::Stopwatch;
use crate::samples::Samples;
use crate::selftest::{self, SERVING_PAINT, run_once};
use leafgate::{Model, Session};
use leafgate_board_support::{ExitCode, GuardedArena, clock, stack};

/// Serves the samples partition and says what memory the runs have used, those of the self-test included.
pub(crate) fn run<B: Board>(
    model: &Model<'_>,
    arena: &mut GuardedArena,
    stopwatch: &Stopwatch<B::Clock>,
    self_test_stack_bytes: u32,
) -> Result<(), ExitCode> {
    let refused = |error| {
        defmt::error!("samples refused: {}", error);
        ExitCode::BadSamples
    };
    let mut stack_bytes = self_test_stack_bytes;
    let mut served = 0;
    match Samples::parse(B::samples()).map_err(refused)? {
        None => defmt::info!("samples: none"),
        Some(samples) => {
            defmt::info!("samples: {=usize} of {=usize} bytes", samples.iter().len(), samples.sample_bytes());
            let mut session = selftest::painted_session(model, arena, SERVING_PAINT)?;
            for (index, bytes) in samples.iter().enumerate() {
                stack_bytes = stack_bytes.max(serve::<B>(&mut session, model, index, bytes, stopwatch)?);
                served += 1;
            }
            selftest::check_canaries(model, arena, SERVING_PAINT)?;
        }
    }
    let arena_bytes = selftest::arena_used(model, arena, if served > 0 { SERVING_PAINT } else { !SERVING_PAINT });
    defmt::info!("run: {=u32} stack bytes, {=usize} arena bytes", stack_bytes, arena_bytes);
    defmt::info!("done: {=usize} samples", served);
    Ok(())
}

/// Serves one sample. Returns the stack that the run used.
fn serve<B: Board>(
    session: &mut Session<'_, '_>,
    model: &Model<'_>,
    index: usize,
    bytes: &'static [u8],
    stopwatch: &Stopwatch<B::Clock>,
) -> Result<u32, ExitCode> {
    let refused = |error| {
        defmt::error!("sample {=usize} refused: {}", index, error);
        ExitCode::BadSamples
    };
    let input = model.input(bytes).map_err(refused)?;
    let ((output, ticks), stack_bytes) =
        stack::measure(B::stack(), || clock::time::<B::Clock, _>(|| run_once(session, input)));
    let output = output.map_err(refused)?;
    let class = output.class().map_or(-1, |class| class as i32);
    let (crc32, ticks) = (output.crc32(), stopwatch.net(ticks)?);
    defmt::info!("sample {=usize}: class {=i32}, crc32 {=u32:#010x}, {=u32} ticks", index, class, crc32, ticks);
    Ok(stack_bytes)
}
