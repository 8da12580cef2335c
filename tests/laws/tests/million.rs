//! A million mutations, all put right again: each is refused with a typed error or runs to its end inside its arena.

use std::path::Path;

use leafgate_tests_laws::mutate::mutate;
use leafgate_tests_laws::samples::{small, zoo};
use leafgate_tests_laws::trial::{Bench, Outcome};
use leafgate_tests_laws::workers::{Tally, count_from, trials};

fn attempt(samples: &[leafgate_tests_laws::samples::Sample], count: usize) -> Tally {
    trials(
        "million",
        Path::new(env!("CARGO_TARGET_TMPDIR")),
        samples,
        count,
        |bench: &mut Bench, sample, draw, bytes| {
            *bytes = mutate(&sample.image, draw);
            match bench.attempt(bytes, draw) {
                Outcome::Refused(error) => format!("refused: {:?}", error.defect),
                Outcome::TooCostly => "accepted, too costly to run".into(),
                Outcome::Ran => "accepted, ran".into(),
            }
        },
    )
}

#[test]
fn mutations_are_refused_or_run() {
    let count = count_from("LEAFGATE_MUTATIONS", 1_000_000);
    // The zoo's images are large, and most of a trial is then their checksum: one trial in fifty.
    let large = zoo();
    let for_large = if large.is_empty() { 0 } else { count / 50 };
    let mut tally = attempt(&small(), count - for_large);
    for (outcome, count) in attempt(&large, for_large) {
        *tally.entry(outcome).or_default() += count;
    }
    let total: u64 = tally.values().sum();
    for (outcome, count) in &tally {
        println!("{count:>9} {:>6.2} % {outcome}", 100.0 * *count as f64 / total as f64);
    }
    let accepted: u64 =
        tally.iter().filter(|(outcome, _)| outcome.starts_with("accepted")).map(|(_, count)| count).sum();
    println!(
        "{total} mutations of {} images, {accepted} of them ({:.1} %) get past parse",
        small().len() + large.len(),
        100.0 * accepted as f64 / total as f64
    );
    if std::env::var_os("LEAFGATE_TRIAL").is_none() {
        assert_eq!(total, count as u64);
        assert!(5 * accepted >= total, "{accepted} of {total} get past parse, wanted 20 %");
        let costly = tally.get("accepted, too costly to run").copied().unwrap_or(0);
        assert!(20 * costly <= accepted, "{costly} of {accepted} were not run");
    }
}
