//! Arguments, and what happens at each of QEMU's callbacks.

use std::fs::File;
use std::io::BufWriter;
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, OnceLock};

use crate::isa::Isa;
use crate::map::Map;
use crate::qemu::Translation;
use crate::trace::{Block, Trace};

/// What `install` has set up.
struct Plugin {
    isa: Isa,
    map: Map,
    counters: &'static [AtomicU64],
    trace: Mutex<Trace<BufWriter<File>>>,
}

static PLUGIN: OnceLock<Plugin> = OnceLock::new();

/// Reads the arguments `map=FILE` and `out=FILE`, and the map.
pub(crate) fn install(target: &str, arguments: &[String]) -> Result<(), String> {
    let isa = Isa::of_target(target).ok_or_else(|| format!("target `{target}`: wanted arm or riscv32"))?;
    let argument = |key: &str| {
        let found = arguments.iter().find_map(|argument| argument.strip_prefix(key)?.strip_prefix('='));
        found.ok_or_else(|| format!("no argument `{key}`: wanted -plugin FILE,map=FILE,out=FILE"))
    };
    let (map_path, out_path) = (argument("map")?, argument("out")?);
    let text = std::fs::read_to_string(map_path).map_err(|error| format!("{map_path}: {error}"))?;
    let map = Map::parse(&text).map_err(|error| format!("{map_path}, {error}"))?;
    let counters: &'static [AtomicU64] = (0..map.counters()).map(|_| AtomicU64::new(0)).collect::<Vec<_>>().leak();
    let file = File::create(out_path).map_err(|error| format!("{out_path}: {error}"))?;
    let trace = Trace::new(counters, BufWriter::new(file)).map_err(|error| format!("{out_path}: {error}"))?;
    let plugin = Plugin { isa, map, counters, trace: Mutex::new(trace) };
    PLUGIN.set(plugin).map_err(|_| "loaded twice: wanted one -plugin".to_owned())
}

/// A block is translated: each instruction gets its counter, and the block its announcement.
pub(crate) fn on_translation(translation: &Translation) {
    let Some(plugin) = PLUGIN.get() else { return };
    let mut block: Option<Block> = None;
    for instruction in translation.instructions() {
        let place = plugin.map.place(instruction.address);
        instruction.count(&plugin.counters[place.function]);
        let start = block.map_or(instruction.address, |block| block.start);
        let place = block.map_or(place, |block| block.place);
        let end = instruction.address + instruction.bytes.len() as u64;
        block = Some(Block { start, end, place, calls: plugin.isa.is_call(instruction.bytes) });
    }
    if let Some(block) = block {
        // QEMU may keep it for as long as the process lives.
        translation.announce(Box::leak(Box::new(block)));
    }
}

/// A block is about to be executed.
pub(crate) fn on_execution(block: &'static Block) {
    if let Some(Ok(mut trace)) = PLUGIN.get().map(|plugin| plugin.trace.lock()) {
        trace.step(block);
    }
}

/// QEMU ends.
pub(crate) fn on_exit() {
    if let Some(Ok(mut trace)) = PLUGIN.get().map(|plugin| plugin.trace.lock())
        && let Err(error) = trace.finish()
    {
        eprintln!("leafgate-emulate-plugin: the result could not be written: {error}");
    }
}
