//! The application with a network that was compiled into it: no image, no arena, the same samples and the same log.
//!
//! Instead of a model partition it has the module of `leafgate_compiled`. What it says and how it measures is as in the application that
//! interprets, so that both can be compared; a line about parsing is missing, as nothing is parsed.

use crate::board::Board;
use crate::run::Stopwatch;
use crate::samples::Samples;
use leafgate::image::CRC32;
use leafgate::{Input, InputShape};
use leafgate_board_support::{ExitCode, GuardedArena, Once, clock, stack};
use leafgate_compiled::network::{self, State};

static STATE: Once<State> = Once::new(State::new());

/// Runs the application to its end. The arena stays unused.
pub fn run<B: Board>(_arena: GuardedArena) -> ! {
    let code = match stages::<B>(STATE.take()) {
        Ok(()) => ExitCode::Success,
        Err(code) => code,
    };
    B::exit(code)
}

fn stages<B: Board>(state: &mut State) -> Result<(), ExitCode> {
    let version = env!("CARGO_PKG_VERSION");
    defmt::info!("leafgate-app {=str} on {=str} ({=str}), compiled {=str}", version, B::NAME, B::CORE, network::NAME);
    let stopwatch = Stopwatch::<B::Clock>::new()?;
    let input_bytes = size_of::<network::Input>();
    let state_bytes = network::STATE_BYTES;
    defmt::info!(
        "model: 0 bytes, {=usize} input bytes, arena {=usize} of {=usize} bytes",
        input_bytes,
        state_bytes,
        state_bytes
    );
    if !network::self_test(state) {
        defmt::error!("self-test failed: a golden vector gives other values");
        return Err(ExitCode::SelfTestFailed);
    }
    let samples = Samples::parse(B::samples()).map_err(|error| {
        defmt::error!("samples refused: {}", error);
        ExitCode::BadSamples
    })?;
    let mut stack_bytes = 0;
    let mut served = 0;
    for (index, bytes) in samples.iter().flat_map(Samples::iter).enumerate() {
        stack_bytes = stack_bytes.max(serve::<B>(state, index, bytes, &stopwatch)?);
        served += 1;
    }
    defmt::info!("run: {=u32} stack bytes, {=usize} arena bytes", stack_bytes, state_bytes);
    defmt::info!("done: {=usize} samples", served);
    Ok(())
}

/// Serves one sample. Returns the stack that the run used.
fn serve<B: Board>(
    state: &mut State,
    index: usize,
    bytes: &'static [u8],
    stopwatch: &Stopwatch<B::Clock>,
) -> Result<u32, ExitCode> {
    let input = network::Input::elements(bytes).ok_or_else(|| {
        defmt::error!("sample {=usize} refused: it has {=usize} bytes", index, bytes.len());
        ExitCode::BadSamples
    })?;
    let ((output, ticks), stack_bytes) =
        stack::measure(B::stack(), || clock::time::<B::Clock, _>(|| leafgate_compiled::run(state, input)));
    let mut digest = CRC32.digest();
    for &value in output.values {
        digest.update(&widened(value).to_le_bytes());
    }
    let class = output.classes.first().map_or(-1, |&class| class as i32);
    let (crc32, ticks) = (digest.finalize(), stopwatch.net(ticks)?);
    defmt::info!("sample {=usize}: class {=i32}, crc32 {=u32:#010x}, {=u32} ticks", index, class, crc32, ticks);
    Ok(stack_bytes)
}

/// A score of either type.
fn widened(value: impl Into<i32>) -> i32 {
    value.into()
}

/// An input of either type, as it lies in memory.
trait Elements {
    fn elements(bytes: &[u8]) -> Option<&Self>;
}

impl<const N: usize> Elements for [i8; N] {
    fn elements(bytes: &[u8]) -> Option<&Self> {
        match Input::from_bytes(InputShape::I8(N), bytes) {
            Ok(Input::I8(values)) => values.try_into().ok(),
            _ => None,
        }
    }
}

impl<const N: usize> Elements for [u32; N] {
    fn elements(bytes: &[u8]) -> Option<&Self> {
        match Input::from_bytes(InputShape::Bits(N), bytes) {
            Ok(Input::Bits(words)) => words.try_into().ok(),
            _ => None,
        }
    }
}
