//! The thresholds of a thermometer: listed, evenly spaced, or at quantiles of the training rows.

use super::Rows;
use crate::recipe::{Input, Thresholds};

/// The thresholds of every feature, `[threshold][feature]`, on the scale of `q`, rising.
pub(crate) fn thresholds(form: &Thresholds, input: &Input, rows: &Rows, features: usize) -> Vec<Vec<f32>> {
    match form {
        Thresholds::Listed(list) => list.iter().map(|&threshold| vec![threshold; features]).collect(),
        Thresholds::Uniform(uniform) => {
            evenly(input, uniform.uniform).map(|threshold| vec![threshold; features]).collect()
        }
        Thresholds::Quantile(quantile) => {
            let count = quantile.quantile;
            let mut planes = vec![Vec::with_capacity(features); count];
            for feature in 0..features {
                let own = quantiles(rows, feature, input, count);
                planes.iter_mut().zip(own).for_each(|(plane, threshold)| plane.push(threshold));
            }
            planes
        }
    }
}

fn evenly(input: &Input, count: usize) -> impl Iterator<Item = f32> {
    let (min, span) = (f32::from(input.min), f32::from(input.max) - f32::from(input.min));
    (1..=count).map(move |index| min + span * index as f32 / (count + 1) as f32)
}

/// Quantiles of the values of `feature` above the smallest, at `1/(count + 1)`, `2/(count + 1)` and so on. A feature that
/// is always smallest tells nothing wherever its thresholds are: they are spread evenly.
fn quantiles(rows: &Rows, feature: usize, input: &Input, count: usize) -> Vec<f32> {
    let mut histogram = [0usize; 256];
    let place = |q: i8| usize::from((i16::from(q) + 128) as u8);
    (0..rows.len()).map(|row| rows.features(row)[feature]).for_each(|q| histogram[place(q)] += 1);
    let first = place(input.min) + 1;
    let total: usize = histogram[first..].iter().sum();
    if total == 0 {
        return evenly(input, count).collect();
    }
    let at = |index: usize| {
        let mut left = total * index / (count + 1);
        for (place, &rows) in histogram.iter().enumerate().skip(first) {
            if left < rows {
                // The value itself is above the threshold: half of the rows of a binary feature would be lost otherwise.
                return place as f32 - 128.5;
            }
            left -= rows;
        }
        f32::from(input.max)
    };
    (1..=count).map(at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::{Quantile, Uniform};

    const INPUT: Input = Input { scale: 1.0, zero_point: 0.0, min: 0, max: 16 };

    #[test]
    fn even_thresholds_divide_the_range() {
        let rows = Rows::of(2, vec![], vec![]);
        let form = Thresholds::Uniform(Uniform { uniform: 3 });
        assert_eq!(thresholds(&form, &INPUT, &rows, 2), [[4.0, 4.0], [8.0, 8.0], [12.0, 12.0]]);
    }

    #[test]
    fn quantiles_divide_the_rows_of_each_feature() {
        // Feature 0 is 1 to 8, feature 1 is background but for two rows, feature 2 is always background.
        let values = (1..=8).flat_map(|row: i8| [row, if row > 6 { 10 } else { 0 }, 0]).collect();
        let rows = Rows::of(3, values, vec![0; 8]);
        let form = Thresholds::Quantile(Quantile { quantile: 3 });
        let planes = thresholds(&form, &INPUT, &rows, 3);
        let above = |feature: usize| {
            let count = |plane: &Vec<f32>| {
                (0..8).filter(|&row| f32::from(rows.features(row)[feature]) > plane[feature]).count()
            };
            planes.iter().map(count).collect::<Vec<_>>()
        };
        assert_eq!((above(0), above(1)), (vec![6, 4, 2], vec![2, 2, 2]));
        assert_eq!(planes.iter().map(|plane| plane[2]).collect::<Vec<_>>(), [4.0, 8.0, 12.0]);
    }
}
