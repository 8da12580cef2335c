//! The arena and the input as bytes, and tensors read out of them and written back.

use super::super::image::{Dtype, Image, Place};
use super::watch::Entry;

/// The memory of a run.
#[derive(Debug)]
pub(super) struct Memory<'a> {
    image: &'a Image,
    input: &'a [u8],
    arena: Vec<u8>,
}

impl<'a> Memory<'a> {
    pub fn new(image: &'a Image, input: &'a [u8]) -> Self {
        Self { image, input, arena: vec![0; image.header.arena_bytes as usize] }
    }

    fn bytes(&self, tensor: usize) -> &[u8] {
        let tensor = &self.image.tensors[tensor];
        match tensor.place {
            Place::Input => self.input,
            Place::Arena => &self.arena[tensor.offset as usize..][..tensor.bytes()],
        }
    }

    /// Writes from the start of a tensor; what is not written keeps its bytes.
    fn write(&mut self, tensor: usize, from: usize, bytes: impl Iterator<Item = u8>) {
        let tensor = &self.image.tensors[tensor];
        assert_eq!(tensor.place, Place::Arena, "the reader refuses ops that write to the input");
        let to = &mut self.arena[tensor.offset as usize..][..tensor.bytes()];
        for (to, byte) in to[from..].iter_mut().zip(bytes) {
            *to = byte;
        }
    }

    /// The elements of an I8 or I32 tensor, row after row; the words of a Bits tensor.
    pub fn numbers(&self, tensor: usize) -> Vec<i64> {
        let bytes = self.bytes(tensor);
        match self.image.tensors[tensor].dtype {
            Dtype::I8 => bytes.iter().map(|&byte| i64::from(byte as i8)).collect(),
            _ => bytes.chunks_exact(4).map(|word| i64::from(word_of(word) as i32)).collect(),
        }
    }

    /// The elements of a tensor of numbers or bits.
    pub fn elements(&self, tensor: usize) -> Vec<i64> {
        let of = &self.image.tensors[tensor];
        if of.dtype != Dtype::Bits {
            return self.numbers(tensor);
        }
        let rows = self.bytes(tensor).chunks_exact(4 * of.row_words());
        rows.flat_map(|row| (0..of.cols).map(|i| i64::from(row[i / 8] >> (i % 8) & 1))).collect()
    }

    pub fn set_i8s(&mut self, tensor: usize, values: impl IntoIterator<Item = i8>) {
        self.write(tensor, 0, values.into_iter().map(|value| value as u8));
    }

    pub fn set_i32s(&mut self, tensor: usize, values: impl IntoIterator<Item = i32>) {
        self.write(tensor, 0, values.into_iter().flat_map(i32::to_le_bytes));
    }

    /// The words of a Bits tensor of one row.
    pub fn words(&self, tensor: usize) -> Vec<u32> {
        self.bytes(tensor).chunks_exact(4).map(word_of).collect()
    }

    pub fn set_words(&mut self, tensor: usize, words: impl IntoIterator<Item = u32>) {
        self.write(tensor, 0, words.into_iter().flat_map(u32::to_le_bytes));
    }

    /// The signals of an I32 tensor: the lowest bit of each byte.
    pub fn signals(&self, tensor: usize) -> Vec<bool> {
        self.bytes(tensor).iter().map(|byte| byte & 1 == 1).collect()
    }

    pub fn set_signals(&mut self, tensor: usize, signals: &[bool]) {
        self.write(tensor, 0, signals.iter().map(|&signal| signal.into()));
    }

    /// The entries that a list has: `min(len, capacity)`.
    pub fn entries(&self, list: usize) -> Vec<Entry> {
        let bytes = self.bytes(list);
        let len = word_of(&bytes[..4]) as usize;
        let entry = |bytes: &[u8]| Entry {
            range: u16::from_le_bytes([bytes[0], bytes[1]]),
            weight: u16::from_le_bytes([bytes[2], bytes[3]]),
            z: word_of(&bytes[4..]) as i32,
        };
        bytes[8..].chunks_exact(8).take(len).map(entry).collect()
    }

    pub fn empty(&mut self, list: usize) {
        self.write(list, 0, [0; 8].into_iter());
    }

    /// Appends an entry; false if the list is full.
    pub fn append(&mut self, list: usize, entry: Entry) -> bool {
        let len = (word_of(&self.bytes(list)[..4]) as usize).min(self.image.tensors[list].cols);
        if len == self.image.tensors[list].cols {
            return false;
        }
        let [range, weight] = [entry.range, entry.weight].map(u16::to_le_bytes);
        let bytes = range.into_iter().chain(weight).chain(entry.z.to_le_bytes());
        self.write(list, 8 + 8 * len, bytes);
        self.write(list, 0, (len as u32 + 1).to_le_bytes().into_iter());
        true
    }
}

fn word_of(bytes: &[u8]) -> u32 {
    u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}
