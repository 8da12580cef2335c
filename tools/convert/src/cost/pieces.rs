//! Pieces that several ops are made of: loops whose bodies the compiler or an assembly kernel unrolls, requantisations, searches.

use super::work::Work;
use crate::reference::{Array, Constants, Largest, Requantised, Rq};

/// A loop over `n` elements is taken to be periodic: every kernel handles a power of two of up to this many at once, then half as many, then what
/// is left over.
pub(super) const PERIOD: usize = 32;

impl Work {
    /// A loop over `n` elements, `times` times: a piece for a whole period, one for half of it, one for each number that can be left over.
    pub(super) fn line(&mut self, name: &str, n: usize, times: usize) {
        self.add(format!("{name}/{PERIOD}"), times * (n / PERIOD));
        self.add(format!("{name}/half"), times * (n % PERIOD / (PERIOD / 2)));
        self.line_by(name, n % (PERIOD / 2), PERIOD / 2, times);
    }

    /// The same with a period of its own.
    pub(super) fn line_by(&mut self, name: &str, n: usize, period: usize, times: usize) {
        self.add(name, times);
        self.add(format!("{name}/{period}"), times * (n / period));
        if !n.is_multiple_of(period) {
            self.add(format!("{name}+{}", n % period), times);
        }
    }

    /// Products of rows of `cols` weights and a vector: whole fours of rows, and single rows; with biases or without.
    pub(super) fn dot(&mut self, name: &str, rows: usize, cols: usize, times: usize, is_biased: bool) {
        if !is_biased {
            self.add(format!("{name}.four.plain"), times * (rows / 4));
            self.add(format!("{name}.one.plain"), times * (rows % 4));
        }
        self.line(&format!("{name}.four"), cols, times * (rows / 4));
        self.line(&format!("{name}.one"), cols, times * (rows % 4));
        if !rows.is_multiple_of(4) {
            self.add(format!("{name}.tail"), times);
        }
    }

    /// `times` requantisations of each of some rows; those with a shift of 33 or more are told apart. Gives how many they are of either kind.
    pub(super) fn requantise(
        &mut self,
        name: &str,
        (constants, rq): (&Constants, Array<Rq>),
        rows: std::ops::Range<usize>,
        times: usize,
    ) -> [usize; 2] {
        let count = rows.len();
        let upper = rows.filter(|&row| constants.rq(rq, row).s >= 33).count();
        let counts = [times * upper, times * (count - upper)];
        self.add(format!("{name}.upper"), counts[0]);
        self.add(format!("{name}.whole"), counts[1]);
        counts
    }

    /// How requantisations end: as many of either kind as may end in any way, or what was seen.
    pub(super) fn ends(&mut self, name: &str, [upper, whole]: [usize; 2], seen: Option<&Requantised>) {
        let [upper_pieces, whole_pieces] = end_pieces(name);
        let Some(seen) = seen else {
            self.choose_piece(upper, &upper_pieces);
            self.choose_piece(whole, &whole_pieces);
            return;
        };
        let pieces =
            upper_pieces.into_iter().zip(&seen.upper[1..]).chain(whole_pieces.into_iter().zip(&seen.whole[1..]));
        for (piece, &count) in pieces {
            self.add(piece, count as usize);
        }
    }

    /// The search for the `count` largest of `values` values.
    pub(super) fn search(&mut self, name: &str, values: usize, count: usize, seen: Option<&Largest>) {
        self.add(format!("{name}.pass"), count);
        self.add(format!("{name}.value"), count * values);
        let piece = |way: &str| format!("{name}.{way}");
        match seen {
            Some(seen) => {
                let Largest { above, found, equal, better, ties } = *seen;
                for (way, seen) in
                    [("above", above), ("found", found), ("equal", equal), ("better", better), ("tie", ties)]
                {
                    self.add(piece(way), seen as usize);
                }
            }
            None => {
                let ways: &[&str] = if count < 2 { &["better", "tie"] } else { &["above", "found", "better", "tie"] };
                let mut of: Vec<Self> = vec![Self::default()];
                for way in ways {
                    let mut one = Self::default();
                    one.add(piece(way), 1);
                    of.push(one);
                }
                for way in ["better", "tie"] {
                    let mut both = Self::default();
                    both.add(piece(way), 1);
                    both.add(piece("equal"), 1);
                    of.extend((count > 1).then_some(both));
                }
                self.choose(count * values, 1, of);
            }
        }
    }
}

/// Pieces of the ends but the plain one.
fn end_pieces(name: &str) -> [Vec<String>; 2] {
    let pieces = |kind: &str, ways: &[&str]| ways.iter().map(|way| format!("{name}.{kind}.{way}")).collect();
    [pieces("upper", &["low", "high"]), pieces("whole", &["low", "high", "lower", "higher"])]
}
