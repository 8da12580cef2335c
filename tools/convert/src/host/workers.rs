//! Blocks of work on every core.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

/// Does `work` on the items `0..len`, `block` of them at a time, each thread with a `state` of its own, and hands the results to
/// `each` in order, on the thread of the caller. No block begins after an error of `each`.
///
/// # Errors
/// That of `each`.
///
/// # Panics
/// If `work` does.
pub(crate) fn in_blocks<S, R: Send, E>(
    len: usize,
    block: usize,
    state: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, Range<usize>) -> R + Sync,
    mut each: impl FnMut(Range<usize>, R) -> Result<(), E>,
) -> Result<(), E> {
    let blocks = len.div_ceil(block);
    let range = |i: usize| i * block..len.min((i + 1) * block);
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
    if cores.min(blocks) < 2 {
        let mut state = state();
        return (0..blocks).try_for_each(|i| each(range(i), work(&mut state, range(i))));
    }
    let next = AtomicUsize::new(0);
    let (sender, results) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..cores.min(blocks) {
            let (sender, next, state, work) = (sender.clone(), &next, &state, &work);
            scope.spawn(move || {
                let mut state = state();
                loop {
                    let i = next.fetch_add(1, Ordering::Relaxed);
                    // Nobody listens after an error.
                    if i >= blocks || sender.send((i, work(&mut state, range(i)))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let (mut early, mut due) = (BTreeMap::new(), 0);
        // Moved in, so that it is gone when an error leaves the loop.
        for (i, result) in results.into_iter() {
            early.insert(i, result);
            while let Some(result) = early.remove(&due) {
                each(range(due), result)?;
                due += 1;
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::in_blocks;

    #[test]
    fn results_come_in_order_and_an_error_ends_it() {
        for (len, block) in [(0, 4), (1, 4), (4, 4), (1000, 7)] {
            let mut seen = Vec::new();
            let all = in_blocks(
                len,
                block,
                || 0,
                |count, range| {
                    *count += 1;
                    // Later blocks are done before earlier ones.
                    std::thread::sleep(std::time::Duration::from_micros(range.start as u64 * 37 % 200));
                    range.sum::<usize>()
                },
                |range, sum| {
                    assert_eq!(sum, range.clone().sum::<usize>());
                    seen.extend(range);
                    if seen.len() > 700 { Err(seen.len()) } else { Ok(()) }
                },
            );
            assert_eq!(all, if len > 700 { Err(707) } else { Ok(()) });
            assert_eq!(seen, (0..len.min(707)).collect::<Vec<_>>());
        }
    }

    #[test]
    #[should_panic(expected = "a scoped thread panicked")]
    fn a_panic_is_not_lost() {
        let _ = in_blocks(100, 1, || (), |(), range| assert!(range.start < 50), |_, ()| Ok::<(), ()>(()));
    }
}
