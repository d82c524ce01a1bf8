//! Work on several threads whose results are taken in order, so that no sum depends on how many threads there are.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};

/// Does `count` pieces of work on `threads` threads, each with a state of its own, and takes their results in order.
pub(super) fn in_turns<S>(
    threads: usize,
    count: usize,
    state: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, usize) + Sync,
    mut take: impl FnMut(&mut S, usize) + Send,
) {
    if threads.min(count) < 2 {
        let mut state = state();
        for number in 0..count {
            work(&mut state, number);
            take(&mut state, number);
        }
        return;
    }
    let next = AtomicUsize::new(0);
    let turn = Mutex::new((0, take));
    let taken = Condvar::new();
    let run = || {
        let mut state = state();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return;
            }
            work(&mut state, number);
            let turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
            let mut turn = taken.wait_while(turn, |(turn, _)| *turn != number).unwrap_or_else(PoisonError::into_inner);
            (turn.1)(&mut state, number);
            turn.0 += 1;
            drop(turn);
            taken.notify_all();
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads.min(count) {
            scope.spawn(run);
        }
        run();
    });
}
