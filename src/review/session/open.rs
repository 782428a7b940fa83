//! Opening a session: where its file is, and bringing back what it holds.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    Session, Snapshot, compare::Runs, counts::ReviewCounts, history::History, problems::Problems,
};
use crate::{
    dataset::Dataset,
    post::{PostId, Problem, ProblemKind},
    review::{
        gold::Gold,
        second::SecondReviewer,
        store::{self, Contents, Store, StoreError},
    },
};

/// The environment variable that names another data folder, for tests and portable installations.
const DATA_DIR_VARIABLE: &str = "OVERRULE_DATA_DIR";

impl Session {
    /// Where the session of a dataset lives if the user names no file: the platform's data folder, named after the
    /// dataset and a hash of its path. `data_folder`, or else `OVERRULE_DATA_DIR`, takes the place of the platform's folder.
    ///
    /// # Errors
    /// If the platform names no data folder.
    pub fn default_path(
        dataset: &Dataset,
        data_folder: Option<PathBuf>,
    ) -> Result<PathBuf, StoreError> {
        let named = || Some(PathBuf::from(std::env::var_os(DATA_DIR_VARIABLE)?));
        let folder = data_folder
            .or_else(named)
            .filter(|folder| !folder.as_os_str().is_empty());
        let folder = match folder {
            Some(folder) => folder,
            None => directories::ProjectDirs::from("", "", "overrule")
                .ok_or(StoreError::NoDataFolder)?
                .data_dir()
                .to_owned(),
        };
        Ok(folder.join("sessions").join(file_name(dataset)))
    }

    /// Opens (or begins) the session file and replays it: decisions, undo history, cursor. The predictions of the last run
    /// are read in the background (see [`is_loading`](Self::is_loading)). `wake` is called from the store's threads when there is something for [`poll`](Self::poll).
    ///
    /// Waits for the disk, so a window calls it from a thread of its own.
    ///
    /// # Errors
    /// If the file is open in another window, is no session or of a newer version, belongs to another dataset, is
    /// damaged, or cannot be written. It is then as it was.
    pub fn open(
        dataset: Arc<Dataset>,
        file: &Path,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> Result<Self, StoreError> {
        let file = store::canonical(file)?;
        let now = Snapshot::untouched(dataset);
        let known = |post: PostId| now.place(post).is_some();
        let (store, contents) = Store::open(&file, &now.dataset, &known, Arc::new(wake))?;
        let mut session = Self::new(now, file, Some(store), contents);
        if let (Some(store), Some(run)) = (&mut session.store, &session.run) {
            session.loading = Some(store.read_run(run.clone()));
        }
        Ok(session)
    }

    /// Opens a session for reading, also while a window has it open. It shows what is on disk; actions do
    /// nothing, and predictions recorded are not saved.
    ///
    /// # Errors
    /// If there is no such file, or it is no session, of a newer version or damaged.
    pub fn open_read_only(dataset: Arc<Dataset>, file: &Path) -> Result<Self, StoreError> {
        let file = store::canonical(file)?;
        let (contents, said) = store::read_only(&file, &dataset)?;
        let mut session = Self::new(Snapshot::untouched(dataset), file, None, contents);
        session.take_predictions(said);
        Ok(session)
    }

    fn new(now: Snapshot, file: PathBuf, store: Option<Store>, contents: Contents) -> Self {
        let mut session = Self {
            problems: Problems::new(&now.dataset),
            seen: vec![false; now.dataset.posts.len()],
            now,
            file,
            store,
            history: History::default(),
            step: None,
            reviewer: None,
            run: contents.run.map(|(_, run)| run),
            loading: None,
            runs: Runs::default(),
            counts: ReviewCounts::default(),
            orphans: 0,
            blind: contents.blind,
            cursor: 0,
            revision: 0,
            gold_revision: 0,
        };
        for kept in contents.seconds {
            let second = SecondReviewer::of(kept, &session.now);
            session.now.seconds.push_back(Arc::new(second));
        }
        if let Some(gold) = contents.gold {
            session.now.gold = Some(Gold::new(gold, &session.now));
        }
        session.orphans = session.orphans_of(&contents.entries);
        let mut seen = contents.seen.into_iter().peekable();
        for entry in contents.entries {
            while let Some((_, post)) = seen.next_if(|(seq, _)| *seq < entry.seq) {
                session.mark_seen_of(post);
            }
            session.replay(&Arc::new(entry));
        }
        for (_, post) in seen {
            session.mark_seen_of(post);
        }
        session.cursor = contents
            .cursor
            .and_then(|post| session.place(post))
            .unwrap_or(0);
        let gone: BTreeMap<PostId, Vec<String>> = contents.gone.into_iter().collect();
        for (post, names) in gone {
            session.report_gone(post, &names);
        }
        session
    }

    /// Tells that a decision names labels that no longer exist.
    fn report_gone(&mut self, post: PostId, names: &[String]) {
        if let Some(post) = self.place(post) {
            self.add_problem(Problem {
                kind: ProblemKind::UnknownLabel,
                post: Some(post),
                line: None,
                column: None,
                message: format!(
                    "An earlier decision names “{}”, which the label set no longer has. Confirm the post again; \
                     the session file keeps the old decision.",
                    names.join("”, “")
                ),
            });
        }
    }
}

/// The dataset's name as any file system takes it, and a hash of its path, so that two datasets of one name differ.
fn file_name(dataset: &Dataset) -> String {
    let plain = |c: char| {
        if c.is_alphanumeric() || "-_.".contains(c) {
            c
        } else {
            '_'
        }
    };
    let name: String = dataset.name.chars().map(plain).take(60).collect();
    let hash = xxhash_rust::xxh3::xxh3_64(dataset.path.as_os_str().as_encoded_bytes());
    format!("{name}-{:08x}.overrule", hash as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        dataset::{Format, LabelSource},
        post::LabelNames,
    };

    #[test]
    fn datasets_of_one_name_have_two_files_and_no_odd_characters() {
        let file_name = |path: &str| {
            file_name(&Dataset {
                path: path.into(),
                name: path.rsplit('/').next().unwrap_or_default().into(),
                format: Format::Csv,
                labels: LabelNames::none(),
                label_source: LabelSource::Seen,
                image_root: PathBuf::new(),
                posts: Vec::new(),
                extra_columns: Vec::new(),
                problems: Vec::new(),
                imported: Vec::new(),
            })
        };
        let first = file_name("/a/größe: 2?.csv");
        assert!(first.starts_with("größe__2_.csv-"), "{first}");
        assert!(first.ends_with(".overrule"), "{first}");
        assert_ne!(first, file_name("/b/größe: 2?.csv"));
        assert_eq!(first, file_name("/a/größe: 2?.csv"));
        assert!(file_name(&format!("/{}", "ß".repeat(300))).len() < 200);
    }

    #[test]
    fn a_session_can_be_opened_on_another_thread() {
        fn sendable<T: Send>() {}
        sendable::<Session>();
    }
}
