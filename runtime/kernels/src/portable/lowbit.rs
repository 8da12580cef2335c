//! Products of weights of few bits in plain arithmetic: the meaning of the words of [`crate::lowbit`].
//!
//! Each adds to `sums`, for the columns that the words and the input both have, fields times inputs; what offset binary adds is in the sums before.

use crate::lowbit::{GROUP, Input, Layout, ROWS};

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

/// A block of a matrix of one group a row.
#[inline]
pub(crate) fn add(layout: Layout, words: &[i32], Input { x, halves }: Input<'_>, sums: &mut [i32; ROWS]) {
    let Some(four) = sums.first_chunk_mut() else { return };
    match layout {
        Layout::W4Rows => w4_rows(words.as_chunks().0, halves, four),
        Layout::T2Rows => t2_rows(words.as_chunks().0, halves, four),
        Layout::T2Bytes => t2_bytes(words, x, four),
        Layout::T2Columns => t2_columns(words, x, sums),
        Layout::W4Columns => {
            if let Some(eight) = sums.first_chunk_mut() {
                w4_columns(words, x, eight);
            }
        }
    }
}

/// A block of a matrix of groups of 32 columns, whose sums of the input are `totals`.
#[inline(never)]
pub(crate) fn add_groups(layout: Layout, words: &[i32], input: Input<'_>, totals: &[i32], sums: &mut [i32; ROWS]) {
    let (scale_words, group_words) = (layout.block_rows() as usize / 4, layout.column_words(GROUP as u32) as usize);
    let (mut rest, Input { mut x, mut halves }) = (words, input);
    for &total in totals {
        let Some((scales, next)) = rest.split_at_checked(scale_words) else { return };
        let group = Input { x: take(&mut x, GROUP), halves: take(&mut halves, GROUP / 8) };
        rest = next;
        let mut parts = layout.starts(total);
        add(layout, take(&mut rest, group_words), group, &mut parts);
        let fours = sums.as_chunks_mut::<4>().0.iter_mut().zip(parts.as_chunks::<4>().0);
        for ((sums, parts), scales) in fours.zip(scales) {
            for ((sum, part), scale) in sums.iter_mut().zip(parts).zip(scales.to_le_bytes()) {
                *sum = sum.wrapping_add(part.wrapping_mul(scale.into()));
            }
        }
    }
}

/// The first elements, so many if there are, which are taken off.
fn take<'a, T>(from: &mut &'a [T], count: usize) -> &'a [T] {
    let (first, rest) = from.split_at_checked(count).unwrap_or((from, &[]));
    *from = rest;
    first
}

/// A half-word of a column, four bits of a row; those of the last in two's complement.
#[inline(never)]
pub(crate) fn w4_rows(words: &[[i32; 4]], halves: &[[i32; 4]], sums: &mut [i32; 4]) {
    for (&word, &x) in words.as_flattened().iter().zip(halves.as_flattened()) {
        for half in [0, 16] {
            let (fields, x) = (word >> half, i32::from((x >> half) as i16));
            let last = i32::from(fields as i16 >> 12);
            add_products(sums, [fields & 15, fields >> 4 & 15, fields >> 8 & 15, last], x);
        }
    }
}

/// A word of a column, four bits of a row.
#[inline(never)]
pub(crate) fn w4_columns(words: &[i32], x: &[i8], sums: &mut [i32; 8]) {
    for (&word, &x) in words.iter().zip(x) {
        add_products(sums, [0, 4, 8, 12, 16, 20, 24, 28].map(|at| word >> at & 15), x.into());
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
                add_products(sums, [a0, a1, b0, b1], i32::from((x >> half) as i16));
            }
        }
    }
}

/// A word of a column, two bits of a row.
#[inline(never)]
pub(crate) fn t2_columns(words: &[i32], x: &[i8], sums: &mut [i32; 16]) {
    for (&word, &x) in words.iter().zip(x) {
        let fields = [0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30].map(|at| word >> at & 3);
        add_products(sums, fields, x.into());
    }
}

/// A byte of a column, two bits of a row; those of the last in two's complement.
#[inline(never)]
pub(crate) fn t2_bytes(words: &[i32], x: &[i8], sums: &mut [i32; 4]) {
    let bytes = words.iter().flat_map(|word| word.to_le_bytes());
    for (byte, &x) in bytes.zip(x) {
        let fields = i32::from(byte as i8);
        add_products(sums, [fields & 3, fields >> 2 & 3, fields >> 4 & 3, fields >> 6], x.into());
    }
}

#[inline(always)]
fn add_products<const N: usize>(sums: &mut [i32; N], fields: [i32; N], x: i32) {
    for (sum, field) in sums.iter_mut().zip(fields) {
        *sum = sum.wrapping_add(field.wrapping_mul(x));
    }
}
