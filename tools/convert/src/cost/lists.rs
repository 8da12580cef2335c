//! What a list may hold when an op reads it: its length is the same for every input, its entries are not.

use crate::reference::{Emit, Image, ONE, Op, Route, RouteKind};

/// Some entries of a list.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    /// How many of them there are, each with another number if there is more than one.
    pub take: usize,
    /// The numbers they may have.
    pub of: Vec<usize>,
    /// Whether their weight is One; none: the input decides.
    pub is_one: Option<bool>,
}

/// The lists of an image as its ops go by.
#[derive(Default)]
pub(super) struct Lists(Vec<(usize, Vec<Slot>)>);

impl Lists {
    /// What a list holds; none if no ROUTE has emptied it, or something has overwritten it since.
    pub fn get(&self, list: usize) -> Option<&[Slot]> {
        self.0.iter().find(|(have, _)| *have == list).map(|(_, slots)| slots.as_slice())
    }

    /// Entries of a list.
    pub fn len(&self, list: usize) -> Option<usize> {
        self.get(list).map(|slots| slots.iter().map(|slot| slot.take).sum())
    }

    /// Notes what an op does to lists.
    pub fn pass(&mut self, op: &Op, image: &Image) {
        let written = op.writes();
        let own = if let Op::Route(route) = op { Some(route.list) } else { None };
        self.0.retain(|(list, _)| {
            let tensor = &image.tensors[*list];
            written
                .iter()
                .all(|&written| Some(written) == own && written == *list || !image.tensors[written].overlaps(tensor))
        });
        if let Op::Route(route) = op {
            if !route.append {
                self.0.retain(|(list, _)| *list != route.list);
                self.0.push((route.list, Vec::new()));
            }
            let room = image.tensors[route.list].cols.saturating_sub(self.len(route.list).unwrap_or(0));
            if let Some((_, slots)) = self.0.iter_mut().find(|(list, _)| *list == route.list) {
                append(slots, route, room);
            }
        }
    }
}

/// Entries that a ROUTE appends if there is room for all.
pub(super) fn appended(route: &Route) -> usize {
    match route.kind {
        RouteKind::Static { count } => count,
        RouteKind::Tree { trees, emit: Emit::Leaf, .. } => trees,
        RouteKind::Tree { trees, depth, .. } => trees * depth as usize,
        RouteKind::Linear { top, .. } => top,
    }
}

fn append(slots: &mut Vec<Slot>, route: &Route, mut room: usize) {
    let mut push = |take: usize, of: std::ops::Range<usize>, is_one| {
        let take = take.min(room);
        room -= take;
        if take > 0 {
            slots.push(Slot { take, of: of.map(|i| route.first + i).collect(), is_one });
        }
    };
    let is_one = Some(route.weight == ONE);
    match route.kind {
        RouteKind::Static { count } => (0..count).for_each(|i| push(1, i..i + 1, is_one)),
        RouteKind::Tree { trees, depth, emit: Emit::Leaf, .. } => {
            let leaves = 1usize << depth;
            (0..trees).for_each(|tree| push(1, tree * leaves..(tree + 1) * leaves, is_one));
        }
        RouteKind::Tree { trees, depth, .. } => {
            let nodes = (1usize << depth) - 1;
            for tree in 0..trees {
                (0..depth).for_each(|level| {
                    let first = tree * nodes + (1 << level) - 1;
                    push(1, first..first + (1 << level), is_one);
                });
            }
        }
        RouteKind::Linear { rows, top, gate, .. } => push(top, 0..rows.count, is_one.filter(|_| gate.is_none())),
    }
}
