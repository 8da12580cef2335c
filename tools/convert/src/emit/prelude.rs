//! The functions that every compiled network shares, each written only where it is used.
//!
//! Plain Rust, for the compiler of any core: loops over constant lengths by index, because a build for size neither unrolls loops nor
//! inlines chains of iterators; four columns by four rows written out, so that each element of the input is read once for four rows.

/// A piece of the prelude.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Helper {
    /// The record of a requantisation.
    Rounding,
    /// Its use on a sum.
    Apply,
    /// Its use with another multiplier.
    With,
    /// One row.
    Dot,
    /// Rows, four at a time.
    Products,
    /// One row, in a loop that becomes vectors.
    DotOfVectors,
    /// Rows, one at a time.
    ProductsByRow,
    /// A value row.
    Axpy,
    /// A value row, in a loop that becomes vectors.
    AxpyOfVectors,
    /// A partial sum in another scale.
    Rescale,
    /// A routed weight in a multiplier.
    Weighted,
    /// The first of the largest.
    Largest,
    /// The next in descending order.
    NextBest,
    /// 32 gates.
    Gates,
    /// A threshold.
    Above,
    /// Ones in words.
    CountOnes,
    /// Bits as signals.
    SignalsOf,
    /// Gates of one function.
    Series,
    /// A function of two signals, by its truth table.
    Function(u8),
    /// Ones among signals.
    CountSignals,
}

impl Helper {
    /// Those that it calls.
    pub fn needs(self) -> &'static [Self] {
        match self {
            Self::Apply | Self::With => &[Self::Rounding],
            Self::Products => &[Self::Dot],
            Self::ProductsByRow => &[Self::DotOfVectors],
            _ => &[],
        }
    }

    /// Its source.
    pub fn source(self) -> String {
        let source = match self {
            Self::Rounding => ROUNDING,
            Self::Apply => APPLY,
            Self::With => WITH,
            Self::Dot => DOT,
            Self::Products => PRODUCTS,
            Self::ProductsByRow => PRODUCTS_BY_ROW,
            Self::DotOfVectors => DOT_OF_VECTORS,
            Self::Axpy => AXPY,
            Self::AxpyOfVectors => AXPY_OF_VECTORS,
            Self::Rescale => RESCALE,
            Self::Weighted => WEIGHTED,
            Self::Largest => LARGEST,
            Self::NextBest => NEXT_BEST,
            Self::Gates => GATES,
            Self::Above => ABOVE,
            Self::CountOnes => COUNT_ONES,
            Self::SignalsOf => SIGNALS_OF,
            Self::Series => SERIES,
            Self::Function(function) => return function_source(function),
            Self::CountSignals => COUNT_SIGNALS,
        };
        source.to_owned()
    }
}

/// Name and value of the functions of two signals, by truth table. Of a byte only the lowest bit counts.
const FUNCTIONS: [(&str, &str); 16] = [
    ("zero", "0"),
    ("and", "a & b"),
    ("and_not", "a & !b"),
    ("first", "a"),
    ("not_and", "!a & b"),
    ("second", "b"),
    ("xor", "a ^ b"),
    ("or", "a | b"),
    ("nor", "!(a | b)"),
    ("xnor", "!(a ^ b)"),
    ("not_second", "!b"),
    ("or_not", "a | !b"),
    ("not_first", "!a"),
    ("not_or", "!a | b"),
    ("nand", "!(a & b)"),
    ("one", "1"),
];

/// The name of the function with the truth table `8*f(0,0) + 4*f(0,1) + 2*f(1,0) + f(1,1)`.
pub(super) fn function_name(function: u8) -> &'static str {
    FUNCTIONS[usize::from(function % 16)].0
}

fn function_source(function: u8) -> String {
    let (name, value) = FUNCTIONS[usize::from(function % 16)];
    let [a, b] = ["a", "b"].map(|of| if value.contains(of) { of.to_owned() } else { format!("_{of}") });
    format!("/// A gate of two signals.\n#[inline(always)]\nfn {name}({a}: u8, {b}: u8) -> u8 {{\n    {value}\n}}\n")
}

const ROUNDING: &str = "\
/// How a sum becomes a byte.
#[derive(Clone, Copy)]
struct Rounding {
    m: i32,
    shift: u32,
    zero_point: i32,
    lo: i32,
    hi: i32,
}

impl Rounding {
    /// `clamp(((product + 2^(shift-1)) >> shift) + zero_point, lo, hi)`, half up.
    #[inline(always)]
    fn finish(self, product: i64) -> i8 {
        // One bit before the end, half of the last bit is 1. Of a long shift only the upper word counts.
        let rounded = if self.shift > 32 {
            (((product >> 32) as i32 >> (self.shift.wrapping_sub(33) & 31)).wrapping_add(1)) >> 1
        } else {
            let exact = ((product >> (self.shift.wrapping_sub(1) & 63)).wrapping_add(1)) >> 1;
            exact.clamp(-1024, 1023) as i32
        };
        let value = rounded.wrapping_add(self.zero_point);
        value.max(self.lo).min(self.hi) as i8
    }
}
";

const APPLY: &str = "\
impl Rounding {
    /// `clamp(((a * m + 2^(shift-1)) >> shift) + zero_point, lo, hi)`, half up.
    #[inline(always)]
    fn apply(self, a: i32) -> i8 {
        self.finish(i64::from(a).wrapping_mul(i64::from(self.m)))
    }
}
";

const WITH: &str = "\
impl Rounding {
    /// With a multiplier of its own.
    #[inline(always)]
    fn with(self, m: i32) -> Self {
        Self { m, ..self }
    }
}
";

const DOT: &str = "\
/// `sum w[c] * x[c]`.
#[inline(always)]
fn dot<W: Copy + Into<i32>, const C: usize>(w: &[W; C], x: &[i8; C]) -> i32 {
    let ((w4, w), (x4, x)) = (w.as_chunks::<4>(), x.as_chunks::<4>());
    let mut sum = 0i32;
    let mut i = 0;
    while i < C / 4 {
        let (w, x) = (&w4[i], &x4[i]);
        sum = sum.wrapping_add(w[0].into().wrapping_mul(x[0].into()));
        sum = sum.wrapping_add(w[1].into().wrapping_mul(x[1].into()));
        sum = sum.wrapping_add(w[2].into().wrapping_mul(x[2].into()));
        sum = sum.wrapping_add(w[3].into().wrapping_mul(x[3].into()));
        i += 1;
    }
    let mut i = 0;
    while i < C % 4 {
        sum = sum.wrapping_add(w[i].into().wrapping_mul(x[i].into()));
        i += 1;
    }
    sum
}
";

const PRODUCTS: &str = "\
/// Gives `each` the product of every row of `w` with `x`, in order. Four rows are taken in one pass.
#[inline(always)]
fn products<W: Copy + Into<i32>, const R: usize, const C: usize>(
    w: &[[W; C]; R],
    x: &[i8; C],
    mut each: impl FnMut(usize, i32),
) {
    let (fours, rest) = w.as_chunks::<4>();
    let mut i = 0;
    while i < R / 4 {
        let sums = dot4(&fours[i], x);
        let mut j = 0;
        while j < 4 {
            each(4 * i + j, sums[j]);
            j += 1;
        }
        i += 1;
    }
    let mut i = 0;
    while i < R % 4 {
        each(R / 4 * 4 + i, dot(&rest[i], x));
        i += 1;
    }
}

#[inline(always)]
fn dot4<W: Copy + Into<i32>, const C: usize>(w: &[[W; C]; 4], x: &[i8; C]) -> [i32; 4] {
    let [(a4, a), (b4, b)] = [w[0].as_chunks::<4>(), w[1].as_chunks::<4>()];
    let [(c4, c), (d4, d)] = [w[2].as_chunks::<4>(), w[3].as_chunks::<4>()];
    let (x4, x) = x.as_chunks::<4>();
    let mut sums = [0; 4];
    let mut i = 0;
    while i < C / 4 {
        let (a, b, c, d, x) = (&a4[i], &b4[i], &c4[i], &d4[i], &x4[i]);
        sums = add4(sums, [a[0], b[0], c[0], d[0]], x[0]);
        sums = add4(sums, [a[1], b[1], c[1], d[1]], x[1]);
        sums = add4(sums, [a[2], b[2], c[2], d[2]], x[2]);
        sums = add4(sums, [a[3], b[3], c[3], d[3]], x[3]);
        i += 1;
    }
    let mut i = 0;
    while i < C % 4 {
        sums = add4(sums, [a[i], b[i], c[i], d[i]], x[i]);
        i += 1;
    }
    sums
}

#[inline(always)]
fn add4<W: Into<i32>>([s0, s1, s2, s3]: [i32; 4], [a, b, c, d]: [W; 4], x: i8) -> [i32; 4] {
    let x = i32::from(x);
    [
        s0.wrapping_add(a.into().wrapping_mul(x)),
        s1.wrapping_add(b.into().wrapping_mul(x)),
        s2.wrapping_add(c.into().wrapping_mul(x)),
        s3.wrapping_add(d.into().wrapping_mul(x)),
    ]
}
";

const PRODUCTS_BY_ROW: &str = "\
/// Gives `each` the product of every row of `w` with `x`, in order.
#[inline(always)]
fn products<W: Copy + Into<i32>, const R: usize, const C: usize>(
    w: &[[W; C]; R],
    x: &[i8; C],
    mut each: impl FnMut(usize, i32),
) {
    let mut r = 0;
    while r < R {
        each(r, dot(&w[r], x));
        r += 1;
    }
}
";

const DOT_OF_VECTORS: &str = "\
/// `sum w[c] * x[c]`.
#[inline(always)]
fn dot<W: Copy + Into<i32>, const C: usize>(w: &[W; C], x: &[i8; C]) -> i32 {
    let mut sum = 0i32;
    for (&w, &x) in w.iter().zip(x) {
        sum = sum.wrapping_add(w.into().wrapping_mul(x.into()));
    }
    sum
}
";

const AXPY_OF_VECTORS: &str = "\
/// `to[r] += v[r] * h`.
#[inline(always)]
fn axpy<const R: usize>(to: &mut [i32; R], v: &[i8; R], h: i8) {
    for (to, &v) in to.iter_mut().zip(v) {
        *to = to.wrapping_add(i32::from(v).wrapping_mul(h.into()));
    }
}
";

const AXPY: &str = "\
/// `to[r] += v[r] * h`.
#[inline(always)]
fn axpy<const R: usize>(to: &mut [i32; R], v: &[i8; R], h: i8) {
    let h = i32::from(h);
    let ((to4, to), (v4, v)) = (to.as_chunks_mut::<4>(), v.as_chunks::<4>());
    let mut i = 0;
    while i < R / 4 {
        let (to, v) = (&mut to4[i], &v4[i]);
        to[0] = to[0].wrapping_add(i32::from(v[0]).wrapping_mul(h));
        to[1] = to[1].wrapping_add(i32::from(v[1]).wrapping_mul(h));
        to[2] = to[2].wrapping_add(i32::from(v[2]).wrapping_mul(h));
        to[3] = to[3].wrapping_add(i32::from(v[3]).wrapping_mul(h));
        i += 1;
    }
    let mut i = 0;
    while i < R % 4 {
        to[i] = to[i].wrapping_add(i32::from(v[i]).wrapping_mul(h));
        i += 1;
    }
}
";

const RESCALE: &str = "\
/// `(p * m + 2^(shift-1)) >> shift`, the low 32 bits.
#[inline(always)]
fn rescale(p: i32, (m, shift): (u32, u32)) -> i32 {
    let product = i64::from(p).wrapping_mul(i64::from(m));
    (((product >> (shift.wrapping_sub(1) & 63)).wrapping_add(1)) >> 1) as i32
}
";

const WEIGHTED: &str = "\
/// The multiplier of `scale` with a Q15 weight in it: `(m * weight + 2^14) >> 15`.
#[inline(always)]
fn weighted((m, shift): (u32, u32), weight: u16) -> (u32, u32) {
    let product = u64::from(m).wrapping_mul(u64::from(weight));
    ((product.wrapping_add(1 << 14) >> 15) as u32, shift)
}
";

const LARGEST: &str = "\
/// The index of the largest, the first of several.
#[inline(always)]
fn largest<T: Copy + PartialOrd>(values: &[T]) -> u32 {
    let mut best = (0, values.first());
    for (i, value) in (0u32..).zip(values) {
        if best.1.is_some_and(|best| value > best) {
            best = (i, Some(value));
        }
    }
    best.0
}
";

const NEXT_BEST: &str = "\
/// The largest that comes after `last` in descending order, ties in ascending order of the index: the value in the upper word, and in the
/// lower the index counted down from the top. All come after `i64::MAX`.
fn next_best<T: Copy + Into<i64>>(values: &[T], last: i64) -> i64 {
    let mut best = i64::MIN;
    for (i, &value) in (0u32..).zip(values) {
        let key = (value.into() << 32) | i64::from(!i);
        if key < last && key > best {
            best = key;
        }
    }
    best
}
";

const GATES: &str = "\
/// 32 gates: `c0 ^ (c1 & a) ^ (b & (c2 ^ (c3 & a)))`.
#[inline(always)]
fn gates(a: u32, b: u32, [c0, c1, c2, c3]: [u32; 4]) -> u32 {
    c0 ^ (c1 & a) ^ (b & (c2 ^ (c3 & a)))
}
";

const ABOVE: &str = "\
/// Whether `x > threshold`, in bit 31: the sign of a difference, as a comparison would take more to become a bit.
#[inline(always)]
fn above(x: i8, threshold: i32) -> u32 {
    threshold.wrapping_sub(x.into()) as u32 & 1 << 31
}
";

const COUNT_ONES: &str = "\
/// Ones in `words`. They are added up in planes of ones, twos and fours, so that one word of four is counted.
#[inline(never)]
fn count_ones(words: &[u32]) -> i32 {
    let (mut ones, mut twos, mut count) = (0u32, 0u32, 0u32);
    let (fours, rest) = words.as_chunks::<4>();
    for &[a, b, c, d] in fours {
        let (sum, carry) = (ones ^ a ^ b, (ones & a) | ((ones ^ a) & b));
        let (all, other) = (sum ^ c ^ d, (sum & c) | ((sum ^ c) & d));
        let four = (twos & carry) | ((twos ^ carry) & other);
        (ones, twos) = (all, twos ^ carry ^ other);
        count = count.wrapping_add(four.count_ones());
    }
    let mut four = 0;
    for &word in rest {
        let (sum, carry) = (ones ^ word, ones & word);
        four |= twos & carry;
        (ones, twos) = (sum, twos ^ carry);
    }
    count = count.wrapping_add(four.count_ones()).wrapping_mul(4);
    count = count.wrapping_add(twos.count_ones().wrapping_mul(2));
    count.wrapping_add(ones.count_ones()) as i32
}
";

const SIGNALS_OF: &str = "\
/// The bits of words as the lowest bits of bytes: bit `i` of a word is byte `4 * (i % 8) + i / 8` of its 32.
#[inline(always)]
fn signals_of<const N: usize>(words: &[u32], signals: &mut [u8; N]) {
    for (&word, signals) in words.iter().zip(signals.as_chunks_mut::<32>().0) {
        let fours = signals.as_chunks_mut::<4>().0;
        let mut k = 0;
        while k < 8 {
            fours[k] = (word >> k).to_le_bytes();
            k += 1;
        }
    }
}
";

const SERIES: &str = "\
/// Gates of one function, in order: gate `i` writes the signal `first + i` from those that its wire names, the first in the lower half and
/// the second in the upper. Bytes are cells, as those that are written are among those that are read.
#[inline(never)]
fn series<const N: usize>(
    signals: &mut [u8; N],
    first: usize,
    wires: &[u32],
    gate: impl Fn(u8, u8) -> u8,
) {
    let signals = core::cell::Cell::from_mut(signals.as_mut_slice()).as_slice_of_cells();
    let signal = |at: u32| signals[at as usize & (N - 1)].get();
    let Some(outputs) = signals.get(first..first.wrapping_add(wires.len())) else {
        return;
    };
    let ((outputs4, outputs), (wires4, wires)) = (outputs.as_chunks::<4>(), wires.as_chunks::<4>());
    for (to, wires) in outputs4.iter().zip(wires4) {
        to[0].set(gate(signal(wires[0] & 0xFFFF), signal(wires[0] >> 16)));
        to[1].set(gate(signal(wires[1] & 0xFFFF), signal(wires[1] >> 16)));
        to[2].set(gate(signal(wires[2] & 0xFFFF), signal(wires[2] >> 16)));
        to[3].set(gate(signal(wires[3] & 0xFFFF), signal(wires[3] >> 16)));
    }
    for (to, &wires) in outputs.iter().zip(wires) {
        to.set(gate(signal(wires & 0xFFFF), signal(wires >> 16)));
    }
}
";

const COUNT_SIGNALS: &str = "\
/// Ones among the lowest bits of bytes. They are added up four side by side, of at most 255 words, so that no sum overflows.
#[inline(never)]
fn count_signals(signals: &[[u8; 4]]) -> i32 {
    let mut count = 0u32;
    for signals in signals.chunks(255) {
        let mut sums = 0u32;
        for &four in signals {
            sums = sums.wrapping_add(u32::from_le_bytes(four) & 0x0101_0101);
        }
        let pairs = (sums & 0x00FF_00FF).wrapping_add(sums >> 8 & 0x00FF_00FF);
        count = count.wrapping_add(pairs.wrapping_mul(0x0001_0001) >> 16);
    }
    count as i32
}
";
