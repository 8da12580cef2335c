//! Places for the signals of a netlist, and the order of its gates.
//!
//! Gates run level by level, sorted by function, in series that share a loop; outputs, which no gate reads, come last. A series writes signals that follow each other, where no
//! signal lies that is still read: the lowest such place. Outputs have places of their own, in their order. The number of places is
//! a power of two, so that a kernel bounds an index by a mask: up to twice the memory for a quarter of the time.

use super::integer::Series;
use crate::ConvertError;
use crate::ir::netlist::Netlist;

/// Places that a gate's wires can name.
const MAX_SIGNALS: usize = 1 << 16;

/// A netlist as the image holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// Places of the operands of each gate, in the order in which gates run.
    pub wires: Vec<[u16; 2]>,
    /// Gates of one function.
    pub series: Vec<Series>,
    /// Places, a power of two.
    pub signals: usize,
    /// Place of the first output; the others follow.
    pub outputs: usize,
}

/// Lays out `netlist`.
///
/// # Errors
/// If more signals are needed at once than wires can name.
pub(super) fn lay_out(name: &str, netlist: &Netlist) -> Result<Layout, ConvertError> {
    let series = order(netlist);
    let last_read = last_reads(netlist, &series);
    // Until which series what lies there is read.
    let mut busy: Vec<Option<usize>> = vec![None; 32 * netlist.inputs.div_ceil(32)];
    let mut place = vec![0usize; netlist.inputs + netlist.gates.len()];
    for input in 0..netlist.inputs {
        place[input] = 32 * (input / 32) + 4 * (input % 8) + input % 32 / 8;
        busy[place[input]] = last_read[input];
    }
    let mut firsts = Vec::new();
    for (now, series) in series.iter().enumerate() {
        let first = match series.output {
            // Known when all others have a place.
            Some(output) => output,
            None => {
                let first = free(&mut busy, series.gates.len(), now);
                for (i, &gate) in series.gates.iter().enumerate() {
                    place[netlist.inputs + gate] = first + i;
                    busy[first + i] = Some(last_read[netlist.inputs + gate].unwrap_or(now));
                }
                first
            }
        };
        firsts.push(first);
    }
    let outputs = busy.len();
    for (output, &signal) in netlist.outputs.iter().enumerate() {
        place[signal as usize] = outputs + output;
    }
    let signals = (outputs + netlist.outputs.len()).next_power_of_two().max(32);
    if signals > MAX_SIGNALS {
        return Err(ConvertError::TooLarge {
            place: format!("layer `{name}`"),
            what: "signals needed at once".into(),
            want: MAX_SIGNALS as u64,
            have: (outputs + netlist.outputs.len()) as u64,
        });
    }
    let wire = |signal: u32| place[signal as usize] as u16;
    let wires = series.iter().flat_map(|series| &series.gates).map(|&gate| {
        let gate = netlist.gates[gate];
        [wire(gate.a), wire(gate.b)]
    });
    let wires = wires.collect();
    let series = series.iter().zip(firsts).map(|(series, first)| Series {
        function: series.function,
        gates: series.gates.len(),
        first: if series.output.is_some() { outputs + first } else { first },
    });
    Ok(Layout { wires, series: series.collect(), signals, outputs })
}

/// Gates of one function that run one after the other.
struct Run {
    function: u8,
    gates: Vec<usize>,
    /// The first output that they are, if they are outputs.
    output: Option<usize>,
}

/// The gates in order: by level, then outputs. The order of functions turns with each level, so that the last of one and the first of the
/// next are one series.
fn order(netlist: &Netlist) -> Vec<Run> {
    let levels = netlist.levels();
    let mut output: Vec<Option<usize>> = vec![None; levels.len()];
    for (i, &signal) in netlist.outputs.iter().enumerate() {
        output[signal as usize] = Some(i);
    }
    let mut gates: Vec<usize> = (0..netlist.gates.len()).collect();
    gates.sort_by_key(|&gate| {
        let signal = netlist.inputs + gate;
        let level = if output[signal].is_some() { u32::MAX } else { levels[signal] };
        let function = netlist.gates[gate].function;
        let turned = if level % 2 == 0 { function } else { u8::MAX - function };
        // Outputs in their order, in which functions follow each other.
        (level, output[signal], if output[signal].is_none() { turned } else { 0 }, gate)
    });
    let mut runs: Vec<Run> = Vec::new();
    for gate in gates {
        let (function, own) = (netlist.gates[gate].function, output[netlist.inputs + gate]);
        match runs.last_mut() {
            Some(run)
                if run.function == function
                    && own == run.output.map(|first| first + run.gates.len())
                    && own.is_some() == run.output.is_some() =>
            {
                run.gates.push(gate);
            }
            _ => runs.push(Run { function, gates: vec![gate], output: own }),
        }
    }
    runs
}

/// By signal, the last series that reads it.
fn last_reads(netlist: &Netlist, series: &[Run]) -> Vec<Option<usize>> {
    let mut last = vec![None; netlist.inputs + netlist.gates.len()];
    for (now, series) in series.iter().enumerate() {
        for &gate in &series.gates {
            let gate = netlist.gates[gate];
            for signal in [gate.a, gate.b] {
                last[signal as usize] = Some(now);
            }
        }
    }
    last
}

/// The lowest `count` places in a row that nobody reads from series `now` on; the last of them may be new.
fn free(busy: &mut Vec<Option<usize>>, count: usize, now: usize) -> usize {
    let mut first = 0;
    for (i, until) in busy.iter().enumerate() {
        if i - first == count {
            return first;
        }
        if until.is_some_and(|until| until >= now) {
            first = i + 1;
        }
    }
    busy.resize(busy.len().max(first + count), None);
    first
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::netlist::Gate;

    /// The image's own way to run a netlist, signal by signal.
    fn run(layout: &Layout, inputs: &[bool], outputs: usize) -> Vec<bool> {
        let mut signals = vec![None; layout.signals];
        for (i, &input) in inputs.iter().enumerate() {
            signals[32 * (i / 32) + 4 * (i % 8) + i % 32 / 8] = Some(input);
        }
        let mut wires = layout.wires.iter();
        for series in &layout.series {
            for i in 0..series.gates {
                let [a, b] =
                    wires.next().unwrap().map(|at| u8::from(signals[usize::from(at)].expect("written before")));
                signals[series.first + i] = Some(series.function >> (3 - 2 * a - b) & 1 == 1);
            }
        }
        signals[layout.outputs..layout.outputs + outputs].iter().map(|signal| signal.unwrap()).collect()
    }

    fn random(inputs: usize, gates: usize, outputs: usize, near: usize, seed: u64) -> Netlist {
        let mut state = seed;
        let mut draw = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % below
        };
        let mut netlist = Netlist { inputs, ..Netlist::default() };
        for gate in 0..gates {
            let mut signal = || (inputs + gate - 1 - draw(near.min(inputs + gate))) as u32;
            let (a, b) = (signal(), signal());
            netlist.gates.push(Gate { function: [1, 2, 6, 7, 11, 14][draw(6)], a, b });
        }
        for output in 0..outputs {
            let (a, b) = ((inputs + gates - 1 - output * gates / outputs) as u32, draw(inputs + gates) as u32);
            netlist.gates.push(Gate { function: [1, 8, 14][draw(3)], a, b });
            netlist.outputs.push((inputs + gates + output) as u32);
        }
        netlist
    }

    #[test]
    fn a_layout_computes_what_the_netlist_says() {
        for seed in 0..60 {
            let (inputs, near) = (1 + seed as usize * 7 % 90, [5, 40, 1000][seed as usize % 3]);
            let netlist = random(inputs, 300, 1 + seed as usize, near, seed);
            let layout = lay_out("gates", &netlist).unwrap();
            assert!(layout.signals.is_power_of_two());
            for sample in 0..8u64 {
                let bits: Vec<bool> =
                    (0..inputs).map(|i| ((seed + 7) * (sample + 3) * 0x9E37_79B9) >> (i % 29) & 1 == 1).collect();
                let words: Vec<u64> = bits.iter().map(|&bit| u64::from(bit)).collect();
                let want: Vec<bool> = netlist.evaluate(&words).iter().map(|word| word & 1 == 1).collect();
                assert_eq!(run(&layout, &bits, want.len()), want, "seed {seed}");
            }
        }
    }

    #[test]
    fn places_are_used_again() {
        // Two hundred levels of some fifty gates each.
        let layout = lay_out("gates", &random(64, 10_000, 10, 100, 3)).unwrap();
        assert!(layout.signals <= 1024, "{}", layout.signals);
    }

    #[test]
    fn too_many_signals_are_an_error() {
        let mut netlist = Netlist { inputs: 1 << 16, ..Netlist::default() };
        netlist.gates.push(Gate { function: 1, a: 0, b: 65535 });
        netlist.outputs.push(1 << 16);
        assert!(lay_out("gates", &netlist).is_err());
    }
}
