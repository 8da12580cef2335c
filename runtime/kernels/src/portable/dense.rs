//! Dot products and row updates on signed bytes.

#[cfg(any(leafgate_isa = "dsp", leafgate_isa = "mve"))]
use crate::arch::dot;
use crate::portable::requantize::requantize;

/// `sum w[i] * x[i]` over the shorter of both, wrapping.
#[cfg(any(test, not(any(leafgate_isa = "dsp", leafgate_isa = "mve"))))]
#[inline(never)]
pub fn dot(w: &[i8], x: &[i8]) -> i32 {
    let add = |sum: i32, (&w, &x): (&i8, &i8)| sum.wrapping_add(i32::from(w) * i32::from(x));
    let len = w.len().min(x.len());
    let (w, x) = (w.get(..len).unwrap_or(&[]), x.get(..len).unwrap_or(&[]));
    // Four at a time: counting and branching would be two instructions in five.
    let ((w4, w), (x4, x)) = (w.as_chunks::<4>(), x.as_chunks::<4>());
    let sum = w4.iter().zip(x4).fold(0, |sum, (w, x)| w.iter().zip(x).fold(sum, add));
    w.iter().zip(x).fold(sum, add)
}

/// Four rows of `cols` weights each, one after the other: `sums[r]` becomes the product of row `r` and `x`, in one pass over `x`. False, and
/// nothing is done, where `w` has fewer rows, or `x` fewer elements.
#[cfg(any(test, not(leafgate_isa)))]
#[inline(never)]
pub fn dot4(w: &[i8], cols: usize, x: &[i8], sums: &mut [i32; 4]) -> bool {
    let (Some(w), Some(x)) = (w.get(..cols.wrapping_mul(4)), x.get(..cols)) else { return false };
    let mut rows = w.chunks_exact(cols.max(1));
    let mut next = || rows.next().unwrap_or(&[]);
    let (a, b, c, d) = (next(), next(), next(), next());
    let mut all = [0i32; 4];
    let mut add = |w: [i8; 4], x: i8| {
        for (sum, w) in all.iter_mut().zip(w) {
            *sum = sum.wrapping_add(i32::from(w) * i32::from(x));
        }
    };
    let ((a4, a), (b4, b), (c4, c), (d4, d)) =
        (a.as_chunks::<4>(), b.as_chunks::<4>(), c.as_chunks::<4>(), d.as_chunks::<4>());
    let (x4, x) = x.as_chunks::<4>();
    for ((((a, b), c), d), x) in a4.iter().zip(b4).zip(c4).zip(d4).zip(x4) {
        for i in 0..4 {
            add([a[i], b[i], c[i], d[i]], x[i]);
        }
    }
    for ((((&a, &b), &c), &d), &x) in a.iter().zip(b).zip(c).zip(d).zip(x) {
        add([a, b, c, d], x);
    }
    *sums = all;
    true
}

/// `y[r] = rq_r(bias_r + W_r x)` of the first rows, as many whole fours as `y` and `w` have, and gives their number. A twin may do more rows, or
/// stop earlier. Biases: one of each row, or none: zeros. Records: one of each row or one for all, as they lie in an image: `m`, then the bytes
/// `s`, `zero_point`, `lo`, `hi`.
// Inlined: so it is built for size, which keeps it from being unrolled to four times as much.
#[inline]
pub fn rows_i8(w: &[i8], cols: usize, x: &[i8], biases: &[i32], records: &[[i32; 2]], y: &mut [i8]) -> usize {
    let (mut done, mut sums) = (0usize, [0; 4]);
    for y in y.as_chunks_mut::<4>().0 {
        if !crate::dot4(w.get(done.wrapping_mul(cols)..).unwrap_or(&[]), cols, x, &mut sums) {
            break;
        }
        for (i, (y, sum)) in y.iter_mut().zip(sums).enumerate() {
            let r = done.wrapping_add(i);
            let record = records.get(if records.len() == 1 { 0 } else { r });
            let bias = biases.get(r).copied().unwrap_or(0);
            *y = record.map_or(0, |&record| requantize(record, sum.wrapping_add(bias)));
        }
        done = done.wrapping_add(4);
    }
    done
}

/// `sum w[i] * x[i * stride]`: a column of a row-major matrix, wrapping. `stride` is 1 or more.
// Inlined: so it is built for size. It is [`dot`] that is built for speed.
#[inline]
pub fn dot_strided(w: &[i8], x: &[i8], stride: usize) -> i32 {
    if stride == 1 {
        return dot(w, x);
    }
    let mut sum = 0i32;
    let mut rest = x;
    for &w in w {
        let Some(&x) = rest.first() else { break };
        sum = sum.wrapping_add(i32::from(w) * i32::from(x));
        rest = rest.get(stride..).unwrap_or(&[]);
    }
    sum
}

/// `acc[r] += sum over j of v[j * acc.len() + r] * h[j]`, wrapping: the value rows of neurons, one after the other, each times what its neuron
/// gives. A row whose `h` is 0 is not read. Where `v` has fewer rows than `h` has elements, nothing is done.
#[inline(never)]
pub fn axpys(acc: &mut [i32], v: &[i8], h: &[i8]) {
    if acc.len().checked_mul(h.len()).is_none_or(|bytes| bytes > v.len()) {
        return;
    }
    let mut rest = v;
    for &h in h {
        let Some((row, next)) = rest.split_at_checked(acc.len()) else { return };
        rest = next;
        if h != 0 {
            for (acc, &v) in acc.iter_mut().zip(row) {
                *acc = acc.wrapping_add(i32::from(v) * i32::from(h));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use super::*;

    #[test]
    fn dot_takes_the_extremes() {
        assert_eq!(dot(&[-128; 4], &[-128; 4]), 4 * 16384);
        assert_eq!(dot(&[127, -1, 3], &[2, 5, -7]), 254 - 5 - 21);
        assert_eq!(dot(&[], &[]), 0);
    }

    #[test]
    fn four_rows_are_four_dots() {
        let (w, x): (Vec<i8>, Vec<i8>) =
            ((0..80).map(|i| (i * 77) as i8).collect(), (0..20).map(|i| (i * 53) as i8).collect());
        for cols in 0..=20 {
            let mut sums = [1; 4];
            assert!(dot4(&w, cols, &x, &mut sums));
            assert_eq!(sums, [0, 1, 2, 3].map(|r| dot(&w[r * cols..][..cols], &x)));
        }
    }

    #[test]
    fn fewer_than_four_rows_are_left_alone() {
        let mut sums = [1; 4];
        assert!(!dot4(&[1; 11], 3, &[1; 3], &mut sums) && !dot4(&[1; 12], 3, &[1; 2], &mut sums));
        assert_eq!(sums, [1; 4]);
    }

    #[test]
    fn a_strided_dot_reads_a_column() {
        let x = [1, 10, 2, 20, 3, 30];
        assert_eq!(dot_strided(&[1, 1, 1], &x, 2), 6);
        assert_eq!(dot_strided(&[1, -1, 2], &x[1..], 2), 10 - 20 + 60);
        assert_eq!(dot_strided(&[1, -1, 2], &x, 1), 1 - 10 + 4);
    }

    #[test]
    fn value_rows_are_added_up() {
        let mut acc = [1, 2, i32::MAX];
        axpys(&mut acc, &[3, -128, 1], &[-2]);
        assert_eq!(acc, [-5, 258, i32::MAX - 2]);
        axpys(&mut acc, &[1, 1, 1, 9, 9, 9, -128, 0, 4], &[1, 0, -128]);
        assert_eq!(acc, [-4 + 16384, 259, i32::MAX - 1 - 512]);
        axpys(&mut acc, &[1; 5], &[1, 2]);
        assert_eq!(acc, [-4 + 16384, 259, i32::MAX - 1 - 512]);
        axpys(&mut [], &[1], &[1, 2]);
    }
}
