//! Progress on standard error: a bar in a terminal, a line now and then elsewhere.

use std::{
    io::{self, IsTerminal, Write},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};

use crate::{duration::duration_text, predict::worker::Progress};

/// How often a log gets a line.
const LOG_INTERVAL: Duration = Duration::from_secs(10);

/// What a command tells while it works.
pub(super) struct Reporter {
    bar: Option<ProgressBar>,
    step: String,
    last_line: Option<Instant>,
}

impl Reporter {
    /// A bar if standard error is a terminal.
    pub fn new() -> Self {
        Self {
            bar: io::stderr().is_terminal().then(new_bar),
            step: String::new(),
            last_line: None,
        }
    }

    /// Tells how far loading is; a log gets a line a step.
    pub fn loading(&mut self, step: &str, fraction: f32) {
        if let Some(bar) = &self.bar {
            bar.set_length(100);
            bar.set_position((fraction.clamp(0.0, 1.0) * 100.0) as u64);
            bar.set_message(step.to_owned());
        } else if self.step != step {
            step.clone_into(&mut self.step);
            super::note(step);
        }
    }

    /// Tells how a job stands.
    pub fn predicting(&mut self, progress: Progress) {
        let text = rate_text(&progress);
        if let Some(bar) = &self.bar {
            bar.set_length(progress.total as u64);
            bar.set_position(progress.done as u64);
            bar.set_message(format!("{}/{} posts{text}", progress.done, progress.total));
        } else if self
            .last_line
            .is_none_or(|last| last.elapsed() >= LOG_INTERVAL)
        {
            self.last_line = Some(Instant::now());
            super::note(&format!("{}/{} posts{text}", progress.done, progress.total));
        }
    }

    /// Tells how many of something are done.
    pub fn counting(&mut self, what: &str, done: usize, total: usize) {
        let text = format!("{done}/{total} {what}");
        if let Some(bar) = &self.bar {
            bar.set_length(total as u64);
            bar.set_position(done as u64);
            bar.set_message(text);
        } else if self
            .last_line
            .is_none_or(|last| last.elapsed() >= LOG_INTERVAL)
        {
            self.last_line = Some(Instant::now());
            super::note(&text);
        }
    }

    /// Tells something that stays on the screen.
    pub fn note(&self, text: &str) {
        let print = || drop(writeln!(io::stderr(), "{text}"));
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    /// Takes the bar away.
    pub fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Reporter {
    fn drop(&mut self) {
        self.clear();
    }
}

fn new_bar() -> ProgressBar {
    let bar = ProgressBar::new(100);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {percent:>3}% {msg}") {
        bar.set_style(style);
    }
    bar
}

fn rate_text(progress: &Progress) -> String {
    let mut text = String::new();
    if progress.failed > 0 {
        text += &format!(", {} failed", progress.failed);
    }
    if progress.per_sec >= 1.0 {
        text += &format!(", {:.1} posts/s", progress.per_sec);
    } else if progress.per_sec > 0.0 {
        text += &format!(", {:.1} s a post", 1.0 / progress.per_sec);
    }
    if let Some(secs) = progress.remaining_secs.filter(|secs| *secs > 0.0) {
        text += &format!(", {} left", duration_text(secs));
    }
    text
}

/// So many posts, as a person says it.
pub(super) fn posts(n: impl TryInto<u64>) -> String {
    match n.try_into() {
        Ok(1) => "1 post".to_owned(),
        Ok(n) => format!("{n} posts"),
        Err(_) => "many posts".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_and_times_are_told_as_a_person_says_them() {
        let cases = [
            (0.0, None, 0, ""),
            (2.5, Some(90.0), 0, ", 2.5 posts/s, 1 min 30 s left"),
            (
                0.1,
                Some(7260.0),
                3,
                ", 3 failed, 10.0 s a post, 2 h 1 min left",
            ),
            (4.0, Some(0.0), 0, ", 4.0 posts/s"),
        ];
        for (per_sec, remaining_secs, failed, text) in cases {
            let progress = Progress {
                per_sec,
                remaining_secs,
                failed,
                ..Progress::default()
            };
            assert_eq!(rate_text(&progress), text);
        }
    }
}
