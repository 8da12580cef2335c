//! The arena with a guard on either side.

use crate::{ExitCode, exit};
use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicBool, Ordering};

/// Words of each guard.
const GUARD_WORDS: usize = 16;
/// What an untouched guard holds.
const GUARD: u32 = 0xC0DE_5AFE;

/// Memory for an arena of `N` bytes between two guards, as a static that gives itself out once.
#[repr(C, align(16))]
pub struct ArenaCell<const N: usize> {
    low: UnsafeCell<[u32; GUARD_WORDS]>,
    bytes: UnsafeCell<[u8; N]>,
    high: UnsafeCell<[u32; GUARD_WORDS]>,
    taken: AtomicBool,
}

// SAFETY: the cells are reached only through `take`, which succeeds once; there is one core and no interrupt calls it.
unsafe impl<const N: usize> Sync for ArenaCell<N> {}

impl<const N: usize> ArenaCell<N> {
    /// Zeroed memory; the guards are set when it is taken.
    #[must_use]
    #[allow(clippy::new_without_default, reason = "for statics only")]
    pub const fn new() -> Self {
        const { assert!(N.is_multiple_of(16), "an arena is a multiple of 16 bytes") }
        Self {
            low: UnsafeCell::new([0; GUARD_WORDS]),
            bytes: UnsafeCell::new([0; N]),
            high: UnsafeCell::new([0; GUARD_WORDS]),
            taken: AtomicBool::new(false),
        }
    }

    /// The arena, with its guards set. A second call ends the program as a panic would.
    pub fn take(&'static self) -> GuardedArena {
        if self.taken.load(Ordering::Relaxed) {
            defmt::error!("the arena was taken twice");
            exit(ExitCode::Panic);
        }
        self.taken.store(true, Ordering::Relaxed);
        // SAFETY: `taken` was clear, so these are the first and only references to the three cells.
        let (low, bytes, high) = unsafe { (&mut *self.low.get(), &mut *self.bytes.get(), &mut *self.high.get()) };
        low.fill(GUARD);
        high.fill(GUARD);
        GuardedArena { low, bytes, high }
    }
}

/// An arena, 16-aligned, and the words before and after it.
pub struct GuardedArena {
    low: &'static mut [u32],
    bytes: &'static mut [u8],
    high: &'static mut [u32],
}

impl GuardedArena {
    /// The arena itself.
    pub fn bytes(&mut self) -> &mut [u8] {
        self.bytes
    }

    /// Writes the word after the arena, as an error in the runtime would: for the trial of the guards.
    pub fn spoil(&mut self) {
        if let Some(word) = self.high.first_mut() {
            *word ^= 1;
        }
    }

    /// Whether both guards are as they were set.
    #[must_use]
    pub fn is_intact(&self) -> bool {
        // `black_box` makes the compiler load the words: nothing it knows of writes them.
        let untouched = |guard: &[u32]| core::hint::black_box(guard).iter().all(|&word| word == GUARD);
        untouched(self.low) && untouched(self.high)
    }
}
