//! What a run gives: scores and, if the image asks for them, classes.

use leafgate_image::{CRC32, TensorRecord};

/// The values of the output tensor, borrowed from the arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Values<'s> {
    /// Quantised numbers: `real = scale * (q - zero_point)`.
    I8(&'s [i8]),
    /// Raw scores, all in one scale.
    I32(&'s [i32]),
}

impl Values<'_> {
    /// Value `i`, widened. Not inlined: whatever reads an output calls it.
    #[inline(never)]
    pub(crate) fn get(&self, i: usize) -> Option<i32> {
        match self {
            Self::I8(values) => values.get(i).map(|&value| value.into()),
            Self::I32(values) => values.get(i).copied(),
        }
    }
}

/// The result of a run, borrowed from the session's arena until the next run.
#[derive(Clone, Copy, Debug)]
pub struct Output<'s> {
    pub(crate) values: Values<'s>,
    pub(crate) classes: &'s [i32],
    /// Says how the values are scaled.
    pub(crate) tensor: Option<&'s TensorRecord>,
}

impl<'s> Output<'s> {
    /// The integers as they lie in the arena.
    pub fn values(&self) -> Values<'s> {
        self.values
    }

    /// Number of values.
    pub fn len(&self) -> usize {
        match self.values {
            Values::I8(values) => values.len(),
            Values::I32(values) => values.len(),
        }
    }

    /// Whether there are none; never so for a valid image.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Value `i`, widened.
    pub fn get(&self, i: usize) -> Option<i32> {
        self.values.get(i)
    }

    /// All values in order, widened.
    pub fn iter(&self) -> impl Iterator<Item = i32> + 's {
        let values = self.values;
        (0..self.len()).filter_map(move |i| values.get(i))
    }

    /// The class with the largest score, if the image asks for it.
    pub fn class(&self) -> Option<usize> {
        self.classes.first().map(|&class| class as usize)
    }

    /// The classes of the largest scores, best first; as many as the image asks for.
    pub fn classes(&self) -> &'s [i32] {
        self.classes
    }

    /// Value `i` in real numbers. The only float of the runtime, computed when asked for.
    pub fn real(&self, i: usize) -> Option<f32> {
        let &TensorRecord { scale, zero_point, .. } = self.tensor?;
        self.get(i).map(|value| (value as f32 - zero_point) * scale)
    }

    /// CRC-32/ISO-HDLC over all values as little-endian i32: a fingerprint to compare devices by.
    pub fn crc32(&self) -> u32 {
        let mut digest = CRC32.digest();
        let mut i = 0;
        while let Some(value) = self.get(i) {
            digest.update(&value.to_le_bytes());
            i += 1;
        }
        digest.finalize()
    }
}
