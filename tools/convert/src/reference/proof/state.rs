//! What is known of every tensor between two ops.

use std::rc::Rc;

use super::super::image::{Array, Constants, Dtype, Image, Place, Rq};
use super::super::ops::Op;
use super::route::Feed;

/// The values that an I8 element can have, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Interval {
    pub least: i8,
    pub greatest: i8,
}

impl Interval {
    /// Any I8.
    pub const ALL: Self = Self { least: i8::MIN, greatest: i8::MAX };

    /// From one to the other, in either order.
    pub fn new(a: i8, b: i8) -> Self {
        Self { least: a.min(b), greatest: a.max(b) }
    }

    /// What the records of an array clamp to.
    pub fn of_records(constants: &Constants, records: Array<Rq>) -> Self {
        let one = |rq: Rq| Self { least: rq.lo, greatest: rq.hi };
        constants.all(records).map(one).reduce(Self::hull).unwrap_or(Self::ALL)
    }

    fn hull(self, other: Self) -> Self {
        Self { least: self.least.min(other.least), greatest: self.greatest.max(other.greatest) }
    }

    /// The largest absolute value.
    pub fn most(&self) -> u128 {
        self.least.unsigned_abs().max(self.greatest.unsigned_abs()).into()
    }

    /// What a table of 256 makes of it.
    pub fn through(&self, constants: &Constants, table: Array<i8>) -> Self {
        let (first, last) = (self.index(self.least), self.index(self.greatest));
        let entries = constants.part(table, first, last - first + 1);
        entries.map(|y| Self::new(y, y)).reduce(Self::hull).unwrap_or(Self::ALL)
    }

    /// The greatest entry of a table of 256 weights that it reaches.
    pub fn greatest_of(&self, constants: &Constants, table: Array<u16>) -> u16 {
        let (first, last) = (self.index(self.least), self.index(self.greatest));
        constants.part(table, first, last - first + 1).max().unwrap_or(u16::MAX)
    }

    fn index(&self, x: i8) -> usize {
        (i16::from(x) + 128) as usize
    }
}

/// What is known of a tensor.
#[derive(Debug, Clone)]
pub(super) enum Known {
    /// Nothing: not written, or written over.
    Nothing,
    /// The values of its elements.
    I8(Interval),
    /// The largest absolute value of each column.
    I32(Rc<[u128]>),
    /// It was written.
    Bits,
    /// Which of its signals were written. Of their bytes only the lowest bits are said, so that other ops know nothing of them.
    Signals(Rc<[bool]>),
    /// What was appended since it was emptied.
    List(Vec<Feed>),
    /// Which of its elements were written, not all of them, and what is known of those.
    Part(Vec<bool>, Box<Known>),
}

impl Known {
    /// What holds of numbers that are of the one or of the other; `cols` is the number of columns.
    fn either(self, other: Self, cols: usize) -> Self {
        match (self, other) {
            (Self::I8(a), Self::I8(b)) => Self::I8(a.hull(b)),
            (Self::I32(a), Self::I32(b)) => {
                let most = a.iter().chain(b.iter()).copied().max().unwrap_or(0);
                Self::I32(vec![most; cols].into())
            }
            (known, _) => known,
        }
    }
}

/// What is known of all tensors.
pub(super) struct State<'a> {
    image: &'a Image,
    known: Vec<Known>,
}

impl<'a> State<'a> {
    pub fn new(image: &'a Image, input: Interval) -> Self {
        let mut known = vec![Known::Nothing; image.tensors.len()];
        known[image.header.input] = match image.tensors[image.header.input].dtype {
            Dtype::I8 => Known::I8(input),
            _ => Known::Bits,
        };
        Self { image, known }
    }

    /// The tensors that an op reads and of which nothing is known.
    pub fn unwritten(&self, op: &Op) -> Vec<usize> {
        let is_unknown = |&tensor: &usize| match (self.look(tensor), op) {
            (Known::Nothing, _) => true,
            (Known::Signals(written), Op::GroupSum(sum)) if sum.signals => {
                let mut bounds = self.image.constants.all(sum.bounds).map(|bound| bound as usize);
                let (first, last) = (bounds.next().unwrap_or(0), bounds.last().unwrap_or(0));
                written[first..last].contains(&false)
            }
            (Known::Signals(_), _) => true,
            _ => false,
        };
        op.reads().into_iter().filter(is_unknown).collect()
    }

    /// What is known of a tensor, be it as a view of others.
    fn look(&self, tensor: usize) -> Known {
        match &self.known[tensor] {
            Known::Nothing | Known::Part(..) => self.view(tensor).unwrap_or(Known::Nothing),
            known => known.clone(),
        }
    }

    /// What is known of a tensor whose every byte lies in a tensor that is known: a reshaped, cut or joined one.
    fn view(&self, tensor: usize) -> Option<Known> {
        let view = &self.image.tensors[tensor];
        let whole = self.image.tensors.iter().zip(&self.known);
        // Of a list, only the entries up to its length were written.
        let mut sources: Vec<_> = whole
            .filter(|(source, known)| {
                let is_known = !matches!(known, Known::Nothing | Known::Signals(_) | Known::Part(..));
                source.overlaps(view) && is_known && source.dtype != Dtype::List
            })
            .collect();
        sources.sort_by_key(|(source, _)| source.offset);
        let mut reach = view.offset as usize;
        for (source, _) in &sources {
            if source.offset as usize > reach {
                return None;
            }
            reach = reach.max(source.offset as usize + source.bytes());
        }
        if reach < view.offset as usize + view.bytes() {
            return None;
        }
        match view.dtype {
            Dtype::I8 => {
                let interval = |known: &Known| if let Known::I8(interval) = known { *interval } else { Interval::ALL };
                sources.iter().map(|(_, known)| interval(known)).reduce(Interval::hull).map(Known::I8)
            }
            Dtype::I32 => {
                let most = |known: &Known| match known {
                    Known::I32(columns) => columns.iter().copied().max(),
                    _ => Some(1 << 31),
                };
                let most = sources.iter().filter_map(|(_, known)| most(known)).max()?;
                Some(Known::I32(vec![most; view.cols].into()))
            }
            Dtype::Bits => Some(Known::Bits),
            Dtype::List => None,
        }
    }

    /// An op has written the tensor: others that share its bytes are lost.
    pub fn write(&mut self, tensor: usize, known: Known) {
        let written = &self.image.tensors[tensor];
        debug_assert_eq!(written.place, Place::Arena);
        for (other, lost) in self.image.tensors.iter().zip(&mut self.known) {
            if written.overlaps(other) {
                *lost = Known::Nothing;
            }
        }
        self.known[tensor] = known;
    }

    /// An op has copied elements of another tensor to those numbered `to`.
    pub fn write_part(&mut self, tensor: usize, from: usize, to: impl Iterator<Item = usize>) {
        let record = &self.image.tensors[tensor];
        let source = match record.dtype {
            Dtype::I8 => Known::I8(self.interval(from)),
            Dtype::I32 => {
                let most = self.columns(from).iter().copied().max().unwrap_or(0);
                Known::I32(vec![most; record.cols].into())
            }
            Dtype::Bits | Dtype::List => Known::Bits,
        };
        let elements = if record.dtype == Dtype::I8 { record.bytes() } else { record.bytes() / 4 };
        let (mut written, before) = match std::mem::replace(&mut self.known[tensor], Known::Nothing) {
            Known::Part(written, known) => (written, Some(*known)),
            Known::Nothing => match self.view(tensor) {
                Some(known) => (vec![true; elements], Some(known)),
                None => (vec![false; elements], None),
            },
            Known::Signals(_) => (vec![false; elements], None),
            known => (vec![true; elements], Some(known)),
        };
        to.for_each(|to| written[to] = true);
        let known = match before {
            Some(before) => source.either(before, record.cols),
            None => source,
        };
        let is_whole = !written.contains(&false);
        self.write(tensor, if is_whole { known } else { Known::Part(written, Box::new(known)) });
    }

    /// The values of an I8 tensor.
    pub fn interval(&self, tensor: usize) -> Interval {
        match self.look(tensor) {
            Known::I8(interval) => interval,
            _ => Interval::ALL,
        }
    }

    /// The largest absolute value of each column of an I32 tensor.
    pub fn columns(&self, tensor: usize) -> Rc<[u128]> {
        match self.look(tensor) {
            Known::I32(columns) => columns,
            _ => vec![1 << 31; self.image.tensors[tensor].cols].into(),
        }
    }

    /// What was appended to a list.
    pub fn feeds(&self, list: usize) -> Vec<Feed> {
        match &self.known[list] {
            Known::List(feeds) => feeds.clone(),
            _ => Vec::new(),
        }
    }
}
