//! What a reviewer does to the post on screen.

use super::App;
use crate::{
    gui::{
        bench::{Bench, Select},
        command::{Bulk, Command},
        dialogs::settings::Section,
        toast::Kind,
        widgets::posts,
    },
    post::LabelSet,
    review::{Action, Outcome, queue::Filter},
};

impl App {
    /// Carries out a command about the post on screen. Returns false if it is not one.
    pub(super) fn decide(&mut self, ctx: &egui::Context, command: &Command) -> bool {
        let Some(post) = self.bench().and_then(Bench::cursor) else {
            return false;
        };
        if command.decides() && self.is_premature(post, command) {
            return true;
        }
        match command {
            Command::Toggle(label) => self.toggle(post, *label),
            Command::ChooseNone => self.draft(post, LabelSet::EMPTY),
            Command::Confirm => self.confirm(ctx, post),
            Command::Accept => self.accept(post),
            Command::Reveal => self.reveal(post),
            Command::SetBlind(mode) => {
                if let Some(bench) = self.bench_mut() {
                    bench.session.set_blind_mode(*mode);
                }
            }
            Command::Skip => self.leave(post, Action::Skip),
            Command::Escalate => self.leave(post, Action::Escalate),
            Command::Flag => self.flag(post),
            Command::SaveNote { post, text } => {
                self.apply(*post, Action::Note(text.trim().to_owned()));
            }
            Command::Next => self.step(Bench::next, "This is the last post of the queue"),
            Command::Previous => self.step(Bench::previous, "This is the first post of the queue"),
            Command::GoTo(post) => {
                self.show_post();
                self.go_to(*post);
            }
            Command::Select(select) => {
                if *select == Select::All {
                    // What is picked is seen and acted on there.
                    self.bring_queue();
                }
                if let Some(bench) = self.bench_mut() {
                    bench.select(*select);
                }
            }
            Command::Bulk(bulk) => self.bulk(*bulk),
            Command::Undo => self.undo(),
            Command::Redo => self.redo(),
            _ => return false,
        }
        true
    }

    /// Whether there is nothing yet to decide about, and says why. Figures may have taken the post's place in this very frame.
    fn is_premature(&mut self, post: usize, command: &Command) -> bool {
        let Some(bench) = self.bench() else {
            return true;
        };
        let takes_labels = matches!(
            command,
            Command::Toggle(_) | Command::ChooseNone | Command::Confirm | Command::Accept
        );
        let text = if takes_labels && bench.session.dataset().labels.is_empty() {
            "This dataset has no labels to choose from: class_names.txt beside it names them, or a model brings its own"
        } else if !bench.is_seen(post) {
            "This post has only just come: look at it first"
        } else {
            return !self.has_post();
        };
        self.toasts.show(Kind::Info, text, None);
        true
    }

    fn apply(&mut self, post: usize, action: Action) {
        if let Some(bench) = self.bench_mut() {
            bench.session.apply(post, action);
        }
    }

    fn toggle(&mut self, post: usize, label: usize) {
        let Some(bench) = self.bench() else { return };
        let n_labels = bench.session.dataset().labels.len();
        if label >= n_labels {
            let text = match n_labels {
                1 => "There is only one label".to_owned(),
                n => format!("There are only {n} labels"),
            };
            self.toasts.show(Kind::Info, text, None);
            return;
        }
        let labels = bench.labels_read(post).unwrap_or_default();
        self.draft(post, labels.toggled(label));
    }

    fn draft(&mut self, post: usize, labels: LabelSet) {
        self.apply(post, Action::Draft(labels));
    }

    fn confirm(&mut self, ctx: &egui::Context, post: usize) {
        let Some(bench) = self.bench() else { return };
        match bench.labels_read(post) {
            Some(labels) => self.record(post, labels),
            None => {
                let none = match Command::ChooseNone.shortcut_text(ctx) {
                    Some(key) => format!("press {key} for none"),
                    None => "none of these".to_owned(),
                };
                let text = format!("Choose labels first, or {none}");
                self.toasts.show(Kind::Info, text, None);
            }
        }
    }

    fn accept(&mut self, post: usize) {
        let Some(bench) = self.bench() else { return };
        if bench.session.hides_answer(post) {
            let text = "The model’s answer is hidden: decide first, or reveal it";
            self.toasts.show(Kind::Info, text, Some(Command::Reveal));
            return;
        }
        match bench.answer_read(post) {
            Some(labels) => self.record(post, labels),
            None => {
                let text = match bench.session.prediction(post) {
                    Some(_) if bench.session.answer(post).is_some() => {
                        "The model’s answer has only just come: look at it first"
                    }
                    Some(_) => {
                        "The model gave no answer that could be read; choose labels yourself"
                    }
                    None => "There is no prediction for this post yet",
                };
                self.toasts.show(Kind::Info, text, None);
            }
        }
    }

    fn record(&mut self, post: usize, labels: LabelSet) {
        let is_answered = |app: &Self| {
            let gold = app.bench().and_then(|bench| bench.session.gold());
            gold.is_some_and(|gold| gold.check(post).is_some())
        };
        let was_answered = is_answered(self);
        self.write_down(post, labels);
        self.tell_gold(post, was_answered);
    }

    fn write_down(&mut self, post: usize, labels: LabelSet) {
        let Some(bench) = self.bench() else { return };
        // Two reviewers differ: whatever is confirmed now settles it, also if nothing changes.
        if bench.session.is_conflict(post) {
            self.leave(post, Action::Settle(labels));
            return;
        }
        // What the model said stands beside the labels as soon as it is there, readable or not, unless it is hidden.
        let assisted = bench.session.shown_prediction(post).is_some();
        let confirm = Action::Confirm { labels, assisted };
        let hidden = bench.session.answer(post).filter(|_| !assisted);
        // What was decided blind stays on screen where the model sees it differently, to be kept or revised.
        if bench.session.hides_answer(post) && hidden.is_some_and(|answer| answer != labels) {
            self.apply(post, confirm);
        } else {
            self.leave(post, confirm);
        }
    }

    fn reveal(&mut self, post: usize) {
        let Some(bench) = self.bench_mut() else {
            return;
        };
        if bench.session.hides_answer(post) {
            bench.session.reveal(post);
            bench.forget_shown();
        } else {
            let text = "Nothing is hidden here; settings have blind mode";
            let settings = Command::ShowSettings(Section::Blind);
            self.toasts.show(Kind::Info, text, Some(settings));
        }
    }

    fn leave(&mut self, post: usize, action: Action) {
        let Some(bench) = self.bench_mut() else {
            return;
        };
        bench.session.apply(post, action);
        let (moved, filter) = (bench.advance(), bench.filter);
        if !moved {
            let (text, action) = match filter {
                Filter::Todo => ("Nothing is left to do here", Some(Command::Export)),
                Filter::All => (
                    "This was the last post",
                    Some(Command::SetFilter(Filter::Todo)),
                ),
                _ => ("This was the last post of this queue", None),
            };
            self.toasts.show(Kind::Done, text, action);
        }
        self.moved();
    }

    /// Does something to every picked post, as one step of the history.
    fn bulk(&mut self, bulk: Bulk) {
        let Some(bench) = self.bench_mut() else {
            return;
        };
        let session = &bench.session;
        let confirm = |post: usize, labels: LabelSet| match session.is_conflict(post) {
            true => Action::Settle(labels),
            false => Action::Confirm {
                labels,
                assisted: session.shown_prediction(post).is_some(),
            },
        };
        let action = |post: usize| match bulk {
            // Nobody has seen the labels of several posts to be decided blind, one by one.
            Bulk::Confirm if session.hides_answer(post) => None,
            Bulk::Confirm => bench.labels_read(post).map(|l| confirm(post, l)),
            // What is hidden is accepted by nobody.
            Bulk::Accept => session.shown_answer(post).map(|l| confirm(post, l)),
            Bulk::ChooseNone => Some(confirm(post, LabelSet::EMPTY)),
            Bulk::Skip => Some(Action::Skip),
            Bulk::Escalate => Some(Action::Escalate),
            Bulk::Flag => Some(Action::Flag(true)),
        };
        let picked = bench.selection().iter();
        let actions: Vec<(usize, Action)> = picked
            .filter_map(|post| Some((*post, action(*post)?)))
            .collect();
        let takes_labels = matches!(bulk, Bulk::Confirm | Bulk::Accept);
        let is_hidden = |post: &&usize| takes_labels && session.hides_answer(**post);
        let hidden = bench.selection().iter().filter(is_hidden).count();
        let unanswered = bench.selection().len() - actions.len() - hidden;
        let changed = bench.session.apply_all(actions);
        bench.select(Select::Nothing);
        let last_seq = bench.session.last_seq();
        let (done, lacks) = match bulk {
            Bulk::Confirm => ("Confirmed", "labels"),
            Bulk::Accept => ("Accepted", "a readable answer"),
            Bulk::ChooseNone => ("Confirmed none for", ""),
            Bulk::Skip => ("Skipped", ""),
            Bulk::Escalate => ("Escalated", ""),
            Bulk::Flag => ("Flagged", ""),
        };
        let mut text = format!("{done} {}", posts(changed));
        if unanswered > 0 {
            text.push_str(&format!("; {unanswered} without {lacks} left as they are"));
        }
        if hidden > 0 {
            text.push_str(&format!("; {hidden} to be decided blind left as they are"));
        }
        match changed {
            0 => self.toasts.show(Kind::Done, text, None),
            _ => self.toasts.show_done(text, Command::Undo, last_seq),
        }
    }

    fn flag(&mut self, post: usize) {
        let Some(bench) = self.bench() else { return };
        let flagged = bench.session.review(post).flagged;
        self.apply(post, Action::Flag(!flagged));
    }

    fn step(&mut self, target: fn(&Bench) -> Option<usize>, at_the_end: &str) {
        match self.bench().and_then(target) {
            Some(post) => self.go_to(post),
            None => self.toasts.show(Kind::Info, at_the_end, None),
        }
    }

    fn go_to(&mut self, post: usize) {
        if let Some(bench) = self.bench_mut() {
            bench.go_to(post);
        }
        self.moved();
    }

    /// What follows from another post being on screen.
    pub(super) fn moved(&mut self) {
        self.views.queue.scroll_to_cursor();
        self.views.post.leave();
        self.focus_worker();
    }

    fn undo(&mut self) {
        let size = self.bench().map_or(0, |bench| bench.session.undo_size());
        self.travel(
            size,
            |bench| bench.session.undo(),
            ("Undone", Command::Redo),
            "There is nothing to undo",
        );
    }

    fn redo(&mut self) {
        let size = self.bench().map_or(0, |bench| bench.session.redo_size());
        self.travel(
            size,
            |bench| bench.session.redo(),
            ("Done again", Command::Undo),
            "There is nothing to do again",
        );
    }

    /// Moves through the history, and to the post it was about.
    fn travel(
        &mut self,
        size: usize,
        go: fn(&mut Bench) -> Option<usize>,
        (done, back): (&str, Command),
        nothing: &str,
    ) {
        let Some(bench) = self.bench_mut() else {
            return;
        };
        let Some(post) = go(bench) else {
            self.toasts.show(Kind::Info, nothing, None);
            return;
        };
        let last_seq = bench.session.last_seq();
        let has_way_back = match back {
            Command::Redo => bench.session.can_redo(),
            _ => bench.session.can_undo(),
        };
        let state = match bench.session.review(post).outcome {
            Some(Outcome::Confirmed) => "confirmed",
            Some(Outcome::Skipped) => "skipped",
            Some(Outcome::Escalated) => "escalated",
            None => "to do",
        };
        let text = match size {
            0 | 1 => format!("{done}: post {} is {state} now", post + 1),
            size => format!("{done}: {}", posts(size)),
        };
        match has_way_back {
            true => self.toasts.show_done(text, back, last_seq),
            false => self.toasts.show(Kind::Done, text, None),
        }
        self.go_to(post);
    }
}
