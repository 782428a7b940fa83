//! Minding the person in front of the window.

use super::{App, Work};
use crate::{
    duration::duration_text,
    gui::{background::waker, command::Command, guideline::Guideline, toast::Kind, widgets},
};

impl App {
    /// What a newly opened dataset needs before anyone looks at it.
    pub(super) fn prepare_for_reviewer(&mut self, ctx: &egui::Context) {
        self.introduce_reviewer();
        if let Work::Open(bench) = &self.work {
            let path = bench.session.dataset().path.clone();
            self.guideline = Guideline::look(path, waker(ctx));
        }
    }

    /// Leaves the posts of topics that the settings put away out of the queues.
    pub(super) fn put_topics_away(&mut self) {
        if let Work::Open(bench) = &mut self.work {
            let topics = self
                .settings
                .topics_put_away(&bench.session.dataset().labels);
            bench.session.put_topics_away(topics);
        }
    }

    /// Counts what was seen, and proposes a break now and then.
    pub(super) fn mind_the_reviewer(&mut self, ctx: &egui::Context) {
        self.guideline.receive();
        let post = self.bench().and_then(|bench| {
            let posts = &bench.session.dataset().posts;
            Some(posts.get(bench.cursor()?)?.id)
        });
        let Some(post) = post else {
            return;
        };
        let active = ctx.input(|i| !i.events.is_empty());
        let now = ctx.time();
        // Whoever looks at figures sees no post.
        if active && !self.covered && self.has_post() {
            self.sitting.look_at(post, now);
        }
        let minutes = self.settings.care.break_minutes;
        if self.sitting.take_reminder(now, minutes) {
            let text = format!(
                "{} in {}. Time for a short break?",
                widgets::posts(self.sitting.n_seen_since_break()),
                duration_text(self.sitting.lasted_secs(now))
            );
            self.toasts.show(Kind::Break, text, Some(Command::Hide));
        }
    }
}
