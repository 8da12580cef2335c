//! Bit kernels on many samples at once.
//!
//! A signal (an input bit, the output of a gate) is a [`Plane`]: one bit of each sample, sample `s` in bit `s % 32` of word `s / 32`. So
//! an operation on words does what one gate does for all samples, and where a gate reads from costs nothing: arbitrary wiring is as
//! fast as any. `N` words make planes of `32 * N` samples: one word suits a microcontroller; 8 or 16 are what the compiler turns into
//! vector instructions of a larger machine.
//!
//! Everything is portable and, away from the transposition of the inputs and of the counts, in planes from end to end.
//! Rejected: masks of each gate spread over its plane, which need no dispatch but read four words more for a gate (0.6 times the speed of
//! [`gates_sorted`] with 16 words).

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
