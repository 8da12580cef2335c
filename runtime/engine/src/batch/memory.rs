//! Where the planes of a batch lie.
//!
//! The arena of a run, as often as there are samples, is what a batch needs: a tensor that lies `b` bytes into the arena lies `b * 8` planes
//! into the memory. A bit becomes a plane, and the four bytes of a score the 32 planes that hold the scores of all samples. So what the
//! check has proven of tensors in the arena, that they fit and do not overlap, holds of planes as well. Bits that the network reads follow.

use leafgate_image::{TensorRecord, View, arena_bytes, dtype, place, section};
use leafgate_kernels::batch::Plane;

/// Words of memory for batches of `32 * n` samples of the network in `image`, for sizing a static at compile time.
///
/// ```
/// # const IMAGE: &[u8] = include_bytes!("../../../../models/zoo/digits-gates/digits-gates.leaf");
/// static MEMORY: [u32; leafgate::batch::words(IMAGE, 1)] = [0; leafgate::batch::words(IMAGE, 1)];
/// # assert_eq!(MEMORY.len(), 960 * 8);
/// ```
///
/// # Panics
/// If the bytes are no image of format 1: in a `const`, that is a compile error. At run time use
/// [`Batch::words`](crate::batch::Batch::words).
pub const fn words(image: &[u8], n: usize) -> usize {
    let mut planes = planes_of(arena_bytes(image));
    let input = half(image, 32);
    let mut i = 0;
    while i < half(image, 36) {
        let entry = 64 + 16 * i;
        if half(image, entry) == section::TENSORS as usize {
            let tensor = word(image, entry + 4) + 32 * input;
            if image[tensor] == dtype::BITS {
                planes += word(image, tensor + 8) * word(image, tensor + 12).next_multiple_of(32);
            }
        }
        i += 1;
    }
    planes * n
}

/// Planes in the place of so many bytes of arena.
const fn planes_of(bytes: usize) -> usize {
    bytes.div_ceil(4) * 32
}

const fn half(bytes: &[u8], at: usize) -> usize {
    u16::from_le_bytes([bytes[at], bytes[at + 1]]) as usize
}

const fn word(bytes: &[u8], at: usize) -> usize {
    half(bytes, at) | half(bytes, at + 2) << 16
}

/// The bits that the network reads, as planes; none if it reads numbers.
fn input_planes(view: &View<'_>) -> usize {
    match view.input() {
        Some(tensor) if tensor.dtype == dtype::BITS => planes_of(tensor.bytes().unwrap_or(0) as usize),
        _ => 0,
    }
}

/// All planes.
pub(super) fn planes(view: &View<'_>) -> usize {
    planes_of(view.arena_bytes()).saturating_add(input_planes(view))
}

/// The tensors that an op reads and writes, as planes: empty where there is none.
pub(super) fn operands<'b, const N: usize>(
    view: &View<'_>,
    planes: &'b mut [Plane<N>],
    [x, y]: [u16; 2],
) -> (&'b mut [Plane<N>], &'b mut [Plane<N>]) {
    let [(x_from, x_len), (y_from, y_len)] = [x, y].map(|i| view.tensor(i).map_or((0, 0), |tensor| span(view, tensor)));
    // They do not overlap: one of both ends where the other begins, or before.
    let is_before = x_from.saturating_add(x_len) <= y_from;
    let (lower, upper) = planes.split_at_mut_checked(if is_before { y_from } else { x_from }).unwrap_or_default();
    let (x_part, y_part) = if is_before {
        (lower.get_mut(x_from..).unwrap_or_default(), upper)
    } else {
        (upper, lower.get_mut(y_from..).unwrap_or_default())
    };
    (x_part.get_mut(..x_len).unwrap_or_default(), y_part.get_mut(..y_len).unwrap_or_default())
}

/// The planes of the bits that the network reads.
pub(super) fn input<'b, const N: usize>(view: &View<'_>, planes: &'b mut [Plane<N>]) -> &'b mut [Plane<N>] {
    let input = planes.get_mut(planes_of(view.arena_bytes())..).unwrap_or_default();
    input.get_mut(..input_planes(view)).unwrap_or_default()
}

/// First plane and number of planes of a tensor.
fn span(view: &View<'_>, tensor: &TensorRecord) -> (usize, usize) {
    let bytes = tensor.bytes().unwrap_or(0) as usize;
    match (tensor.place, tensor.dtype) {
        (place::ARENA, _) => ((tensor.offset as usize).saturating_mul(8), planes_of(bytes)),
        (_, dtype::BITS) => (planes_of(view.arena_bytes()), planes_of(bytes)),
        _ => (0, 0),
    }
}
