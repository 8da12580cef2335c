//! Wrong content, wrong senders, wrong signatures: a typed error, and what ran still runs.

use leafgate::{Arena, Defect, Model};
use leafgate_store::{
    Config, Layout, LayoutError, Refusal, Slot, Status, Store, TRAILER_HEAD_BYTES, Trailer, Update, UpdateError,
};
use leafgate_tests_updates::device::receive;
use leafgate_tests_updates::flash::Flash;
use leafgate_tests_updates::images;
use proptest::prelude::*;
use zerocopy::IntoBytes;

type Nor = Flash<256, 4, 0xFF>;

const LAYOUT: Layout = Layout::contiguous(0, 3072, 256);
const FLASH_BYTES: usize = 2 * 3072 + 2 * 256;
const CONFIG: Config = Config::new(LAYOUT);

/// A device that was flashed with this model, opened.
fn opened(flash: &mut Nor, config: Config) -> Store<&mut Nor> {
    Store::open(flash, config, Arena::<256>::new().as_mut_slice()).unwrap()
}

fn flashed(image: &[u8]) -> Nor {
    let mut flash = Nor::new(FLASH_BYTES, 1);
    flash.put(LAYOUT.start(Slot::A) as usize, image);
    flash
}

/// What comes of an update, and that the old model runs before and after a reset.
fn refused(config: Config, old: &[u8], update: &[u8]) -> UpdateError {
    let mut flash = flashed(old);
    let mut store = opened(&mut flash, config);
    assert_eq!(store.status(), Status::Confirmed);
    let error = receive(&mut store, update, 256, || ()).unwrap_err();
    assert!(store.bytes().starts_with(old));
    let store = opened(&mut flash, config);
    assert_eq!(store.status(), Status::Confirmed);
    assert!(store.bytes().starts_with(old));
    error
}

#[test]
fn what_is_no_model_is_not_tried() {
    let (old, new) = (images::small(), images::other());
    let refused = |update: &[u8]| refused(CONFIG, &old, update);
    let image = |update: &[u8]| match refused(update) {
        UpdateError::Refused(Refusal::Image(error)) => error.defect,
        error => panic!("{error:?}"),
    };
    assert_eq!(image(&[0; 64]), Defect::Magic);
    assert_eq!(image(&new[..new.len() - 16]), Defect::Truncated);
    let mut damaged = new.clone();
    damaged[1000] ^= 4;
    assert_eq!(image(&damaged), Defect::Checksum);
    let size = |have| UpdateError::Size { want: 3072, have };
    assert_eq!(refused(&[]), size(0));
    assert_eq!(refused(&new[..40]), size(40));
    assert_eq!(refused(&[0; 3088]), size(3088));
    // What is smaller than an image's header is refused as one.
    assert_eq!(image(&new[..16]), Defect::Truncated);
}

#[test]
fn an_image_that_this_firmware_cannot_run_is_not_tried() {
    let old = images::small();
    // An ability that no version has yet.
    let mut later = images::other();
    later[18] |= 0x80;
    let crc32 = leafgate::image::image_crc32(&later);
    later[12..16].copy_from_slice(&crc32.to_le_bytes());
    let UpdateError::Refused(Refusal::Image(error)) = refused(CONFIG, &old, &later) else { panic!() };
    assert_eq!(error.defect, Defect::Features);
    // Weights of few bits, and matrices for the kernels of a core, are cargo features; a build of many packages together may have them.
    for name in ["residual-w4", "dense-dsp"] {
        let path = format!("{}/../fuzz/corpus/{name}.leaf", env!("CARGO_MANIFEST_DIR"));
        let bytes = std::fs::read(path).unwrap();
        let mut aligned = vec![0_u128; bytes.len() / 16];
        aligned.as_mut_bytes().copy_from_slice(&bytes);
        match Model::parse(aligned.as_bytes()) {
            Ok(_) => println!("SKIPPED {name}: this build has its cargo feature"),
            Err(error) => assert_eq!(refused(CONFIG, &old, &bytes), Refusal::Image(error).into(), "{name}"),
        }
    }
}

#[test]
fn an_image_for_a_larger_arena_is_not_tried() {
    let mut flash = flashed(&images::small());
    let mut arena = Arena::<64>::new();
    // 61 bytes are wanted by the one that runs, 276 by the new one.
    let mut store = Store::open(&mut flash, CONFIG, arena.as_mut_slice()).unwrap();
    let path = format!("{}/../fuzz/corpus/wide.leaf", env!("CARGO_MANIFEST_DIR"));
    let error = receive(&mut store, &std::fs::read(path).unwrap(), 256, || ()).unwrap_err();
    assert_eq!(error, Refusal::Arena(leafgate::ArenaError::TooSmall { want: 276, have: 64 }).into());
}

#[test]
fn a_model_that_fails_its_golden_vectors_falls_back() {
    let (old, bad) = (images::small(), images::failing(images::third()));
    let mut flash = flashed(&old);
    receive(&mut opened(&mut flash, CONFIG), &bad, 256, || ()).unwrap();
    let store = opened(&mut flash, CONFIG);
    assert!(matches!(store.status(), Status::FellBack(Refusal::SelfTest(_))), "{:?}", store.status());
    assert!(store.bytes().starts_with(&old));
    assert_eq!(opened(&mut flash, CONFIG).status(), Status::Unconfirmed);
}

#[test]
fn an_update_is_tried_confirmed_and_stays() {
    let (old, new) = (images::small(), images::other());
    let mut flash = flashed(&old);
    let mut store = opened(&mut flash, CONFIG);
    receive(&mut store, &new, 64, || ()).unwrap();
    // It may be ended twice, and what runs is still the old one.
    store.finish().unwrap();
    assert!(store.bytes().starts_with(&old));
    assert_eq!(store.confirm(), Err(UpdateError::NoTrial));
    let mut store = opened(&mut flash, CONFIG);
    assert_eq!((store.status(), store.slot()), (Status::OnTrial, Some(Slot::B)));
    // While on trial, no other update: it would go where the device falls back to.
    assert_eq!(store.begin(Update::of(&old), false), Err(UpdateError::OnTrial));
    assert_eq!(store.begin(Update::of(&new), false), Err(UpdateError::Installed));
    store.confirm().unwrap();
    let mut store = opened(&mut flash, CONFIG);
    assert_eq!((store.status(), store.slot()), (Status::Confirmed, Some(Slot::B)));
    assert!(store.bytes().starts_with(&new));
    assert_eq!(store.begin(Update::of(&new), false), Err(UpdateError::Installed));
}

#[test]
fn an_unconfirmed_trial_falls_back_and_may_be_asked_for_again() {
    let (old, new) = (images::small(), images::other());
    let mut flash = flashed(&old);
    receive(&mut opened(&mut flash, CONFIG), &new, 256, || ()).unwrap();
    assert_eq!(opened(&mut flash, CONFIG).status(), Status::OnTrial);
    for _ in 0..2 {
        let store = opened(&mut flash, CONFIG);
        assert_eq!(store.status(), Status::Unconfirmed);
        assert!(store.bytes().starts_with(&old));
    }
    // All of it is there: nothing is sent again.
    let mut store = opened(&mut flash, CONFIG);
    assert_eq!(store.begin(Update::of(&new), false), Ok(new.len() as u32));
    store.finish().unwrap();
    opened(&mut flash, CONFIG).confirm().unwrap();
    assert!(opened(&mut flash, CONFIG).bytes().starts_with(&new));
}

#[test]
fn an_interrupted_update_goes_on() {
    let (old, new) = (images::small(), images::other());
    let mut flash = flashed(&old);
    let mut store = opened(&mut flash, CONFIG);
    store.begin(Update::of(&new), false).unwrap();
    let mut at = 0;
    while at < 2048 {
        at = store.write(at, &new[at as usize..][..128]).unwrap();
    }
    // In the same session it goes on at the byte.
    assert_eq!(store.begin(Update::of(&new), false), Ok(2048));
    let mut store = opened(&mut flash, CONFIG);
    // After a reset at a page that was there for sure.
    let at = store.begin(Update::of(&new), false).unwrap();
    assert!(at.is_multiple_of(256) && (1024..=2048).contains(&at), "{at}");
    assert_eq!(store.write(2048, &new[2048..2064]), Err(UpdateError::Offset { want: at, have: 2048 }));
    // Another update begins at the front.
    assert!(matches!(store.begin(Update::of(&images::third()), false), Err(UpdateError::Busy { .. })));
    assert_eq!(store.begin(Update::of(&images::third()), true), Ok(0));
    assert_eq!(store.begin(Update::of(&new), true), Ok(0));
}

#[test]
fn chunks_may_repeat_overlap_and_not_leave_gaps() {
    let (old, new) = (images::small(), images::other());
    let mut flash = flashed(&old);
    let mut store = opened(&mut flash, CONFIG);
    assert_eq!(store.write(0, &new[..16]), Err(UpdateError::NotBegun));
    assert_eq!(store.finish(), Err(UpdateError::NotBegun));
    store.begin(Update::of(&new), false).unwrap();
    assert_eq!(store.write(0, &new[..256]), Ok(256));
    assert_eq!(store.write(0, &new[..256]), Ok(256));
    assert_eq!(store.write(128, &new[128..512]), Ok(512));
    assert_eq!(store.write(528, &new[528..544]), Err(UpdateError::Offset { want: 512, have: 528 }));
    assert_eq!(store.write(512, &new[512..520]), Err(UpdateError::Chunk { have: 8 }));
    assert_eq!(store.write(512, &[0; 4096]), Err(UpdateError::Chunk { have: 4096 }));
    assert_eq!(store.write(u32::MAX - 15, &[0; 16]), Err(UpdateError::Chunk { have: 16 }));
    assert_eq!(store.finish(), Err(UpdateError::Offset { want: 512, have: new.len() as u32 }));
    assert_eq!(store.write(512, &new[512..]), Ok(new.len() as u32));
    store.finish().unwrap();
}

#[test]
fn an_empty_device_takes_its_first_model() {
    let new = images::other();
    let mut flash = Nor::new(FLASH_BYTES, 1);
    let mut store = opened(&mut flash, CONFIG);
    assert!(matches!(store.status(), Status::Empty { a: Refusal::Image(_), b: Refusal::Image(_) }));
    assert_eq!((store.slot(), store.bytes()), (None, &[][..]));
    receive(&mut store, &new, 256, || ()).unwrap();
    opened(&mut flash, CONFIG).confirm().unwrap();
    assert!(opened(&mut flash, CONFIG).bytes().starts_with(&new));
}

#[test]
fn a_damaged_model_gives_way_to_the_other_slot() {
    let (old, new) = (images::small(), images::other());
    let mut flash = flashed(&old);
    receive(&mut opened(&mut flash, CONFIG), &new, 256, || ()).unwrap();
    opened(&mut flash, CONFIG).confirm().unwrap();
    let start = LAYOUT.start(Slot::B) as usize;
    flash.put(start + 1000, &[0; 16]);
    let mut store = opened(&mut flash, CONFIG);
    assert!(matches!(store.status(), Status::Recovered(Refusal::Image(_))));
    assert!(store.bytes().starts_with(&old));
    // And the damaged one can be replaced.
    receive(&mut store, &new, 256, || ()).unwrap();
    opened(&mut flash, CONFIG).confirm().unwrap();
    let store = opened(&mut flash, CONFIG);
    assert_eq!((store.status(), store.slot()), (Status::Confirmed, Some(Slot::B)));
}

const SEEDS: [[u8; 32]; 3] = [[1; 32], [2; 32], [3; 32]];

fn public(seed: &[u8; 32]) -> [u8; 32] {
    salty::Keypair::from(seed).public.to_bytes()
}

fn signed(image: &[u8], version: u32, seed: &[u8; 32]) -> Vec<u8> {
    let pair = salty::Keypair::from(seed);
    let key = pair.public.to_bytes();
    let mut bytes = image.to_vec();
    bytes.extend(Trailer::head(version, [key[0], key[1], key[2], key[3]]));
    let signature = pair.sign(&bytes).to_bytes();
    bytes.extend(signature);
    bytes
}

/// A store that knows the first two keys.
fn signed_config() -> Config {
    static KEYS: std::sync::OnceLock<[[u8; 32]; 2]> = std::sync::OnceLock::new();
    CONFIG.signed_with(KEYS.get_or_init(|| [public(&SEEDS[0]), public(&SEEDS[1])]))
}

#[test]
fn signatures_are_asked_for() {
    let (config, old) = (signed_config(), signed(&images::small(), 5, &SEEDS[0]));
    let refused = |update: &[u8]| match refused(config, &old, update) {
        UpdateError::Refused(refusal) => refusal,
        error => panic!("{error:?}"),
    };
    let new = images::other();
    assert_eq!(refused(&new), Refusal::Unsigned);
    let good = signed(&new, 6, &SEEDS[1]);
    // Cut off, it is not signed.
    assert_eq!(refused(&good[..good.len() - 16]), Refusal::Unsigned);
    let key = u32::from_le_bytes(*public(&SEEDS[2]).first_chunk().unwrap());
    assert_eq!(refused(&signed(&new, 6, &SEEDS[2])), Refusal::Key { have: key });
    assert_eq!(refused(&signed(&new, 4, &SEEDS[0])), Refusal::Version { want: 5, have: 4 });
    // A key that says it is another.
    let mut forged = signed(&new, 6, &SEEDS[2]);
    forged[new.len() + 12..new.len() + 16].copy_from_slice(&public(&SEEDS[0])[..4]);
    assert_eq!(refused(&forged), Refusal::Signature);
    // Bits all over the trailer. The first eight bytes make it none, the last four of the head another key.
    for bit in (0..80 * 8).step_by(5) {
        let mut damaged = good.clone();
        damaged[new.len() + bit / 8] ^= 1 << (bit % 8);
        let want: &[fn(&Refusal) -> bool] = &[
            |refusal| matches!(refusal, Refusal::Unsigned),
            |refusal| matches!(refusal, Refusal::Signature | Refusal::Version { .. }),
            |refusal| matches!(refusal, Refusal::Key { .. }),
            |refusal| matches!(refusal, Refusal::Signature),
        ];
        let want = want[match bit / 8 {
            0..8 => 0,
            8..12 => 1,
            12..16 => 2,
            _ => 3,
        }];
        let have = refused(&damaged);
        assert!(want(&have), "bit {bit}: {have:?}");
    }
    // A signed image, with a byte of it and its checksum changed.
    let mut other = images::failing(new.clone());
    other.extend(&good[new.len()..]);
    assert_eq!(refused(&other), Refusal::Signature);
    assert_eq!(TRAILER_HEAD_BYTES, 16);
}

#[test]
fn versions_only_grow() {
    let config = signed_config();
    let [five, six, eight] = [
        signed(&images::small(), 5, &SEEDS[0]),
        signed(&images::other(), 6, &SEEDS[1]),
        signed(&images::third(), 8, &SEEDS[0]),
    ];
    let mut flash = flashed(&five);
    receive(&mut opened(&mut flash, config), &six, 256, || ()).unwrap();
    // On trial it does not count yet: without being confirmed, the old one may run.
    assert_eq!(opened(&mut flash, config).status(), Status::OnTrial);
    let mut store = opened(&mut flash, config);
    assert_eq!(store.status(), Status::Unconfirmed);
    receive(&mut store, &six, 256, || ()).unwrap();
    opened(&mut flash, config).confirm().unwrap();
    // Confirmed, it does.
    let mut store = opened(&mut flash, config);
    let error = receive(&mut store, &five, 256, || ()).unwrap_err();
    assert_eq!(error, Refusal::Version { want: 6, have: 5 }.into());
    receive(&mut store, &eight, 256, || ()).unwrap();
    opened(&mut flash, config).confirm().unwrap();
    let mut store = opened(&mut flash, config);
    assert_eq!(store.report().floor, 8);
    assert_eq!(receive(&mut store, &six, 256, || ()), Err(Refusal::Version { want: 8, have: 6 }.into()));
    // The same version again is no step back.
    receive(&mut store, &signed(&images::other(), 8, &SEEDS[1]), 256, || ()).unwrap();
    opened(&mut flash, config).confirm().unwrap();
    // Nor does a damaged model bring an older one back to life.
    let start = LAYOUT.start(opened(&mut flash, config).slot().unwrap()) as usize;
    flash.put(start + 1000, &[0; 16]);
    assert!(matches!(opened(&mut flash, config).status(), Status::Recovered(_)));
}

#[test]
fn an_older_version_does_not_run_again_when_the_newer_is_damaged() {
    let config = signed_config();
    let mut flash = flashed(&signed(&images::small(), 5, &SEEDS[0]));
    receive(&mut opened(&mut flash, config), &signed(&images::other(), 6, &SEEDS[0]), 256, || ()).unwrap();
    opened(&mut flash, config).confirm().unwrap();
    flash.put(LAYOUT.start(Slot::B) as usize + 1000, &[0; 16]);
    let status = opened(&mut flash, config).status();
    let a = Refusal::Version { want: 6, have: 5 };
    assert!(matches!(status, Status::Empty { a: have, .. } if have == a), "{status:?}");
}

#[test]
fn layouts_are_checked() {
    let check = |layout: Layout| layout.check(256, 4, 8192);
    assert_eq!(check(LAYOUT), Ok(()));
    assert_eq!(LAYOUT.check(100, 4, 8192), Err(LayoutError::PageBytes { have: 100 }));
    assert_eq!(LAYOUT.check(64, 4, 8192), Err(LayoutError::PageBytes { have: 64 }));
    assert_eq!(LAYOUT.check(256, 32, 8192), Err(LayoutError::WriteBytes { have: 32 }));
    assert_eq!(LAYOUT.check(256, 0, 8192), Err(LayoutError::WriteBytes { have: 0 }));
    assert_eq!(LAYOUT.check(256, 4, 6655), Err(LayoutError::Outside { want: 6655, have: 6400 }));
    assert_eq!(check(Layout { slot_bytes: 0, ..LAYOUT }), Err(LayoutError::Misaligned { want: 256, have: 0 }));
    assert_eq!(check(Layout { slots: [8, 3072], ..LAYOUT }), Err(LayoutError::Misaligned { want: 256, have: 8 }));
    assert_eq!(check(Layout { slots: [0, 2816], ..LAYOUT }), Err(LayoutError::Overlap { first: 0, second: 2816 }));
    let last = u32::MAX - 255;
    assert_eq!(check(Layout { journal: [6144, last], ..LAYOUT }), Err(LayoutError::Outside { want: 8192, have: last }));
    assert_eq!(
        check(Layout { journal: [6144, 6144], ..LAYOUT }),
        Err(LayoutError::Overlap { first: 6144, second: 6144 })
    );
}

proptest! {
    /// Whatever lies in journal and slots: the device boots, and takes an update to its end.
    #[test]
    fn any_content_is_borne(
        noise in proptest::collection::vec(any::<u8>(), 1..600),
        at in 0..FLASH_BYTES,
        records in proptest::collection::vec((0_u8..5, 0_u8..3, any::<u32>(), 0_u32..4000, any::<u32>(), 0_u32..4000, 0..16_u32), 0..12),
        with_model: bool,
    ) {
        let mut flash = if with_model { flashed(&images::small()) } else { Nor::new(FLASH_BYTES, 1) };
        let end = FLASH_BYTES.min(at + noise.len());
        flash.put(at, &noise[..end - at]);
        // Records with good checksums that say anything.
        for (phase, active, generation, bytes, crc32, progress, place) in records {
            let mut record = Vec::new();
            for word in [u32::from_le_bytes(*b"LGJ1"), generation, u32::from(phase) | u32::from(active) << 8, 0, bytes, crc32, progress] {
                record.extend(word.to_le_bytes());
            }
            record.extend(leafgate::image::CRC32.checksum(&record).to_le_bytes());
            flash.put(LAYOUT.journal[0] as usize + 32 * place as usize, &record);
        }
        let new = images::other();
        for _ in 0..4 {
            let mut store = opened(&mut flash, CONFIG);
            if store.status() == Status::OnTrial {
                store.confirm().unwrap();
            }
            match receive(&mut store, &new, 256, || ()) {
                Ok(()) => {}
                Err(UpdateError::Installed) => return Ok(()),
                // What a journal said was there was not: now it says so no more.
                Err(UpdateError::Refused(Refusal::Checksum { .. })) => {}
                Err(error) => panic!("{error:?}"),
            }
        }
        prop_assert!(false, "the update does not end");
    }

    /// The same where signatures are asked for: nothing runs that is not signed.
    #[test]
    fn nothing_unsigned_runs(noise in proptest::collection::vec(any::<u8>(), 1..600), at in 0..FLASH_BYTES) {
        let mut flash = flashed(&images::small());
        flash.put(at, &noise[..FLASH_BYTES.min(at + noise.len()) - at]);
        let store = opened(&mut flash, signed_config());
        let is_empty = matches!(store.status(), Status::Empty { .. });
        prop_assert!(is_empty);
    }
}
