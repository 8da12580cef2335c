//! Writes images byte by byte, for tests only: it lays records out and adds nothing that the test did not say.

pub const I8: u8 = 1;
pub const I32: u8 = 2;
pub const BITS: u8 = 3;
pub const LIST: u8 = 4;
pub const NONE: u32 = 0xFFFF_FFFF;
pub const NO: u16 = 0xFFFF;

/// A field of a record: its offset and bytes.
pub type Field = (usize, Vec<u8>);

pub fn b(at: usize, value: i8) -> Field {
    (at, value.to_le_bytes().to_vec())
}

pub fn h(at: usize, value: u16) -> Field {
    (at, value.to_le_bytes().to_vec())
}

pub fn w(at: usize, value: u32) -> Field {
    (at, value.to_le_bytes().to_vec())
}

fn record(bytes: usize, fields: &[Field]) -> Vec<u8> {
    let mut record = vec![0; bytes];
    for (at, field) in fields {
        record[*at..at + field.len()].copy_from_slice(field);
    }
    record
}

/// A requantise record that keeps the accumulator but for the clamp.
pub fn unit(lo: i8, hi: i8) -> (u32, u8, i8, i8, i8) {
    (1 << 30, 30, 0, lo, hi)
}

/// One that halves it.
pub fn half(zero_point: i8, lo: i8, hi: i8) -> (u32, u8, i8, i8, i8) {
    (1 << 30, 31, zero_point, lo, hi)
}

/// An image in the making.
#[derive(Default, Clone)]
pub struct Writer {
    pub tensors: Vec<Vec<u8>>,
    pub ops: Vec<Vec<u8>>,
    pub ranges: Vec<Vec<u8>>,
    pub constants: Vec<u8>,
    pub blobs: Vec<(u16, Vec<u8>)>,
    pub arena_bytes: u32,
    pub input: u16,
    pub output: u16,
}

impl Writer {
    /// The input, tensor 0.
    pub fn with_input(dtype: u8, rows: u32, cols: u32) -> Self {
        let mut writer = Self::default();
        writer.tensors.push(record(32, &[b(0, dtype as i8), w(8, rows), w(12, cols)]));
        writer
    }

    /// An arena tensor behind all others.
    pub fn tensor(&mut self, dtype: u8, rows: u32, cols: u32) -> u16 {
        let bytes = match dtype {
            I8 => rows * cols,
            I32 => 4 * rows * cols,
            BITS => 4 * rows * cols.div_ceil(32),
            _ => 8 + 8 * cols,
        };
        let offset = self.arena_bytes.next_multiple_of(4);
        self.arena_bytes = offset + bytes;
        let fields = [b(0, dtype as i8), b(1, 1), w(4, offset), w(8, rows), w(12, cols), w(16, 1.0f32.to_bits())];
        self.tensors.push(record(32, &fields));
        self.tensors.len() as u16 - 1
    }

    fn constant(&mut self, bytes: impl IntoIterator<Item = u8>) -> u32 {
        let at = self.constants.len().next_multiple_of(4);
        self.constants.resize(at, 0);
        self.constants.extend(bytes);
        at as u32
    }

    pub fn i8s(&mut self, values: &[i8]) -> u32 {
        self.constant(values.iter().map(|&value| value as u8))
    }

    pub fn u16s(&mut self, values: &[u16]) -> u32 {
        self.constant(values.iter().flat_map(|value| value.to_le_bytes()))
    }

    pub fn i32s(&mut self, values: &[i32]) -> u32 {
        self.constant(values.iter().flat_map(|value| value.to_le_bytes()))
    }

    pub fn u32s(&mut self, values: &[u32]) -> u32 {
        self.constant(values.iter().flat_map(|value| value.to_le_bytes()))
    }

    pub fn rqs(&mut self, records: &[(u32, u8, i8, i8, i8)]) -> u32 {
        let record = |&(m, s, zero_point, lo, hi): &(u32, u8, i8, i8, i8)| {
            let [a, b, c, d] = m.to_le_bytes();
            [a, b, c, d, s, zero_point as u8, lo as u8, hi as u8]
        };
        self.constant(records.iter().flat_map(record))
    }

    pub fn op(&mut self, number: u8, kind: u8, flags: u16, fields: &[Field]) {
        let mut all = vec![b(0, number as i8), b(1, kind as i8), h(2, flags)];
        all.extend_from_slice(fields);
        self.ops.push(record(64, &all));
    }

    /// LINEAR of (R, C) weights.
    pub fn linear(&mut self, flags: u16, (input, output): (u16, u16), weights: (&[i8], u32), bias: u32, rq: u32) {
        let (weights, rows) = weights;
        let cols = weights.len() as u32 / rows;
        let weights = self.i8s(weights);
        let fields = [h(4, input), h(6, output), w(8, rows), w(12, cols), w(16, weights), w(20, bias), w(24, rq)];
        self.op(1, 0, flags, &[&fields[..], &[b(28, 1)]].concat());
    }

    /// A range; fields that are not given are NONE or 0.
    pub fn range(&mut self, neurons: u32, fields: &[Field]) {
        let mut all = vec![w(0, neurons)];
        all.extend([4, 8, 12, 16, 20, 24].map(|at| w(at, NONE)));
        all.extend_from_slice(fields);
        self.ranges.push(record(48, &all));
    }

    /// FFN; fields that are not given are NONE.
    pub fn ffn(&mut self, kind: u8, flags: u16, (cols, rows): (u32, u32), count: u32, fields: &[Field]) {
        let mut all: Vec<Field> = [6, 8, 10, 12, 14].map(|at| h(at, NO)).to_vec();
        all.extend([w(20, count), w(24, cols), w(28, rows), w(32, NONE), w(36, NONE), w(40, NONE), b(44, 1)]);
        all.extend_from_slice(fields);
        self.op(2, kind, flags, &all);
    }

    /// ROUTE; fields that are not given are NONE, and the weight is One.
    pub fn route(&mut self, kind: u8, flags: u16, list: u16, (first, count, depth): (u32, u32, u32), fields: &[Field]) {
        let mut all = vec![h(4, NO), h(6, list), w(8, first), w(12, count), w(16, depth), w(24, NONE), w(28, NONE)];
        all.extend([h(32, NO), h(34, 32768), w(36, NONE), w(40, NONE), b(44, i8::from(kind != 0))]);
        all.extend_from_slice(fields);
        self.op(3, kind, flags, &all);
    }

    /// MAP; fields that are not given are NONE or 0.
    pub fn map(&mut self, kind: u8, flags: u16, (input, output): (u16, u16), fields: &[Field]) {
        let mut all = vec![h(4, input), h(6, output), h(8, NO), w(12, NONE), w(16, NONE), w(20, NONE)];
        all.extend_from_slice(fields);
        self.op(6, kind, flags, &all);
    }

    /// READOUT of kind None, and the image.
    pub fn read_out(mut self, output: u16) -> Vec<u8> {
        self.output = output;
        self.op(7, 0, 0, &[h(4, output), h(6, NO)]);
        self.bytes()
    }

    /// READOUT of kind Argmax or TopK, and the image.
    pub fn read_top(mut self, output: u16, kind: u8, k: u32) -> Vec<u8> {
        self.output = output;
        let classes = self.tensor(I32, 1, k);
        self.op(7, kind, 0, &[h(4, output), h(6, classes), w(8, k)]);
        self.bytes()
    }

    /// Worst-case multiply-accumulates, gates and steps, from the fields of the records.
    fn cost(&self) -> [u32; 3] {
        let word = |record: &[u8], at: usize| u64::from(u32::from_le_bytes(record[at..at + 4].try_into().unwrap()));
        let half = |record: &[u8], at: usize| u16::from_le_bytes([record[at], record[at + 1]]);
        // A test may name a tensor or a range that is not there; such an image is refused before its cost is looked at.
        let tensor = |index: u16, at: usize| self.tensors.get(usize::from(index)).map_or(0, |record| word(record, at));
        let (mut macs, mut gates, mut steps) = (0u64, 0u64, 0u64);
        for op in &self.ops {
            let (kind, flags, input) = (op[1], half(op, 2), half(op, 4));
            let list = half(op, 8);
            let entries = if list == NO { word(op, 20) } else { tensor(list, 12) };
            let ranges = self.ranges.iter().skip(word(op, 16) as usize).take(word(op, 20) as usize);
            let (a, b, c) = match op[0] {
                1 => (tensor(input, if flags & 4 == 0 { 8 } else { 12 }), word(op, 8), word(op, 12)),
                2 => {
                    let most = ranges.map(|range| word(range, 0)).max().unwrap_or(0);
                    let keys = if flags & 4 == 0 { word(op, 24) } else { 0 };
                    (entries, if flags & 2 == 0 { most } else { 1 }, keys + word(op, 28))
                }
                3 if kind == 1 => (word(op, 12), word(op, 16), word(op, 20)),
                3 if kind == 2 => (word(op, 12), 1, word(op, 20)),
                6 if kind == 1 => (tensor(input, 8), tensor(input, 12), 1),
                _ => (0, 0, 0),
            };
            // What is neither: a product and a summand.
            let (d, e, more) = match op[0] {
                2 => (entries, word(op, 28), 0),
                3 if kind == 0 => (word(op, 12), 1, 0),
                3 if kind == 2 => (word(op, 12), word(op, 16), 0),
                4 if kind == 1 => (32, tensor(input, 12).div_ceil(32), word(op, 20)),
                5 => (tensor(input, 12), if kind == 0 { 1 } else { 4 }, word(op, 8)),
                6 if kind == 3 => (tensor(half(op, 6), 12), 1, 0),
                6 if kind != 1 => (tensor(input, 8), tensor(input, 12), 0),
                7 => (word(op, 8), tensor(input, 12), 0),
                _ => (0, 0, 0),
            };
            let own = a.saturating_mul(b).saturating_mul(c);
            let words = if op[0] == 4 { word(op, 8) * if kind == 0 { 32 } else { 1 } } else { 0 };
            macs = macs.saturating_add(own);
            gates += words;
            steps = [own, words, d.saturating_mul(e), more].into_iter().fold(steps, u64::saturating_add);
        }
        [macs, gates, steps].map(|figure| figure.min(u32::MAX.into()) as u32)
    }

    /// The image with its checksum.
    pub fn bytes(&self) -> Vec<u8> {
        let mut sections: Vec<(u16, u16, Vec<u8>)> = Vec::new();
        sections.push((1, 64, self.ops.concat()));
        sections.push((2, 32, self.tensors.concat()));
        if !self.ranges.is_empty() {
            sections.push((3, 48, self.ranges.concat()));
        }
        if !self.constants.is_empty() {
            sections.push((4, 0, self.constants.clone()));
        }
        sections.extend(self.blobs.iter().map(|(kind, blob)| (*kind, 0, blob.clone())));
        let mut table = Vec::new();
        let mut body = Vec::new();
        let start = 64 + 16 * sections.len();
        for (kind, record_bytes, bytes) in &sections {
            let count = if *record_bytes == 0 { 0 } else { bytes.len() / usize::from(*record_bytes) };
            let offset = (start + body.len()) as u32;
            let fields =
                [h(0, *kind), h(2, *record_bytes), w(4, offset), w(8, bytes.len() as u32), w(12, count as u32)];
            table.extend(record(16, &fields));
            body.extend(bytes);
            body.resize(body.len().next_multiple_of(16), 0);
        }
        let features = self.ops.iter().fold(0u32, |bits, op| bits | 1 << op[0]);
        let total = (start + body.len()) as u32;
        let mut header = record(
            64,
            &[(0, b"LEAF".to_vec()), h(4, 1), h(6, 64), w(8, total), w(16, features), w(24, self.arena_bytes)],
        );
        let [macs, gates, steps] = self.cost();
        header.splice(40..48, [macs, gates].map(u32::to_le_bytes).concat());
        header.splice(56..60, steps.to_le_bytes());
        header.splice(32..38, [self.input, self.output, sections.len() as u16].map(u16::to_le_bytes).concat());
        seal([header, table, body].concat())
    }
}

/// Writes the checksum that belongs to the bytes.
pub fn seal(mut image: Vec<u8>) -> Vec<u8> {
    // Bit by bit, unlike the reader's: the reflected polynomial of zip and Ethernet.
    let mut crc = !0u32;
    for (_, byte) in image.iter().enumerate().filter(|(at, _)| !(12..16).contains(at)) {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 };
        }
    }
    image[12..16].copy_from_slice(&(!crc).to_le_bytes());
    image
}
