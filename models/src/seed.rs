//! The one source of randomness: a ChaCha8 stream per purpose, all from the recipe's seed.
//!
//! Initial weights, wiring, the split, the shuffle, the augmentation and noise on decisions each draw from a stream of their own, so that
//! a change to one (say, more augmentation) leaves the others as they were. Every number is drawn on the host: a
//! backend's own generator would give other weights on another device.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// What a stream of random numbers is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Split = 1,
    Weights = 2,
    Wiring = 3,
    Shuffle = 4,
    Augment = 5,
    Noise = 6,
}

/// A seeded stream of random numbers.
#[derive(Debug, Clone)]
pub(crate) struct Stream(ChaCha8Rng);

impl Stream {
    /// The stream of `purpose` under `seed`.
    pub(crate) fn new(seed: u64, purpose: Purpose) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(purpose as u64);
        Self(rng)
    }

    /// How many numbers were drawn.
    pub(crate) fn position(&self) -> u128 {
        self.0.get_word_pos()
    }

    /// Goes on as if `position` numbers had been drawn.
    pub(crate) fn seek(&mut self, position: u128) {
        self.0.set_word_pos(position);
    }

    /// A number of `[0, 1)`, of 24 random bits: exact in an `f32`.
    pub(crate) fn unit(&mut self) -> f32 {
        (self.0.next_u32() >> 8) as f32 / (1 << 24) as f32
    }

    /// A number of `[-bound, bound)`.
    pub(crate) fn symmetric(&mut self, bound: f32) -> f32 {
        (2.0 * self.unit() - 1.0) * bound
    }

    /// A normally distributed number (Box and Muller, 1958).
    pub(crate) fn normal(&mut self) -> f32 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f32::consts::TAU * self.unit()).cos()
    }

    /// An integer of `0..n`; `n` must not be 0. The bias of the multiplication is below 2^-32 * n.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        ((u64::from(self.0.next_u32()) * n as u64) >> 32) as usize
    }

    /// Puts `items` in a random order (Fisher and Yates).
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }

    /// `n` numbers of `[-bound, bound)`.
    pub(crate) fn symmetric_vec(&mut self, n: usize, bound: f32) -> Vec<f32> {
        (0..n).map(|_| self.symmetric(bound)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shuffle_keeps_every_item_and_repeats_from_its_seed() {
        let draw = || {
            let mut items: Vec<usize> = (0..100).collect();
            Stream::new(7, Purpose::Shuffle).shuffle(&mut items);
            items
        };
        let mut sorted = draw();
        assert_eq!(sorted, draw());
        sorted.sort_unstable();
        assert_eq!(sorted, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn purposes_have_streams_of_their_own() {
        let first = |purpose| Stream::new(1, purpose).unit();
        assert_ne!(first(Purpose::Split), first(Purpose::Weights));
    }

    #[test]
    fn the_unit_interval_is_half_open_and_centred() {
        let mut stream = Stream::new(3, Purpose::Weights);
        let draws: Vec<f32> = (0..10_000).map(|_| stream.unit()).collect();
        assert!(draws.iter().all(|x| (0.0..1.0).contains(x)));
        let mean = draws.iter().sum::<f32>() / draws.len() as f32;
        assert!((mean - 0.5).abs() < 0.02, "{mean}");
    }
}
