//! Turns constant offsets into arrays, with the rules on what the constants hold.

use std::cell::Cell;

use super::super::image::{Array, Element, ONE, Rq};
use super::NO_CONST;
use super::error::{At, ReadError, Want};
use super::record::{between, check};

/// Most bytes of tables for each byte of the image.
const TABLES_PER_BYTE: u64 = 16;

/// The constants, and where requantise records may begin.
pub(super) struct Pool<'a> {
    bytes: &'a [u8],
    present: bool,
    /// At `i`: admissible requantise records one after the other from byte `4 * i` on. A table of these makes the check
    /// of `n` records one look-up, however many ranges name the same ones.
    good_rq: Vec<u32>,
    /// Bytes of the tables counted so far, and the most that there may be.
    tables: Cell<u64>,
    most: u64,
}

impl<'a> Pool<'a> {
    /// From the section, if there is one, and the length of the image.
    pub fn new(section: Option<&'a [u8]>, total_bytes: u32) -> Self {
        let bytes = section.unwrap_or_default();
        let mut good_rq = vec![0u32; bytes.len() / 4 + 2];
        for i in (0..(bytes.len() / 4).saturating_sub(1)).rev() {
            if rule_broken(Rq::decode(&bytes[4 * i..4 * i + 8])).is_none() {
                good_rq[i] = 1 + good_rq[i + 2];
            }
        }
        let (tables, most) = (Cell::new(0), (TABLES_PER_BYTE * u64::from(total_bytes)).min(1 << 31));
        Self { bytes, present: section.is_some(), good_rq, tables, most }
    }

    /// The array of `count` elements at `offset`, or nothing for NONE.
    pub fn maybe<T: Element>(
        &self,
        at: At,
        what: &'static str,
        offset: u32,
        count: u64,
    ) -> Result<Option<Array<T>>, ReadError> {
        if offset == NO_CONST {
            return Ok(None);
        }
        if !self.present {
            return Err(ReadError::Missing { at, what: "CONSTANTS" });
        }
        if T::BYTES > 1 {
            check(at, what, Want::Multiple(4), offset)?;
        }
        let end = i128::from(offset) + i128::from(count) * T::BYTES as i128;
        if end > self.bytes.len() as i128 {
            let want = Want::Between(0, self.bytes.len() as i128);
            return Err(ReadError::Value { at, what, want, have: end });
        }
        Ok(Some(Array::new(offset as usize, count as usize)))
    }

    /// An array that must be there.
    pub fn need<T: Element>(&self, at: At, what: &'static str, offset: u32, count: u64) -> Result<Array<T>, ReadError> {
        self.maybe(at, what, offset, count)?.ok_or(ReadError::Missing { at, what })
    }

    /// An array that must be there and that a reader looks at entry by entry, which counts each time that it is named.
    pub fn need_table<T: Element>(
        &self,
        at: At,
        what: &'static str,
        offset: u32,
        count: u64,
    ) -> Result<Array<T>, ReadError> {
        let array = self.need(at, what, offset, count)?;
        self.tables.set(self.tables.get() + count * T::BYTES as u64);
        between(at, "bytes of all tables", 0, self.most, self.tables.get())?;
        Ok(array)
    }

    /// Requantise records that must be there, each admissible.
    pub fn need_rq(&self, at: At, what: &'static str, offset: u32, count: u64) -> Result<Array<Rq>, ReadError> {
        let array: Array<Rq> = self.need_table(at, what, offset, count)?;
        let good = u64::from(self.good_rq[array.at() / 4]);
        if good < count {
            let bad = array.at() + 8 * good as usize;
            let (what, want, have) =
                rule_broken(Rq::decode(&self.bytes[bad..bad + 8])).unwrap_or(("rq", Want::Words("a record"), 0));
            return Err(ReadError::Value { at, what, want, have });
        }
        Ok(array)
    }

    /// 256 weights, each at most One.
    pub fn need_gate_table(&self, at: At, offset: u32) -> Result<Array<u16>, ReadError> {
        let array = self.need_table(at, "gate_table", offset, 256)?;
        for weight in self.all(array) {
            between(at, "weight in gate_table", 0, ONE, weight)?;
        }
        Ok(array)
    }

    /// The elements of an array that this pool made.
    pub fn all<T: Element>(&self, array: Array<T>) -> impl Iterator<Item = T> {
        self.bytes[array.at()..][..array.count() * T::BYTES].chunks_exact(T::BYTES).map(T::decode)
    }

    /// The bytes of an array that this pool made.
    pub fn raw<T: Element>(&self, array: Array<T>) -> &'a [u8] {
        &self.bytes[array.at()..][..array.count() * T::BYTES]
    }
}

fn rule_broken(rq: Rq) -> Option<(&'static str, Want, i128)> {
    let rules = [
        ("m of a requantise record", Want::Between(1 << 30, (1 << 31) - 1), i128::from(rq.m)),
        ("s of a requantise record", Want::Between(1, 62), i128::from(rq.s)),
        ("lo of a requantise record", Want::Between(-128, rq.hi.into()), i128::from(rq.lo)),
    ];
    rules.into_iter().find(|(_, want, have)| !want.admits(*have))
}

/// A constant offset must be NONE.
pub(super) fn no_const(at: At, what: &'static str, offset: u32) -> Result<(), ReadError> {
    if offset == NO_CONST { Ok(()) } else { Err(ReadError::Unwanted { at, what, have: offset }) }
}
