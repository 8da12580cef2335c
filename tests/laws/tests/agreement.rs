//! Engine and reference accept the same images and give the same integers.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;

use leafgate_tests_laws::agree::compare;
use leafgate_tests_laws::mutate::mutate;
use leafgate_tests_laws::samples::{Sample, all, small};
use leafgate_tests_laws::workers::{count_from, trials};

#[test]
fn whole_images_agree() {
    let verdicts = all().into_iter().map(|Sample { name, image }| {
        let verdict = compare(&image, 16, &mut leafgate_tests_laws::draw::Draw::new(1));
        println!("{name}: {}", verdict.summary());
        verdict
    });
    for verdict in verdicts {
        assert!(matches!(verdict, leafgate_tests_laws::agree::Verdict::Agreed { ran: true }), "{verdict:?}");
    }
}

#[test]
fn mutations_agree() {
    let count = count_from("LEAFGATE_AGREEMENT", 100_000);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    // The smallest case of each kind of disagreement, to look at.
    let cases: Mutex<BTreeMap<String, (String, Vec<u8>)>> = Mutex::default();
    let tally = trials("agreement", folder, &small(), count, |(): &mut (), sample, draw, bytes| {
        *bytes = mutate(&sample.image, draw);
        let verdict = compare(bytes, 2, draw);
        let summary = verdict.summary();
        if !verdict.is_agreement() && verdict.excuse().is_none() {
            let mut cases = cases.lock().expect("no trial panics while it holds this");
            let case = (format!("{}: {verdict:?}", sample.name), bytes.clone());
            let kept = cases.entry(summary.clone()).or_insert_with(|| case.clone());
            if bytes.len() < kept.1.len() {
                *kept = case;
            }
        }
        match verdict.excuse() {
            Some(excuse) => format!("{summary} (excused: {excuse})"),
            None => summary,
        }
    });
    for (outcome, count) in &tally {
        println!("{count:>8} {outcome}");
    }
    let cases = cases.into_inner().expect("no trial panicked");
    for (i, (what, (case, bytes))) in cases.iter().enumerate() {
        let file = folder.join(format!("disagreement-{i}.leaf"));
        println!("\n{what}\n  {case}\n  {} ({:?})", file.display(), std::fs::write(&file, bytes));
    }
    assert!(cases.is_empty(), "{} kinds of disagreement", cases.len());
}
