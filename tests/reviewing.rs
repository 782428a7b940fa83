//! What the tests of reviewing share: a dataset, actions and answers to try, and a session that can be waited for.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use crossbeam_channel::{Receiver, bounded};
use overrule::{
    dataset::{Dataset, Format, LabelSource},
    post::{LabelNames, LabelSet, Post, PostId},
    predict::{
        answer::Parse,
        prediction::{Prediction, RunInfo, Seconds},
    },
    review::{Action, Session, session::SaveState},
};

use crate::common::PATIENCE;

/// A dataset of posts “post 0”, “post 1”, … with labels a, b, c; every third is unlabelled, the others have none.
pub fn dataset(n_posts: usize) -> Dataset {
    Dataset {
        path: PathBuf::from("/data/hate.csv"),
        name: "hate.csv".into(),
        format: Format::Csv,
        labels: LabelNames::new(["a", "b", "c"]).unwrap(),
        label_source: LabelSource::Given,
        image_root: PathBuf::from("/data/img"),
        posts: (0..n_posts).map(post).collect(),
        extra_columns: Vec::new(),
        imported: Vec::new(),
        problems: Vec::new(),
    }
}

/// The post of this number.
pub fn post(number: usize) -> Post {
    let text = format!("post {number}");
    Post {
        id: PostId::new(&text, "", 0),
        text: text.into(),
        image_path: "".into(),
        truth: (number % 3 != 2).then_some(LabelSet::EMPTY),
        line: 0,
        extra: Box::new([]),
    }
}

/// A label set of these places.
pub fn set(labels: &[usize]) -> LabelSet {
    labels.iter().copied().collect()
}

/// Confirms these labels, the model's answer in sight.
pub fn confirm(labels: &[usize]) -> Action {
    Action::Confirm {
        labels: set(labels),
        assisted: true,
    }
}

/// The run of a model.
pub fn run(model: &str) -> RunInfo {
    RunInfo {
        model: model.into(),
        revision: None,
        adapter: None,
        prompt: "trained".into(),
        dtype: "f32".into(),
        device: "cpu".into(),
        image_setting: None,
        max_new_tokens: None,
        label_set: vec!["a".into(), "b".into(), "c".into()],
        version: "0.0.0".into(),
    }
}

/// What a model says when it names labels.
pub fn said(labels: &[usize]) -> Prediction {
    Prediction {
        labels: set(labels),
        raw: "[\"a\"]".into(),
        parse: Parse::Clean,
        unknown_labels: vec!["z".into()],
        scores: None,
        answer_logprob: Some(-0.25),
        margin: Some(1.5),
        n_tokens: 3,
        seconds: Seconds {
            image: 0.1,
            vision: 0.2,
            prefill: 0.3,
            decode: 0.4,
        },
        error: None,
    }
}

/// A session and the wake-ups of its store, so that tests wait for events and not for time.
pub struct Watched {
    pub session: Session,
    woken: Receiver<()>,
}

impl Watched {
    pub fn open(dataset: Dataset, file: &Path) -> Self {
        let (wake, woken) = bounded(1);
        let wake = move || {
            // A full channel wakes as well, and the test may have ended.
            let _ = wake.try_send(());
        };
        let session = Session::open(Arc::new(dataset), file, wake).unwrap();
        Self { session, woken }
    }

    /// Waits until something is true of the session.
    pub fn wait(&mut self, mut done: impl FnMut(&mut Session) -> bool) {
        loop {
            self.session.poll();
            if done(&mut self.session) {
                return;
            }
            self.woken.recv_timeout(PATIENCE).expect("news");
        }
    }

    pub fn wait_until_saved(&mut self) {
        self.wait(|session| session.poll() == SaveState::Saved);
    }

    pub fn close(self) {
        assert_eq!(self.session.close(), SaveState::Saved);
    }
}

/// A place for a session file; the folder goes with its guard.
pub fn in_folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("review.overrule");
    (folder, file)
}
