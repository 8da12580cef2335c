//! GATES of a netlist, and GROUPSUM of its signals.

use super::work::Work;
use crate::reference::{Array, Constants};

/// Functions that kernels have a loop for.
const KNOWN: [u32; 8] = [1, 2, 6, 7, 8, 9, 11, 14];

/// A chunk of words whose bytes are counted together, and words of it that a loop may take at once.
const CHUNK: usize = 255;
const PERIOD: usize = 16;

/// The work of gates on an input of `words`, among `signals`.
pub(super) fn gates(words: usize, signals: usize, gates: usize, series: Array<u32>, constants: &Constants) -> Work {
    let mut work = Work::default();
    work.add("net", 1);
    work.add("net.word", words);
    let series: Vec<u32> = constants.all(series).collect();
    let mut begin = 0;
    for pair in series.chunks_exact(2) {
        let (function, end, first) = (pair[0] >> 28, (pair[0] & 0x0FFF_FFFF) as usize, pair[1] as usize);
        let all = end.min(gates).saturating_sub(begin);
        let count = all.min(signals.saturating_sub(first));
        begin = end;
        work.add("net.series", 1);
        if KNOWN.contains(&function) && count > 0 && signals.is_power_of_two() {
            work.line_by(&format!("net.{function}"), count, 8, 1);
        } else {
            // As the portable kernel runs them, to the first that would write beyond the signals.
            work.add(format!("net.other.{function}"), 1);
            work.add("net.other", count);
            work.add("net.other.odd", count % 2);
            work.add("net.other.none", usize::from(all == 0));
            work.add("net.other.beyond", usize::from(all > count));
        }
    }
    work
}

/// The work of counting signals from one to another.
pub(super) fn count(work: &mut Work, from: usize, to: usize) {
    let words = to / 4 - from / 4;
    if from == to {
        work.add("sum.signals.empty", 1);
        return;
    }
    work.add("sum.signals", 1);
    work.add("sum.signals.chunk", words / CHUNK);
    if !words.is_multiple_of(CHUNK) {
        work.line_by("sum.signals.words", words % CHUNK, PERIOD, 1);
    }
}
