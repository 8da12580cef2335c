//! A firmware that receives, tries and confirms updates, and whose panic handler cannot be linked: see `every-call`.
//!
//! Flash and port are what the optimiser knows nothing of: memory read by volatile loads, and calls that may give anything.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("this is firmware: `cargo test --package leafgate-tests-panicfree` builds it for its targets");
}

#[cfg(target_os = "none")]
mod firmware {
    use core::convert::Infallible;
    use core::hint::black_box;
    use core::panic::PanicInfo;
    use core::ptr::{addr_of, read_volatile};

    use embedded_storage::nor_flash::{ErrorType, NorFlash, NorFlashErrorKind, ReadNorFlash};
    use leafgate_store::{Config, Event, Layout, LayoutError, MappedFlash, Receiver, Store, UpdateError, serial};

    unsafe extern "C" {
        /// Defined nowhere: whoever can reach it does not link.
        fn a_panic_is_reachable() -> !;
    }

    #[panic_handler]
    fn panic(_: &PanicInfo<'_>) -> ! {
        // SAFETY: never executed, for a program that contains this call does not link.
        unsafe { a_panic_is_reachable() }
    }

    /// Two slots of 128 KB, as a board has them in its table; the capacity of the flash is not known.
    const LAYOUT: Layout = Layout::contiguous(0x4_0000, 0x2_0000, 4096);

    /// Whatever the memory holds.
    #[repr(C)]
    struct Outside {
        flash: (*const u8, usize),
        arena: (*mut u8, usize),
        #[cfg(feature = "signed")]
        keys: (*const [u8; 32], usize),
        answer: u32,
    }

    // SAFETY: one core, one thread; only read.
    unsafe impl Sync for Outside {}

    #[unsafe(no_mangle)]
    static OUTSIDE: Outside = Outside {
        flash: (core::ptr::null(), 0),
        arena: (core::ptr::null_mut(), 0),
        #[cfg(feature = "signed")]
        keys: (core::ptr::null(), 0),
        answer: 0,
    };

    fn outside() -> Outside {
        // SAFETY: it exists; only the optimiser does not know what it holds.
        unsafe { read_volatile(addr_of!(OUTSIDE)) }
    }

    struct Flash(&'static [u8]);

    impl ErrorType for Flash {
        type Error = NorFlashErrorKind;
    }

    #[inline(never)]
    fn anything() -> Result<(), NorFlashErrorKind> {
        if outside().answer == 0 { Ok(()) } else { Err(NorFlashErrorKind::Other) }
    }

    impl ReadNorFlash for Flash {
        const READ_SIZE: usize = 1;

        fn read(&mut self, _: u32, _: &mut [u8]) -> Result<(), NorFlashErrorKind> {
            anything()
        }

        fn capacity(&self) -> usize {
            outside().flash.1
        }
    }

    impl NorFlash for Flash {
        const WRITE_SIZE: usize = 4;
        const ERASE_SIZE: usize = 4096;

        fn erase(&mut self, from: u32, to: u32) -> Result<(), NorFlashErrorKind> {
            black_box((from, to));
            anything()
        }

        fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), NorFlashErrorKind> {
            black_box((offset, bytes));
            anything()
        }
    }

    impl MappedFlash for Flash {
        fn bytes(&self) -> &[u8] {
            self.0
        }
    }

    struct Port;

    impl embedded_io::ErrorType for Port {
        type Error = Infallible;
    }

    impl embedded_io::Read for Port {
        fn read(&mut self, bytes: &mut [u8]) -> Result<usize, Infallible> {
            black_box(bytes);
            Ok(outside().answer as usize)
        }
    }

    impl embedded_io::Write for Port {
        fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
            black_box(bytes);
            // What a port promises: it takes something of what it is given.
            Ok(bytes.len().min(1))
        }

        fn flush(&mut self) -> Result<(), Infallible> {
            Ok(())
        }
    }

    #[unsafe(no_mangle)]
    #[inline(never)]
    fn call_open(flash: &'static [u8], arena: &mut [u8]) -> Result<Store<Flash>, LayoutError> {
        let config = Config::new(LAYOUT);
        #[cfg(feature = "signed")]
        // SAFETY: as in `_start`.
        let config = config.signed_with(unsafe {
            let outside = outside();
            core::slice::from_raw_parts(outside.keys.0, outside.keys.1)
        });
        Store::open(Flash(flash), config, arena)
    }

    #[unsafe(no_mangle)]
    #[inline(never)]
    fn call_serve(receiver: &mut Receiver, store: &mut Store<Flash>) -> Option<Event> {
        serial::serve(receiver, store, &mut Port).unwrap_or(None)
    }

    #[unsafe(no_mangle)]
    #[inline(never)]
    fn call_confirm(store: &mut Store<Flash>) -> Result<(), UpdateError> {
        store.confirm()
    }

    #[unsafe(no_mangle)]
    extern "C" fn _start() -> ! {
        let outside = outside();
        // SAFETY: every address and length is that of memory which exists; only the optimiser does not know it.
        let (flash, arena) = unsafe {
            (
                core::slice::from_raw_parts(outside.flash.0, outside.flash.1),
                core::slice::from_raw_parts_mut(outside.arena.0, outside.arena.1),
            )
        };
        if let Ok(mut store) = call_open(flash, arena) {
            black_box((store.status(), store.slot(), store.bytes().len(), store.start()));
            black_box(call_confirm(&mut store).is_ok());
            let mut receiver = Receiver::new();
            while let Some(event) = black_box(call_serve(&mut receiver, &mut store)) {
                if event == Event::Restart {
                    break;
                }
            }
        }
        loop {}
    }
}
