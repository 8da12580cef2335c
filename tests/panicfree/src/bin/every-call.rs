//! A firmware that makes every call a device makes, and whose panic handler cannot be linked.
//!
//! What it gives to the engine is read by volatile loads, so that the optimiser knows nothing of it: neither an image nor a length
//! nor an index. If one panic is reachable from here, the handler is, and with it a symbol that is defined nowhere. The wrappers
//! are not inlined and bear names, so that the stack of each call can be told apart.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("this is firmware: `cargo test --package leafgate-tests-panicfree` builds it for its targets");
}

#[cfg(target_os = "none")]
mod firmware {
    use core::hint::black_box;
    use core::panic::PanicInfo;
    use core::ptr::{addr_of, read_volatile};

    use leafgate::{ArenaError, Input, Model, Output, ParseError, SelfTestError, Session};

    unsafe extern "C" {
        /// Defined nowhere: whoever can reach it does not link.
        fn a_panic_is_reachable() -> !;
    }

    #[panic_handler]
    fn panic(_: &PanicInfo<'_>) -> ! {
        // SAFETY: never executed, for a program that contains this call does not link.
        unsafe { a_panic_is_reachable() }
    }

    /// Where image, arena and inputs lie, and an index: whatever the memory holds.
    #[repr(C)]
    struct Outside {
        image: (*const u8, usize),
        arena: (*mut u8, usize),
        numbers: (*const i8, usize),
        bits: (*const u32, usize),
        index: usize,
        #[cfg(feature = "batch")]
        words: [(*mut u32, usize); 2],
        #[cfg(feature = "batch")]
        samples: (*const &'static [i8], usize),
        #[cfg(feature = "batch")]
        words_of_samples: (*const &'static [u32], usize),
    }

    // SAFETY: one core, one thread; only read.
    unsafe impl Sync for Outside {}

    #[unsafe(no_mangle)]
    static OUTSIDE: Outside = Outside {
        image: (core::ptr::null(), 0),
        arena: (core::ptr::null_mut(), 0),
        numbers: (core::ptr::null(), 0),
        bits: (core::ptr::null(), 0),
        index: 0,
        #[cfg(feature = "batch")]
        words: [(core::ptr::null_mut(), 0); 2],
        #[cfg(feature = "batch")]
        samples: (core::ptr::null(), 0),
        #[cfg(feature = "batch")]
        words_of_samples: (core::ptr::null(), 0),
    };

    #[unsafe(no_mangle)]
    #[inline(never)]
    fn call_parse(image: &'static [u8]) -> Result<Model<'static>, ParseError> {
        Model::parse(image)
    }

    #[unsafe(no_mangle)]
    #[inline(never)]
    fn call_new<'m>(model: &'m Model<'static>, arena: &'m mut [u8]) -> Result<Session<'m, 'static>, ArenaError> {
        Session::new(model, arena)
    }

    #[unsafe(no_mangle)]
    #[inline(never)]
    fn call_run(session: &mut Session<'_, '_>, input: Input<'_>) -> u32 {
        match session.run(input) {
            Ok(output) => black_box(output).len() as u32,
            Err(error) => black_box(error).want.eq(&error.have).into(),
        }
    }

    #[unsafe(no_mangle)]
    #[inline(never)]
    fn call_self_test(session: &mut Session<'_, '_>) -> Result<usize, SelfTestError> {
        session.self_test()
    }

    #[unsafe(no_mangle)]
    #[inline(never)]
    fn call_accessors(output: &Output<'_>, index: usize) -> u32 {
        let mut sum = output.crc32();
        sum ^= output.get(index).unwrap_or(0) as u32;
        sum ^= output.iter().fold(0u32, |all, value| all.wrapping_add(value as u32));
        sum ^= output.class().unwrap_or(0) as u32;
        sum ^= output.classes().iter().fold(0u32, |all, &class| all.wrapping_add(class as u32));
        sum ^ u32::from(output.is_empty())
    }

    #[unsafe(no_mangle)]
    #[inline(never)]
    fn call_label(model: &Model<'static>, index: usize) -> usize {
        model.label(index).map_or(0, str::len)
    }

    #[cfg(feature = "batch")]
    #[unsafe(no_mangle)]
    #[inline(never)]
    fn call_batch(model: &Model<'static>, memory: (&mut [u32], &mut [u32]), inputs: (&[&[i8]], &[&[u32]])) -> u32 {
        use leafgate::batch::{Batch, Plan};
        let Ok(plan) = Plan::new(model, memory.0) else { return 0 };
        let Ok(batch) = Batch::<1>::new(model, memory.1) else { return 1 };
        let Ok(mut batch) = batch.with_plan(&plan) else { return 2 };
        let mut sum = match batch.run(inputs.0) {
            Ok(outputs) => outputs.iter().fold(outputs.len() as u32, |all, output| all ^ output.crc32()),
            Err(error) => u32::from(black_box(error) == leafgate::batch::BatchError::OtherPlan),
        };
        if let Ok(outputs) = batch.run(inputs.1) {
            sum ^= outputs.get(sum as usize).map_or(0, |output| output.crc32());
        }
        sum
    }

    #[unsafe(no_mangle)]
    extern "C" fn _start() -> ! {
        // SAFETY: every address and length is that of memory which exists; only the optimiser does not know it.
        let (image, arena, numbers, bits, index) = unsafe {
            let outside = read_volatile(addr_of!(OUTSIDE));
            (
                core::slice::from_raw_parts(outside.image.0, outside.image.1),
                core::slice::from_raw_parts_mut(outside.arena.0, outside.arena.1),
                core::slice::from_raw_parts(outside.numbers.0, outside.numbers.1),
                core::slice::from_raw_parts(outside.bits.0, outside.bits.1),
                outside.index,
            )
        };
        #[cfg(feature = "planted")]
        black_box(image[index]);
        if let Ok(model) = call_parse(image) {
            black_box(call_label(&model, index));
            black_box((model.worst_steps(), model.worst_macs(), model.worst_gates()));
            black_box((model.total_bytes(), model.input_bytes()));
            #[cfg(feature = "batch")]
            // SAFETY: as above.
            unsafe {
                let outside = read_volatile(addr_of!(OUTSIDE));
                let [plan, planes] = outside.words.map(|(at, len)| core::slice::from_raw_parts_mut(at, len));
                let numbers = core::slice::from_raw_parts(outside.samples.0, outside.samples.1);
                let bits = core::slice::from_raw_parts(outside.words_of_samples.0, outside.words_of_samples.1);
                black_box(call_batch(&model, (plan, planes), (numbers, bits)));
            }
            if let Ok(mut session) = call_new(&model, arena) {
                black_box(call_run(&mut session, Input::I8(numbers)));
                black_box(call_run(&mut session, Input::Bits(bits)));
                black_box(call_self_test(&mut session).is_ok());
                if let Ok(output) = session.run(numbers) {
                    black_box(call_accessors(&output, index));
                }
            }
        }
        loop {}
    }
}
