//! Numbers: real multipliers as integer ones, scales from ranges, rows of weights.
//!
//! The requantisation `(a * m + 2^(s-1)) >> s` with a multiplier of 31 bits follows Jacob et al., "Quantization and Training of
//! Neural Networks for Efficient Integer-Arithmetic-Only Inference" (arXiv 1712.05877), with one rounding instead of two.

use leafgate_image::RequantRecord;

use super::calibrate::Interval;
use crate::ConvertError;

/// `m` and `s` with `m / 2^s` nearest to `factor`: `2^30 <= m < 2^31`, `1 <= s <= 62`. A factor too small for that gives the smallest; one
/// too large is an error.
///
/// # Errors
/// If the factor is 2^30 or more, negative or not a number.
pub fn multiplier(place: &str, factor: f64) -> Result<(u32, u8), ConvertError> {
    let want = "a positive factor below 2^30";
    if !(factor > 0.0 && factor < f64::from(1u32 << 30)) {
        return Err(ConvertError::Range {
            place: place.into(),
            what: "rescaling factor".into(),
            want: want.into(),
            have: factor.to_string(),
        });
    }
    // factor = fraction * 2^exponent with 0.5 <= fraction < 1, so m = fraction * 2^31.
    let exponent = factor.log2().floor() as i32 + 1;
    let mut m = (factor * 2f64.powi(31 - exponent)).round() as u64;
    let mut s = 31 - exponent;
    // The logarithm may be off by one at powers of two, and rounding may reach 2^31.
    while m >= 1 << 31 {
        m = m.div_ceil(2);
        s -= 1;
    }
    while m < 1 << 30 {
        m *= 2;
        s += 1;
    }
    match s {
        1..=62 => Ok((m as u32, s as u8)),
        63.. => Ok((1 << 30, 62)),
        _ => multiplier(place, f64::INFINITY),
    }
}

/// Scale and zero point of an I8 tensor: the interval, widened to hold zero, on -128 to 127.
pub fn affine(interval: Interval) -> (f64, f64) {
    let (min, max) = (f64::from(interval.min.min(0.0)), f64::from(interval.max.max(0.0)));
    let scale = step((max - min) / 255.0);
    let zero_point = (-128.0 - min / scale).round().clamp(-128.0, 127.0);
    (scale, zero_point)
}

/// A scale for numbers of one sign and `magnitude`: zero stays zero, 127 steps.
pub fn symmetric(magnitude: f64) -> (f64, f64) {
    (step(magnitude / 127.0), 0.0)
}

/// A neuron that calibration never saw active has no range; any step will do, and one of 1 keeps the rescaling within bounds.
fn step(step: f64) -> f64 {
    if step > 1e-20 { step } else { 1.0 }
}

/// The nearest integer in `lo ..= hi`.
pub fn nearest_i8(value: f64, lo: i32, hi: i32) -> i8 {
    value.round().clamp(f64::from(lo), f64::from(hi)) as i8
}

/// A bias in accumulator units. Its own bound keeps room for the products; the proof decides about their sum.
///
/// # Errors
/// If it is beyond 2^30.
pub fn bias_i32(place: &str, row: usize, value: f64) -> Result<i32, ConvertError> {
    let limit = f64::from(1u32 << 30);
    if value.abs() <= limit {
        Ok(value as i32)
    } else {
        Err(ConvertError::Overflow { place: place.into(), row, want: 1 << 30, have: value.abs() as i128 })
    }
}

/// Scale of a row (or of several) of weights with largest magnitude `peak`: on -127 to 127, but coarse enough that the bias `bias`, in units
/// of the input's scale times this one, stays below 2^28.
pub fn weight_scale(peak: f64, bias: f64, input_scale: f64) -> f64 {
    (peak / 127.0).max(bias.abs() / (input_scale * f64::from(1u32 << 28))).max(f64::from(f32::MIN_POSITIVE))
}

/// Weights in steps of `scale`.
pub fn weights_i8(weights: &[f32], scale: f64) -> impl Iterator<Item = i8> + '_ {
    weights.iter().map(move |&w| nearest_i8(f64::from(w) / scale, -127, 127))
}

/// Largest magnitude.
pub fn peak(weights: &[f32]) -> f64 {
    weights.iter().fold(0.0, |peak, w| peak.max(f64::from(w.abs())))
}

/// A requantise record.
///
/// # Errors
/// As [`multiplier`].
pub fn requant(place: &str, factor: f64, zero_point: f64, lo: i8, hi: i8) -> Result<RequantRecord, ConvertError> {
    let (m, s) = multiplier(place, factor)?;
    Ok(RequantRecord { m, s, zero_point: zero_point as i8, lo, hi })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multipliers_are_normalised_and_near() {
        for factor in [1.0, 0.5, 2.0, 1.0 / 3.0, 0.999_999_999_9, 1e-6, 1e6, 0.25 + 1e-12, 2f64.powi(-31), 1e9] {
            let (m, s) = multiplier("test", factor).unwrap();
            assert!((1 << 30..1u64 << 31).contains(&u64::from(m)) && (1..=62).contains(&s), "{factor}: {m} {s}");
            let got = f64::from(m) / 2f64.powi(s.into());
            assert!((got / factor - 1.0).abs() <= 2f64.powi(-30), "{factor}: {got}");
        }
        assert_eq!(multiplier("test", 1.0).unwrap(), (1 << 30, 30));
        assert_eq!(multiplier("test", 1e-12).unwrap(), (1 << 30, 62));
    }

    #[test]
    fn absurd_factors_are_errors() {
        for factor in [0.0, -1.0, f64::NAN, f64::INFINITY, 2f64.powi(30)] {
            assert!(multiplier("test", factor).is_err(), "{factor}");
        }
    }

    #[test]
    fn zero_is_exact_in_an_affine_scale() {
        for (min, max) in [(0.0, 10.0), (-3.0, 5.0), (-7.0, -2.0), (2.0, 3.0), (0.0, 0.0)] {
            let (scale, zero_point) = affine(Interval { min, max });
            assert_eq!(zero_point.fract(), 0.0);
            assert!(scale * (-128.0 - zero_point) <= f64::from(min.min(0.0)) + scale);
            assert!(scale * (127.0 - zero_point) >= f64::from(max.max(0.0)) - scale);
        }
        assert_eq!(affine(Interval { min: 0.0, max: 255.0 }), (1.0, -128.0));
        assert_eq!((affine(Interval { min: 0.0, max: 0.0 }), symmetric(0.0)), ((1.0, -128.0), (1.0, 0.0)));
    }
}
