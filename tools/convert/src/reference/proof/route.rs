//! Bounds of ROUTE, and what a ROUTE may have appended to a list.

use super::super::eval::Sum;
use super::super::image::{Image, ONE};
use super::super::ops::{Emit, Route, RouteKind};
use super::layers::{row, size};
use super::ledger::Ledger;
use super::state::{Interval, Known, State};

/// What one ROUTE may append.
#[derive(Debug, Clone)]
pub(super) struct Feed {
    /// The number of choice 0.
    pub first: usize,
    /// Choices that it picks from, numbered `first ..`.
    pub choices: usize,
    /// How many it picks at once.
    pub pick: Pick,
    /// The greatest weight of an entry.
    pub weight: u16,
    /// The largest absolute `z` of each choice's entry; empty: 0.
    pub handed: Vec<u128>,
}

/// How many of its choices a ROUTE picks at once.
#[derive(Debug, Clone, Copy)]
pub(super) enum Pick {
    /// Every one.
    All,
    /// One of each block of so many.
    OneOfEach(usize),
    /// So many different ones.
    Different(usize),
    /// In each block of so many, the nodes from the root of a perfect tree down.
    Path(usize),
}

impl Feed {
    /// The worst sum over what may be picked at once, `cost` being what the choice of a number adds.
    pub fn worst(&self, cost: impl Fn(usize) -> u128) -> u128 {
        let costs: Vec<u128> = (0..self.choices).map(|i| cost(self.first + i)).collect();
        match self.pick {
            Pick::All => costs.iter().sum(),
            Pick::OneOfEach(block) => costs.chunks(block).map(|block| block.iter().copied().max().unwrap_or(0)).sum(),
            Pick::Different(k) => {
                let mut costs = costs;
                costs.sort_unstable_by(|a, b| b.cmp(a));
                costs.iter().take(k).sum()
            }
            Pick::Path(block) => costs.chunks(block).map(worst_path).sum(),
        }
    }
}

/// The worst path from the root: node `i` has the children `2i + 1` and `2i + 2`.
fn worst_path(nodes: &[u128]) -> u128 {
    let mut below = nodes.to_vec();
    for i in (0..nodes.len()).rev() {
        let child = |i: usize| below.get(i).copied().unwrap_or(0);
        below[i] += child(2 * i + 1).max(child(2 * i + 2));
    }
    below.first().copied().unwrap_or(0)
}

pub(super) fn bound(op: &Route, image: &Image, state: &mut State<'_>, ledger: &mut Ledger) {
    let constants = &image.constants;
    let mut products = Vec::new();
    if let RouteKind::Tree { rows, .. } | RouteKind::Linear { rows, .. } = op.kind {
        let most = state.interval(rows.input).most();
        for r in 0..rows.count {
            let bound = row(constants, rows.weights, rows.bias, (r, rows.cols), most);
            ledger.enter(Sum::Row { row: r }, bound);
            products.push((bound - size(constants.bias(rows.bias, r))).min(1 << 31));
        }
    }
    let feed = |choices, pick, weight, handed| Feed { first: op.first, choices, pick, weight, handed };
    let feed = match op.kind {
        RouteKind::Static { count } => feed(count, Pick::All, op.weight, Vec::new()),
        RouteKind::Tree { trees, depth, emit: Emit::Leaf, .. } => {
            feed(trees << depth, Pick::OneOfEach(1 << depth), op.weight, Vec::new())
        }
        RouteKind::Tree { trees, depth, emit: Emit::Path { hand_z }, .. } => {
            let nodes = (1 << depth) - 1;
            feed(trees * nodes, Pick::Path(nodes), op.weight, if hand_z { products } else { Vec::new() })
        }
        RouteKind::Linear { rows, top, scores, gate } => {
            state.write(scores, Known::Nothing);
            let weight =
                gate.map_or(op.weight, |(rq, table)| Interval::of_records(constants, rq).greatest_of(constants, table));
            debug_assert!(weight <= ONE);
            feed(rows.count, Pick::Different(top), weight, Vec::new())
        }
    };
    let mut feeds = if op.append { state.feeds(op.list) } else { Vec::new() };
    feeds.push(feed);
    state.write(op.list, Known::List(feeds));
}
