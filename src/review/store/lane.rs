//! A bounded channel whose sender never waits.

use std::collections::VecDeque;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

/// The sending end of a bounded channel. What finds no room waits here, in order, for the next [`push`](Self::push).
pub(super) struct Lane<T> {
    sender: Sender<T>,
    waiting: VecDeque<T>,
}

impl<T> Lane<T> {
    /// A lane for this many events, and its other end.
    pub(super) fn new(events: usize) -> (Self, Receiver<T>) {
        let (sender, receiver) = bounded(events);
        let waiting = VecDeque::new();
        (Self { sender, waiting }, receiver)
    }

    /// Sends an event behind those that wait. Never blocks.
    pub(super) fn send(&mut self, event: T) {
        self.waiting.push_back(event);
        self.push();
    }

    /// Sends what waits, as far as there is room. Never blocks.
    pub(super) fn push(&mut self) {
        while let Some(event) = self.waiting.pop_front() {
            match self.sender.try_send(event) {
                Ok(()) => {}
                Err(TrySendError::Full(event) | TrySendError::Disconnected(event)) => {
                    self.waiting.push_front(event);
                    return;
                }
            }
        }
    }

    /// Sends what waits, blocking while the channel is full, and ends the lane. Stops early if nobody receives.
    pub(super) fn finish(self) {
        for event in self.waiting {
            if self.sender.send(event).is_err() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_order_when_the_channel_is_full() {
        let (mut lane, receiver) = Lane::new(2);
        (0..5).for_each(|event| lane.send(event));
        assert_eq!(receiver.try_iter().collect::<Vec<_>>(), [0, 1]);
        lane.push();
        assert_eq!(receiver.try_iter().collect::<Vec<_>>(), [2, 3]);
        lane.send(5);
        lane.finish();
        assert_eq!(receiver.iter().collect::<Vec<_>>(), [4, 5]);
    }
}
