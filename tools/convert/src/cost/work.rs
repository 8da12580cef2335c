//! What a run does, as counts of pieces of work whose costs are measured.

use std::collections::BTreeMap;

/// Counts of pieces, and what is left to the input.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Work {
    /// Counts by the piece's name.
    pub pieces: BTreeMap<String, f64>,
    /// What the input decides.
    pub choices: Vec<Choice>,
}

/// `take` of some alternatives, so many times; the times are independent of each other.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// How often.
    pub times: f64,
    /// How many of them, each at most once.
    pub take: usize,
    /// The alternatives.
    pub of: Vec<Work>,
}

/// Which of the alternatives is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pick {
    /// The cheapest.
    Least,
    /// The dearest.
    Most,
}

impl Work {
    /// Adds `count` of a piece.
    pub fn add(&mut self, piece: impl Into<String>, count: usize) {
        if count > 0 {
            *self.pieces.entry(piece.into()).or_default() += count as f64;
        }
    }

    /// Adds all of `other`, `times` times.
    pub fn merge(&mut self, other: Self, times: usize) {
        if times == 0 {
            return;
        }
        for (piece, count) in other.pieces {
            *self.pieces.entry(piece).or_default() += count * times as f64;
        }
        self.choices
            .extend(other.choices.into_iter().map(|choice| Choice { times: choice.times * times as f64, ..choice }));
    }

    /// Leaves `take` of `of` to the input, `times` times.
    pub fn choose(&mut self, times: usize, take: usize, of: Vec<Self>) {
        if times > 0 && take > 0 {
            self.choices.push(Choice { times: times as f64, take, of });
        }
    }

    /// Leaves one of `pieces` or nothing to the input, `times` times.
    pub fn choose_piece(&mut self, times: usize, pieces: &[String]) {
        let one = |piece: &String| Self { pieces: [(piece.clone(), 1.0)].into(), choices: Vec::new() };
        self.choose(times, 1, [Self::default()].into_iter().chain(pieces.iter().map(one)).collect());
    }

    /// Every piece of it, in whatever alternative.
    pub fn names(&self) -> Vec<&str> {
        let own = self.pieces.keys().map(String::as_str);
        own.chain(self.choices.iter().flat_map(|choice| choice.of.iter().flat_map(Self::names))).collect()
    }

    /// What it costs if the input chooses as `pick` says.
    ///
    /// # Errors
    /// The name of a piece whose cost is not known.
    pub fn cost(&self, costs: &BTreeMap<String, f64>, pick: Pick) -> Result<f64, String> {
        let mut sum = 0.0;
        for (piece, count) in &self.pieces {
            sum += count * costs.get(piece).ok_or_else(|| piece.clone())?;
        }
        for Choice { times, take, of } in &self.choices {
            let mut all = of.iter().map(|work| work.cost(costs, pick)).collect::<Result<Vec<f64>, _>>()?;
            all.sort_by(f64::total_cmp);
            if pick == Pick::Most {
                all.reverse();
            }
            sum += times * all.iter().take(*take).sum::<f64>();
        }
        Ok(sum)
    }
}

#[cfg(test)]
mod tests {
    use super::{Pick, Work};

    #[test]
    fn the_input_chooses_the_cheapest_and_the_dearest() {
        let costs = [("a", 10.0), ("b", 3.0), ("c", 7.0)].map(|(piece, cost)| (piece.to_owned(), cost)).into();
        let one = |piece: &str| {
            let mut work = Work::default();
            work.add(piece, 1);
            work
        };
        let mut work = one("a");
        work.choose(2, 2, vec![one("a"), one("b"), one("c")]);
        work.choose_piece(3, &["b".into()]);
        assert_eq!(work.cost(&costs, Pick::Most), Ok(10.0 + 2.0 * 17.0 + 9.0));
        assert_eq!(work.cost(&costs, Pick::Least), Ok(10.0 + 2.0 * 10.0));
        work.merge(one("d"), 1);
        assert_eq!(work.cost(&costs, Pick::Least), Err("d".into()));
    }
}
