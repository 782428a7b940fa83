//! Looking at what the model gets of the shown post, and asking it about other forms.

use std::sync::Arc;

use super::{App, ModelState};
use crate::{
    gui::{
        command::Command,
        dialogs::{
            Dialog,
            probe::{ProbeDialog, Subject},
            seen::{Covered, SeenDialog},
        },
        toast::Kind,
    },
    model::{Adapter, DtypeChoice, ModelSpec},
    predict::{
        answering::AnswerOptions,
        probe::{PictureChange, Probe, Variant},
        worker::Probing,
    },
};

impl App {
    pub(super) fn show_seen(&mut self) {
        if let Some((post, looking)) = self.look() {
            self.show_post();
            let dialog = SeenDialog::new(post, looking, Covered::of(&self.settings));
            self.dialogs.open(Dialog::Seen(dialog));
        }
    }

    pub(super) fn show_probe(&mut self) {
        let hidden = |bench: &crate::gui::bench::Bench| {
            bench
                .cursor()
                .is_some_and(|post| bench.session.hides_answer(post))
        };
        if self.bench().is_some_and(hidden) {
            let text = "The model’s answer is hidden: decide first, or reveal it";
            self.toasts.show(Kind::Info, text, Some(Command::Reveal));
            return;
        }
        let Some((index, looking)) = self.look() else {
            return;
        };
        let Some(bench) = self.bench() else {
            return;
        };
        let dataset = bench.session.dataset();
        let Some(post) = dataset.posts.get(index) else {
            return;
        };
        let subject = Subject {
            post: index,
            text: Arc::from(&*post.text),
            has_picture: !post.image_path.is_empty(),
            labels: dataset.labels.clone(),
            prompt: self.launch.prompt,
            base: self.base(),
        };
        let dialog = ProbeDialog::new(subject, looking, Covered::of(&self.settings));
        self.show_post();
        self.dialogs.open(Dialog::Probe(Box::new(dialog)));
    }

    pub(super) fn ask_probe(&mut self, post: usize, variants: Vec<Variant>) {
        if let Some(probing) = self.probe(post, variants, true) {
            self.dialogs.ask_probe(probing);
        }
    }

    /// How to load the model without its adapter, in the same number format, if it has one.
    fn base(&self) -> Option<ModelSpec> {
        let (ModelState::Ready(info), Some(spec)) = (&self.model, &self.spec) else {
            return None;
        };
        info.adapter.as_ref().map(|_| ModelSpec {
            adapter: Adapter::None,
            dtype: DtypeChoice::named(&info.dtype).unwrap_or(spec.dtype),
            ..spec.clone()
        })
    }

    /// The shown post as the model gets it.
    fn look(&mut self) -> Option<(usize, Probing)> {
        let bench = self.bench()?;
        let index = bench.cursor()?;
        let post = bench.session.dataset().posts.get(index)?;
        let variant = Variant {
            text: Arc::from(&*post.text),
            picture: PictureChange::None,
            prompt: self.launch.prompt,
            asks_base: false,
        };
        Some((index, self.probe(index, vec![variant], false)?))
    }

    fn probe(&mut self, post: usize, variants: Vec<Variant>, ask: bool) -> Option<Probing> {
        if !matches!(self.model, ModelState::Ready(_)) {
            let text = "Load a model first";
            self.toasts
                .show(Kind::Info, text, Some(Command::ChooseModel));
            return None;
        }
        let dataset = self.bench()?.session.dataset().clone();
        let answers = AnswerOptions {
            scores: true,
            ..self.answer_options(&dataset.labels)
        };
        let probe = Probe {
            dataset,
            post,
            variants,
            answers,
            ask,
            base: self.base(),
        };
        Some(self.worker.probe(probe))
    }
}
