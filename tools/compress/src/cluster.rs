//! Balanced k-means: clusters that differ by one point in size at most.
//!
//! Lloyd's iteration with an assignment that fills clusters to their capacity: points choose in the order of what they lose by not
//! getting their nearest centre. An exact assignment (as MoEfication solves it) takes the cube of the number of points; this one their
//! square, and the iteration repairs what it misses.

use nalgebra::DMatrix;

use crate::random::Random;

/// Rounds of the iteration; it usually stops before.
const ROUNDS: usize = 30;

/// The cluster of each row of `points`, `0..clusters`.
pub fn balanced(points: &DMatrix<f64>, clusters: usize, random: &mut Random) -> Vec<usize> {
    let (n, dims) = points.shape();
    let mut centres = DMatrix::zeros(clusters, dims);
    for (c, &i) in random.order(n).iter().take(clusters).enumerate() {
        centres.set_row(c, &points.row(i));
    }
    let mut of = vec![0; n];
    for round in 0..ROUNDS {
        let next = assign(points, &centres);
        if round > 0 && next == of {
            break;
        }
        of = next;
        let mut sizes = vec![0.0f64; clusters];
        centres.fill(0.0);
        for (i, &c) in of.iter().enumerate() {
            sizes[c] += 1.0;
            let sum = centres.row(c) + points.row(i);
            centres.set_row(c, &sum);
        }
        for (c, size) in sizes.iter().enumerate() {
            let mean = centres.row(c) / size.max(1.0);
            centres.set_row(c, &mean);
        }
    }
    of
}

fn assign(points: &DMatrix<f64>, centres: &DMatrix<f64>) -> Vec<usize> {
    let (n, clusters) = (points.nrows(), centres.nrows());
    // |p - c|^2 without |p|^2, which is the same for all centres.
    let products = points * centres.transpose();
    let norms: Vec<f64> = centres.row_iter().map(|centre| centre.norm_squared()).collect();
    let distance = |i: usize, c: usize| norms[c] - 2.0 * products[(i, c)];
    let mut room: Vec<usize> = (0..clusters).map(|c| n / clusters + usize::from(c < n % clusters)).collect();
    let mut of = vec![usize::MAX; n];
    let mut left: Vec<usize> = (0..n).collect();
    while !left.is_empty() {
        // What a point loses if its nearest centre with room is taken.
        let mut wishes: Vec<(f64, usize, usize)> = left
            .iter()
            .map(|&i| {
                let mut best = (f64::INFINITY, 0);
                let mut second = f64::INFINITY;
                for c in (0..clusters).filter(|&c| room[c] > 0) {
                    let d = distance(i, c);
                    if d < best.0 {
                        second = best.0;
                        best = (d, c);
                    } else {
                        second = second.min(d);
                    }
                }
                (second - best.0, i, best.1)
            })
            .collect();
        wishes.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        for (_, i, c) in wishes {
            if room[c] > 0 {
                room[c] -= 1;
                of[i] = c;
            }
        }
        left.retain(|&i| of[i] == usize::MAX);
    }
    of
}

#[cfg(test)]
mod tests {
    use super::balanced;
    use crate::random::Random;
    use nalgebra::DMatrix;

    #[test]
    fn clusters_are_found_and_of_like_size() {
        // Three heaps of four points each, and one point more.
        let heap = |i: usize| [(0.0, 0.0), (10.0, 0.0), (0.0, 10.0)][i % 3];
        let points = DMatrix::from_fn(13, 2, |i, d| {
            let (x, y) = heap(i);
            [x, y][d] + 0.1 * (i / 3) as f64
        });
        let of = balanced(&points, 3, &mut Random::new(3));
        let mut sizes = [0; 3];
        of.iter().for_each(|&c| sizes[c] += 1);
        sizes.sort_unstable();
        assert_eq!(sizes, [4, 4, 5]);
        for i in 3..12 {
            assert_eq!(of[i], of[i % 3], "point {i}");
        }
    }
}
