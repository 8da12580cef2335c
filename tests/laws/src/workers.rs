//! Trials on two threads, each repeatable by its name.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use crate::draw::Draw;
use crate::samples::Sample;

/// As many as the machines that run the tests have cores.
const THREADS: usize = 2;

/// How often each outcome came up.
pub type Tally = BTreeMap<String, u64>;

/// A number from the environment.
///
/// # Panics
/// If it is set and is no number.
pub fn count_from(variable: &str, otherwise: usize) -> usize {
    match std::env::var(variable) {
        Ok(text) => text.replace('_', "").parse().unwrap_or_else(|_| panic!("{variable}={text} is no number")),
        Err(_) => otherwise,
    }
}

/// Makes `count` trials, each of sample `n % samples` with numbers from a seed of its own. `each` gets memory of its thread, the sample
/// and the numbers; it puts what it tries into the buffer and says what came of it.
///
/// # Panics
/// If a trial does, after saying which it was and leaving its bytes in `folder`.
pub fn trials<M: Default>(
    test: &str,
    folder: &Path,
    samples: &[Sample],
    count: usize,
    each: impl Fn(&mut M, &Sample, &mut Draw, &mut Vec<u8>) -> String + Sync,
) -> Tally {
    let only = std::env::var("LEAFGATE_TRIAL").ok();
    let work = |thread: usize| {
        let (mut memory, mut bytes, mut tally) = (M::default(), Vec::new(), Tally::new());
        for n in (thread..count).step_by(THREADS) {
            let sample = &samples[n % samples.len()];
            let name = format!("{}:{n}", sample.name);
            if only.as_ref().is_some_and(|only| *only != name) {
                continue;
            }
            let mut draw = Draw::new(n as u64);
            let result = catch_unwind(AssertUnwindSafe(|| each(&mut memory, sample, &mut draw, &mut bytes)));
            match result {
                Ok(outcome) => *tally.entry(outcome).or_default() += 1,
                Err(_) => {
                    let file = folder.join(format!("failed-{}.leaf", name.replace(':', "-")));
                    let kept = std::fs::write(&file, &bytes);
                    panic!(
                        "trial {name} failed, its bytes are in {} ({kept:?}); repeat it with\n  \
                         LEAFGATE_TRIAL={name} cargo test --package leafgate-tests-laws --test {test}",
                        file.display()
                    );
                }
            }
        }
        tally
    };
    let tallies = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let work = &work;
                scope.spawn(move || work(thread))
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("a trial failed, see above")).collect::<Vec<_>>()
    });
    let mut all = Tally::new();
    for (outcome, count) in tallies.into_iter().flatten() {
        *all.entry(outcome).or_default() += count;
    }
    all
}
