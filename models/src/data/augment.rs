//! Random affine maps of small images, so that a network sees more positions than the data set holds.
//!
//! A pixel of the varied image samples the original bilinearly at the mapped place. Shifts below one pixel matter most
//! on small images: a whole pixel of an 8 x 8 digit is an eighth of it.

use crate::recipe::{Augment, Input};
use crate::seed::{Purpose, Stream};

/// Varies training rows as the recipe says.
#[derive(Debug)]
pub(crate) struct Augmenter {
    map: Option<Augment>,
    background: f32,
    stream: Stream,
}

impl Augmenter {
    pub(crate) fn new(map: Option<&Augment>, input: &Input, seed: u64) -> Self {
        Self { map: map.cloned(), background: f32::from(input.min), stream: Stream::new(seed, Purpose::Augment) }
    }

    /// Where the random numbers come from.
    pub(crate) fn stream(&self) -> &Stream {
        &self.stream
    }

    /// The same, to go on from another place.
    pub(crate) fn stream_mut(&mut self) -> &mut Stream {
        &mut self.stream
    }

    /// Appends the row `features`, varied, to `out`; the values stay on the scale of `q`, but need not be integers.
    pub(crate) fn push(&mut self, features: &[i8], out: &mut Vec<f32>) {
        let Some(map) = &self.map else {
            out.extend(features.iter().map(|&q| f32::from(q)));
            return;
        };
        if self.stream.unit() >= map.share {
            out.extend(features.iter().map(|&q| f32::from(q)));
            return;
        }
        let (sin, cos) = self.stream.symmetric(map.rotate_degrees).to_radians().sin_cos();
        let (wide, tall) = (1.0 + self.stream.symmetric(map.stretch), 1.0 + self.stream.symmetric(map.stretch));
        let shear = self.stream.symmetric(map.shear);
        let (shift_x, shift_y) = (self.stream.symmetric(map.shift_pixels), self.stream.symmetric(map.shift_pixels));
        let (middle_x, middle_y) = ((map.width as f32 - 1.0) / 2.0, (map.height as f32 - 1.0) / 2.0);
        for row in 0..map.height {
            for column in 0..map.width {
                let (x, y) = (column as f32 - middle_x, row as f32 - middle_y);
                let (x, y) = ((cos * x - sin * y) * wide + shear * y, (sin * x + cos * y) * tall);
                let at = (x + middle_x + shift_x, y + middle_y + shift_y);
                out.push(sample(features, map, self.background, at));
            }
        }
    }
}

/// The image at the real position `(x, y)`, bilinear between the four pixels around it.
fn sample(image: &[i8], map: &Augment, background: f32, (x, y): (f32, f32)) -> f32 {
    let pixel = |column: f32, row: f32| {
        let inside = column >= 0.0 && row >= 0.0 && column < map.width as f32 && row < map.height as f32;
        if inside { f32::from(image[row as usize * map.width + column as usize]) } else { background }
    };
    let (left, top) = (x.floor(), y.floor());
    let (right_share, bottom_share) = (x - left, y - top);
    let upper = pixel(left, top) * (1.0 - right_share) + pixel(left + 1.0, top) * right_share;
    let lower = pixel(left, top + 1.0) * (1.0 - right_share) + pixel(left + 1.0, top + 1.0) * right_share;
    upper * (1.0 - bottom_share) + lower * bottom_share
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(shift_pixels: f32) -> Augment {
        Augment { height: 2, width: 2, shift_pixels, rotate_degrees: 0.0, stretch: 0.0, shear: 0.0, share: 1.0 }
    }

    const INPUT: Input = Input { scale: 1.0, zero_point: 0.0, min: 0, max: 16 };

    #[test]
    fn without_any_range_the_image_is_unchanged() {
        let mut out = Vec::new();
        Augmenter::new(Some(&map(0.0)), &INPUT, 1).push(&[1, 2, 3, 4], &mut out);
        assert_eq!(out, [1.0, 2.0, 3.0, 4.0]);
    }

    #[test]
    fn a_place_between_pixels_is_their_mean_and_outside_is_background() {
        let image = [2, 4, 6, 8];
        assert_eq!(sample(&image, &map(1.0), 0.0, (0.5, 0.5)), 5.0);
        assert_eq!(sample(&image, &map(1.0), 0.0, (-0.5, 0.0)), 1.0);
        assert_eq!(sample(&image, &map(1.0), 0.0, (5.0, 5.0)), 0.0);
    }

    #[test]
    fn varied_values_stay_in_range() {
        let mut augmenter = Augmenter::new(Some(&map(2.0)), &INPUT, 1);
        let mut out = Vec::new();
        (0..100).for_each(|_| augmenter.push(&[16, 0, 16, 16], &mut out));
        assert!(out.iter().all(|q| (0.0..=16.0).contains(q)));
    }
}
