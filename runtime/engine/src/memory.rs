//! Memory that is aligned as images and arenas need it.

/// A value at a multiple of 16 bytes, such as the bytes of an image: see [`include_leaf!`](crate::include_leaf).
#[derive(Clone, Copy, Debug)]
#[repr(C, align(16))]
pub struct Aligned<T: ?Sized>(pub T);

/// Working memory of `N` bytes for a [`Session`](crate::Session), at a multiple of 16 bytes.
#[derive(Clone, Debug)]
#[repr(C, align(16))]
pub struct Arena<const N: usize>([u8; N]);

impl<const N: usize> Arena<N> {
    /// An arena of zeros.
    pub const fn new() -> Self {
        Self([0; N])
    }

    /// The bytes, for [`Session::new`](crate::Session::new).
    pub const fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

impl<const N: usize> Default for Arena<N> {
    fn default() -> Self {
        Self::new()
    }
}

/// The bytes of an image file, placed in flash at a multiple of 16 bytes: a `&'static Aligned<[u8; N]>`.
///
/// The path is relative to the file it stands in, as with [`include_bytes!`].
#[macro_export]
macro_rules! include_leaf {
    ($path:expr $(,)?) => {{
        static IMAGE: &$crate::Aligned<[u8; include_bytes!($path).len()]> = &$crate::Aligned(*include_bytes!($path));
        IMAGE
    }};
}
