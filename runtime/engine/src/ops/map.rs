//! MAP: element by element.

use leafgate_image::{MAP_RQ_PER_COL, MapRecord, map};
use leafgate_kernels::{Requant, thresholds};

use crate::frame::{Frame, Requants, Rows, cast, cast_mut, words, words_of};

#[inline(never)]
pub(crate) fn run(frame: &mut Frame<'_, '_>, record: &MapRecord) -> Option<()> {
    let Frame { view, input, x, parts: [y, second, ..] } = frame;
    let is_bits = cfg!(feature = "gates") && record.kind == map::BITS;
    let cols = view.tensor(if is_bits { record.output } else { record.input })?.cols;
    let x = cast::<i8>(x);
    if is_bits {
        thresholds(words(view, record.table, cols), x, words_of(y));
        return Some(());
    }
    let second = cast::<i8>(if second.is_empty() { input } else { second });
    let count = if record.kind == map::LUT256 { 256 } else { cols };
    let table = Rows::new(view, (record.table, record.bias), count, 1);
    let records = Requants::new(view, record.rq, record.flags & MAP_RQ_PER_COL != 0, cols);
    for (i, (y, &x)) in cast_mut::<i8>(y).iter_mut().zip(x).enumerate() {
        *y = match record.kind {
            map::LUT256 => *table.weights.get((i32::from(x) + 128) as usize)?,
            map::AFFINE => {
                let c = i.checked_rem(cols as usize)?;
                records.apply(c, table.sum(c, &[x]))
            }
            map::ADD => add(record, x, *second.get(i)?),
            #[cfg(feature = "structure")]
            map::MUL => mul(record, x, *second.get(i)?),
            _ => x.min(record.hi).max(record.lo),
        }
    }
    Some(())
}

/// `clamp((((x - z1)*m1 + (x' - z2)*m2 + 2^(shift-1)) >> shift) + zero_point, lo, hi)`.
#[inline(never)]
fn add(record: &MapRecord, x: i8, other: i8) -> i8 {
    let &MapRecord { shift: s, zero_point, lo, hi, .. } = record;
    // Each product is below 2^39, so the sum with half of 2^62 fits.
    let product = |x: i8, z: i8, m: i32| i64::from(i32::from(x) - i32::from(z)) * i64::from(m);
    let sum = product(x, record.z1, record.m1) + product(other, record.z2, record.m2);
    Requant { m: 0, s, zero_point, lo, hi }.finish(sum)
}

/// `clamp((((x - z1)*(x' - z2)*m1 + 2^(shift-1)) >> shift) + zero_point, lo, hi)`.
#[cfg(feature = "structure")]
#[inline(never)]
fn mul(record: &MapRecord, x: i8, other: i8) -> i8 {
    let &MapRecord { m1, shift: s, zero_point, lo, hi, z1, z2, .. } = record;
    // Below 2^16, and times a multiplier below 2^48.
    let product = (i32::from(x) - i32::from(z1)) * (i32::from(other) - i32::from(z2));
    Requant { m: 0, s, zero_point, lo, hi }.finish(i64::from(product) * i64::from(m1))
}
