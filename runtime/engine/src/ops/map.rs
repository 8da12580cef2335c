//! MAP: element by element.

use leafgate_image::{MAP_RQ_PER_COL, MapRecord, map};
use leafgate_kernels::Requant;

use crate::frame::{Frame, Requants, Rows, bias, bytes, cast, cast_mut};
#[cfg(feature = "gates")]
use crate::frame::{words, words_of};

pub(crate) fn is_supported(kind: u8) -> bool {
    kind != map::BITS || cfg!(feature = "gates")
}

#[inline(never)]
pub(crate) fn run(frame: &mut Frame<'_, '_>, record: &MapRecord) -> Option<()> {
    let (view, input) = (frame.view, frame.input);
    let cols = view.tensor(record.input)?.cols;
    let [y, x, second] = frame.split([record.output, record.input, record.second]);
    let x = cast::<i8>(Frame::source(input, x));
    #[cfg(feature = "gates")]
    if record.kind == map::BITS {
        return thresholds(words(view, record.table, view.tensor(record.output)?.cols), x, words_of(y));
    }
    let second = cast::<i8>(Frame::source(input, second));
    let y = cast_mut::<i8>(y);
    let elements = y.iter_mut().zip(x);
    match record.kind {
        map::LUT256 => {
            let table = bytes(view, record.table, 256);
            for (y, &x) in elements {
                *y = *table.get((i32::from(x) + 128) as usize)?;
            }
        }
        map::AFFINE => {
            let Rows { weights: gains, biases } = Rows::new(view, (record.table, record.bias), cols, 1);
            let records = Requants::new(view, record.rq, record.flags & MAP_RQ_PER_COL != 0, cols);
            let mut c = 0;
            for (y, &x) in elements {
                let a = i32::from(*gains.get(c)?).wrapping_mul(x.into()).wrapping_add(bias(biases, c));
                *y = records.apply(c, a);
                c = if c + 1 == cols as usize { 0 } else { c + 1 };
            }
        }
        map::ADD => {
            for ((y, &x), &other) in elements.zip(second) {
                *y = add(record, x, other);
            }
        }
        map::CLAMP => {
            for (y, &x) in elements {
                *y = x.min(record.hi).max(record.lo);
            }
        }
        _ => return None,
    }
    Some(())
}

/// `clamp((((x - z1)*m1 + (x' - z2)*m2 + 2^(shift-1)) >> shift) + zero_point, lo, hi)`.
fn add(record: &MapRecord, x: i8, other: i8) -> i8 {
    let &MapRecord { shift: s, zero_point, lo, hi, .. } = record;
    // Each product is below 2^39, so the sum with half of 2^62 fits.
    let product = |x: i8, z: i8, m: i32| i64::from(i32::from(x) - i32::from(z)) * i64::from(m);
    let sum = product(x, record.z1, record.m1) + product(other, record.z2, record.m2);
    Requant { m: 0, s, zero_point, lo, hi }.finish(sum)
}

/// Bit i is `x[feature_i] > threshold_i`; padding bits are 0.
#[cfg(feature = "gates")]
fn thresholds(table: &[i32], x: &[i8], y: &mut [i32]) -> Option<()> {
    for (word, entries) in y.iter_mut().zip(table.chunks(32)) {
        let mut bits = 0;
        for entry in entries.iter().rev() {
            let entry: &leafgate_image::ThresholdRecord = zerocopy::transmute_ref!(entry);
            bits = bits << 1 | i32::from(*x.get(usize::from(entry.feature))? > entry.threshold);
        }
        *word = bits;
    }
    Some(())
}
