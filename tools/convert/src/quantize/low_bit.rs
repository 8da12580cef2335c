//! Weights of four bits and of three values: scales that keep the squared error small.
//!
//! A row `w` becomes `step * q`, or, in groups of 32 columns, `step * scale * q` with a whole number `scale` of the group. For a step the best `q` is the
//! nearest, and for the `q` the best step is `<w, q> / <q, q>`; both are repeated from many steps (Lloyd's method), since the error
//! has many local minima. For three values there is a way without a search: the `k` largest magnitudes become their mean, where `(their sum)^2 / k`
//! is largest; the threshold of Li, Zhang and Liu, "Ternary Weight Networks" (arXiv 1605.04711), is its approximation.
//!
//! Rejected: the largest weight at the end of the range, as for eight bits: with 16 steps, a few large weights make all others coarse.

use super::weights::WeightFormat;

/// Columns of a group.
pub const GROUP: usize = 32;

/// Rows of a matrix that share a step.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    /// Real value of one.
    pub step: f64,
    /// One for each group, row by row; empty without groups.
    pub scales: Vec<u8>,
    /// As many as there were weights.
    pub weights: Vec<i8>,
}

/// Values of a stored weight.
#[derive(Clone, Copy)]
struct Levels {
    least: i32,
    most: i32,
}

impl Levels {
    fn nearest(self, w: f32, step: f64) -> i32 {
        ((f64::from(w) / step).round() as i32).clamp(self.least, self.most)
    }
}

/// Steps tried from the largest weight down to an eighth of it.
const TRIED: usize = 48;

/// Fits rows of `cols` weights each with one step, which is at least `floor`.
///
/// # Panics
/// For eight bits, which have one step and no choice.
pub fn fit(rows: &[f32], cols: usize, format: WeightFormat, floor: f64) -> Fit {
    let levels = match format {
        WeightFormat::W4 | WeightFormat::W4Groups => Levels { least: -8, most: 7 },
        WeightFormat::T2 | WeightFormat::T2Groups => Levels { least: -1, most: 1 },
        WeightFormat::W8 => panic!("eight bits are not low"),
    };
    let floor = floor.max(f64::from(f32::MIN_POSITIVE));
    if matches!(format, WeightFormat::W4Groups | WeightFormat::T2Groups) {
        return fit_groups(rows, cols, levels, floor);
    }
    let step = best_step(rows, levels).max(floor);
    Fit { step, scales: Vec::new(), weights: rows.iter().map(|&w| levels.nearest(w, step) as i8).collect() }
}

/// Groups have the step that is best for each, as nearly as a whole number of common steps comes to it.
fn fit_groups(rows: &[f32], cols: usize, levels: Levels, floor: f64) -> Fit {
    let groups: Vec<&[f32]> = rows.chunks(cols.max(1)).flat_map(|row| row.chunks(GROUP)).collect();
    let best: Vec<f64> = groups.iter().map(|group| best_step(group, levels)).collect();
    let widest = best.iter().copied().fold(0.0, f64::max);
    // Of a long row, sums of 31 bits must hold the largest scale at every weight.
    let most = ((1 << 20) / cols.max(1)).clamp(1, 255) as f64;
    let mut step = (widest / most).max(floor);
    let scales: Vec<u8> = best.iter().map(|best| (best / step).round().clamp(1.0, most) as u8).collect();
    let stored = |step: f64| {
        let one = |(group, &scale): (&&[f32], &u8)| {
            let step = step * f64::from(scale);
            group.iter().map(move |&w| levels.nearest(w, step)).collect::<Vec<_>>()
        };
        groups.iter().zip(&scales).map(one).collect::<Vec<_>>()
    };
    // The common step once more, now that the scales are whole numbers.
    let (mut products, mut squares) = (0.0, 0.0);
    for ((group, weights), &scale) in groups.iter().zip(stored(step)).zip(&scales) {
        for (&w, q) in group.iter().zip(weights) {
            let q = f64::from(scale) * f64::from(q);
            products += f64::from(w) * q;
            squares += q * q;
        }
    }
    if squares > 0.0 {
        step = (products / squares).max(floor);
    }
    let weights = stored(step).into_iter().flatten().map(|q| q as i8).collect();
    Fit { step, scales, weights }
}

/// The step with the least squared error that is found.
fn best_step(weights: &[f32], levels: Levels) -> f64 {
    if levels.most == 1 {
        return ternary_step(weights);
    }
    let peak = weights.iter().fold(0f64, |peak, w| peak.max(f64::from(w.abs())));
    let top = peak / f64::from(levels.most);
    let mut best = (f64::INFINITY, top);
    for i in 0..TRIED {
        let mut step = top * (-3.0 * i as f64 / TRIED as f64).exp2();
        // The third time changes next to nothing.
        for _ in 0..3 {
            let (error, better) = squared_error(weights, levels, step);
            if error < best.0 {
                best = (error, step);
            }
            step = better;
        }
    }
    best.1
}

/// The squared error of the weights that are nearest, and the step that would be best for these.
fn squared_error(weights: &[f32], levels: Levels, step: f64) -> (f64, f64) {
    let (mut error, mut products, mut squares) = (0.0, 0.0, 0.0);
    for &w in weights {
        let (w, q) = (f64::from(w), f64::from(levels.nearest(w, step)));
        error += (w - step * q).powi(2);
        products += w * q;
        squares += q * q;
    }
    (error, if squares > 0.0 { products / squares } else { step })
}

/// The step with the least squared error if every weight becomes 0 or plus or minus it.
fn ternary_step(weights: &[f32]) -> f64 {
    let mut sizes: Vec<f64> = weights.iter().map(|w| f64::from(w.abs())).collect();
    sizes.sort_by(|a, b| b.total_cmp(a));
    let (mut sum, mut best) = (0.0, (0.0, 0.0));
    for (i, size) in sizes.into_iter().enumerate() {
        sum += size;
        let count = (i + 1) as f64;
        if sum * sum / count > best.0 {
            best = (sum * sum / count, sum / count);
        }
    }
    best.1
}

/// Stored weights with their scales, as the accumulator adds them. `scales` has one for each group of a row, or is empty.
pub fn effective(weights: &[i8], cols: usize, scales: &[u8]) -> Vec<i32> {
    let groups = cols.div_ceil(GROUP).max(1);
    let cols = cols.max(1);
    let scale = |i: usize| scales.get(i / cols * groups + i % cols / GROUP).map_or(1, |&scale| i32::from(scale));
    weights.iter().enumerate().map(|(i, &w)| i32::from(w) * scale(i)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers around zero, with a few large ones.
    fn numbers(count: usize, seed: u64) -> Vec<f32> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 40) as f32 / (1 << 24) as f32 - 0.5
        };
        (0..count).map(|_| next() + next() + next() * next() * 4.0).collect()
    }

    fn error(rows: &[f32], cols: usize, fit: &Fit) -> f64 {
        let effective = effective(&fit.weights, cols, &fit.scales);
        rows.iter().zip(effective).map(|(&w, q)| (f64::from(w) - fit.step * f64::from(q)).powi(2)).sum()
    }

    #[test]
    fn what_can_be_stored_is_stored_exactly() {
        for (format, most) in [(WeightFormat::W4, 7), (WeightFormat::W4Groups, 7), (WeightFormat::T2, 1)] {
            let rows: Vec<f32> = (0..96).map(|i| 0.25 * ((i * 37 % (2 * most + 1)) - most) as f32).collect();
            let fit = fit(&rows, 96, format, 0.0);
            assert!(error(&rows, 96, &fit) < 1e-12, "{format}: {fit:?}");
        }
    }

    #[test]
    fn no_step_does_better_for_three_values() {
        let levels = Levels { least: -1, most: 1 };
        for seed in 0..20 {
            let row = numbers(50, seed);
            let have = error(&row, 50, &fit(&row, 50, WeightFormat::T2, 0.0));
            for i in 1..2000 {
                let step = f64::from(i) * 0.001;
                let (other, _) = squared_error(&row, levels, step);
                assert!(have <= other + 1e-9, "seed {seed}: {have} at the chosen step, {other} at {step}");
            }
        }
    }

    #[test]
    fn four_bits_are_near_the_best_of_all_steps() {
        let levels = Levels { least: -8, most: 7 };
        for seed in 0..20 {
            let row = numbers(200, seed);
            let have = error(&row, 200, &fit(&row, 200, WeightFormat::W4, 0.0));
            let best = (1..4000).map(|i| squared_error(&row, levels, f64::from(i) * 0.0001).0);
            let best = best.fold(f64::INFINITY, f64::min);
            assert!(have <= best * 1.01, "seed {seed}: {have}, the best is {best}");
        }
    }

    #[test]
    fn groups_follow_columns_of_different_size() {
        let mut row = numbers(128, 3);
        row[..32].iter_mut().for_each(|w| *w *= 0.01);
        row[64..96].iter_mut().for_each(|w| *w *= 0.1);
        let [plain, groups] = [WeightFormat::W4, WeightFormat::W4Groups].map(|format| fit(&row, 128, format, 0.0));
        assert!(error(&row, 128, &groups) < error(&row, 128, &plain));
        let small = |fit: &Fit| {
            let scales = fit.scales.iter().take(1).copied().collect();
            error(&row[..32], 32, &Fit { scales, weights: fit.weights[..32].to_vec(), ..*fit })
        };
        assert!(small(&groups) * 20.0 < small(&plain), "{} and {}", small(&groups), small(&plain));
    }

    #[test]
    fn long_rows_leave_room_in_the_accumulator() {
        let row = numbers(100_000, 1);
        let fit = fit(&row, row.len(), WeightFormat::W4Groups, 0.0);
        let sum: i64 = effective(&fit.weights, row.len(), &fit.scales).iter().map(|w| i64::from(w.abs())).sum();
        assert!(sum * 128 < 1 << 30, "{sum}");
    }

    #[test]
    fn zeros_and_floors_are_kept() {
        for format in [WeightFormat::W4, WeightFormat::W4Groups, WeightFormat::T2, WeightFormat::T2Groups] {
            assert_eq!(fit(&[0.0; 40], 40, format, 0.0).weights, [0; 40]);
            assert!(fit(&numbers(40, 1), 40, format, 0.7).step >= 0.7);
        }
    }
}
