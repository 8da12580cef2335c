//! A NOR flash that loses its power, and remembers badly what it was doing then.
//!
//! - Bits are written in words; a word is written at most once after its page was erased, and only when it lies in an erased place. Breaking
//!   this is a defect of the store, and panics.
//! - The power ends after any number of *units*: each byte written is one, and each erasure is [`ERASE_UNITS`].
//! - A word that was being written, or a page that was being erased, is *torn*: from then on it reads as it was, as it should be, with bits of both, or with
//!   a front of the one and a back of the other. Which of them is drawn anew at each power-on and after each write and erasure. Only
//!   erasing the page to its end heals it.

use embedded_storage::nor_flash::{ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash};
use leafgate_store::MappedFlash;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use zerocopy::IntoBytes;

/// Units that an erasure takes.
pub const ERASE_UNITS: u64 = 24;

/// What a torn place held and was to hold.
#[derive(Clone, Debug)]
struct Torn {
    start: usize,
    before: Vec<u8>,
    after: Vec<u8>,
}

/// A flash with pages of `PAGE` bytes, words of `WORD` bytes, which is `ERASED` where it is erased.
#[derive(Clone, Debug)]
pub struct Flash<const PAGE: usize, const WORD: usize, const ERASED: u8> {
    /// What was written to its end.
    bytes: Vec<u8>,
    /// What is read: 16-aligned, as memory is.
    view: Vec<u128>,
    /// Words that were written since they were erased.
    written: Vec<bool>,
    torn: Vec<Torn>,
    /// Units until the power ends.
    power: Option<u64>,
    /// Units that were used since power-on.
    pub used: u64,
    /// Whether the power has ended.
    pub is_dead: bool,
    rng: ChaCha8Rng,
}

/// The power has ended, or never was.
#[derive(Clone, Copy, Debug)]
pub struct Dead;

impl NorFlashError for Dead {
    fn kind(&self) -> NorFlashErrorKind {
        NorFlashErrorKind::Other
    }
}

impl<const PAGE: usize, const WORD: usize, const ERASED: u8> Flash<PAGE, WORD, ERASED> {
    /// An erased flash.
    #[must_use]
    pub fn new(bytes: usize, seed: u64) -> Self {
        assert!(bytes.is_multiple_of(PAGE) && bytes.is_multiple_of(16));
        let mut flash = Self {
            bytes: vec![ERASED; bytes],
            view: vec![0; bytes / 16],
            written: vec![false; bytes / WORD],
            torn: Vec::new(),
            power: None,
            used: 0,
            is_dead: false,
            rng: ChaCha8Rng::seed_from_u64(seed),
        };
        flash.look_again();
        flash
    }

    /// Puts bytes there as a flash tool does, before the device is ever started.
    pub fn put(&mut self, start: usize, bytes: &[u8]) {
        self.bytes[start..start + bytes.len()].copy_from_slice(bytes);
        let words = start / WORD..(start + bytes.len()).div_ceil(WORD);
        self.written[words].fill(true);
        self.look_again();
    }

    /// Powers it on, for so many units.
    pub fn power_on(&mut self, power: Option<u64>) {
        self.power = power;
        self.used = 0;
        self.is_dead = false;
        self.look_again();
    }

    /// A reset: what is torn may read otherwise.
    pub fn reset(&mut self) {
        self.look_again();
    }

    /// Draws anew what torn places read as.
    fn look_again(&mut self) {
        self.view.as_mut_bytes().copy_from_slice(&self.bytes);
        for torn in &self.torn {
            let Torn { start, before, after } = torn;
            let (choice, cut) = (self.rng.next_u32() % 5, self.rng.next_u32() as usize % (before.len() + 1));
            for (i, (&before, &after)) in before.iter().zip(after).enumerate() {
                let mask = match choice {
                    0 => 0,
                    1 => 0xFF,
                    2 => self.rng.next_u32() as u8,
                    // Nearly there.
                    3 => (self.rng.next_u32() | self.rng.next_u32() | self.rng.next_u32()) as u8,
                    _ => {
                        if i < cut {
                            0xFF
                        } else {
                            0
                        }
                    }
                };
                self.view.as_mut_bytes()[start + i] = before & !mask | after & mask;
            }
        }
    }

    /// Uses units, and says how many there were if they are fewer.
    fn spend(&mut self, units: u64) -> Result<(), u64> {
        if self.is_dead {
            return Err(0);
        }
        self.used += units;
        match &mut self.power {
            Some(power) if *power < units => {
                self.is_dead = true;
                Err(std::mem::take(power))
            }
            Some(power) => {
                *power -= units;
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn tear(&mut self, start: usize, after: Vec<u8>) {
        // What it read as last is what it holds.
        let before = self.view.as_bytes()[start..start + after.len()].to_vec();
        self.torn.push(Torn { start, before, after });
    }
}

impl<const PAGE: usize, const WORD: usize, const ERASED: u8> ErrorType for Flash<PAGE, WORD, ERASED> {
    type Error = Dead;
}

impl<const PAGE: usize, const WORD: usize, const ERASED: u8> ReadNorFlash for Flash<PAGE, WORD, ERASED> {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Dead> {
        bytes.copy_from_slice(&self.view.as_bytes()[offset as usize..offset as usize + bytes.len()]);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.bytes.len()
    }
}

impl<const PAGE: usize, const WORD: usize, const ERASED: u8> NorFlash for Flash<PAGE, WORD, ERASED> {
    const WRITE_SIZE: usize = WORD;
    const ERASE_SIZE: usize = PAGE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Dead> {
        let (from, to) = (from as usize, to as usize);
        assert!(from.is_multiple_of(PAGE) && to.is_multiple_of(PAGE) && from <= to && to <= self.bytes.len());
        for start in (from..to).step_by(PAGE) {
            let words = start / WORD..(start + PAGE) / WORD;
            if let Err(units) = self.spend(ERASE_UNITS) {
                if units > 0 {
                    self.tear(start, vec![ERASED; PAGE]);
                    self.written[words].fill(true);
                }
                self.look_again();
                return Err(Dead);
            }
            self.bytes[start..start + PAGE].fill(ERASED);
            self.written[words].fill(false);
            self.torn.retain(|torn| torn.start + torn.after.len() <= start || torn.start >= start + PAGE);
        }
        self.look_again();
        Ok(())
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Dead> {
        let offset = offset as usize;
        assert!(offset.is_multiple_of(WORD) && bytes.len().is_multiple_of(WORD), "{offset} {}", bytes.len());
        assert!(offset + bytes.len() <= self.bytes.len());
        for (i, word) in bytes.chunks(WORD).enumerate() {
            let start = offset + i * WORD;
            if let Err(units) = self.spend(WORD as u64) {
                if units > 0 {
                    self.written[start / WORD] = true;
                    self.tear(start, word.to_vec());
                }
                self.look_again();
                return Err(Dead);
            }
            assert!(!self.written[start / WORD], "the word at {start:#x} is written twice");
            self.written[start / WORD] = true;
            self.bytes[start..start + WORD].copy_from_slice(word);
            self.view.as_mut_bytes()[start..start + WORD].copy_from_slice(word);
        }
        self.look_again();
        Ok(())
    }
}

impl<const PAGE: usize, const WORD: usize, const ERASED: u8> MappedFlash for Flash<PAGE, WORD, ERASED> {
    fn bytes(&self) -> &[u8] {
        self.view.as_bytes()
    }
}
