//! MAP: element by element.

use leafgate_image::{MAP_RQ_PER_COL, MapRecord, map};

use crate::frame::{Frame, bias, cast, cast_mut, constants, requant};

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
        return thresholds(constants(view, record.table, view.tensor(record.output)?.cols), x, cast_mut(y));
    }
    let second = cast::<i8>(Frame::source(input, second));
    let y = cast_mut::<i8>(y);
    let elements = y.iter_mut().zip(x);
    match record.kind {
        map::LUT256 => {
            let table = constants::<i8>(view, record.table, 256);
            for (y, &x) in elements {
                *y = *table.get((i32::from(x) + 128) as usize)?;
            }
        }
        map::AFFINE => {
            let gains = constants::<i8>(view, record.table, cols);
            let biases = constants::<i32>(view, record.bias, cols);
            let rq_count = if record.flags & MAP_RQ_PER_COL == 0 { 1 } else { cols };
            let records = constants(view, record.rq, rq_count);
            let mut c = 0;
            for (y, &x) in elements {
                let a = i32::from(*gains.get(c)?).wrapping_mul(x.into()).wrapping_add(bias(biases, c));
                *y = requant(records, c)?.apply(a);
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
    let difference = |x: i8, z: i8| i64::from(x) - i64::from(z);
    // Each product is below 2^39, so the sum with half of 2^62 fits.
    let sum = difference(x, record.z1) * i64::from(record.m1) + difference(other, record.z2) * i64::from(record.m2);
    let shift = u32::from(record.shift);
    let half = 1i64.wrapping_shl(shift.wrapping_sub(1));
    let scaled = sum.wrapping_add(half).wrapping_shr(shift).wrapping_add(record.zero_point.into());
    scaled.min(record.hi.into()).max(record.lo.into()) as i8
}

/// Bit i is `x[feature_i] > threshold_i`; padding bits are 0.
#[cfg(feature = "gates")]
fn thresholds(table: &[leafgate_image::ThresholdRecord], x: &[i8], y: &mut [u32]) -> Option<()> {
    let mut rest = table;
    for word in y {
        let (entries, tail) = rest.split_at_checked(32).unwrap_or((rest, &[]));
        rest = tail;
        let mut bits = 0;
        for entry in entries.iter().rev() {
            bits = bits << 1 | u32::from(*x.get(usize::from(entry.feature))? > entry.threshold);
        }
        *word = bits;
    }
    Some(())
}
