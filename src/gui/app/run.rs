//! Runs: predicting with the loaded model, looking at what an earlier run said, comparing two.

use super::{App, ModelState, Run, Work};
use crate::{
    duration::duration_text,
    gui::{
        command::Command,
        panels::labels::Below,
        toast::Kind,
        widgets::{posts, thousands},
    },
    post::LabelNames,
    predict::{
        answering::AnswerOptions,
        prediction::RunInfo,
        worker::{Job, PredictOptions, Progress},
    },
};

impl App {
    /// Predicts what has no prediction yet, once both a dataset and a model are there.
    pub(super) fn start_run(&mut self) {
        let Some(run) = self.run_info() else { return };
        let Work::Open(bench) = &mut self.work else {
            return;
        };
        let dataset = bench.session.dataset().clone();
        if dataset.labels.is_empty() {
            return;
        }
        let prompt = self.launch.prompt;
        bench.session.begin_run(run);
        bench.session.look_for_runs();
        // Predictions of an earlier day come back first; what they leave is predicted.
        self.run_is_due = bench.session.is_loading();
        if self.run_is_due {
            return;
        }
        let wanted = bench.session.unpredicted();
        if wanted.is_empty() {
            self.run = None;
            return;
        }
        let options = PredictOptions {
            prompt,
            answers: self.answer_options(&dataset.labels),
            batch_size: self.launch.batch_size,
        };
        let before = dataset.posts.len() - wanted.len();
        let progress = Progress {
            total: wanted.len(),
            ..Progress::default()
        };
        let generation = self.worker.predict(Job {
            dataset,
            posts: wanted,
            options,
        });
        self.run = Some(Run {
            generation,
            before,
            progress,
            ended: false,
            outage: None,
        });
        self.focus_worker();
    }

    /// The run of the loaded model on the open dataset. Its device is the one it began on, also where the model had to move on: the
    /// answers so far are no other run's.
    fn run_info(&self) -> Option<RunInfo> {
        let (Some(bench), ModelState::Ready(info)) = (self.bench(), &self.model) else {
            return None;
        };
        let labels = &bench.session.dataset().labels;
        let longest = self.launch.longest_answer();
        let run = RunInfo::new(info, self.launch.prompt, labels, longest);
        let device = self.began_on.clone().unwrap_or(run.device);
        Some(RunInfo { device, ..run })
    }

    /// How answers are found.
    pub(super) fn answer_options(&self, labels: &LabelNames) -> AnswerOptions {
        AnswerOptions {
            labels: labels.clone(),
            max_new_tokens: self.launch.longest_answer(),
            decode: self.launch.decode,
            scores: !self.launch.no_scores && self.settings.scores,
        }
    }

    /// Tells the model which posts are wanted first.
    pub(super) fn focus_worker(&self) {
        if let (Some(bench), Some(run)) = (self.bench(), &self.run)
            && !run.ended
        {
            self.worker.focus(&bench.wanted_first());
        }
    }

    /// Asks the model once more about the posts of its run that it could not answer.
    pub(super) fn retry_failed(&mut self) {
        if !matches!(self.model, ModelState::Ready(_)) {
            let text = "Load a model first; it predicts the failed posts again";
            self.toasts
                .show(Kind::Info, text, Some(Command::ChooseModel));
            return;
        }
        if self.is_earlier_run() {
            let text = "An earlier run is shown, and its model is not loaded";
            self.toasts.show(Kind::Info, text, Some(Command::Predict));
            return;
        }
        let Some(bench) = self.bench_mut() else {
            return;
        };
        let failed = bench.session.counts().failed;
        if failed == 0 {
            self.toasts
                .show(Kind::Info, "No post of this run has failed", None);
            return;
        }
        bench.session.retry_failed();
        let text = format!("Predicting {} again", posts(failed));
        self.toasts.show(Kind::Info, text, None);
        self.start_run();
    }

    /// Shows what another run said. Predicting stops, since its answers belong to the run that was shown.
    pub(super) fn show_run(&mut self, info: RunInfo) {
        let was_running = self.run.as_ref().is_some_and(|run| !run.ended);
        self.worker.cancel();
        self.run = None;
        self.run_is_due = false;
        let Some(bench) = self.bench_mut() else {
            return;
        };
        bench.session.begin_run(info);
        bench.forget_shown();
        bench.session.look_for_runs();
        if was_running && self.is_earlier_run() {
            let text = "Predicting stopped: an earlier run is shown";
            self.toasts.show(Kind::Info, text, Some(Command::Predict));
        }
    }

    /// Takes a second run beside the shown one, or puts it away.
    pub(super) fn compare_with(&mut self, other: Option<RunInfo>) {
        self.views.below = Below::Runs;
        if let Some(bench) = self.bench_mut() {
            bench.session.compare_with(other);
        }
    }

    /// Shows a part below the labels, or the scores again where it is in sight.
    pub(super) fn turn_below(&mut self, below: Below) {
        let in_sight = self.has_post() && self.views.below == below;
        self.show_below(if in_sight { Below::Scores } else { below });
    }

    /// Shows one of the parts below the labels, and the post if figures stand in its place.
    pub(super) fn show_below(&mut self, below: Below) {
        self.show_post();
        self.views.below = below;
        if below == Below::Runs
            && let Some(bench) = self.bench_mut()
        {
            bench.session.look_for_runs();
        }
    }

    /// Whether the shown predictions are of another run than the loaded model's.
    pub(super) fn is_earlier_run(&self) -> bool {
        let shown = self.bench().and_then(|bench| bench.session.run());
        let loaded = self.run_info();
        loaded.is_some_and(|loaded| shown.is_some_and(|shown| *shown != loaded))
    }
}

/// What the top bar says about a run; posts predicted before it count as done.
pub(in crate::gui) fn progress_text(run: &Run) -> String {
    let Run {
        before, progress, ..
    } = run;
    let mut text = format!(
        "{} of {}",
        thousands(before + progress.done),
        thousands(before + progress.total)
    );
    if progress.paused {
        text.push_str(" · paused");
    } else if !run.ended {
        if progress.per_sec >= 1.0 {
            text.push_str(&format!(" · {:.1}/s", progress.per_sec));
        } else if progress.per_sec > 0.0 {
            text.push_str(&format!(" · {:.1} s a post", 1.0 / progress.per_sec));
        }
        if let Some(left) = progress.remaining_secs {
            text.push_str(&format!(" · {} left", duration_text(left)));
        }
    }
    text
}

/// How a run goes, beyond its [`progress_text`].
pub(in crate::gui) fn progress_details(progress: &Progress) -> String {
    let mut lines = Vec::new();
    if let Some(share) = progress.one_pass_share() {
        lines.push(format!(
            "{:.0} % of the answers took one pass",
            100.0 * share
        ));
    }
    if progress.failed > 0 {
        lines.push(format!("{} could not be answered", posts(progress.failed)));
    }
    if let Some(most) = progress.most_at_once {
        lines.push(format!("The memory takes {} at once", posts(most)));
    }
    lines.join("\n")
}
