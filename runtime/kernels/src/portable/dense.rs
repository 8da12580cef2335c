//! Dot products and row updates on signed bytes.

/// `sum w[i] * x[i]` over the shorter of both, wrapping.
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

/// `acc[r] += v[r] * h`, wrapping: the value row of one neuron.
#[inline(never)]
pub fn axpy(acc: &mut [i32], v: &[i8], h: i8) {
    let h = i32::from(h);
    for (acc, &v) in acc.iter_mut().zip(v) {
        *acc = acc.wrapping_add(i32::from(v) * h);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dot_takes_the_extremes() {
        assert_eq!(dot(&[-128; 4], &[-128; 4]), 4 * 16384);
        assert_eq!(dot(&[127, -1, 3], &[2, 5, -7]), 254 - 5 - 21);
        assert_eq!(dot(&[], &[]), 0);
    }

    #[test]
    fn a_strided_dot_reads_a_column() {
        let x = [1, 10, 2, 20, 3, 30];
        assert_eq!(dot_strided(&[1, 1, 1], &x, 2), 6);
        assert_eq!(dot_strided(&[1, -1, 2], &x[1..], 2), 10 - 20 + 60);
        assert_eq!(dot_strided(&[1, -1, 2], &x, 1), 1 - 10 + 4);
    }

    #[test]
    fn axpy_adds_a_scaled_row() {
        let mut acc = [1, 2, i32::MAX];
        axpy(&mut acc, &[3, -128, 1], -2);
        assert_eq!(acc, [-5, 258, i32::MAX - 2]);
    }
}
