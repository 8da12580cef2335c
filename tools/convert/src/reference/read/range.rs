//! The range records, as far as they can be checked without the op that uses them.

use super::super::image::{Range, Scale};
use super::NO_CONST;
use super::constants::{Pool, no_const};
use super::error::{At, ReadError, Want};
use super::record::{Record, between, check};

/// Most neurons of a range.
const MOST_NEURONS: u32 = 1 << 20;

pub(super) fn read<'a>(records: impl Iterator<Item = &'a [u8]>, pool: &Pool<'_>) -> Result<Vec<Range>, ReadError> {
    records.enumerate().map(|(index, bytes)| range(bytes, At::Range { index }, pool)).collect()
}

fn range(bytes: &[u8], at: At, pool: &Pool<'_>) -> Result<Range, ReadError> {
    let mut record = Record::new(bytes, at);
    let n = record.u32(0);
    between(at, "neurons", 0, MOST_NEURONS, n)?;
    let [keys, key_bias, key_rq] = [4, 8, 12].map(|field| record.u32(field));
    no_const(at, "ups", record.u32(16))?;
    let [values, value_bias] = [20, 24].map(|field| record.u32(field));
    let scale = scale(&mut record)?;
    let flags = record.u8(33);
    between(at, "flags", 0, 3, flags)?;
    record.finish()?;

    let (output_major, rq_per_neuron) = (flags & 1 != 0, flags & 2 != 0);
    let wide = u64::from(n);
    // The ends of keys, values and value_bias depend on the op; that they begin inside is checked for every range.
    pool.maybe::<i32>(at, "value_bias", value_bias, 1)?;
    let mut range = Range {
        neurons: n as usize,
        keys_at: None,
        key_bias: None,
        key_rq: None,
        values_at: None,
        value_bias_at: some(value_bias),
        scale,
        output_major,
    };
    if n == 0 {
        no_const(at, "keys without neurons", keys)?;
        no_const(at, "key_bias without neurons", key_bias)?;
        no_const(at, "key_rq without neurons", key_rq)?;
        no_const(at, "values without neurons", values)?;
        return Ok(range);
    }
    pool.maybe::<i8>(at, "keys", keys, wide)?;
    pool.need::<i8>(at, "values", values, wide)?;
    range.keys_at = some(keys);
    range.values_at = some(values);
    range.key_bias = pool.maybe(at, "key_bias", key_bias, wide)?;
    range.key_rq = Some(pool.need_rq(at, "key_rq", key_rq, if rq_per_neuron { wide } else { 1 })?);
    Ok(range)
}

fn scale(record: &mut Record<'_>) -> Result<Option<Scale>, ReadError> {
    let (at, m, s) = (record.at, record.u32(28), record.u8(32));
    if m == 0 {
        check(at, "scale_s without scale_m", Want::Exactly(0), s)?;
        return Ok(None);
    }
    between(at, "scale_m", 1u32 << 30, (1u32 << 31) - 1, m)?;
    between(at, "scale_s", 1, 62, s)?;
    Ok(Some(Scale { m, s }))
}

fn some(offset: u32) -> Option<usize> {
    (offset != NO_CONST).then_some(offset as usize)
}
