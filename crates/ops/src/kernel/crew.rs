//! Threads that help with a divided loop.
//!
//! They are threads of rayon's pool. Waking one takes tens of microseconds, which is more than many
//! loops of a training step take; so a thread that has helped looks out for the next loop for a
//! while before it goes back to the pool, where it sleeps. The thread whose loop it is never waits
//! for one to wake: whoever is free takes the next piece, and if nobody else comes it does them all.

use std::hint;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;
use std::time::{Duration, Instant};

/// How long a thread looks out for more to do: longer than the pauses between the large loops of a
/// step, and short for a processor that would rather rest.
const LOOKOUT: Duration = Duration::from_micros(100);

/// Looks between two looks at the clock.
const LOOKS: usize = 64;

/// Looks at whether the others are done before the processor is offered to other threads.
const IMPATIENCE: usize = 4096;

/// What one thread does for a loop: all pieces that are still there.
type Job = &'static (dyn Fn() + Sync);

/// The threads that help, and what they help with.
struct Crew {
    /// Held by the thread whose loop is divided.
    leader: Mutex<()>,
    job: Mutex<Option<Job>>,
    /// The number of jobs there have been, so that a new one is seen without the lock.
    jobs: AtomicUsize,
    /// Threads that look out for jobs or work on one.
    there: AtomicUsize,
    /// Threads that work on the job.
    working: AtomicUsize,
    /// Whether one of them has panicked.
    panicked: Mutex<Option<Box<dyn std::any::Any + Send>>>,
}

static CREW: Crew = Crew {
    leader: Mutex::new(()),
    job: Mutex::new(None),
    jobs: AtomicUsize::new(0),
    there: AtomicUsize::new(0),
    working: AtomicUsize::new(0),
    panicked: Mutex::new(None),
};

/// Locks, whoever panicked while holding the lock: what is behind these is whole at all times.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Calls `job` here and, if they come in time, on up to `helpers` other threads.
///
/// `job` returns when there is nothing left to begin. All calls have returned when this does. Within
/// a job, and while another thread has one, there is no help.
///
/// # Panics
/// If a call does.
pub fn help(helpers: usize, job: &(dyn Fn() + Sync)) {
    if helpers == 0 {
        return job();
    }
    let leader = CREW.leader.try_lock();
    if matches!(leader, Err(TryLockError::WouldBlock)) {
        return job();
    }
    {
        let _end = CREW.begin(job);
        for _ in CREW.there.load(Ordering::Relaxed)..helpers {
            CREW.there.fetch_add(1, Ordering::Relaxed);
            rayon::spawn(|| CREW.look_out());
        }
        job();
    }
    let panicked = lock(&CREW.panicked).take();
    if let Some(reason) = panicked {
        drop(leader);
        panic::resume_unwind(reason);
    }
}

/// Whether a thread looks out for jobs, or works on one.
pub fn is_awake() -> bool {
    CREW.there.load(Ordering::Relaxed) > 0
}

impl Crew {
    /// Shows a job to the threads that look out, until what is given back is dropped.
    #[allow(unsafe_code)]
    fn begin<'j>(&'static self, job: &'j (dyn Fn() + Sync + 'j)) -> impl Drop + use<'j> {
        /// Hides the job again and waits for those who work on it.
        struct End<'j>(&'static Crew, std::marker::PhantomData<&'j ()>);
        impl Drop for End<'_> {
            fn drop(&mut self) {
                *lock(&self.0.job) = None;
                let mut looks = 0;
                while self.0.working.load(Ordering::Acquire) > 0 {
                    hint::spin_loop();
                    looks += 1;
                    if looks > IMPATIENCE {
                        thread::yield_now();
                    }
                }
            }
        }
        // SAFETY: the job is called by nobody after `End` has been dropped, which `'j` outlives: who
        // takes it counts itself as working under the lock under which it is hidden, and `End`
        // waits until nobody is. `help`, the only caller, does drop it.
        let job = unsafe { std::mem::transmute::<&'j (dyn Fn() + Sync + 'j), Job>(job) };
        *lock(&self.panicked) = None;
        *lock(&self.job) = Some(job);
        self.jobs.fetch_add(1, Ordering::Release);
        End(self, std::marker::PhantomData)
    }

    /// Works on the job, if there is one, and on those that follow soon.
    fn look_out(&self) {
        let mut seen = self.jobs.load(Ordering::Acquire);
        self.join();
        while let Some(jobs) = self.next(seen) {
            seen = jobs;
            self.join();
        }
        self.there.fetch_sub(1, Ordering::Relaxed);
    }

    /// The number of jobs when there have been more than `seen`; `None` if none comes.
    fn next(&self, seen: usize) -> Option<usize> {
        let since = Instant::now();
        while since.elapsed() < LOOKOUT {
            for _ in 0..LOOKS {
                let jobs = self.jobs.load(Ordering::Acquire);
                if jobs != seen {
                    return Some(jobs);
                }
                hint::spin_loop();
            }
        }
        None
    }

    /// Works on the job, unless it has ended.
    fn join(&self) {
        let job = {
            let job = lock(&self.job);
            self.working.fetch_add(usize::from(job.is_some()), Ordering::Relaxed);
            *job
        };
        if let Some(job) = job {
            if let Err(reason) = panic::catch_unwind(AssertUnwindSafe(job)) {
                *lock(&self.panicked) = Some(reason);
            }
            self.working.fetch_sub(1, Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::{Duration, Instant};
    use std::{panic, thread};

    use super::CREW;
    use crate::kernel::threads::{each, pieces};
    use crate::kernel::with_threads;

    /// The numbers that `each` hands out, added up by threads that take a while for each.
    fn sum(numbers: usize) -> usize {
        let sum = AtomicUsize::new(0);
        each(0..numbers, |number| {
            thread::sleep(Duration::from_micros(20));
            sum.fetch_add(number, Ordering::Relaxed);
        });
        sum.into_inner()
    }

    #[test]
    fn each_piece_is_done_once() {
        for threads in [1, 2, 3, 7] {
            with_threads(threads, || {
                for pieces in [0, 1, 2, 3, 50] {
                    assert_eq!(sum(pieces), pieces * pieces.saturating_sub(1) / 2);
                }
            });
        }
    }

    #[test]
    fn others_help() {
        // Whoever has the loop waits in its piece until another thread has begun one, too.
        let deadline = Instant::now() + Duration::from_secs(60);
        let begun = AtomicUsize::new(0);
        let together = || {
            begun.store(0, Ordering::Relaxed);
            each(0..2, |_| {
                begun.fetch_add(1, Ordering::Relaxed);
                let patience = Instant::now() + Duration::from_millis(100);
                while begun.load(Ordering::Relaxed) < 2 && Instant::now() < patience {
                    thread::yield_now();
                }
                if begun.load(Ordering::Relaxed) < 2 {
                    begun.store(usize::MAX / 2, Ordering::Relaxed);
                }
            });
            begun.load(Ordering::Relaxed) == 2
        };
        // Another test may have the help at the moment.
        with_threads(2, || {
            while !together() {
                assert!(Instant::now() < deadline, "nobody came");
            }
        });
    }

    /// Whether another thread comes to the same place within a while. If it does, both are told so.
    fn meets_another(waiting: &AtomicUsize) -> bool {
        let exchange = |from, to| {
            waiting.compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire).is_ok()
        };
        let patience = Instant::now() + Duration::from_millis(20);
        while !exchange(0, 1) {
            if exchange(1, 2) {
                return true;
            }
        }
        while Instant::now() < patience {
            if waiting.load(Ordering::Acquire) == 2 {
                return true;
            }
            thread::yield_now();
        }
        !exchange(1, 0)
    }

    #[test]
    fn smaller_pieces_are_worth_a_thread_that_is_awake() {
        let deadline = Instant::now() + Duration::from_secs(60);
        let (waiting, divided) = (AtomicUsize::new(0), AtomicUsize::new(0));
        with_threads(2, || {
            while divided.load(Ordering::Acquire) < 2 {
                assert!(Instant::now() < deadline, "nobody came");
                each(0..2, |_| {
                    if !meets_another(&waiting) {
                        return;
                    }
                    // How many they are depends on the pool, and who comes may be of another test's.
                    let four = [800, 200, 199, 100].map(|length| pieces(length, 400) > 1);
                    assert_eq!(four, [true, true, false, false]);
                    divided.fetch_add(1, Ordering::AcqRel);
                    // Neither goes to sleep before the other has looked.
                    while divided.load(Ordering::Acquire) < 2 {
                        assert!(Instant::now() < deadline, "the other has not looked");
                        thread::yield_now();
                    }
                });
            }
        });
    }

    #[test]
    fn a_panic_of_any_piece_is_the_callers() {
        with_threads(3, || {
            for bad in 0..6 {
                let work = || {
                    each(0..6, |piece| {
                        thread::sleep(Duration::from_micros(50));
                        assert_ne!(piece, bad, "a bad piece");
                    });
                };
                assert!(panic::catch_unwind(work).is_err());
                assert_eq!(sum(10), 45);
            }
        });
    }

    #[test]
    fn loops_within_pieces_and_of_several_threads_are_done() {
        let nested = || {
            let total = AtomicUsize::new(0);
            each(0..8, |_| {
                total.fetch_add(sum(8), Ordering::Relaxed);
            });
            assert_eq!(total.into_inner(), 8 * 28);
        };
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| with_threads(2, nested));
            }
        });
    }

    #[test]
    fn nobody_looks_out_for_long() {
        with_threads(3, || sum(20));
        // Other tests have loops, too, but not for ever.
        let deadline = Instant::now() + Duration::from_secs(60);
        while CREW.there.load(Ordering::Relaxed) > 0 {
            assert!(Instant::now() < deadline, "a thread still looks out");
            thread::sleep(Duration::from_micros(50));
        }
    }
}
