//! Which bits a layer of gates reads.
//!
//! Word wiring: gate `l` of output word `w` reads bit `(l + rot) % 32` of a word, for each of its two operands. A device
//! then loads two words and rotates them, where free wiring (arXiv 2210.08277) gathers 64 single bits. Operands are drawn
//! at random, from a shuffled supply that holds every word equally often (as `difflogic` does with bits), so that no word
//! before is left out.
//!
//! An operand may have several candidates, of which training picks one; the first of them is what it would be without.

use crate::recipe::WiringForm;
use crate::seed::Stream;

/// The operands of a layer.
#[derive(Debug, Clone)]
pub(crate) struct Wiring {
    /// Gates that choose their operands together: 32 in word wiring, 1 in free wiring.
    pub(crate) lanes: usize,
    pub(crate) a: Operand,
    pub(crate) b: Operand,
}

/// One operand of every group of gates: its candidates `(groups, candidates)`, row by row.
#[derive(Debug, Clone)]
pub(crate) struct Operand {
    /// Words in word wiring, bits in free wiring.
    pub(crate) source: Vec<usize>,
    /// How far words are rotated; 0 in free wiring.
    pub(crate) rot: Vec<usize>,
    pub(crate) candidates: usize,
}

/// An image in words: what is near what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Image {
    /// Words of one threshold.
    pub(crate) plane: usize,
    /// Bits of a row, a power of two up to 32.
    pub(crate) row: usize,
}

impl Wiring {
    /// `to` gates over any of `from` bits.
    pub(crate) fn new(form: WiringForm, from: usize, to: usize, candidates: usize, stream: &mut Stream) -> Self {
        let mut wiring = match form {
            WiringForm::Word => Self::words(from / 32, to / 32, stream),
            WiringForm::Random => Self::bits(from, to, stream),
            WiringForm::Unique => Self::unique(from, to, stream),
        };
        let words = wiring.lanes == 32;
        let sources = if words { from / 32 } else { from };
        wiring.learn(candidates, stream, |stream, _, _| {
            let source = stream.below(sources);
            (source, if words { stream.below(32) } else { 0 })
        });
        wiring
    }

    /// `to` words of gates over any of `from` words.
    fn words(from: usize, to: usize, stream: &mut Stream) -> Self {
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
        Self { lanes: 32, a: Operand::new(a_word, a_rot), b: Operand::new(b_word, b_rot) }
    }

    /// `to` gates over an image of `from` bits: both operands come from the same part of it, one pixel apart, and from any
    /// two planes. A rotation carries the neighbour over the edge of the word.
    pub(crate) fn local(from: usize, to: usize, image: Image, candidates: usize, stream: &mut Stream) -> Self {
        let (from, to) = (from / 32, to / 32);
        let a_word = supply(from, to, stream);
        let a_rot: Vec<usize> = (0..to).map(|_| stream.below(32)).collect();
        let planes = from / image.plane;
        let near = |word: usize, rot: usize, plane: usize, step: (isize, usize)| {
            let at = (word % image.plane).checked_add_signed(step.0).filter(|&at| at < image.plane);
            // Beyond the edge of the image is its own row again.
            (at.unwrap_or(word % image.plane) + image.plane * plane, (rot + step.1) % 32)
        };
        let width = image.row;
        // Each neighbour as a step of words and a rotation.
        let neighbours: [(isize, usize); 8] = if width == 32 {
            [(0, 1), (0, 31), (1, 0), (-1, 0), (1, 1), (1, 31), (-1, 1), (-1, 31)]
        } else {
            [1, 31, width, 32 - width, width + 1, 31 - width, width - 1, 33 - width].map(|rot| (0, rot))
        };
        let b_plane: Vec<usize> = (0..to).map(|_| stream.below(planes)).collect();
        let (b_word, b_rot) =
            (0..to).map(|w| near(a_word[w], a_rot[w], b_plane[w], neighbours[stream.below(neighbours.len())])).unzip();
        let mut wiring = Self { lanes: 32, a: Operand::new(a_word, a_rot), b: Operand::new(b_word, b_rot) };
        wiring.learn(candidates, stream, |stream, word, rot| {
            let plane = stream.below(planes);
            near(word, rot, plane, neighbours[stream.below(neighbours.len())])
        });
        wiring
    }

    /// `to` gates over any of `from` bits, as `difflogic` draws them.
    fn bits(from: usize, to: usize, stream: &mut Stream) -> Self {
        let mut a = supply(from, 2 * to, stream);
        let mut b = a.split_off(to);
        b.iter_mut().zip(&a).filter(|(b, a)| b == a).for_each(|(b, _)| *b = (*b + 1) % from);
        Self::free(a, b)
    }

    /// `to` different pairs of `from` bits: (0, 1), (2, 3) and so on, then (1, 2), (3, 4), then those two apart, three
    /// apart, until there are enough; in random order.
    fn unique(from: usize, to: usize, stream: &mut Stream) -> Self {
        let near = |start: usize| (start..from.saturating_sub(1)).step_by(2).map(|bit| (bit, bit + 1));
        let far = (2..from).flat_map(|apart| (0..from - apart).map(move |bit| (bit, bit + apart)));
        let mut pairs: Vec<(usize, usize)> = near(0).chain(near(1)).chain(far).take(to).collect();
        stream.shuffle(&mut pairs);
        let (a, b) = pairs.into_iter().unzip();
        Self::free(a, b)
    }

    fn free(a: Vec<usize>, b: Vec<usize>) -> Self {
        let rot = vec![0; a.len()];
        Self { lanes: 1, a: Operand::new(a, rot.clone()), b: Operand::new(b, rot) }
    }

    /// Gives every operand `candidates` candidates: what it reads now, and what `draw` gives for that.
    fn learn(
        &mut self,
        candidates: usize,
        stream: &mut Stream,
        mut draw: impl FnMut(&mut Stream, usize, usize) -> (usize, usize),
    ) {
        for operand in [&mut self.a, &mut self.b] {
            let first: Vec<_> = operand.source.iter().copied().zip(operand.rot.iter().copied()).collect();
            let mut all = Vec::with_capacity(first.len() * candidates);
            for (source, rot) in first {
                all.push((source, rot));
                all.extend((1..candidates).map(|_| draw(stream, source, rot)));
            }
            (operand.source, operand.rot) = all.into_iter().unzip();
            operand.candidates = candidates;
        }
    }

    /// Groups of gates.
    pub(crate) fn groups(&self) -> usize {
        self.a.source.len() / self.a.candidates
    }
}

impl Operand {
    fn new(source: Vec<usize>, rot: Vec<usize>) -> Self {
        Self { source, rot, candidates: 1 }
    }

    /// Bit indices of the candidates of every gate, `(gates, candidates)` row by row, with `lanes` gates in a group.
    pub(crate) fn bits(&self, lanes: usize) -> Vec<u32> {
        let group = |(sources, rots): (&[usize], &[usize])| {
            let (sources, rots) = (sources.to_vec(), rots.to_vec());
            (0..lanes).flat_map(move |lane| {
                let bit = move |(&source, &rot): (&usize, &usize)| match lanes {
                    32 => (32 * source + (lane + rot) % 32) as u32,
                    _ => source as u32,
                };
                sources.iter().zip(&rots).map(bit).collect::<Vec<_>>()
            })
        };
        self.source.chunks_exact(self.candidates).zip(self.rot.chunks_exact(self.candidates)).flat_map(group).collect()
    }

    /// The source and the rotation of each group, candidate `picks[group]`.
    pub(crate) fn picked(&self, picks: &[usize]) -> (Vec<i32>, Vec<i32>) {
        let at = |(group, &pick): (usize, &usize)| group * self.candidates + pick;
        let take = |index: usize| (self.source[index] as i32, self.rot[index] as i32);
        picks.iter().enumerate().map(at).map(take).unzip()
    }
}

/// `count` of `0..from` in random order, each as often as any other, give or take one.
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

    fn stream(seed: u64) -> Stream {
        Stream::new(seed, Purpose::Wiring)
    }

    #[test]
    fn everything_before_is_read() {
        for (from, to) in [(2, 1), (30, 15), (30, 80), (7, 9)] {
            for form in [WiringForm::Word, WiringForm::Random] {
                let unit = if form == WiringForm::Word { 32 } else { 1 };
                let wiring = Wiring::new(form, from * unit, to * unit, 1, &mut stream(1));
                let read: Vec<u32> = [wiring.a.bits(wiring.lanes), wiring.b.bits(wiring.lanes)].concat();
                let all = (0..(from * unit) as u32).all(|bit| read.contains(&bit));
                // A gate that would read one bit twice reads another instead; that one bit may be lost with it.
                assert!(all || form == WiringForm::Random, "{from} to {to}");
                assert!((0..from * unit).filter(|&bit| !read.contains(&(bit as u32))).count() <= 1);
            }
        }
    }

    #[test]
    fn no_gate_reads_one_bit_twice() {
        let image = |row| Image { plane: 2, row };
        for wiring in [
            Wiring::new(WiringForm::Word, 96, 16_000, 1, &mut stream(2)),
            Wiring::new(WiringForm::Random, 10, 500, 1, &mut stream(2)),
            Wiring::new(WiringForm::Unique, 40, 500, 1, &mut stream(2)),
            Wiring::local(192, 16_000, image(8), 1, &mut stream(2)),
        ] {
            let (a, b) = (wiring.a.bits(wiring.lanes), wiring.b.bits(wiring.lanes));
            assert!(a.iter().zip(&b).all(|(a, b)| a != b));
        }
    }

    #[test]
    fn unique_pairs_differ() {
        let wiring = Wiring::new(WiringForm::Unique, 40, 780, 1, &mut stream(4));
        let mut pairs: Vec<_> = wiring.a.source.iter().zip(&wiring.b.source).collect();
        pairs.sort_unstable();
        pairs.dedup();
        assert_eq!(pairs.len(), 780);
    }

    #[test]
    fn local_operands_are_neighbouring_pixels() {
        let wiring = Wiring::local(192, 3200, Image { plane: 2, row: 8 }, 4, &mut stream(3));
        for group in 0..100 {
            let a = (wiring.a.source[4 * group], wiring.a.rot[4 * group]);
            for index in 4 * group..4 * group + 4 {
                assert_eq!(a.0 % 2, wiring.b.source[4 * group] % 2, "another half of the image");
                assert_eq!(a.0 % 2, wiring.a.source[index] % 2, "another half of the image");
            }
            let apart = (32 + wiring.b.rot[4 * group] - a.1) % 32;
            assert!([1, 31, 8, 24, 9, 23, 7, 25].contains(&apart), "{apart}");
        }
        // Rows of 32 pixels: the row above or below is the next word.
        let wiring = Wiring::local(28 * 32, 28 * 32, Image { plane: 28, row: 32 }, 1, &mut stream(3));
        let far = |(a, b): (&usize, &usize)| a.abs_diff(*b) > 1;
        assert!(!wiring.a.source.iter().zip(&wiring.b.source).any(far));
    }

    #[test]
    fn the_first_candidate_is_what_is_read_without() {
        let one = Wiring::new(WiringForm::Word, 320, 640, 1, &mut stream(5));
        let four = Wiring::new(WiringForm::Word, 320, 640, 4, &mut stream(5));
        let firsts: Vec<u32> = four.a.bits(32).iter().copied().step_by(4).collect();
        assert_eq!(firsts, one.a.bits(32));
        assert_eq!(four.a.picked(&[0; 20]).0, one.a.picked(&[0; 20]).0);
    }
}
