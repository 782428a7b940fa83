//! Fetching from the Hub: what arrives and where, and what happens when it does not.

mod program;
mod refusals;
pub mod server;

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use overrule::model::{
    ModelSpec,
    hub::{self, DownloadProgress, Downloaded, HubError, HubSettings, Watch},
};

use self::server::{COMMIT, Fault, Hub, git_blob, sha256};
use crate::common::fixture;

const SECRET: &str = "hf_a_secret_nobody_may_see";

/// A cache, a Hub, and someone who waits without time passing.
struct Fetching {
    cache: tempfile::TempDir,
    hub: Hub,
    token: Option<&'static str>,
    pauses: Vec<Duration>,
    seen: Vec<DownloadProgress>,
    /// Gives up instead of waiting.
    gives_up: bool,
    /// Called instead of waiting.
    meanwhile: Option<Box<dyn FnMut()>>,
}

impl Watch for Fetching {
    fn progress(&mut self, progress: &DownloadProgress) -> bool {
        self.seen.push(progress.clone());
        true
    }

    fn wait(&mut self, pause: Duration) -> bool {
        self.pauses.push(pause);
        if let Some(meanwhile) = &mut self.meanwhile {
            meanwhile();
        }
        !self.gives_up
    }
}

impl Fetching {
    /// A Hub with one model, whose weights are this long.
    fn new(weights_bytes: usize) -> Self {
        let hub = Hub::start();
        hub.file("org/name", "config.json", b"{}", false);
        hub.file("org/name", "tokenizer.json", b"{\"a\": 1}", false);
        hub.file("org/name", "README.md", b"words", false);
        let weights: Vec<u8> = (0..weights_bytes).map(|i| (i % 251) as u8).collect();
        hub.file("org/name", "model.safetensors", &weights, true);
        hub.file("org/name", "pytorch_model.bin", &weights, true);
        Self {
            cache: tempfile::tempdir().unwrap(),
            hub,
            token: None,
            pauses: Vec::new(),
            seen: Vec::new(),
            gives_up: false,
            meanwhile: None,
        }
    }

    fn settings(&self) -> HubSettings {
        let cache = self.cache.path().to_str().unwrap().to_owned();
        HubSettings::read(|key| match key {
            "HF_HUB_CACHE" => Some(cache.clone()),
            "HF_HOME" => Some("/nowhere".to_owned()),
            "HF_ENDPOINT" => Some(self.hub.url.clone()),
            "HF_TOKEN" => self.token.map(str::to_owned),
            _ => None,
        })
    }

    fn fetch(&mut self, name: &str) -> Result<Vec<Downloaded>, HubError> {
        let settings = self.settings();
        hub::download(&settings, hub::wants_of(name).unwrap(), self)
    }

    #[track_caller]
    fn error(&mut self, name: &str) -> String {
        let error = self.fetch(name).expect_err("this cannot be fetched");
        let (said, shown) = (error.to_string(), format!("{error:?}"));
        assert!(!said.contains(SECRET) && !shown.contains(SECRET), "{said}");
        said
    }

    /// The paths of what was asked since the last look, and from which byte on.
    fn asked(&self) -> Vec<String> {
        let asked = self.hub.requests().into_iter().map(|request| {
            let range = request.headers.get("range").cloned().unwrap_or_default();
            let at = if request.to_storage { "storage " } else { "" };
            let path = request.path.replace(COMMIT, "COMMIT");
            format!("{at}{path} {range}").trim().to_owned()
        });
        asked.collect()
    }

    fn repository(&self) -> PathBuf {
        self.cache.path().join("models--org--name")
    }

    fn weights(&self) -> Vec<u8> {
        fs::read(
            self.repository()
                .join("snapshots")
                .join(COMMIT)
                .join("model.safetensors"),
        )
        .unwrap()
    }

    fn incomplete(&self) -> Vec<PathBuf> {
        let blobs = fs::read_dir(self.repository().join("blobs")).unwrap();
        blobs
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some())
            .collect()
    }
}

#[test]
fn what_is_needed_lies_where_the_python_library_looks_for_it() {
    let mut fetching = Fetching::new(10_000);
    let done = fetching.fetch("org/name").unwrap();
    let repository = fetching.repository();
    assert_eq!(
        fs::read_to_string(repository.join("refs/main")).unwrap(),
        COMMIT
    );
    let snapshot = repository.join("snapshots").join(COMMIT);
    assert_eq!(done[0].folder, snapshot);
    let blob = |content: &[u8], large| {
        if large {
            sha256(content)
        } else {
            git_blob(content)
        }
    };
    for (name, large) in [
        ("config.json", false),
        ("tokenizer.json", false),
        ("model.safetensors", true),
    ] {
        let link = snapshot.join(name);
        let name = blob(&fs::read(&link).unwrap(), large);
        #[cfg(unix)]
        assert_eq!(
            fs::read_link(&link).unwrap(),
            Path::new("../../blobs").join(&name)
        );
        let lock = fetching.cache.path().join(".locks/models--org--name");
        assert!(lock.join(format!("{name}.lock")).exists());
    }
    assert_eq!(fs::read_dir(&snapshot).unwrap().count(), 3, "nothing else");
    let storage = "storage /org/name/resolve/COMMIT/model.safetensors";
    assert_eq!(
        fetching.asked(),
        [
            "/api/models/org/name/revision/main?blobs=true",
            "/org/name/resolve/COMMIT/config.json",
            "/org/name/resolve/COMMIT/tokenizer.json",
            "/org/name/resolve/COMMIT/model.safetensors",
            storage,
        ]
    );
    let last = fetching.seen.last().unwrap();
    assert_eq!((last.files_done, last.files), (3, 3));
    assert_eq!((last.done_bytes, last.total_bytes), (10_010, 10_010));

    // Once it is here it is found without asking, and asking again fetches nothing again.
    let spec = ModelSpec {
        model: "org/name".to_owned(),
        ..ModelSpec::default()
    };
    assert_eq!(hub::missing(&spec, fetching.cache.path()), []);
    assert_eq!(fetching.fetch("org/name").unwrap()[0].fetched_bytes, 0);
    assert_eq!(
        fetching.asked(),
        ["/api/models/org/name/revision/main?blobs=true"]
    );
}

#[test]
fn a_revision_is_fetched_by_its_name_and_by_its_commit() {
    let mut fetching = Fetching::new(100);
    fetching.fetch("org/name@v2").unwrap();
    fetching.fetch(&format!("org/name@{COMMIT}")).unwrap();
    let refs = fs::read_dir(fetching.repository().join("refs")).unwrap();
    let names: Vec<_> = refs.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["v2"]);
    assert!(fetching.asked()[0].contains("/revision/v2"));
}

#[test]
fn a_cut_connection_is_gone_on_with_where_it_broke() {
    let mut fetching = Fetching::new(1_000_000);
    fetching
        .hub
        .fail("model.safetensors", Fault::CutAfter(400_000));
    fetching.fetch("org/name").unwrap();
    assert_eq!(fetching.weights().len(), 1_000_000);
    let asked = fetching.asked();
    assert_eq!(
        asked.last().unwrap(),
        "storage /org/name/resolve/COMMIT/model.safetensors bytes=400000-"
    );
    // Whoever got further tries again at once.
    assert_eq!(fetching.pauses, [Duration::ZERO]);
    assert!(
        fetching
            .seen
            .iter()
            .any(|seen| seen.note.contains("connection broke"))
    );
    assert!(fetching.incomplete().is_empty());
}

#[test]
fn what_one_run_began_the_next_one_ends() {
    let mut fetching = Fetching::new(1_000_000);
    fetching
        .hub
        .fail("model.safetensors", Fault::CutAfter(400_000));
    fetching
        .hub
        .fail_times(6, "model.safetensors", Fault::CutAfter(0));
    let said = fetching.error("org/name");
    assert!(
        said.contains("model.safetensors came to 400 kB of 1 MB"),
        "{said}"
    );
    let secs: Vec<u64> = fetching.pauses.iter().map(Duration::as_secs).collect();
    assert_eq!(secs, [0, 1, 2, 4, 8, 16]);
    assert_eq!(fetching.incomplete().len(), 1);
    assert!(
        !fetching.repository().join("refs").exists(),
        "it is not whole"
    );

    fetching.asked();
    fetching.fetch("org/name").unwrap();
    assert!(fetching.asked().last().unwrap().ends_with("bytes=400000-"));
    assert_eq!(fetching.weights().len(), 1_000_000);
}

#[test]
fn giving_up_keeps_what_came() {
    let mut fetching = Fetching::new(500_000);
    fetching.gives_up = true;
    let cut = Fault::CutAfter(200_000);
    fetching.hub.fail("model.safetensors", cut);
    assert!(matches!(
        fetching.fetch("org/name"),
        Err(HubError::Cancelled)
    ));
    let begun = fs::metadata(&fetching.incomplete()[0]).unwrap().len();
    assert_eq!(begun, 200_000);
    fetching.fetch("org/name").unwrap();
    assert_eq!(fetching.weights().len(), 500_000);
}

#[test]
fn a_server_that_knows_no_ranges_sends_it_all_again() {
    let mut fetching = Fetching::new(500_000);
    fetching
        .hub
        .fail("model.safetensors", Fault::CutAfter(200_000));
    fetching.hub.fail("model.safetensors", Fault::WholeFile);
    fetching.fetch("org/name").unwrap();
    assert_eq!(fetching.weights().len(), 500_000);
    assert_eq!(fetching.seen.last().unwrap().done_bytes, 500_010);
}

#[test]
fn what_does_not_have_its_checksum_is_thrown_away() {
    for file in ["model.safetensors", "config.json"] {
        let mut fetching = Fetching::new(1_000);
        fetching.hub.fail(file, Fault::Damage);
        let said = fetching.error("org/name");
        assert!(said.contains(file) && said.contains("checksum"), "{said}");
        assert!(fetching.incomplete().is_empty());
        fetching.fetch("org/name").unwrap();
    }
}

#[test]
fn a_beginning_that_was_damaged_on_the_disk_is_fetched_again() {
    let mut fetching = Fetching::new(500_000);
    fetching.gives_up = true;
    for damaged in [vec![7; 123_456], vec![7; 500_000], vec![7; 600_000]] {
        let cut = Fault::CutAfter(200_000);
        fetching.hub.fail("model.safetensors", cut);
        fetching.fetch("org/name").unwrap_err();
        fs::write(&fetching.incomplete()[0], damaged).unwrap();
        fetching.fetch("org/name").unwrap();
        let weights = fetching.weights();
        assert_eq!((weights.len(), weights[1]), (500_000, 1));
        let blob = sha256(&weights);
        fs::remove_file(fetching.repository().join("blobs").join(blob)).unwrap();
    }
}

#[test]
fn the_token_goes_to_the_hub_and_nowhere_else() {
    let mut fetching = Fetching::new(100);
    fetching.token = Some(SECRET);
    fetching.fetch("org/name").unwrap();
    let requests = fetching.hub.requests();
    for request in &requests {
        let sent = request.headers.get("authorization").map(String::as_str);
        let expected = (!request.to_storage).then(|| format!("Bearer {SECRET}"));
        assert_eq!(sent, expected.as_deref(), "{}", request.path);
    }
    assert!(requests.iter().any(|request| request.to_storage));
    // A text that cannot stand in a request would be quoted by the client.
    fetching.token = Some("hf_a_secret_nobody_may_see\u{7}");
    assert!(fetching.error("org/name").contains("HF_TOKEN"));
}

#[test]
fn an_adapter_brings_its_base_and_a_classifier_its_vocabulary() {
    let mut fetching = Fetching::new(100);
    let hub = &fetching.hub;
    hub.file(
        "org/lora",
        "adapter_config.json",
        br#"{"base_model_name_or_path": "org/name"}"#,
        false,
    );
    hub.file("org/lora", "adapter_model.safetensors", b"deltas", true);
    let config = fs::read_to_string(fixture("bias_classifier/concat/config.json")).unwrap();
    let config = config.replace(r#""text_encoder""#, r#""bert-base-uncased""#);
    hub.file("org/biased", "config.json", config.as_bytes(), false);
    let image = br#"{"model_type": "resnet"}"#;
    hub.file("org/biased", "image_encoder/config.json", image, false);
    hub.file("org/biased", "model_weights.pth", b"weights", true);
    hub.file(
        "google-bert/bert-base-uncased",
        "vocab.txt",
        b"words",
        false,
    );
    hub.file(
        "google-bert/bert-base-uncased",
        "model.safetensors",
        b"unused",
        true,
    );

    let repositories = |done: Vec<Downloaded>| {
        let names = done.into_iter().map(|done| done.repository);
        names.collect::<Vec<_>>()
    };
    let done = fetching.fetch("org/lora").unwrap();
    assert_eq!(repositories(done), ["org/lora", "org/name"]);
    let done = fetching.fetch("org/biased").unwrap();
    let expected = ["org/biased", "google-bert/bert-base-uncased"];
    assert_eq!(repositories(done), expected);
    assert!(
        fetching
            .asked()
            .iter()
            .all(|path| !path.contains("bert-base-uncased/resolve/COMMIT/model"))
    );
}

#[test]
fn two_programs_do_not_fetch_the_same_file_twice() {
    let mut fetching = Fetching::new(100);
    let content: Vec<u8> = (0..100).collect();
    let lock = fetching.cache.path().join(".locks/models--org--name");
    fs::create_dir_all(&lock).unwrap();
    let lock = fs::File::create(lock.join(format!("{}.lock", sha256(&content)))).unwrap();
    lock.lock().unwrap();
    let blob = fetching.repository().join("blobs").join(sha256(&content));
    // The other program is done while this one waits.
    fetching.meanwhile = Some(Box::new(move || {
        fs::write(&blob, &content).unwrap();
        lock.unlock().unwrap();
    }));
    fetching.fetch("org/name").unwrap();
    assert_eq!(fetching.pauses.len(), 1);
    assert!(
        fetching
            .asked()
            .iter()
            .all(|path| !path.contains("storage"))
    );
    assert_eq!(fetching.weights().len(), 100);
}
