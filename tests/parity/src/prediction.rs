//! What was predicted of runs, held against what machines count.

use leafgate_convert::cost::{Outlook, Prediction, table};
use leafgate_convert::reference::{Crc, read};
use leafgate_emulate::Machine;

/// What to do if a prediction fails.
const REMEDY: &str = "if the runtime has changed, measure its pieces again: cargo xtask bench --costs";

/// How far the mean may be from that of a machine, and the bound above the largest count, in hundredths.
const MEAN_PERCENT: f64 = 3.0;
const MAX_PERCENT: f64 = 10.0;

/// The work of an image, on average over inputs.
///
/// # Panics
/// If it is no image, or does not take the inputs.
#[must_use]
pub fn outlook(image: &[u8], inputs: &[Vec<u8>]) -> Outlook {
    let image = read(image, Crc::Check).unwrap_or_else(|error| panic!("{error}"));
    Outlook::new(&image, inputs).unwrap_or_else(|error| panic!("{error}"))
}

/// What is predicted for a machine; none if its figure is not printed.
pub fn predicted(machine: &Machine, outlook: &Outlook) -> Result<Prediction, String> {
    let core = table().core(&machine.name).ok_or("no costs of this core")?;
    outlook.predict(core)
}

/// No run takes more than the bound, or less than the other one.
///
/// # Panics
/// If one does.
pub fn within_bounds(machine: &Machine, name: &str, prediction: &Prediction, insns: &[u64]) {
    let run = &prediction.run;
    for (i, insns) in insns.iter().enumerate() {
        let (least, most) = (run.min_insns, run.max_insns);
        assert!(
            (least..=most).contains(insns),
            "{} {name}: input {i} takes {insns} instructions, predicted were {least} to {most}; {REMEDY}",
            machine.name
        );
    }
}

/// Mean and bound are as close as is promised. Gives how far they are off, in hundredths.
///
/// # Panics
/// If they are not, or there is no mean.
pub fn is_close(machine: &Machine, name: &str, prediction: &Prediction, insns: &[u64]) -> [f64; 2] {
    let mean = insns.iter().sum::<u64>() as f64 / insns.len() as f64;
    let most = insns.iter().max().copied().unwrap_or(0) as f64;
    let predicted = prediction.run.mean_insns.expect("inputs to average over") as f64;
    let off = [100.0 * (predicted / mean - 1.0), 100.0 * (prediction.run.max_insns as f64 / most - 1.0)];
    assert!(
        off[0].abs() <= MEAN_PERCENT,
        "{} {name}: {mean:.0} instructions on average, predicted {predicted} ({:+.1} %); {REMEDY}",
        machine.name,
        off[0]
    );
    assert!(
        off[1] <= MAX_PERCENT,
        "{} {name}: at most {most} instructions, the bound is {} ({:+.1} %); {REMEDY}",
        machine.name,
        prediction.run.max_insns,
        off[1]
    );
    off
}
