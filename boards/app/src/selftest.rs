//! The device proves itself: golden vectors under two arena paints, with watched memory on both sides of the arena.

use crate::board::Board;
use core::hint::black_box;
use leafgate::{Input, InputError, Model, Output, Session};
use leafgate_board_support::{ExitCode, GuardedArena, stack};

/// What the arena is filled with beforehand: unequal in every bit.
const PAINTS: [u8; 2] = [0xA5, 0x5A];

/// A run in a frame of its own: what is measured as `Session::run`.
#[inline(never)]
pub(crate) fn run_once<'s>(session: &'s mut Session<'_, '_>, input: Input<'_>) -> Result<Output<'s>, InputError> {
    session.run(input)
}

/// Runs the self-test. Returns the stack that a run used.
pub(crate) fn run<B: Board>(model: &Model<'static>, arena: &mut GuardedArena) -> Result<u32, ExitCode> {
    let mut results = [(0, 0, None); 2];
    for (&paint, result) in PAINTS.iter().zip(&mut results) {
        *result = under_paint::<B>(model, arena, paint)?;
    }
    let [(vectors, stack_bytes, crc32), (_, other_stack_bytes, other_crc32)] = results;
    if crc32 != other_crc32 {
        defmt::error!("outputs depend on the arena: crc32 {} and {}", crc32, other_crc32);
        return Err(ExitCode::OutputsDiffer);
    }
    defmt::info!("self-test: {=usize} vectors, {=usize} paints", vectors, PAINTS.len());
    Ok(stack_bytes.max(other_stack_bytes))
}

/// The golden vectors, and one more run on an input that every device has: the first bytes of the image itself.
/// Returns the number of vectors, the stack of that run, and its fingerprint.
fn under_paint<B: Board>(
    model: &Model<'static>,
    arena: &mut GuardedArena,
    paint: u8,
) -> Result<(usize, u32, Option<u32>), ExitCode> {
    let (stack_bytes, vectors, crc32) = {
        let mut session = painted_session(model, arena, paint)?;
        let vectors = session.self_test().map_err(|error| {
            defmt::error!("self-test failed: {}", error);
            ExitCode::SelfTestFailed
        })?;
        let input = B::model().get(..model.input_bytes()).and_then(|bytes| model.input(bytes).ok());
        match input {
            Some(input) => {
                let (output, stack_bytes) = stack::measure(B::stack(), || run_once(&mut session, input));
                (stack_bytes, vectors, output.ok().map(|output| output.crc32()))
            }
            None => (0, vectors, None),
        }
    };
    check_canaries(model, arena, paint)?;
    Ok((vectors, stack_bytes, crc32))
}

/// A session in an arena of exactly the bytes that the image wants. What the application has reserved beyond that is
/// painted too, and is part of the canary.
pub(crate) fn painted_session<'m, 'i>(
    model: &'m Model<'i>,
    arena: &'m mut GuardedArena,
    paint: u8,
) -> Result<Session<'m, 'i>, ExitCode> {
    let bytes = black_box(arena.bytes());
    bytes.fill(paint);
    let bytes = bytes.get_mut(..model.arena_bytes()).ok_or(ExitCode::ArenaTooSmall)?;
    Session::new(model, bytes).map_err(|_| ExitCode::ArenaTooSmall)
}

/// Checks that nothing outside the wanted arena has changed since it was painted.
pub(crate) fn check_canaries(model: &Model<'_>, arena: &mut GuardedArena, paint: u8) -> Result<(), ExitCode> {
    let beyond = black_box(arena.bytes()).get(model.arena_bytes()..).unwrap_or(&[]);
    let first = beyond.iter().position(|&byte| byte != paint);
    if let Some(at) = first {
        defmt::error!("canary: byte {=usize} after the arena was written", at);
        return Err(ExitCode::CanaryBroken);
    }
    if !arena.is_intact() {
        defmt::error!("canary: a guard of the arena was written");
        return Err(ExitCode::CanaryBroken);
    }
    Ok(())
}

/// The paint that the samples are served over.
pub(crate) const SERVING_PAINT: u8 = PAINTS[0];

/// Arena bytes up to the last that no longer holds the paint.
pub(crate) fn arena_used(model: &Model<'_>, arena: &mut GuardedArena, paint: u8) -> usize {
    let bytes = black_box(arena.bytes()).get(..model.arena_bytes()).unwrap_or(&[]);
    bytes.iter().rposition(|&byte| byte != paint).map_or(0, |last| last + 1)
}
