//! Shapes: products, broadcasting, and what the operators that only view a tensor make of them.

/// Sizes of the dimensions; none of a scalar.
pub(super) type Shape = Vec<usize>;

/// Dimensions of a tensor: more than any network has that fits here.
pub(super) const MAX_RANK: usize = 8;

/// Elements of a constant or of an activation.
pub(super) const MAX_ELEMENTS: usize = 1 << 26;

/// The number of elements, if it is within bounds.
pub(super) fn elements(shape: &[usize]) -> Option<usize> {
    let len = shape.iter().try_fold(1usize, |len, &dimension| len.checked_mul(dimension))?;
    (len <= MAX_ELEMENTS).then_some(len)
}

/// As `[2,3]`.
pub(super) fn show(shape: &[usize]) -> String {
    let sizes: Vec<String> = shape.iter().map(usize::to_string).collect();
    format!("[{}]", sizes.join(","))
}

/// Elements from one index to the next, of each dimension in row-major order.
pub(super) fn strides(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    for d in (1..shape.len()).rev() {
        strides[d - 1] = strides[d] * shape[d];
    }
    strides
}

/// The offsets of all elements of `shape` in row-major order, where an index of dimension `d` counts `steps[d]`.
pub(super) fn offsets(shape: &[usize], steps: &[usize]) -> impl Iterator<Item = usize> + use<> {
    let strides = strides(shape);
    let total: usize = shape.iter().product();
    let axes: Vec<(usize, usize, usize)> =
        strides.iter().zip(shape).zip(steps).map(|((&stride, &size), &step)| (stride.max(1), size, step)).collect();
    (0..total).map(move |i| axes.iter().map(|(stride, size, step)| i / stride % size * step).sum())
}

/// The shape of an operation element by element on both.
pub(super) fn broadcast(a: &[usize], b: &[usize]) -> Option<Shape> {
    let rank = a.len().max(b.len());
    let at = |shape: &[usize], d: usize| (d + shape.len()).checked_sub(rank).map_or(1, |d| shape[d]);
    (0..rank)
        .map(|d| match (at(a, d), at(b, d)) {
            (a, b) if a == b || b == 1 => Some(a),
            (1, b) => Some(b),
            _ => None,
        })
        .collect()
}

/// The offsets of `of`'s elements as an operation on `to`, which it must broadcast to, reads them.
pub(super) fn spread(of: &[usize], to: &[usize]) -> impl Iterator<Item = usize> + use<> {
    let own = strides(of);
    let missing = to.len() - of.len();
    let steps: Vec<usize> = (0..to.len())
        .map(|d| match d.checked_sub(missing) {
            Some(d) if of[d] != 1 => own[d],
            _ => 0,
        })
        .collect();
    offsets(to, &steps)
}

/// A dimension counted from the front, or if negative from the end.
pub(super) fn axis(axis: i64, rank: usize) -> Result<usize, String> {
    let from_front = if axis < 0 { axis + rank as i64 } else { axis };
    let found = usize::try_from(from_front).ok().filter(|&found| found < rank);
    found.ok_or_else(|| format!("axis {axis} of {rank} dimensions"))
}

/// The shape that RESHAPE makes: 0 keeps a dimension (unless `allow_zero`), -1 is what is left.
pub(super) fn reshape(from: &[usize], want: &[i64], allow_zero: bool) -> Result<Shape, String> {
    let refuse = || format!("{} to {want:?}", show(from));
    let total = elements(from).ok_or_else(refuse)?;
    let mut shape = Vec::new();
    let mut left = None;
    for (d, &size) in want.iter().enumerate() {
        shape.push(match size {
            -1 if left.is_none() => {
                left = Some(d);
                1
            }
            0 if !allow_zero => *from.get(d).ok_or_else(refuse)?,
            _ => usize::try_from(size).map_err(|_| refuse())?,
        });
    }
    let have = elements(&shape).filter(|&have| have > 0).ok_or_else(refuse)?;
    if let Some(d) = left {
        shape[d] = total / have;
    }
    if elements(&shape) == Some(total) { Ok(shape) } else { Err(refuse()) }
}

/// Without the dimensions `axes`, or without all of size 1 if none are given.
pub(super) fn squeeze(from: &[usize], axes: Option<&[i64]>) -> Result<Shape, String> {
    let Some(axes) = axes else {
        return Ok(from.iter().copied().filter(|&size| size != 1).collect());
    };
    let gone = axes.iter().map(|&at| axis(at, from.len())).collect::<Result<Vec<_>, _>>()?;
    if let Some(&d) = gone.iter().find(|&&d| from[d] != 1) {
        return Err(format!("dimension {d} of {} is not 1", show(from)));
    }
    Ok((0..from.len()).filter(|d| !gone.contains(d)).map(|d| from[d]).collect())
}

/// With dimensions of size 1 at `axes` of the result.
pub(super) fn unsqueeze(from: &[usize], axes: &[i64]) -> Result<Shape, String> {
    let rank = from.len() + axes.len();
    if rank > MAX_RANK {
        return Err(format!("{rank} dimensions, wanted at most {MAX_RANK}"));
    }
    let new = axes.iter().map(|&at| axis(at, rank)).collect::<Result<Vec<_>, _>>()?;
    let mut old = from.iter();
    let shape: Shape = (0..rank).filter_map(|d| if new.contains(&d) { Some(1) } else { old.next().copied() }).collect();
    if shape.len() == rank { Ok(shape) } else { Err(format!("axes {axes:?} are not all different")) }
}

/// Two dimensions: those before `axis`, and the others.
pub(super) fn flatten(from: &[usize], at: i64) -> Result<Shape, String> {
    let at = if at == from.len() as i64 { from.len() } else { axis(at, from.len())? };
    Ok(vec![from[..at].iter().product(), from[at..].iter().product()])
}

/// Whether a transposition leaves the elements in their order: it moves dimensions of size 1 only.
pub(super) fn keeps_order(from: &[usize], order: &[usize]) -> bool {
    let moved: Vec<usize> = order.iter().copied().filter(|&d| from[d] != 1).collect();
    moved.is_sorted()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_follow_the_specification() {
        assert_eq!(reshape(&[1, 28, 28], &[-1, 784], false), Ok(vec![1, 784]));
        assert_eq!(reshape(&[2, 3], &[0, -1], false), Ok(vec![2, 3]));
        assert!(reshape(&[2, 3], &[4, -1], false).is_err());
        assert!(reshape(&[2, 3], &[-1, -1], false).is_err());
        assert!(reshape(&[2, 3], &[0, 6], true).is_err());
        assert_eq!(squeeze(&[1, 3, 1], None), Ok(vec![3]));
        assert_eq!(squeeze(&[1, 3, 1], Some(&[-1])), Ok(vec![1, 3]));
        assert!(squeeze(&[1, 3], Some(&[1])).is_err());
        assert_eq!(unsqueeze(&[3], &[0, -1]), Ok(vec![1, 3, 1]));
        assert!(unsqueeze(&[3], &[0, 0]).is_err());
        assert_eq!(flatten(&[2, 3, 4], 1), Ok(vec![2, 12]));
        assert_eq!(broadcast(&[1, 3], &[3]), Some(vec![1, 3]));
        assert_eq!(broadcast(&[4, 1], &[1, 3]), Some(vec![4, 3]));
        assert_eq!(broadcast(&[2], &[3]), None);
        assert_eq!(spread(&[2, 1], &[2, 3]).collect::<Vec<_>>(), [0, 0, 0, 1, 1, 1]);
        assert!(keeps_order(&[1, 5, 1], &[2, 1, 0]) && !keeps_order(&[2, 5], &[1, 0]));
    }

    #[test]
    fn absurd_sizes_are_none() {
        assert_eq!(elements(&[usize::MAX, 2]), None);
        assert_eq!(elements(&[1 << 20, 1 << 20]), None);
        assert_eq!(elements(&[]), Some(1));
    }
}
