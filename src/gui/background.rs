//! Something worked out on a thread of its own: the answer to a question about one revision of the session.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, TryRecvError, bounded};

use super::pace::Pace;

/// What tells the window that there is something for it.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// Lets the window draw, from any thread.
pub fn waker(ctx: &egui::Context) -> impl Fn() + Clone + Send + Sync + use<> {
    let ctx = ctx.clone();
    move || ctx.request_repaint()
}

/// Answers to questions of one kind, one at a time and no more often than keeps the machine quiet.
pub struct Background<Q, T> {
    /// The thread's name.
    name: &'static str,
    /// What the last answer is about.
    of: Option<(u64, Q)>,
    pace: Pace,
    work: Option<Work<Q, T>>,
}

/// An answer on its way.
struct Work<Q, T> {
    of: (u64, Q),
    answer: Receiver<(T, Duration)>,
    cancelled: Arc<AtomicBool>,
}

impl<Q, T> Drop for Work<Q, T> {
    fn drop(&mut self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }
}

/// When to start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Due {
    /// At once.
    Now,
    /// After a while.
    In(Duration),
    /// Not before the answer on its way is there, or something changes.
    Never,
}

impl<Q: Clone + PartialEq, T: Send + 'static> Background<Q, T> {
    /// Nothing was asked yet. The thread will have this name.
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            of: None,
            pace: Pace::default(),
            work: None,
        }
    }

    /// The revision and the question that the last answer is about.
    pub fn of(&self) -> Option<&(u64, Q)> {
        self.of.as_ref()
    }

    /// Whether an answer to another question than the last one's is on its way.
    pub fn is_other_on_its_way(&self) -> bool {
        let last = self.of.as_ref().map(|of| &of.1);
        self.work
            .as_ref()
            .is_some_and(|work| Some(&work.of.1) != last)
    }

    /// The answer, once, when it is there.
    pub fn receive(&mut self) -> Option<T> {
        let work = self.work.as_ref()?;
        match work.answer.try_recv() {
            Ok((answer, took)) => {
                self.of = Some(work.of.clone());
                self.pace.done(took);
                self.work = None;
                Some(answer)
            }
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => {
                self.work = None;
                None
            }
        }
    }

    /// When to [`start`](Self::start) on a question about a revision.
    pub fn due(&self, wanted: &(u64, Q)) -> Due {
        let is_other = |of: &(u64, Q)| of.1 != wanted.1;
        match (&self.work, &self.of) {
            // What is on its way is waited for, unless it is about another question.
            (Some(work), _) if !is_other(&work.of) => Due::Never,
            (Some(_), _) | (None, None) => Due::Now,
            (None, Some(of)) if of == wanted => Due::Never,
            (None, Some(of)) if is_other(of) => Due::Now,
            (None, Some(_)) => match self.pace.wait() {
                Duration::ZERO => Due::Now,
                pause => Due::In(pause),
            },
        }
    }

    /// Answers here and now: what is quicker than a thread.
    pub fn answer_now(&mut self, of: (u64, Q), work: impl FnOnce() -> T) -> T {
        self.work = None;
        self.of = Some(of);
        self.pace.run(work)
    }

    /// Starts to answer, and drops what is on its way. The work is given a way to ask whether anybody still waits for it.
    /// Without a thread there is no answer now; the next change tries again.
    pub fn start(
        &mut self,
        of: (u64, Q),
        wake: &Wake,
        work: impl FnOnce(&dyn Fn() -> bool) -> T + Send + 'static,
    ) {
        let (sender, answer) = bounded(1);
        let cancelled = Arc::new(AtomicBool::new(false));
        let (flag, wake) = (Arc::clone(&cancelled), Arc::clone(wake));
        let task = move || {
            let begin = Instant::now();
            let done = work(&|| flag.load(Ordering::Relaxed));
            // Nobody waits for what was cancelled.
            let _ = sender.send((done, begin.elapsed()));
            wake();
        };
        let started = std::thread::Builder::new()
            .name(self.name.to_owned())
            .spawn(task);
        self.work = started.is_ok().then_some(Work {
            of,
            answer,
            cancelled,
        });
    }
}
