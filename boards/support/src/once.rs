//! A static that gives itself out once, to be changed.

use crate::{ExitCode, exit};
use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicBool, Ordering};

/// A value as a static, for one owner.
pub struct Once<T> {
    value: UnsafeCell<T>,
    taken: AtomicBool,
}

// SAFETY: the value is reached only through `take`, which succeeds once; there is one core and no interrupt calls it.
unsafe impl<T: Send> Sync for Once<T> {}

impl<T> Once<T> {
    /// Holds the value until it is taken.
    #[must_use]
    pub const fn new(value: T) -> Self {
        Self { value: UnsafeCell::new(value), taken: AtomicBool::new(false) }
    }

    /// The value. A second call ends the program as a panic would.
    #[expect(clippy::mut_from_ref, reason = "given out once")]
    pub fn take(&'static self) -> &'static mut T {
        if self.taken.load(Ordering::Relaxed) {
            defmt::error!("a static was taken twice");
            exit(ExitCode::Panic);
        }
        self.taken.store(true, Ordering::Relaxed);
        // SAFETY: `taken` was clear, so this is the first and only reference.
        unsafe { &mut *self.value.get() }
    }
}
