//! Products of weights of few bits in plain arithmetic: the meaning of the words of [`crate::lowbit`].
//!
//! Each adds to `sums`, for the columns that the words and the input both have, fields times inputs; what offset binary adds is in the sums before.

/// A prepared input's first part: the elements as half-words, missing ones as zeros.
#[inline(never)]
pub(crate) fn halves(x: &[i8], halves: &mut [[i32; 4]]) {
    for (i, words) in halves.iter_mut().enumerate() {
        let at = |k: usize| i32::from(x.get(i.wrapping_mul(8).wrapping_add(k)).copied().unwrap_or(0));
        *words = [0, 2, 4, 6].map(|k| at(k + 1) << 16 | at(k) & 0xFFFF);
    }
}

/// The sum of the elements.
#[inline]
pub(crate) fn sum(x: &[i8]) -> i32 {
    x.iter().fold(0, |sum, &x| sum.wrapping_add(x.into()))
}

/// A half-word of a column, four bits of a row; those of the last in two's complement.
#[inline(never)]
pub(crate) fn w4_rows(words: &[[i32; 4]], halves: &[[i32; 4]], sums: &mut [i32; 4]) {
    for (&word, &x) in words.as_flattened().iter().zip(halves.as_flattened()) {
        for half in [0, 16] {
            let (fields, x) = (word >> half, i32::from((x >> half) as i16));
            let last = i32::from(fields as i16 >> 12);
            add(sums, [fields & 15, fields >> 4 & 15, fields >> 8 & 15, last], x);
        }
    }
}

/// A word of a column, four bits of a row.
#[inline(never)]
pub(crate) fn w4_columns(words: &[i32], x: &[i8], sums: &mut [i32; 8]) {
    for (&word, &x) in words.iter().zip(x) {
        add(sums, [0, 4, 8, 12, 16, 20, 24, 28].map(|at| word >> at & 15), x.into());
    }
}

/// Two words of eight columns; rotated so that its fields are at bits 0 and 14 of a half-word, the latter in two's complement.
#[inline(never)]
pub(crate) fn t2_rows(words: &[[i32; 2]], halves: &[[i32; 4]], sums: &mut [i32; 4]) {
    for (&[a, b], x) in words.iter().zip(halves) {
        for (at, &x) in [0, 4, 8, 12].into_iter().zip(x) {
            let (a, b) = (a.rotate_right(at), b.rotate_right(at));
            for half in [0, 16] {
                let fields = |word: i32| [word >> half & 3, i32::from((word >> half) as i16 >> 14)];
                let ([a0, a1], [b0, b1]) = (fields(a), fields(b));
                add(sums, [a0, a1, b0, b1], i32::from((x >> half) as i16));
            }
        }
    }
}

/// A word of a column, two bits of a row.
#[inline(never)]
pub(crate) fn t2_columns(words: &[i32], x: &[i8], sums: &mut [i32; 16]) {
    for (&word, &x) in words.iter().zip(x) {
        let fields = [0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30].map(|at| word >> at & 3);
        add(sums, fields, x.into());
    }
}

/// A byte of a column, two bits of a row; those of the last in two's complement.
#[inline(never)]
pub(crate) fn t2_bytes(words: &[i32], x: &[i8], sums: &mut [i32; 4]) {
    let bytes = words.iter().flat_map(|word| word.to_le_bytes());
    for (byte, &x) in bytes.zip(x) {
        let fields = i32::from(byte as i8);
        add(sums, [fields & 3, fields >> 2 & 3, fields >> 4 & 3, fields >> 6], x.into());
    }
}

#[inline(always)]
fn add<const N: usize>(sums: &mut [i32; N], fields: [i32; N], x: i32) {
    for (sum, field) in sums.iter_mut().zip(fields) {
        *sum = sum.wrapping_add(field.wrapping_mul(x));
    }
}
