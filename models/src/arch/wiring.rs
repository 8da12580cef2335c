//! Word wiring: which words of 32 bits a word of 32 gates reads, and how far they are rotated.
//!
//! Gate `l` of output word `w` reads bit `(l + a_rot[w]) % 32` of word `a_word[w]` and bit `(l + b_rot[w]) % 32` of word
//! `b_word[w]`. A device then loads two words and rotates them, where free wiring (arXiv 2210.08277) gathers 64 single
//! bits. Operands are drawn at random, from a shuffled supply that holds every word equally often (as `difflogic` does
//! with bits), so that no word before is left out.

use crate::seed::Stream;

/// The operands of a layer, one entry per output word.
#[derive(Debug, Clone)]
pub(crate) struct Wiring {
    pub(crate) a_word: Vec<usize>,
    pub(crate) a_rot: Vec<usize>,
    pub(crate) b_word: Vec<usize>,
    pub(crate) b_rot: Vec<usize>,
}

impl Wiring {
    /// `to` words of gates over any of `from` words.
    pub(crate) fn random(from: usize, to: usize, stream: &mut Stream) -> Self {
        let mut words = supply(from, 2 * to, stream);
        let b_word = words.split_off(to);
        let a_word = words;
        let a_rot: Vec<usize> = (0..to).map(|_| stream.below(32)).collect();
        let b_rot = (0..to)
            .map(|w| {
                // A gate on one bit twice is a constant or a wire: such words get another rotation.
                let same = a_word[w] == b_word[w];
                if same { (a_rot[w] + 1 + stream.below(31)) % 32 } else { stream.below(32) }
            })
            .collect();
        Self { a_word, a_rot, b_word, b_rot }
    }

    /// `to` words of gates over planes of `plane` words each, of an image `width` pixels wide: both operands come from
    /// the same part of the image, one pixel apart, and from any two planes. A rotation carries the neighbour over the
    /// edge of the word.
    pub(crate) fn local(from: usize, to: usize, plane: usize, width: usize, stream: &mut Stream) -> Self {
        let a_word = supply(from, to, stream);
        let a_rot: Vec<usize> = (0..to).map(|_| stream.below(32)).collect();
        let neighbours = [1, 31, width, 32 - width, width + 1, 31 - width, width - 1, 33 - width];
        let b_word = a_word.iter().map(|&word| word % plane + plane * stream.below(from / plane)).collect();
        let b_rot = a_rot.iter().map(|rot| (rot + neighbours[stream.below(neighbours.len())]) % 32).collect();
        Self { a_word, a_rot, b_word, b_rot }
    }

    /// Bit indices of the two operands of every gate.
    pub(crate) fn operands(&self) -> (Vec<usize>, Vec<usize>) {
        let bits = |words: &[usize], rotations: &[usize]| {
            let lanes = |(&word, &rot): (&usize, &usize)| (0..32).map(move |lane| 32 * word + (lane + rot) % 32);
            words.iter().zip(rotations).flat_map(lanes).collect()
        };
        (bits(&self.a_word, &self.a_rot), bits(&self.b_word, &self.b_rot))
    }
}

/// `count` words of `0..from` in random order, each as often as any other, give or take one.
fn supply(from: usize, count: usize, stream: &mut Stream) -> Vec<usize> {
    let mut order: Vec<usize> = (0..from).collect();
    stream.shuffle(&mut order);
    let mut words: Vec<usize> = order.into_iter().cycle().take(count).collect();
    stream.shuffle(&mut words);
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Purpose;

    #[test]
    fn every_word_is_read() {
        let mut stream = Stream::new(1, Purpose::Wiring);
        for (from, to) in [(2, 1), (30, 15), (30, 80), (7, 9)] {
            let wiring = Wiring::random(from, to, &mut stream);
            assert!((0..from).all(|word| wiring.a_word.contains(&word) || wiring.b_word.contains(&word)));
        }
    }

    #[test]
    fn no_gate_reads_one_bit_twice() {
        let mut stream = Stream::new(2, Purpose::Wiring);
        for wiring in [Wiring::random(3, 500, &mut stream), Wiring::local(6, 500, 2, 8, &mut stream)] {
            let (a, b) = wiring.operands();
            assert!(a.iter().zip(&b).all(|(a, b)| a != b));
        }
    }

    #[test]
    fn local_operands_are_neighbouring_pixels() {
        let wiring = Wiring::local(6, 100, 2, 8, &mut Stream::new(3, Purpose::Wiring));
        for w in 0..100 {
            assert_eq!(wiring.a_word[w] % 2, wiring.b_word[w] % 2, "another half of the image");
            let apart = (32 + wiring.b_rot[w] - wiring.a_rot[w]) % 32;
            assert!([1, 31, 8, 24, 9, 23, 7, 25].contains(&apart), "{apart}");
        }
    }
}
