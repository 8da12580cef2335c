//! The line between sender and device: damaged, repeated, reordered, two at once.

use leafgate::Arena;
use leafgate_store::{
    Answer, CHUNK_BYTES, Config, Decoder, Event, FRAME_BYTES, Frame, Layout, Receiver, Refusal, Report, Request, Slot,
    Status, Store, Update, UpdateError, encode,
};
use leafgate_tests_updates::flash::Flash;
use leafgate_tests_updates::images;
use proptest::prelude::*;

type Nor = Flash<256, 4, 0xFF>;

const LAYOUT: Layout = Layout::contiguous(0, 3072, 256);

fn device() -> Store<Nor> {
    let mut flash = Nor::new(7168, 1);
    flash.put(LAYOUT.start(Slot::A) as usize, &images::small());
    Store::open(flash, Config::new(LAYOUT), Arena::<256>::new().as_mut_slice()).unwrap()
}

fn bytes_of(request: Request<'_>, sequence: u8) -> Vec<u8> {
    let mut buffer = [0; 8 + CHUNK_BYTES];
    let (kind, payload) = request.kind_and_payload(&mut buffer);
    let mut bytes = Vec::new();
    encode(Frame { kind, sequence, payload }, |byte| bytes.push(byte));
    bytes
}

/// Sends a request, and reads the answer.
fn ask(receiver: &mut Receiver, store: &mut Store<Nor>, request: Request<'_>) -> Option<Answer> {
    let (mut buffer, mut out, mut event) = ([0; 8 + CHUNK_BYTES], Vec::new(), None);
    let kind = request.kind_and_payload(&mut buffer).0;
    for byte in bytes_of(request, 7) {
        if let Some(happened) = receiver.push(store, byte) {
            event = Some(happened);
            out.extend(receiver.answer());
        }
    }
    event?;
    let mut decoder = Decoder::new();
    out.iter().find_map(|&byte| {
        let frame = decoder.push(byte)?;
        assert_eq!(frame.sequence, 7);
        Answer::read(kind, frame.kind, frame.payload)
    })
}

#[test]
fn an_update_comes_over_the_line() {
    let (mut receiver, mut store, new) = (Receiver::new(), device(), images::other());
    let update = Update::of(&new);
    let mut ask = |request| ask(&mut receiver, &mut store, request).expect("an answer");
    let Answer::Report(report) = ask(Request::Report) else { panic!() };
    assert_eq!((report.slot, report.slot_bytes, report.on_trial), (Some(Slot::A), 3072, false));
    assert_eq!(report.running.bytes as usize, images::small().len());
    assert_eq!(ask(Request::Begin { update, replace: false }), Answer::Done(0));
    let write = |offset: usize| Request::Write {
        update: update.crc32,
        offset: offset as u32,
        chunk: &new[offset..new.len().min(offset + CHUNK_BYTES)],
    };
    // A second sender begins another one, and its chunks do not get in between.
    let other = Update::of(&images::third());
    assert_eq!(
        ask(Request::Begin { update: other, replace: false }),
        Answer::Refused(UpdateError::Busy { bytes: update.bytes, received: 0 })
    );
    assert_eq!(
        ask(Request::Write { update: other.crc32, offset: 0, chunk: &[0; 16] }),
        Answer::Refused(UpdateError::NotBegun)
    );
    for offset in (0..new.len()).step_by(CHUNK_BYTES) {
        let want = Answer::Done(new.len().min(offset + CHUNK_BYTES) as u32);
        assert_eq!(ask(write(offset)), want);
        // The answer was lost: it is sent again.
        assert_eq!(ask(write(offset)), want);
    }
    assert_eq!(ask(write(0)), Answer::Done(update.bytes));
    assert_eq!(ask(Request::Finish { update: other.crc32 }), Answer::Refused(UpdateError::NotBegun));
    assert_eq!(ask(Request::Finish { update: update.crc32 }), Answer::Done(update.bytes));
    assert_eq!(ask(Request::Finish { update: update.crc32 }), Answer::Done(update.bytes));
    assert_eq!(ask(Request::Restart), Answer::Done(0));
    let flash = store.into_flash();
    let store = Store::open(flash, Config::new(LAYOUT), Arena::<256>::new().as_mut_slice()).unwrap();
    assert_eq!(store.status(), Status::OnTrial);
    assert!(store.bytes().starts_with(&new));
}

#[test]
fn every_error_comes_across() {
    let parse = |bytes: &[u8]| leafgate::Model::parse(bytes).unwrap_err();
    let arena = |want, have| Refusal::Arena(leafgate::ArenaError::TooSmall { want, have });
    let image = images::small();
    let mut unaligned = vec![0; 16];
    unaligned.extend(&image[..64]);
    let errors = [
        UpdateError::Flash { at: 7 },
        UpdateError::NotWritten { at: 8 },
        UpdateError::Size { want: 1, have: 2 },
        UpdateError::Busy { bytes: 3, received: 4 },
        UpdateError::OnTrial,
        UpdateError::NoTrial,
        UpdateError::Installed,
        UpdateError::NotBegun,
        UpdateError::Offset { want: 5, have: 6 },
        UpdateError::Chunk { have: 9 },
        UpdateError::Frame,
        Refusal::Checksum { want: 10, have: u32::MAX }.into(),
        Refusal::Image(parse(&unaligned)).into(),
        Refusal::Image(parse(&image[..64])).into(),
        arena(11, 12).into(),
        Refusal::Arena(leafgate::ArenaError::Misaligned { have: 3 }).into(),
        Refusal::SelfTest(leafgate::SelfTestError { vector: 1, output: 2, want: -3, have: 4 }).into(),
        Refusal::Unsigned.into(),
        Refusal::Key { have: 13 }.into(),
        Refusal::Signature.into(),
        Refusal::Version { want: 14, have: 15 }.into(),
    ];
    for error in errors {
        let answer = Answer::Refused(error);
        let mut buffer = [0; 32];
        let payload = answer.payload(&mut buffer);
        assert_eq!(Answer::read(3, answer.kind(3), payload), Some(answer));
        assert!(!error.to_string().is_empty());
    }
    let report: Report = device().report();
    let mut buffer = [0; 32];
    let answer = Answer::Report(report);
    assert_eq!(Answer::read(1, answer.kind(1), answer.payload(&mut buffer)), Some(answer));
    // An answer to something else is none.
    assert_eq!(Answer::read(2, answer.kind(1), answer.payload(&mut buffer)), None);
}

#[test]
fn an_unknown_request_is_answered() {
    let (mut receiver, mut store) = (Receiver::new(), device());
    for (kind, payload) in
        [(0, &[][..]), (9, &[]), (2, &[1, 2]), (3, &[1; 7]), (4, &[1; 5]), (1, &[0]), (255, &[3; 64])]
    {
        let mut event = None;
        encode(Frame { kind, sequence: 1, payload }, |byte| event = event.or(receiver.push(&mut store, byte)));
        assert_eq!(event, Some(Event::Refused(UpdateError::Frame)), "{kind} {payload:?}");
    }
}

#[test]
fn a_frame_of_the_largest_size_arrives_and_a_larger_one_does_not() {
    for (len, arrives) in [(FRAME_BYTES - 6, true), (FRAME_BYTES - 5, false), (4000, false)] {
        let (payload, mut decoder) = (vec![0xC0; len], Decoder::new());
        let mut arrived = false;
        for round in 0..2 {
            encode(Frame { kind: 3, sequence: round, payload: &payload }, |byte| {
                arrived |= decoder.push(byte).is_some_and(|frame| frame.payload == payload);
            });
        }
        assert_eq!(arrived, arrives, "{len}");
        // And the decoder is right again afterwards.
        let mut last = None;
        encode(Frame { kind: 3, sequence: 0, payload: &[1] }, |byte| {
            last = last.or(decoder.push(byte).map(|f| f.kind))
        });
        assert_eq!(last, Some(3));
    }
}

proptest! {
    /// A line that loses, changes and inserts bytes: nothing but what was sent gets into the flash, and the update ends.
    #[test]
    fn a_bad_line_only_takes_longer(faults in proptest::collection::vec((0_u32..400, 0..4_u8, any::<u8>()), 0..60)) {
        let (mut receiver, mut store, new) = (Receiver::new(), device(), images::other());
        let update = Update::of(&new);
        let mut faults = faults.into_iter();
        let mut left = faults.next();
        let mut received: Option<u32> = None;
        for sequence in 0..=255_u8 {
            let request = match received {
                None => Request::Begin { update, replace: false },
                Some(at) if at < update.bytes => {
                    let at = at as usize;
                    Request::Write { update: update.crc32, offset: at as u32, chunk: &new[at..new.len().min(at + CHUNK_BYTES)] }
                }
                Some(_) => Request::Finish { update: update.crc32 },
            };
            let (mut line, mut out) = (Vec::new(), Vec::new());
            for byte in bytes_of(request, sequence) {
                match &mut left {
                    Some((0, what, value)) => {
                        match what {
                            0 => {}
                            1 => line.push(*value),
                            2 => line.extend([byte, *value]),
                            _ => line.push(byte ^ 1),
                        }
                        left = faults.next();
                    }
                    Some((distance, ..)) => {
                        *distance -= 1;
                        line.push(byte);
                    }
                    None => line.push(byte),
                }
            }
            let mut finished = false;
            for byte in line {
                if let Some(event) = receiver.push(&mut store, byte) {
                    finished |= event == Event::Finished;
                    out.extend(receiver.answer());
                }
            }
            if finished {
                let store = Store::open(store.into_flash(), Config::new(LAYOUT), Arena::<256>::new().as_mut_slice()).unwrap();
                prop_assert!(store.bytes().starts_with(&new));
                return Ok(());
            }
            let (mut decoder, kind) = (Decoder::new(), bytes_of_kind(&request));
            for byte in out {
                if let Some(frame) = decoder.push(byte)
                    && frame.sequence == sequence
                    && let Some(Answer::Done(at)) = Answer::read(kind, frame.kind, frame.payload)
                {
                    received = Some(at);
                }
            }
        }
        prop_assert!(false, "the update does not end");
    }

    /// Any bytes at all.
    #[test]
    fn noise_is_borne(noise in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let (mut receiver, mut store) = (Receiver::new(), device());
        for byte in noise {
            receiver.push(&mut store, byte);
        }
        prop_assert!(store.bytes().starts_with(&images::small()));
    }
}

fn bytes_of_kind(request: &Request<'_>) -> u8 {
    let mut buffer = [0; 8 + CHUNK_BYTES];
    request.kind_and_payload(&mut buffer).0
}
