//! The power is cut at every byte that an update writes, and throughout every erasure; and cut again while it is made up for.

use leafgate_store::{Config, Layout};
use leafgate_tests_updates::device::{Device, Plan};
use leafgate_tests_updates::flash::Flash;
use leafgate_tests_updates::images;
use std::sync::atomic::{AtomicU64, Ordering};

/// What a device goes through: models by number, of which 3 fails its golden vectors.
const STORIES: [(&str, &[(usize, Plan)]); 4] = [
    ("update", &[(1, Plan::Confirm)]),
    ("there and back", &[(1, Plan::Confirm), (0, Plan::Confirm)]),
    ("not confirmed, then another", &[(1, Plan::Ignore), (2, Plan::Confirm)]),
    ("fails, then another", &[(3, Plan::Fail), (1, Plan::Confirm)]),
];

/// Second cuts that are tried for each first one.
const SECOND_CUTS: u64 = 12;

/// Every how manyth first cut is tried.
fn stride() -> u64 {
    std::env::var("LEAFGATE_CUTS").map_or(61, |text| text.parse().expect("LEAFGATE_CUTS is a number, 1 or more"))
}

fn models() -> Vec<Vec<u8>> {
    vec![images::small(), images::other(), images::third(), images::failing(images::third())]
}

/// Cuts a story everywhere. Gives the number of cuts.
fn cut_everywhere<const PAGE: usize, const WORD: usize, const ERASED: u8>(
    chunk_bytes: usize,
    models: &[Vec<u8>],
) -> u64 {
    let longest = models.iter().map(Vec::len).max().unwrap();
    let layout = Layout::contiguous(PAGE as u32, longest.next_multiple_of(PAGE) as u32, PAGE as u32);
    let config = Config::new(layout);
    let flash_bytes = layout.journal[1] as usize + PAGE;
    let mut cuts = 0;
    for (story, steps) in STORIES {
        let run = |powers: &[u64]| {
            // The seed says it all: a failure can be repeated.
            let seed = powers.iter().fold(PAGE as u64 + WORD as u64, |seed, power| seed * 1_000_003 + power);
            let flash = Flash::<PAGE, WORD, ERASED>::new(flash_bytes, seed);
            let mut device = Device::new(flash, config, models, chunk_bytes);
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| device.run(steps, powers)));
            assert!(outcome.is_ok(), "{story}, page {PAGE}, word {WORD}, erased {ERASED:#x}, cut after {powers:?}");
            (device.cuts, device.flash.used)
        };
        let (_, units) = run(&[]);
        let stride = stride();
        for first in (0..units).step_by(stride as usize) {
            let (cut, rest) = run(&[first]);
            assert_eq!(cut, 1, "{story}: every unit is a cut point");
            cuts += 1;
            for part in 0..SECOND_CUTS {
                // Spread over what is left to do, and never at the same places.
                let second = (rest * part + (first * 7919) % rest.max(1)) / SECOND_CUTS;
                cuts += run(&[first, second]).0 - 1;
            }
            // The nastiest second cut is one right after the first.
            cuts += run(&[first, first % 96]).0 - 1;
        }
    }
    cuts
}

#[test]
fn a_device_survives_every_cut() {
    let models = models();
    let models = models.as_slice();
    let jobs: [(&str, &(dyn Fn() -> u64 + Sync)); 10] = [
        ("page 256, word 1, erased 0xff", &|| cut_everywhere::<256, 1, 0xFF>(256, models)),
        ("page 256, word 4, erased 0xff", &|| cut_everywhere::<256, 4, 0xFF>(48, models)),
        ("page 256, word 8, erased 0x00", &|| cut_everywhere::<256, 8, 0>(256, models)),
        ("page 512, word 2, erased 0xff", &|| cut_everywhere::<512, 2, 0xFF>(16, models)),
        ("page 512, word 1, erased 0x00", &|| cut_everywhere::<512, 1, 0>(128, models)),
        ("page 1024, word 4, erased 0xff", &|| cut_everywhere::<1024, 4, 0xFF>(256, models)),
        ("page 2048, word 8, erased 0xff", &|| cut_everywhere::<2048, 8, 0xFF>(1024, models)),
        ("page 2048, word 4, erased 0x00", &|| cut_everywhere::<2048, 4, 0>(256, models)),
        ("page 4096, word 4, erased 0xff", &|| cut_everywhere::<4096, 4, 0xFF>(256, models)),
        ("page 4096, word 8, erased 0x00", &|| cut_everywhere::<4096, 8, 0>(4096, models)),
    ];
    let total = AtomicU64::new(0);
    let (next, count) = (AtomicU64::new(0), jobs.len());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                loop {
                    let i = next.fetch_add(1, Ordering::Relaxed) as usize;
                    let Some((name, job)) = jobs.get(i) else { break };
                    let cuts = job();
                    println!("{name}: {cuts} cuts");
                    total.fetch_add(cuts, Ordering::Relaxed);
                }
            });
        }
    });
    let total = total.into_inner();
    println!(
        "{total} power cuts in {count} geometries, every {}th first cut of each story: none lost a model",
        stride()
    );
    assert!(total * stride() > 250_000);
}

/// More cuts in a row than the journal is made for: whatever it loses, a model runs and the update ends.
#[test]
fn cuts_in_a_row_leave_a_model() {
    let models = models();
    let layout = Layout::contiguous(0, 3072, 512);
    let mut cuts = 0;
    for seed in 0..20_000 / stride().min(20) {
        let flash = Flash::<512, 4, 0xFF>::new(8192, seed);
        let mut device = Device::new(flash, Config::new(layout), &models, 256);
        let powers: Vec<u64> = (0..8).map(|i| (seed * 31 + i * i * 17) % 190).collect();
        device.run(&[(1, Plan::Confirm)], &powers);
        cuts += device.cuts;
    }
    println!("{cuts} cuts, eight in a row");
}

/// A record that was cut short may read as whole at one boot and as nothing at the next. Here the first cut is in the first records of an update, and the
/// second in what is erased next, again and again: the model that was confirmed must not be forgotten. (Without a journal the device would take slot A.)
#[test]
fn a_record_that_fades_takes_nothing_with_it() {
    let models = models();
    let config = Config::new(Layout::contiguous(0, 3072, 256));
    let device = |seed| Device::new(Flash::<256, 8, 0xFF>::new(7168, seed), config, &models, 256);
    let mut sample = device(0);
    sample.run(&[(1, Plan::Confirm)], &[]);
    let before = sample.flash.used;
    let mut cuts = 0;
    for first in 0..120 {
        for second in (0..60).step_by(3) {
            for seed in 0..8 {
                let mut device = device(first << 16 | second << 8 | seed);
                device.run(&[(1, Plan::Confirm), (0, Plan::Confirm)], &[before + first, second]);
                cuts += device.cuts;
            }
        }
    }
    println!("{cuts} cuts around the first records of an update");
}
