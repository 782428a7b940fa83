//! What has to do with who decides: the reviewer's name, and other people.

use super::{App, Work};
use crate::{
    gui::{
        command::{Command, People},
        toast::Kind,
        widgets,
    },
    review::{gold::KeptGold, queue::Filter, second::SecondReviewer},
};

impl App {
    /// Carries out a command about other people.
    pub(super) fn people(&mut self, ctx: &egui::Context, command: People) {
        let Work::Open(bench) = &mut self.work else {
            return;
        };
        match command {
            People::ShowSeconds => self.dialogs.open_second(),
            People::Import(file) => self.dialogs.import_second(file, &bench.session, ctx),
            People::Forget(file) => bench.session.remove_second(&file),
            People::Rename { file, name } => bench.session.rename_second(&file, &name),
            People::ShowGold => self.dialogs.open_gold(bench),
            People::TakeGold(request) => self.dialogs.draw_gold(request, &bench.session, ctx),
            People::RemoveGold => {
                bench.session.remove_gold();
                if bench.filter == Filter::GoldDiffers {
                    self.commands.push(Command::SetFilter(Filter::All));
                }
            }
        }
    }

    /// Tells the open session what the person in front of it is called.
    pub(super) fn introduce_reviewer(&mut self) {
        let name = self.settings.reviewer_name();
        if let Work::Open(bench) = &mut self.work {
            bench.session.set_reviewer(name.as_deref());
        }
    }

    /// Mixes in gold posts that were drawn.
    pub(super) fn take_gold(&mut self, gold: KeptGold) {
        let Work::Open(bench) = &mut self.work else {
            return;
        };
        let text = format!("{} come up among the others", widgets::posts(gold.len()));
        bench.session.take_gold(gold);
        self.toasts.show(Kind::Done, text, None);
    }

    /// Says whether a decision is that of a gold post, if the reviewer wants to know at once. `was_known` tells whether
    /// there was an answer before.
    pub(super) fn tell_gold(&mut self, post: usize, was_known: bool) {
        if was_known || !self.settings.gold_at_once {
            return;
        }
        let Some(bench) = self.bench() else { return };
        let Some((labels, answer)) = bench.session.gold().and_then(|gold| gold.check(post)) else {
            return;
        };
        if labels == answer.labels {
            self.toasts
                .show(Kind::Done, "A gold post: you agree with it", None);
            return;
        }
        let names = &bench.session.dataset().labels;
        let text = format!(
            "A gold post: you say {}, and it is known as {}",
            names.words(answer.labels),
            names.words(labels)
        );
        self.toasts
            .show(Kind::Info, text, Some(Command::GoTo(post)));
    }

    /// Takes in a second reviewer that was read.
    pub(super) fn add_second(&mut self, second: SecondReviewer) {
        let Work::Open(bench) = &mut self.work else {
            return;
        };
        let kept = bench.session.add_second(second);
        let text = format!(
            "What {} decided about {} is kept in this session",
            kept.name(),
            widgets::posts(kept.n_decisions())
        );
        self.toasts.show(Kind::Done, text, None);
    }
}
