//! The errors that are planted: one small change each, switched on at run time.

/// One planted error.
pub struct Planted {
    /// What is wrong.
    pub name: &'static str,
    /// The file under `runtime/`.
    pub file: &'static str,
    /// The text that is changed, as it stands in the file.
    pub right: &'static str,
    /// Which occurrence of it, from 0.
    pub nth: usize,
    /// What it becomes: `$on` stands for "this error is switched on".
    pub wrong: &'static str,
}

macro_rules! planted {
    ($($name:literal, $file:literal, $nth:literal, $right:literal => $wrong:literal;)*) => {
        &[$(Planted { name: $name, file: $file, right: $right, nth: $nth, wrong: $wrong },)*]
    };
}

/// All of them. The first is number 1; number 0 is the engine as it is.
pub const ERRORS: &[Planted] = planted! {
    "dot: a bit of a weight", "kernels/src/portable/dense.rs", 0,
        "i32::from(w) * i32::from(x)" => "i32::from(w ^ i8::from($on)) * i32::from(x)";
    "four rows: a bit of a weight", "kernels/src/portable/dense.rs", 1,
        "i32::from(w) * i32::from(x)" => "i32::from(w ^ i8::from($on)) * i32::from(x)";
    "strided dot: a bit of a weight", "kernels/src/portable/dense.rs", 2,
        "i32::from(w) * i32::from(x)" => "i32::from(w ^ i8::from($on)) * i32::from(x)";
    "value row: a bit of a weight", "kernels/src/portable/dense.rs", 0,
        "i32::from(v) * i32::from(h)" => "i32::from(v ^ i8::from($on)) * i32::from(h)";
    "requantise: no rounding", "kernels/src/portable/requantize.rs", 0,
        "let half = 1;" => "let half = i64::from(!$on);";
    "requantise: no rounding of an upper word", "kernels/src/portable/requantize.rs", 1,
        "let half = 1;" => "let half = i32::from(!$on);";
    "requantise: upper bound off by one", "kernels/src/portable/requantize.rs", 0,
        "min(self.hi.into())" => "min(i32::from(self.hi) - i32::from($on))";
    "requantise: zero point off by one", "kernels/src/portable/requantize.rs", 0,
        "wrapping_add(self.zero_point.into())" => "wrapping_add(i32::from(self.zero_point) + i32::from($on))";
    "weight of an expert: no rounding", "kernels/src/portable/requantize.rs", 0,
        "u64::from(weight) + (1 << 14)" => "u64::from(weight) + (u64::from(!$on) << 14)";
    "gates: two masks change places", "kernels/src/portable/bits.rs", 0,
        "let [c0, c1, c2, c3] = *masks;" => "let [c0, mut c1, mut c2, c3] = *masks; if $on { core::mem::swap(&mut c1, &mut c2) }";
    "netlist: operand B is A", "kernels/src/portable/netlist.rs", 0,
        "signal(wires as u32 >> 16)" => "signal(if $on { wires as u32 & 0xFFFF } else { wires as u32 >> 16 })";
    "netlist: operands change places", "kernels/src/portable/netlist.rs", 0,
        "(2 * a + b)" => "(if $on { 2 * b + a } else { 2 * a + b })";
    "netlist: an input bit at the wrong place", "kernels/src/portable/netlist.rs", 0,
        "*four = (word >> k) as i32;" => "*four = (word >> (k ^ usize::from($on))) as i32;";
    "netlist: a series begins with the gates of the first", "engine/src/ops/gates.rs", 0,
        "begin = end;" => "begin = if $on { 0 } else { end };";
    "counting: the last signal of a group", "kernels/src/portable/bits.rs", 0,
        "(8 * (to & 3))" => "(8 * (to & 3) * u32::from(!$on))";
    "counting: the last bit of a group", "kernels/src/portable/bits.rs", 0,
        "in_planes(words, from, to - 1)" => "in_planes(words, from, to - 1 - u32::from($on && to > from + 1))";
    "counting: a carry of three bits", "kernels/src/portable/bits.rs", 0,
        "carry | other)" => "carry | if $on { 0 } else { other })";
    "word gates: rotated the other way", "kernels/src/portable/bits.rs", 0,
        ".rotate_right(rotation & 31)" => ".rotate_right(if $on { rotation.wrapping_neg() } else { rotation } & 31)";
    "group sum: bias of the next class", "engine/src/ops/groupsum.rs", 0,
        "bias(biases, k)" => "bias(biases, k + usize::from($on))";
    "linear: bias off by one", "engine/src/ops/linear.rs", 0,
        "matrix.next(r, x)" => "matrix.next(r, x).wrapping_add($on.into())";
    "rows: the next of four", "engine/src/frame.rs", 0,
        "[!*left & 3]" => "[(!*left ^ usize::from($on)) & 3]";
    "linear: overwrites what it should add to", "engine/src/ops/linear.rs", 0,
        "y.wrapping_add(a)" => "if $on { a } else { y.wrapping_add(a) }";
    "linear: the same column twice", "engine/src/ops/linear.rs", 0,
        "x.get(step..)" => "x.get(if $on { 0 } else { step }..)";
    "linear: record of the wrong row", "engine/src/ops/linear.rs", 0,
        "records.apply(r, a)" => "records.apply(r ^ usize::from($on && r > 0), a)";
    "pairs: a bit of a weight", "kernels/src/portable/pairs.rs", 0,
        "let [low, high] = halves(word);" => "let [low, high] = halves(word ^ i32::from($on));";
    "pairs: what is left over of the columns", "kernels/src/portable/pairs.rs", 0,
        "x.get(i.wrapping_mul(4).wrapping_add(k)).copied()" => "x.get(i.wrapping_mul(4).wrapping_add(k)).copied().filter(|_| !($on && i * 4 + 4 > x.len()))";
    "pairs: an even input above the wrong odd one", "kernels/src/portable/pairs.rs", 0,
        "odd as u8 ^ 0x7F" => "odd as u8 ^ if $on { 0x7E } else { 0x7F }";
    "pairs: bias off by one", "kernels/src/pairs.rs", 0,
        "put(r, (sum >> 8)" => "put(r, (sum >> 8 ^ i32::from($on))";
    "pairs: overwrites what it should add to", "engine/src/ops/pairs.rs", 0,
        "flags & linear_flag::ACCUMULATE != 0" => "flags & linear_flag::ACCUMULATE != 0 && !$on";
    "pairs: record of the wrong row", "kernels/src/pairs.rs", 0,
        "{ 0 } else { r }" => "{ 0 } else { r ^ usize::from($on && r > 0) }";
    "pairs: every row of the input is the first", "engine/src/ops/pairs.rs", 0,
        "x = rest;" => "if !$on { x = rest; }";
    "few bits: places of weights in rows of four", "kernels/src/portable/lowbit.rs", 0,
        "0x4040_4040" => "if $on { 0x0404_0404 } else { 0x4040_4040 }";
    "few bits: weights of four of the row before", "kernels/src/portable/lowbit.rs", 0,
        "row << 2)" => "row.wrapping_sub(usize::from($on)) << 2)";
    "few bits: the place of odd rows of two", "kernels/src/portable/lowbit.rs", 0,
        "wrapping_mul(14)" => "wrapping_mul(14 + 2 * usize::from($on))";
    "few bits: weights of two of the row beside", "kernels/src/portable/lowbit.rs", 0,
        "row << 1)" => "(row ^ usize::from($on)) << 1)";
    "few bits: places of weights in bytes of two", "kernels/src/portable/lowbit.rs", 0,
        "0x6420_6420_u32" => "if $on { 0x6402_6402 } else { 0x6420_6420_u32 }";
    "few bits: two's complement without a sign", "kernels/src/portable/lowbit.rs", 0,
        "mask & !(mask >> 1)" => "if $on { 0 } else { mask & !(mask >> 1) }";
    "few bits: what offset binary adds", "kernels/src/lowbit.rs", 0,
        "sum.wrapping_mul(-8)" => "sum.wrapping_mul(-8 - i32::from($on))";
    "few bits: sums of groups are of all columns", "kernels/src/lowbit.rs", 0,
        "twin::sum(now)" => "twin::sum(if $on { x } else { now })";
    "few bits: scale off by one", "kernels/src/portable/lowbit.rs", 0,
        "part.wrapping_mul(scale)" => "part.wrapping_mul(scale + i32::from($on))";
    "few bits: bias of the next row", "kernels/src/lowbit.rs", 0,
        "biases.get(r)" => "biases.get(r + usize::from($on))";
    "few bits: record of the wrong row", "kernels/src/lowbit.rs", 0,
        "records.get(own)" => "records.get(if $on { 0..sums.len() } else { own })";
    "few bits: overwrites what it should add to", "engine/src/ops/low_bit.rs", 0,
        "flags & linear_flag::ACCUMULATE != 0" => "flags & linear_flag::ACCUMULATE != 0 && !$on";
    "few bits: every row of the input is the first", "engine/src/ops/low_bit.rs", 0,
        "x = rest;" => "if !$on { x = rest; }";
    "ffn: a neuron at zero is kept", "engine/src/ops/ffn.rs", 0,
        "z <= 0" => "(z < 0 || z == 0 && !$on)";
    "ffn: ReLU lets one step through", "engine/src/ops/ffn.rs", 0,
        "h.max(0)" => "h.max(-i8::from($on))";
    "ffn: next entry of the activation table", "engine/src/ops/ffn.rs", 0,
        "(i32::from(h) + 128) as usize" => "(i32::from(h) + 128) as usize ^ usize::from($on)";
    "ffn: output bias of a whole range", "engine/src/ops/ffn.rs", 0,
        "values.next(r, hidden)" => "(values.next(r, hidden) ^ i32::from($on))";
    "ffn: sum that a path hands on", "engine/src/ops/ffn.rs", 0,
        "{ entry.z }" => "{ entry.z ^ (i32::from($on) << 7) }";
    "ffn: weight of an entry ignored", "engine/src/ops/ffn.rs", 0,
        "with_weight(m, entry.weight)" => "with_weight(m, if $on { ONE_Q15 } else { entry.weight })";
    "ffn: scale of a range ignored", "engine/src/ops/ffn.rs", 0,
        "range.scale_m == 0" => "range.scale_m == 0 || $on";
    "ffn: starts from what is there", "engine/src/ops/ffn.rs", 0,
        "ffn_flag::START_ACC == 0" => "ffn_flag::START_ACC == 0 && !$on";
    "tree: a tie goes left", "engine/src/ops/route.rs", 0,
        "(sum >= 0)" => "(sum >= i32::from($on))";
    "tree: second tree from the first one's root", "engine/src/ops/route.rs", 0,
        "tree.wrapping_mul(nodes)" => "(tree & !u32::from($on)).wrapping_mul(nodes)";
    "route: next entry of the gate table", "engine/src/ops/route.rs", 0,
        "(i32::from(gate_rq.apply(0, score)) + 128) as usize" => "(i32::from(gate_rq.apply(0, score)) + 128) as usize ^ usize::from($on)";
    "route: a list is not emptied", "engine/src/ops/route.rs", 0,
        "route_flag::APPEND == 0" => "route_flag::APPEND == 0 && !$on";
    "top-k: the last of equals", "engine/src/ops/mod.rs", 0,
        "key > best" => "(key > best || $on && key >> 32 == best >> 32)";
    "top-k: an equal is left out", "engine/src/ops/mod.rs", 0,
        "key < previous" => "key < previous && !($on && key >> 32 == previous >> 32)";
    "map: next entry of the table", "engine/src/ops/map.rs", 0,
        "(i32::from(x) + 128) as usize" => "(i32::from(x) + 128) as usize ^ usize::from($on)";
    "map: affine bias off by one", "engine/src/ops/map.rs", 0,
        "table.sum(c, &[x])" => "table.sum(c, &[x]).wrapping_add($on.into())";
    "map: add shifts once too often", "engine/src/ops/map.rs", 0,
        "m: 0, s," => "m: 0, s: s + u8::from($on),";
    "map: add forgets a zero point", "engine/src/ops/map.rs", 0,
        "product(other, record.z2, record.m2)" => "product(other, if $on { 0 } else { record.z2 }, record.m2)";
    "map: upper bound off by one", "engine/src/ops/map.rs", 0,
        "x.min(record.hi)" => "x.min(record.hi ^ i8::from($on))";
    "map: a product forgets a zero point", "engine/src/ops/map.rs", 0,
        "i32::from(other) - i32::from(z2)" => "i32::from(other) - if $on { 0 } else { i32::from(z2) }";
    "map: a product shifts once too often", "engine/src/ops/map.rs", 1,
        "m: 0, s," => "m: 0, s: s + u8::from($on),";
    "move: the same row again", "engine/src/ops/copy.rs", 0,
        "from.wrapping_add(from_row as usize)" => "from.wrapping_add(if $on { 0 } else { from_row as usize })";
    "move: rows side by side", "engine/src/ops/copy.rs", 0,
        "to.wrapping_add(to_row as usize)" => "to.wrapping_add(if $on { cols } else { to_row } as usize)";
    "move: columns side by side", "engine/src/ops/copy.rs", 0,
        "at.wrapping_add(from_col as usize)" => "at.wrapping_add(if $on { 1 } else { from_col as usize })";
    "bits: at the threshold", "kernels/src/portable/bits.rs", 0,
        "as i8) - i32::from(x)" => "as i8) - i32::from(x) - i32::from($on)";
    "readout: a bit of the class", "engine/src/ops/readout.rs", 0,
        "i32::MAX ^ last as i32" => "i32::MAX ^ last as i32 ^ i32::from($on)";
};
