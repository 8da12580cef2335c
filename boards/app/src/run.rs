//! From boot to exit.

use crate::board::Board;
use crate::{selftest, serve};
use leafgate::{Model, ParseError, Session};
use leafgate_board_support::clock::{self, Clock, LOOP_INSNS};
use leafgate_board_support::{ExitCode, GuardedArena, stack};

/// Runs the application to its end.
pub fn run<B: Board>(mut arena: GuardedArena) -> ! {
    let code = match stages::<B>(&mut arena) {
        Ok(()) => ExitCode::Success,
        Err(code) => code,
    };
    B::exit(code)
}

/// Every stage in turn. A stage that fails has logged why, and gives the exit code.
fn stages<B: Board>(arena: &mut GuardedArena) -> Result<(), ExitCode> {
    defmt::info!("leafgate-app {=str} on {=str} ({=str})", env!("CARGO_PKG_VERSION"), B::NAME, B::CORE);
    let stopwatch = Stopwatch::<B::Clock>::new()?;
    let model = parse_partition::<B>(&stopwatch, arena)?;
    let run_stack_bytes = selftest::run::<B>(&model, arena)?;
    serve::run::<B>(&model, arena, &stopwatch, run_stack_bytes)
}

/// Parses the model partition, and checks that its network fits the arena.
fn parse_partition<B: Board>(
    stopwatch: &Stopwatch<B::Clock>,
    arena: &mut GuardedArena,
) -> Result<Model<'static>, ExitCode> {
    /// A frame of its own, so that the stack mark sees all of it.
    #[inline(never)]
    fn parse(bytes: &'static [u8]) -> Result<Model<'static>, ParseError> {
        Model::parse(bytes)
    }

    let ((parsed, ticks), stack_bytes) =
        stack::measure(B::stack(), || clock::time::<B::Clock, _>(|| parse(B::model())));
    let model = parsed.map_err(|error| {
        defmt::error!("image refused: {}", error);
        ExitCode::BadImage
    })?;
    let (arena_want, arena_have) = (model.arena_bytes(), arena.bytes().len());
    defmt::info!(
        "model: {=usize} bytes, {=usize} input bytes, arena {=usize} of {=usize} bytes",
        model.total_bytes(),
        model.input_bytes(),
        arena_want,
        arena_have
    );
    defmt::info!("parse: {=u32} ticks, {=u32} stack bytes", stopwatch.net(ticks)?, stack_bytes);
    Session::new(&model, arena.bytes()).map_err(|error| {
        defmt::error!("arena refused: {}", error);
        ExitCode::ArenaTooSmall
    })?;
    Ok(model)
}

/// A clock that has been seen to tick, and what measuring with it costs.
pub(crate) struct Stopwatch<C: Clock> {
    call_ticks: u32,
    clock: core::marker::PhantomData<C>,
}

impl<C: Clock> Stopwatch<C> {
    pub(crate) fn new() -> Result<Self, ExitCode> {
        C::init();
        let Some(probe) = clock::probe::<C>() else {
            defmt::error!("the clock does not tick");
            return Err(ExitCode::ClockFailed);
        };
        let (empty, whole) = (probe.call_ticks, probe.loop_ticks);
        defmt::info!("clock: {=u32} ticks empty, {=u32} ticks in {=u32} insns", empty, whole, LOOP_INSNS);
        Ok(Self { call_ticks: empty, clock: core::marker::PhantomData })
    }

    /// The ticks of a measured function without those of measuring and of the call; an overrun is an error, not a figure.
    pub(crate) fn net(&self, ticks: Option<u32>) -> Result<u32, ExitCode> {
        let Some(ticks) = ticks else {
            defmt::error!("more ticks than the counter holds");
            return Err(ExitCode::ClockFailed);
        };
        Ok(ticks.saturating_sub(self.call_ticks))
    }
}
