//! How fast a job goes and how long it will take.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use super::Progress;

/// The stretch over which the rate is taken.
const STRETCH: Duration = Duration::from_secs(30);

/// A stretch holds at least so many batches, however slow they are.
const FEWEST_BATCHES: usize = 4;

/// The shortest time between two reports.
const REPORT_INTERVAL: Duration = Duration::from_millis(100);

/// Counts the posts of a job and knows when to report.
pub(super) struct Meter {
    done: usize,
    failed: usize,
    in_one_pass: Option<usize>,
    waited: Duration,
    total: usize,
    /// When how many posts were done; the first one is where the stretch begins.
    marks: VecDeque<(Instant, usize)>,
    last_report: Option<Instant>,
}

impl Meter {
    /// Begins to count.
    pub fn new(total: usize, now: Instant) -> Self {
        Self {
            done: 0,
            failed: 0,
            in_one_pass: None,
            waited: Duration::ZERO,
            total,
            marks: VecDeque::from([(now, 0)]),
            last_report: None,
        }
    }

    /// Counts one post; the rate changes with [`mark`](Self::mark).
    pub fn count(&mut self, failed: bool) {
        self.done += 1;
        self.failed += usize::from(failed);
    }

    /// Counts whether an answer took one pass, where that is known.
    pub fn count_in_one_pass(&mut self, in_one_pass: Option<bool>) {
        if let Some(in_one_pass) = in_one_pass {
            *self.in_one_pass.get_or_insert(0) += usize::from(in_one_pass);
        }
    }

    /// Posts without an answer so far.
    pub fn left(&self) -> usize {
        self.total.saturating_sub(self.done)
    }

    /// Counts time in which the model had nothing to do.
    pub fn waited(&mut self, time: Duration) {
        self.waited += time;
    }

    /// Marks the end of a batch.
    pub fn mark(&mut self, now: Instant) {
        self.marks.push_back((now, self.done));
        while self.marks.len() > FEWEST_BATCHES + 1
            && let Some(&(start, _)) = self.marks.front()
            && now.duration_since(start) > STRETCH
        {
            self.marks.pop_front();
        }
    }

    /// Forgets the rate, so that a pause does not count as slowness.
    pub fn restart(&mut self, now: Instant) {
        self.marks.clear();
        self.marks.push_back((now, self.done));
    }

    /// Whether it is time to report; says so at most ten times a second.
    pub fn due(&mut self, now: Instant) -> bool {
        let due = self
            .last_report
            .is_none_or(|last| now.duration_since(last) >= REPORT_INTERVAL);
        if due {
            self.last_report = Some(now);
        }
        due
    }

    /// How the job stands.
    pub fn progress(&self, paused: bool) -> Progress {
        let per_sec = self.rate();
        let left = self.left();
        Progress {
            done: self.done,
            failed: self.failed,
            in_one_pass: self.in_one_pass,
            waited_secs: self.waited.as_secs_f64(),
            total: self.total,
            most_at_once: None,
            per_sec: per_sec.unwrap_or(0.0),
            remaining_secs: per_sec.map(|rate| left as f64 / rate),
            paused,
        }
    }

    fn rate(&self) -> Option<f64> {
        let (&(start, done_then), &(end, done_now)) = (self.marks.front()?, self.marks.back()?);
        let secs = end.duration_since(start).as_secs_f64();
        let posts = done_now.saturating_sub(done_then);
        (posts > 0 && secs > 0.0).then(|| posts as f64 / secs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(secs: f64) -> Duration {
        Duration::from_secs_f64(secs)
    }

    fn answer(meter: &mut Meter, posts: usize, now: Instant) {
        (0..posts).for_each(|_| meter.count(false));
        meter.mark(now);
    }

    #[test]
    fn the_rate_is_unknown_until_a_batch_is_done() {
        let start = Instant::now();
        let mut meter = Meter::new(10, start);
        assert_eq!(meter.progress(false).remaining_secs, None);
        answer(&mut meter, 4, start + secs(2.0));
        let progress = meter.progress(false);
        assert_eq!((progress.done, progress.total), (4, 10));
        assert_eq!(progress.per_sec, 2.0);
        assert_eq!(progress.remaining_secs, Some(3.0));
    }

    #[test]
    fn the_rate_is_that_of_the_last_stretch() {
        let start = Instant::now();
        let mut meter = Meter::new(10_000, start);
        for second in 1..=100 {
            answer(&mut meter, 1, start + secs(f64::from(second)));
        }
        for second in 101..=140 {
            answer(&mut meter, 5, start + secs(f64::from(second)));
        }
        assert_eq!(meter.progress(false).per_sec, 5.0);
        assert!(meter.marks.len() < 40);
    }

    #[test]
    fn slow_batches_still_have_a_rate() {
        let start = Instant::now();
        let mut meter = Meter::new(10, start);
        for batch in 1..=5 {
            answer(&mut meter, 1, start + secs(f64::from(batch) * 100.0));
        }
        assert_eq!(meter.progress(false).per_sec, 0.01);
    }

    #[test]
    fn a_pause_does_not_count() {
        let start = Instant::now();
        let mut meter = Meter::new(10, start);
        answer(&mut meter, 2, start + secs(1.0));
        meter.restart(start + secs(1000.0));
        assert_eq!(meter.progress(true).remaining_secs, None);
        answer(&mut meter, 2, start + secs(1001.0));
        assert_eq!(meter.progress(false).per_sec, 2.0);
    }

    #[test]
    fn reports_are_due_ten_times_a_second_at_most() {
        let start = Instant::now();
        let mut meter = Meter::new(10, start);
        let due = (0..1000)
            .filter(|ms| meter.due(start + Duration::from_millis(*ms)))
            .count();
        assert_eq!(due, 10);
    }
}
