//! The application with updates: boots the slot that is due, serves the samples, confirms a new model, and receives the next one.
//!
//! ```text
//! store: Confirmed, slot A
//! sample 0: class 7, crc32 0x1c291ca3, 9612 ticks
//! done: 1 samples
//! store: confirmed
//! store: ready
//! ```

use crate::board::{New, UpdatedBoard};
use crate::run::Stopwatch;
use crate::serve;
use leafgate::Model;
use leafgate_board_support::uart::{Port, Uart};
use leafgate_board_support::{ExitCode, GuardedArena, reset};
use leafgate_store::{Config, Event, Layout, Receiver, Status, Store, serial};

/// Two slots of 64 KB, and a journal.
const fn layout(page_bytes: u32) -> Layout {
    Layout::contiguous(0, 0x1_0000, page_bytes)
}

/// Runs it until something fails; resets as often as a sender asks for it.
pub fn run<B: UpdatedBoard>(mut arena: GuardedArena) -> ! {
    let Err(code) = stages::<B>(&mut arena);
    B::exit(code)
}

fn stages<B: UpdatedBoard>(arena: &mut GuardedArena) -> Result<core::convert::Infallible, ExitCode> {
    use embedded_storage::nor_flash::NorFlash;
    defmt::info!("leafgate-app {=str} on {=str} ({=str})", env!("CARGO_PKG_VERSION"), B::NAME, B::CORE);
    let stopwatch = Stopwatch::<B::Clock>::new()?;
    let config = Config::new(layout(<B::Flash as NorFlash>::ERASE_SIZE as u32));
    let mut store = Store::open(B::Flash::new(), config, arena.bytes()).map_err(|error| {
        defmt::error!("store: {}", error);
        ExitCode::BadImage
    })?;
    defmt::info!("store: {}, slot {}", store.status(), store.slot());
    match Model::parse(store.bytes()) {
        // An error here ends a trial before it is confirmed, so that the next boot falls back.
        Ok(model) => serve::run::<B>(&model, arena, &stopwatch, 0)?,
        Err(_) => defmt::info!("store: empty"),
    }
    if store.status() == Status::OnTrial {
        store.confirm().map_err(|error| {
            defmt::error!("store: {}", error);
            ExitCode::BadImage
        })?;
        defmt::info!("store: confirmed");
    }
    defmt::info!("store: ready");
    let (mut receiver, mut port) = (Receiver::new(), Port(B::Port::new()));
    loop {
        let Ok(event) = serial::serve(&mut receiver, &mut store, &mut port);
        match event {
            Some(Event::Finished) => defmt::info!("store: received"),
            Some(Event::Refused(error)) => defmt::info!("store: refused: {}", error),
            Some(Event::Restart) => reset(),
            _ => {}
        }
    }
}
