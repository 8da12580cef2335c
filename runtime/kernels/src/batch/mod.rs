//! Bit kernels on many samples at once.
//!
//! A signal (an input bit, the output of a gate) is a [`Plane`]: one bit of each sample, sample `s` in bit `s % 32` of word `s / 32`. So
//! an operation on words does what one gate does for all samples, and where a gate reads from costs nothing: arbitrary wiring is as
//! fast as any. `N` words make planes of `32 * N` samples: one word suits a microcontroller; 8 or 16 are what the compiler turns into
//! vector instructions of a larger machine.
//!
//! Inputs are transposed to planes once, and counts back from them. Gates come as the image has them, where the masks of each gate
//! are spread over a plane and nothing is decided ([`gates_words`], [`gates_gathered`]), or decoded and sorted by kind ([`gates_sorted`]), half as
//! fast again where planes are vectors. Rejected: a jump to the kind of each gate, as many instructions on Armv7-M and more on RISC-V.
//! Measured in `docs/bench/host.md`.

mod compare;
mod count;
mod gates;
mod transpose;

pub use compare::is_greater;
pub use count::count_ones;
pub use gates::{GATE_KINDS, gate_kind, gates_gathered, gates_sorted, gates_words};
pub use transpose::transpose;

/// One bit of each of `32 * N` samples.
pub type Plane<const N: usize> = [u32; N];

/// A word by word function of two planes.
#[inline(always)]
fn both<const N: usize>(a: &Plane<N>, b: &Plane<N>, f: impl Fn(u32, u32) -> u32) -> Plane<N> {
    let mut out = [0; N];
    for ((out, &a), &b) in out.iter_mut().zip(a).zip(b) {
        *out = f(a, b);
    }
    out
}
