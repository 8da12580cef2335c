//! Convolutions and pooling of bits, unrolled: the same gates at every position, each a gate of its own.
//!
//! Bits of an image `(channels, height, width)` are in that order. A convolution is a binary tree of gates per kernel and position,
//! and becomes a layer of gates for each level of the trees. Beyond the image is nothing but zeros: a gate that reads there is the gate
//! that is left of it, so that no layer needs a constant. The simplifier finds what positions have in common.

use super::gate::with_zero;
use super::{LogicConv2d, MAX_GATES, OrPool2d, UNROLLED, parametrization, too_large};
use crate::error::ConvertError;
use crate::import::layers::{Builder, range};
use crate::import::tensors::Dim;
use crate::ir::ValueKind;

/// Levels of a tree of gates; one of more has more gates than a network may have.
const MAX_LEVELS: usize = 20;
/// A wire: operand A.
const A: u8 = 3;
const OR: u8 = 7;

impl Builder<'_> {
    /// `LogicConv2d` of torchlogix.
    pub(in crate::import) fn logic_conv2d(&mut self, layer: &LogicConv2d, index: usize) -> Result<(), ConvertError> {
        let name = self.name("logic_conv2d", &layer.prefix, index);
        let p = &layer.prefix;
        self.image(&name, layer.shape)?;
        let weights = parametrization(&layer.parametrization, &name)?;
        let level_key = |level: usize| format!("{p}tree_weights.{level}");
        let levels = (0..MAX_LEVELS).take_while(|&level| self.tensors.has(&level_key(level))).count();
        let place_key = format!("{p}connections._indices_L0");
        let (kernels, positions) = match (levels, self.tensors.shape(&place_key)?) {
            (1.., &[_, kernels, positions, _, _]) => (kernels, positions),
            (0, _) => {
                return Err(ConvertError::MissingTensor { tensor: level_key(0), layer: Some(self.tensors.layer()) });
            }
            (_, have) => return Err(self.tensors.misshapen(&place_key, "(2, kernels, positions, leaves, 3)", have)),
        };
        let gates = (kernels as u128) * (positions as u128) * ((1 << levels) - 1);
        if gates + self.gates as u128 > MAX_GATES as u128 {
            return Err(too_large(&name, UNROLLED, gates + self.gates as u128));
        }
        for level in 0..levels {
            let nodes = 1usize << (levels - 1 - level);
            let per_gate = Dim::Is("weights of a gate", weights.weights());
            let dims = [Dim::Is("nodes of the level", nodes), Dim::Is("kernels", kernels), per_gate];
            let (_, data) = self.tensors.floats(&level_key(level), &dims)?;
            self.tensors.ignore(&format!("{p}_export_lut_ids_L{level}"));
            let ids = weights.gates(&data);
            let id = |kernel: usize, node: usize| ids[node * kernels + kernel];
            let level_name = format!("{name}.{level}");
            if level == 0 {
                let [a, b] = self.places(layer, &place_key, [kernels, positions, nodes])?;
                let gate = a
                    .iter()
                    .zip(&b)
                    .enumerate()
                    .map(|(i, (a, b))| with_zero(id(i / nodes / positions, i % nodes), a.is_none(), b.is_none()));
                let gate = gate.collect();
                let bits = |places: Vec<Option<u32>>| places.into_iter().map(Option::unwrap_or_default).collect();
                self.push_gates(level_name, gate, bits(a), bits(b))?;
            } else {
                let key = format!("{p}connections._indices_L{level}");
                let dims = [Dim::Is("2", 2), Dim::Is("nodes of the level", nodes)];
                let (_, pairs) = self.tensors.indices(&key, &dims, "the node of the level below", 2 * nodes)?;
                let trees = 0..kernels * positions;
                let of = |side: usize| {
                    let pairs = &pairs[side * nodes..][..nodes];
                    trees.clone().flat_map(move |tree| pairs.iter().map(move |pair| (tree * 2 * nodes) as u32 + pair))
                };
                let gate = trees.clone().flat_map(|tree| (0..nodes).map(move |node| id(tree / positions, node)));
                let (gate, a, b) = (gate.collect(), of(0).collect(), of(1).collect());
                self.push_gates(level_name, gate, a, b)?;
            }
        }
        Ok(())
    }

    /// The operands of the leaves of `[kernels, positions, nodes]`: bits of the image, or nothing beyond it.
    fn places(
        &mut self,
        layer: &LogicConv2d,
        key: &str,
        [kernels, positions, nodes]: [usize; 3],
    ) -> Result<[Vec<Option<u32>>; 2], ConvertError> {
        let [channels, height, width] = layer.shape;
        let pad = layer.padding;
        let padded = pad.checked_mul(2).filter(|&both| both <= MAX_GATES).map(|both| [height + both, width + both]);
        let Some([high, wide]) = padded else {
            let place = self.tensors.layer();
            return Err(range(&place, "padding", &format!("0 to {}", MAX_GATES / 2), &pad.to_string()));
        };
        let dims = [("2", 2), ("kernels", kernels), ("positions", positions), ("leaves / 2", nodes), ("3", 3)];
        let dims = dims.map(|(letter, size)| Dim::Is(letter, size));
        let limits = [high, wide, channels];
        let largest = limits.into_iter().max().unwrap_or(0);
        let (_, indices) = self.tensors.indices(key, &dims, "the row, column or channel", largest)?;
        let mut places = Vec::with_capacity(indices.len() / 3);
        for (i, place) in indices.as_chunks::<3>().0.iter().enumerate() {
            let place = place.map(|index| index as usize);
            if let Some(axis) = (0..3).find(|&axis| place[axis] >= limits[axis]) {
                let what = format!("the {} at index {i}", ["row", "column", "channel"][axis]);
                let want = format!("0 to {}", limits[axis] as i128 - 1);
                return Err(range(&self.tensors.place(key), &what, &want, &place[axis].to_string()));
            }
            let [y, x, channel] = place;
            let inside = (pad..pad + height).contains(&y) && (pad..pad + width).contains(&x);
            places.push(inside.then(|| ((channel * height + y - pad) * width + x - pad) as u32));
        }
        let b = places.split_off(kernels * positions * nodes);
        Ok([places, b])
    }

    /// `OrPooling2d` of torchlogix: the OR of each window, as a tree; of a window's bits two become one, an odd one stays.
    pub(in crate::import) fn or_pool2d(&mut self, layer: &OrPool2d, index: usize) -> Result<(), ConvertError> {
        let name = self.name("or_pool2d", "", index);
        self.image(&name, layer.shape)?;
        let [channels, height, width] = layer.shape;
        let [kernel, stride, pad] = [layer.kernel, layer.stride, layer.padding].map(|pair| pair.sides());
        let mut windows = [0; 2];
        for (axis, side) in [height, width].into_iter().enumerate() {
            let (kernel, stride, pad) = (kernel[axis], stride[axis], pad[axis]);
            if kernel == 0 || pad > (kernel / 2).min(MAX_GATES) || kernel > side + 2 * pad {
                let want =
                    format!("1 or more, at most {side} and twice the padding, and the padding at most half of it");
                return Err(range(&name, "kernel", &want, &format!("{kernel} with padding {pad}")));
            }
            if stride == 0 {
                return Err(range(&name, "stride", "1 or more", "0"));
            }
            windows[axis] = (side + 2 * pad - kernel) / stride + 1;
        }
        // Those of a whole window; one at the border has no more.
        let (mut per_window, mut left) = (0u128, kernel[0] as u128 * kernel[1] as u128);
        while left > 1 {
            left = left.div_ceil(2);
            per_window += left;
        }
        let gates = channels as u128 * windows[0] as u128 * windows[1] as u128 * per_window.max(1);
        if gates + self.gates as u128 > MAX_GATES as u128 {
            return Err(too_large(&name, UNROLLED, gates + self.gates as u128));
        }
        let span = |axis: usize, window: usize, side: usize| {
            let first = window * stride[axis];
            first.max(pad[axis]) - pad[axis]..(first + kernel[axis] - pad[axis]).min(side)
        };
        let mut trees: Vec<Vec<u32>> = Vec::new();
        for channel in 0..channels {
            for window in 0..windows[0] * windows[1] {
                let (rows, columns) = (span(0, window / windows[1], height), span(1, window % windows[1], width));
                let bit = |y: usize, x: usize| ((channel * height + y) * width + x) as u32;
                trees.push(rows.flat_map(|y| columns.clone().map(move |x| bit(y, x))).collect());
            }
        }
        let mut level = 0;
        // Once at least: windows of one bit pick bits.
        while level == 0 || trees.iter().any(|tree| tree.len() > 1) {
            let (mut gate, mut a, mut b) = (Vec::new(), Vec::new(), Vec::new());
            for tree in &mut trees {
                let first = gate.len() as u32;
                for pair in tree.chunks(2) {
                    gate.push(if pair.len() == 2 { OR } else { A });
                    a.push(pair[0]);
                    b.push(pair[pair.len() - 1]);
                }
                *tree = (first..gate.len() as u32).collect();
            }
            self.push_gates(format!("{name}.{level}"), gate, a, b)?;
            level += 1;
        }
        Ok(())
    }

    /// The bits before must be those of an image.
    fn image(&self, name: &str, sides: [usize; 3]) -> Result<(), ConvertError> {
        let bits = self.input(name, ValueKind::Bits)?;
        if sides.iter().try_fold(1usize, |product, &side| product.checked_mul(side)) == Some(bits) {
            return Ok(());
        }
        let want = format!("channels, height and width whose product is {bits}, the bits before");
        Err(range(name, "shape", &want, &format!("{sides:?}")))
    }
}
