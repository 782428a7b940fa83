//! How far a download has come.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use crate::duration::duration_text;

/// How far a download has come. What was here before it began does not count.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct DownloadProgress {
    /// The repository that is being fetched.
    pub repository: String,
    /// The file that is being fetched.
    pub file: String,
    /// Bytes of that file that are here.
    pub file_done_bytes: u64,
    /// Bytes of that file.
    pub file_bytes: u64,
    /// Bytes of all files that are here.
    pub done_bytes: u64,
    /// Bytes of all files that are known so far.
    pub total_bytes: u64,
    /// Whether that is all: settings come first, and tell which weights there are.
    pub total_is_known: bool,
    /// Files that are here.
    pub files_done: usize,
    /// All files.
    pub files: usize,
    /// Of the last few seconds; 0 until that is known.
    pub bytes_per_sec: f64,
    /// By the rate of the last few seconds.
    pub remaining_secs: Option<f64>,
    /// What is waited for, if anything is.
    pub note: String,
}

impl DownloadProgress {
    /// How much of it is here: “2.0 MB of at least 3.1 MB”.
    pub fn bytes_text(&self) -> String {
        let (done, total) = (size_text(self.done_bytes), size_text(self.total_bytes));
        format!("{done} of {}{total}", self.at_least())
    }

    fn at_least(&self) -> &'static str {
        if self.total_is_known { "" } else { "at least " }
    }

    /// How far everything has come: bytes, files, rate, time left.
    pub fn in_all(&self, separator: &str) -> String {
        let file = (self.files_done + 1).min(self.files);
        let mut parts = vec![
            self.bytes_text(),
            format!("file {file} of {}{}", self.at_least(), self.files),
        ];
        if self.bytes_per_sec > 0.0 {
            parts.push(format!("{}/s", size_text(self.bytes_per_sec as u64)));
        }
        if let Some(secs) = self.remaining_secs.filter(|secs| *secs >= 1.0) {
            parts.push(format!("{} left", duration_text(secs)));
        }
        parts.join(separator)
    }
}

/// Who looks at a download.
pub trait Watch {
    /// Is told a few times a second how far it has come. `false` gives up; what was fetched is kept.
    fn progress(&mut self, progress: &DownloadProgress) -> bool;

    /// Lets so much time pass before something is tried again. `false` gives up.
    fn wait(&mut self, pause: Duration) -> bool;
}

/// How often a watcher is told.
const INTERVAL: Duration = Duration::from_millis(100);

/// How long back the rate looks.
const RATE_WINDOW: Duration = Duration::from_secs(5);

/// Counts, and tells a watcher now and then.
pub(super) struct Meter<'a> {
    pub progress: DownloadProgress,
    watch: &'a mut dyn Watch,
    rate: Rate,
    told: Option<Instant>,
}

impl<'a> Meter<'a> {
    pub fn new(watch: &'a mut dyn Watch) -> Self {
        Self {
            progress: DownloadProgress::default(),
            watch,
            rate: Rate::default(),
            told: None,
        }
    }

    /// Counts bytes of the present file that came. `false` gives up.
    pub fn advance(&mut self, bytes: u64) -> bool {
        self.progress.file_done_bytes += bytes;
        self.progress.done_bytes += bytes;
        self.progress.note.clear();
        let now = Instant::now();
        self.rate.push(now, bytes);
        if self.told.is_some_and(|told| now - told < INTERVAL) {
            return true;
        }
        self.tell()
    }

    /// Takes bytes of the present file back that are of no use.
    pub fn discard(&mut self, bytes: u64) {
        self.progress.file_done_bytes = self.progress.file_done_bytes.saturating_sub(bytes);
        self.progress.done_bytes = self.progress.done_bytes.saturating_sub(bytes);
    }

    /// Tells the watcher now. `false` gives up.
    pub fn tell(&mut self) -> bool {
        self.told = Some(Instant::now());
        let left = self
            .progress
            .total_bytes
            .saturating_sub(self.progress.done_bytes);
        self.progress.bytes_per_sec = self.rate.per_sec();
        self.progress.remaining_secs =
            (self.progress.bytes_per_sec > 0.0).then(|| left as f64 / self.progress.bytes_per_sec);
        self.watch.progress(&self.progress)
    }

    /// Waits, and says for what. `false` gives up.
    pub fn wait(&mut self, pause: Duration, note: String) -> bool {
        self.progress.note = note;
        self.rate = Rate::default();
        self.tell() && self.watch.wait(pause)
    }
}

/// Bytes a second over the last few seconds.
#[derive(Default)]
struct Rate {
    samples: VecDeque<(Instant, u64)>,
    bytes: u64,
}

impl Rate {
    fn push(&mut self, now: Instant, bytes: u64) {
        self.samples.push_back((now, bytes));
        self.bytes += bytes;
        while let Some((time, bytes)) = self.samples.front()
            && now - *time > RATE_WINDOW
        {
            self.bytes -= bytes;
            self.samples.pop_front();
        }
    }

    fn per_sec(&self) -> f64 {
        match (self.samples.front(), self.samples.back()) {
            (Some((first, _)), Some((last, _))) if last > first => {
                self.bytes as f64 / (*last - *first).as_secs_f64()
            }
            _ => 0.0,
        }
    }
}

/// A size as a person says it, in powers of ten.
pub fn size_text(bytes: u64) -> String {
    match bytes {
        0..1000 => format!("{bytes} bytes"),
        1000..1_000_000 => format!("{:.0} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.0} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_that_of_the_last_few_seconds() {
        let start = Instant::now();
        let mut rate = Rate::default();
        rate.push(start, 1_000_000);
        assert_eq!(rate.per_sec(), 0.0);
        for second in 1..=20 {
            rate.push(start + Duration::from_secs(second), 100);
        }
        assert!((rate.per_sec() - 120.0).abs() < 1e-9, "{}", rate.per_sec());
    }

    #[test]
    fn a_download_is_told_as_a_person_says_it() {
        let begun = DownloadProgress {
            total_bytes: 4_500_000_000,
            files: 3,
            ..DownloadProgress::default()
        };
        assert_eq!(
            begun.in_all(", "),
            "0 bytes of at least 4.5 GB, file 1 of at least 3"
        );
        let going = DownloadProgress {
            done_bytes: 1_500_000_000,
            files_done: 2,
            bytes_per_sec: 20e6,
            remaining_secs: Some(150.0),
            total_is_known: true,
            ..begun
        };
        assert_eq!(
            going.in_all(", "),
            "1.5 GB of 4.5 GB, file 3 of 3, 20 MB/s, 2 min 30 s left"
        );
    }

    #[test]
    fn sizes_are_told_as_a_person_says_them() {
        let told = [12, 1_500, 17_000_000, 6_100_000_000].map(size_text);
        assert_eq!(told, ["12 bytes", "2 kB", "17 MB", "6.1 GB"]);
    }
}
