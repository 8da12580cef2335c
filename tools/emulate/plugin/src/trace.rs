//! Follows the program from block to block and writes down what was executed in which part of it.

use crate::map::{Mark, Place};
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A translated block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block {
    /// Address of the first instruction.
    pub(crate) start: u64,
    /// Address after the last.
    pub(crate) end: u64,
    /// Where the first is.
    pub(crate) place: Place,
    /// Whether the last is a call.
    pub(crate) calls: bool,
}

/// The trace of a program.
pub(crate) struct Trace<W: Write> {
    /// Instructions of each function since the last part ended; translated code adds to them.
    counters: &'static [AtomicU64],
    /// Entries of each function since then.
    entries: Vec<u64>,
    /// Entries and instructions outside of runs.
    outside: Vec<(u64, u64)>,
    /// Return addresses of the calls that have not returned.
    stack: Vec<u64>,
    /// Length of the stack when the run began.
    run: Option<usize>,
    /// Length of the stack when the op began.
    op: Option<usize>,
    last: Option<&'static Block>,
    out: W,
    error: Option<io::Error>,
}

impl<W: Write> Trace<W> {
    /// A trace that begins with the program; `counters` are all 0.
    pub(crate) fn new(counters: &'static [AtomicU64], mut out: W) -> io::Result<Self> {
        writeln!(out, "leafgate-profile 1")?;
        let count = counters.len();
        Ok(Self {
            counters,
            entries: vec![0; count],
            outside: vec![(0, 0); count],
            stack: Vec::new(),
            run: None,
            op: None,
            last: None,
            out,
            error: None,
        })
    }

    /// A block is about to be executed; every instruction before it has been counted.
    pub(crate) fn step(&mut self, block: &'static Block) {
        let Some(last) = self.last.replace(block) else { return };
        if last.calls && block.start != last.end {
            self.stack.push(last.end);
        } else if let Some(at) = self.stack.iter().rposition(|&address| address == block.start) {
            self.stack.truncate(at);
            self.leave();
        }
        if block.place.is_entry && block.place.function != last.place.function {
            self.enter(block.place);
        }
    }

    /// Ends the parts whose function has returned.
    fn leave(&mut self) {
        let depth = self.stack.len();
        let returned = |begun: Option<usize>| begun.is_some_and(|begun| depth < begun);
        if returned(self.op) {
            self.close();
            self.op = None;
            self.write(format_args!("on"));
        }
        if returned(self.run) {
            self.close();
            self.run = None;
        }
    }

    /// A function begins, and with it perhaps a part.
    fn enter(&mut self, place: Place) {
        // By a call or by a jump in place of one: either way the top of the stack is where it will return to.
        let depth = Some(self.stack.len());
        match place.mark {
            Mark::Run if self.run.is_none() => {
                self.close();
                self.run = depth;
                self.write(format_args!("run"));
            }
            Mark::Op if self.run.is_some() && self.op.is_none() => {
                self.close();
                self.op = depth;
                self.write(format_args!("op {}", place.function));
            }
            _ => {}
        }
        self.entries[place.function] += 1;
    }

    /// Takes what was counted to the part that ends here.
    fn close(&mut self) {
        for function in 0..self.counters.len() {
            let insns = self.counters[function].swap(0, Relaxed);
            let entries = std::mem::take(&mut self.entries[function]);
            if self.run.is_none() {
                let outside = &mut self.outside[function];
                *outside = (outside.0 + entries, outside.1 + insns);
            } else if insns + entries > 0 {
                self.write(format_args!("{function} {entries} {insns}"));
            }
        }
    }

    fn write(&mut self, line: std::fmt::Arguments<'_>) {
        if self.error.is_none() {
            self.error = writeln!(self.out, "{line}").err();
        }
    }

    /// The program has ended. The error is the first that writing met.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        self.close();
        self.write(format_args!("out"));
        for function in 0..self.outside.len() {
            let (entries, insns) = self.outside[function];
            if insns + entries > 0 {
                self.write(format_args!("{function} {entries} {insns}"));
            }
        }
        self.write(format_args!("end"));
        self.error.take().map_or(Ok(()), Err)?;
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::{AtomicU64, Block, Relaxed, Trace};
    use crate::map::Map;

    /// Executes blocks `(start, instructions, whether the last calls)` of two bytes an instruction.
    fn trace(blocks: &[(u64, u64, bool)]) -> Vec<String> {
        // main, run, op A, a helper, op B.
        let map = Map::parse("100 120 -\n200 220 run\n300 320 op\n400 420 -\n500 520 op").unwrap();
        let counters: &'static [AtomicU64] = (0..map.counters()).map(|_| AtomicU64::new(0)).collect::<Vec<_>>().leak();
        let mut out = Vec::new();
        let mut trace = Trace::new(counters, &mut out).unwrap();
        for &(start, insns, calls) in blocks {
            let block = Block { start, end: start + 2 * insns, place: map.place(start), calls };
            trace.step(Box::leak(Box::new(block)));
            counters[block.place.function].fetch_add(insns, Relaxed);
        }
        trace.finish().unwrap();
        drop(trace);
        String::from_utf8(out).unwrap().lines().map(str::to_owned).collect()
    }

    #[test]
    fn runs_and_ops_are_told_apart() {
        let lines = trace(&[
            (0x100, 3, true), // main calls the helper, outside of a run
            (0x400, 2, false),
            (0x106, 2, true), // calls run
            (0x200, 4, true), // calls op A
            (0x300, 3, true), // calls the helper
            (0x400, 2, false),
            (0x404, 2, false), // a jump within it
            (0x400, 2, false), // to its beginning, which is no entry
            (0x306, 1, false),
            (0x208, 1, true), // calls op B
            (0x500, 5, false),
            (0x20A, 2, false),
            (0x10A, 1, false),
        ]);
        let want = "leafgate-profile 1|run|1 1 4|op 2|2 1 4|3 1 6|on|1 0 1|op 4|4 1 5|on|1 0 2|out|0 0 6|3 1 2|end";
        assert_eq!(lines.join("|"), want);
    }

    #[test]
    fn an_op_that_was_jumped_to_ends_where_its_caller_goes_on() {
        let lines = trace(&[
            (0x100, 1, true),
            (0x200, 1, true),  // run calls the helper
            (0x400, 2, false), // which ends in a jump to op A
            (0x300, 3, false),
            (0x202, 1, false),
            (0x102, 1, false),
        ]);
        assert_eq!(lines.join("|"), "leafgate-profile 1|run|1 1 1|3 1 2|op 2|2 1 3|on|1 0 1|out|0 0 2|end");
    }

    #[test]
    fn a_call_that_is_not_taken_is_none() {
        let lines = trace(&[(0x100, 1, true), (0x102, 1, true), (0x200, 1, false), (0x104, 1, false)]);
        assert_eq!(lines.join("|"), "leafgate-profile 1|run|1 1 1|out|0 0 3|end");
    }

    #[test]
    fn a_program_that_ends_within_a_run_is_whole() {
        let lines = trace(&[(0x100, 1, true), (0x200, 1, false)]);
        assert_eq!(lines.join("|"), "leafgate-profile 1|run|1 1 1|out|0 0 1|end");
    }
}
