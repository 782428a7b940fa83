//! Work with one outcome, done on a thread of its own; the window takes the outcome when it is there.

use crossbeam_channel::{Receiver, TryRecvError, bounded};

/// Work on its way. Dropping it forgets the outcome; the work itself goes on to its end.
pub struct Errand<T> {
    outcome: Receiver<Result<T, String>>,
}

impl<T: Send + 'static> Errand<T> {
    /// Starts the work on a thread of this name; `wake` is called once its outcome is there.
    pub fn start(
        thread: &str,
        wake: impl FnOnce() + Send + 'static,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Self {
        let (sender, outcome) = bounded(1);
        let not_started = sender.clone();
        let task = move || {
            // Nobody listens if the errand was dropped meanwhile.
            drop(sender.send(Ok(work())));
            wake();
        };
        let started = std::thread::Builder::new()
            .name(thread.to_owned())
            .spawn(task);
        if let Err(error) = started {
            let message = format!("no thread could be started for it: {error}");
            drop(not_started.send(Err(message)));
        }
        Self { outcome }
    }

    /// The outcome, once, when it is there; `Err` says why there will never be one.
    pub fn poll(&self) -> Option<Result<T, String>> {
        match self.outcome.try_recv() {
            Ok(outcome) => Some(outcome),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(Err(
                "it stopped unexpectedly; this is a fault of Overrule".to_owned(),
            )),
        }
    }

    /// The outcome of what is on its way, if anything is; nothing is on its way then any more.
    pub fn take(on_its_way: &mut Option<Self>) -> Option<Result<T, String>> {
        let outcome = on_its_way.as_ref()?.poll()?;
        *on_its_way = None;
        Some(outcome)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The outcome of work, once its thread has ended.
    fn outcome<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, String> {
        let errand = Errand::start("errand", || {}, work);
        errand
            .outcome
            .recv()
            .unwrap_or_else(|_| errand.poll().unwrap())
    }

    #[test]
    fn work_that_ends_has_an_outcome_and_work_that_panics_says_so() {
        assert_eq!(outcome(|| 7), Ok(7));
        let fault = outcome(|| -> u8 { panic!("on purpose") }).unwrap_err();
        assert!(fault.contains("stopped unexpectedly"), "{fault}");
    }

    #[test]
    fn an_outcome_is_taken_once() {
        let (woken, wakes) = bounded(1);
        let wake = move || woken.send(()).unwrap();
        let mut errand = Some(Errand::start("errand", wake, || "done"));
        wakes.recv().unwrap();
        assert_eq!(Errand::take(&mut errand), Some(Ok("done")));
        assert!(errand.is_none());
        assert_eq!(Errand::take(&mut errand), None);
    }
}
