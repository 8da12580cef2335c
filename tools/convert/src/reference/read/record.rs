//! The fields of one record, with a note of which bytes were asked for: the others are reserved.

use super::error::{At, ReadError, Want};

/// A record of at most 64 bytes.
pub(super) struct Record<'a> {
    bytes: &'a [u8],
    pub at: At,
    named: u64,
}

impl<'a> Record<'a> {
    pub fn new(bytes: &'a [u8], at: At) -> Self {
        Self { bytes, at, named: 0 }
    }

    fn field<const N: usize>(&mut self, at: usize) -> [u8; N] {
        let mut field = [0; N];
        for (i, byte) in field.iter_mut().enumerate() {
            *byte = self.bytes[at + i];
            self.named |= 1 << (at + i);
        }
        field
    }

    pub fn u8(&mut self, at: usize) -> u8 {
        self.field::<1>(at)[0]
    }

    pub fn i8(&mut self, at: usize) -> i8 {
        self.u8(at) as i8
    }

    pub fn u16(&mut self, at: usize) -> u16 {
        u16::from_le_bytes(self.field(at))
    }

    pub fn u32(&mut self, at: usize) -> u32 {
        u32::from_le_bytes(self.field(at))
    }

    pub fn i32(&mut self, at: usize) -> i32 {
        i32::from_le_bytes(self.field(at))
    }

    /// A real number that must be finite.
    pub fn f32(&mut self, at: usize, what: &'static str) -> Result<f32, ReadError> {
        let have = self.u32(at);
        let number = f32::from_bits(have);
        if number.is_finite() { Ok(number) } else { Err(ReadError::NotFinite { at: self.at, what, have }) }
    }

    /// A byte that must have this value.
    pub fn exactly(&mut self, at: usize, what: &'static str, want: u8) -> Result<(), ReadError> {
        let have = self.u8(at);
        check(self.at, what, Want::Exactly(want.into()), have)
    }

    /// All bytes that no field was read from are zero.
    pub fn finish(self) -> Result<(), ReadError> {
        for (byte, &have) in self.bytes.iter().enumerate() {
            if self.named & (1 << byte) == 0 && have != 0 {
                return Err(ReadError::Reserved { at: self.at, byte, have });
            }
        }
        Ok(())
    }
}

/// One rule: the figure is admitted.
pub(super) fn check(at: At, what: &'static str, want: Want, have: impl Into<i128>) -> Result<(), ReadError> {
    let have = have.into();
    if want.admits(have) { Ok(()) } else { Err(ReadError::Value { at, what, want, have }) }
}

/// One rule: the figure is in the interval, both ends admitted.
pub(super) fn between(
    at: At,
    what: &'static str,
    least: impl Into<i128>,
    greatest: impl Into<i128>,
    have: impl Into<i128>,
) -> Result<(), ReadError> {
    check(at, what, Want::Between(least.into(), greatest.into()), have)
}
