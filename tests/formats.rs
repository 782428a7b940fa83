//! Other tools' formats: what is exported opens again as the same posts with the same labels, and predictions travel with it.

mod tables;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use overrule::{
    dataset::{Dataset, OpenOptions, open},
    export::{ExportError, Format, Selection, TrainingSet},
    post::LabelSet,
    predict::{
        answer::Parse,
        prediction::{Prediction, Record, Score, Seconds},
        record_file::read_records,
    },
    review::{Action, Session},
};
use proptest::prelude::*;
use serde_json::Value;
use tempfile::TempDir;

use crate::reviewing::{run, set};

const LABELS: [&str; 3] = ["zeta", "a,b", "\"q\" & <c>"];

/// How a picture begins.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Posts with an image each; `?` is unlabelled, the labels' names are awkward on purpose.
fn posts() -> Vec<(&'static str, &'static str, &'static str)> {
    vec![
        ("none applies", "images/a.png", "[]"),
        ("one\nof two lines", "images/b c.png", "[\"a,b\"]"),
        ("=1+1", "images/ä.png", "[\"zeta\", \"a,b\"]"),
        ("nobody looked", "images/d.png", "?"),
        ("the same image", "images/a.png", "[\"zeta\"]"),
        ("corrected", "images/e.png", "[\"zeta\"]"),
    ]
}

/// A dataset in a folder, its review with one correction, and a run that has answered some posts.
struct Workplace {
    folder: TempDir,
    session: Session,
}

impl Workplace {
    fn new() -> Self {
        Self::of(&posts())
    }

    fn of(posts: &[(&str, &str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = csv::Writer::from_path(folder.path().join("posts.csv")).unwrap();
        writer
            .write_record(["text", "image_path", "labels"])
            .unwrap();
        for (text, image, labels) in posts {
            if !image.is_empty() {
                let file = folder.path().join(image);
                fs::create_dir_all(file.parent().unwrap()).unwrap();
                fs::write(file, [PNG, text.as_bytes()].concat()).unwrap();
            }
            writer.write_record([text, image, labels]).unwrap();
        }
        writer.flush().unwrap();
        fs::write(folder.path().join("class_names.txt"), LABELS.join("\n")).unwrap();
        let dataset =
            Arc::new(open(&folder.path().join("posts.csv"), &OpenOptions::default()).unwrap());
        let file = folder.path().join("review.overrule");
        let mut session = Session::open(dataset, &file, || {}).unwrap();
        session.begin_run(run("tiny"));
        session.record_prediction(0, said(&[0, 2], Some([0.9, 0.05, 0.75])));
        session.record_prediction(1, said(&[], None));
        session.record_prediction(3, Prediction::failed("no image", Seconds::default()));
        let n = session.dataset().posts.len();
        if n > 5 {
            session.apply(
                5,
                Action::Confirm {
                    labels: set(&[1, 2]),
                    assisted: false,
                },
            );
        }
        Self { folder, session }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Exports everything beside the dataset.
    fn export(&self, format: Format) -> PathBuf {
        let path = match format.extension() {
            Some(extension) => self.path(&format!("out-{}.{extension}", format.name())),
            None => self.path(&format!("out-{}", format.name())),
        };
        let exported = TrainingSet::for_format(&self.session, Selection::All, format)
            .write(&path, false)
            .unwrap();
        assert_eq!(exported.path, path);
        path
    }
}

fn said(labels: &[usize], scores: Option<[f64; 3]>) -> Prediction {
    Prediction {
        labels: set(labels),
        raw: "[…]".into(),
        parse: Parse::Clean,
        scores: scores.map(|p| p.map(|p| Score { p, lo: p, hi: p }).to_vec()),
        answer_logprob: Some(-0.5),
        error: None,
        ..Prediction::failed("", Seconds::default())
    }
}

/// What the reviewer sees of each post: text, the image's bytes, and the labels by name.
fn seen(dataset: &Dataset) -> Vec<(String, Vec<u8>, Option<Vec<String>>)> {
    let post = |post: &overrule::post::Post| {
        let image = dataset
            .image_file(post)
            .map(|file| fs::read(file).unwrap_or_default());
        let names = post.truth.map(|truth| dataset.labels.names_of(truth));
        let names = names.map(|names| names.into_iter().map(str::to_owned).collect());
        (post.text.to_string(), image.unwrap_or_default(), names)
    };
    dataset.posts.iter().map(post).collect()
}

/// The posts under review as they should come back.
fn expected(session: &Session) -> Vec<(String, Vec<u8>, Option<Vec<String>>)> {
    let mut posts = seen(session.dataset());
    for (post, (_, _, labels)) in posts.iter_mut().enumerate() {
        if let Some(decision) = session.review(post).decision {
            let names = session.dataset().labels.names_of(decision);
            *labels = Some(names.into_iter().map(str::to_owned).collect());
        }
    }
    posts
}

fn cells<'a>(dataset: &'a Dataset, column: &str) -> Vec<&'a str> {
    let place = dataset.extra_columns.iter().position(|name| name == column);
    let place = place.unwrap_or_else(|| panic!("{column} in {:?}", dataset.extra_columns));
    dataset
        .posts
        .iter()
        .map(|post| &*post.extra[place])
        .collect()
}

#[test]
fn what_is_exported_opens_as_the_same_posts_in_every_format() {
    use overrule::dataset::Format as Opened;
    let work = Workplace::new();
    for (format, opened, has_unlabelled, has_text) in [
        (Format::Csv, Opened::Csv, false, true),
        (Format::JsonLines, Opened::Json, true, true),
        (Format::ImageFolder, Opened::Folder, true, true),
        (Format::LabelStudio, Opened::LabelStudio, true, true),
        (Format::LabelStudioMin, Opened::LabelStudio, false, true),
        (Format::Argilla, Opened::Argilla, true, true),
        (Format::FiftyOne, Opened::FiftyOne, true, false),
        (Format::Doccano, Opened::Doccano, false, true),
        (Format::Prodigy, Opened::Prodigy, true, true),
    ] {
        let again = open(&work.export(format), &OpenOptions::default()).unwrap();
        assert_eq!(again.problems, [], "{format:?}");
        assert_eq!(again.format, opened);
        assert_eq!(again.labels, work.session.dataset().labels, "{format:?}");
        let mut wanted = expected(&work.session);
        wanted.retain(|(_, _, labels)| has_unlabelled || labels.is_some());
        let mut found = seen(&again);
        for posts in [&mut wanted, &mut found] {
            posts
                .iter_mut()
                .filter(|_| !has_text)
                .for_each(|(text, ..)| text.clear());
        }
        // Folders come in the order of their names.
        if format.is_folder() {
            wanted.sort();
            found.sort();
        }
        assert_eq!(found, wanted, "{format:?}");
        // Beside the dataset the posts keep their names, so that decisions stay with them.
        if !format.is_folder() {
            let mut ids = work.session.dataset().posts.iter().map(|p| p.id);
            assert!(
                again.posts.iter().all(|p| ids.any(|id| id == p.id)),
                "{format:?}"
            );
        }
    }
}

#[test]
fn predictions_travel_with_model_and_scores() {
    let work = Workplace::new();
    for (format, first, second) in [
        (Format::JsonLines, "zeta, \"q\" & <c> (tiny)", "none (tiny)"),
        (
            Format::LabelStudio,
            "zeta, \"q\" & <c> (tiny, 0.607)",
            "none (tiny, 0.607)",
        ),
        (
            Format::Argilla,
            "zeta, \"q\" & <c> (tiny, 0.825)",
            "none (tiny)",
        ),
        (Format::Prodigy, "zeta, \"q\" & <c> (tiny)", "none (tiny)"),
    ] {
        let again = open(&work.export(format), &OpenOptions::default()).unwrap();
        assert_eq!(
            cells(&again, "prediction"),
            [first, second, "", "", "", ""],
            "{format:?}"
        );
    }
    let folder = work.export(Format::FiftyOne);
    let said = open(&folder.join("predictions.json"), &OpenOptions::default()).unwrap();
    assert_eq!(
        cells(&said, "confidence"),
        ["zeta 0.900, \"q\" & <c> 0.750", ""]
    );
    let metadata =
        fs::read_to_string(work.export(Format::ImageFolder).join("metadata.jsonl")).unwrap();
    let first: Value = serde_json::from_str(metadata.lines().next().unwrap()).unwrap();
    assert_eq!(
        (&first["predicted_labels"][0], &first["model"]),
        (&"zeta".into(), &"tiny".into())
    );
}

#[test]
fn records_are_what_predict_writes() {
    let work = Workplace::new();
    let path = work.export(Format::Records);
    let found = read_records(&path).unwrap();
    assert_eq!(found.problems, []);
    let indices: Vec<usize> = found
        .records
        .iter()
        .map(|record: &Record| record.index)
        .collect();
    assert_eq!(indices, [0, 1, 3]);
    assert_eq!(found.records[0].scores.as_ref().unwrap()["zeta"].p, 0.9);
    assert_eq!(found.records[2].error.as_deref(), Some("no image"));
    // They open as posts whose labels nobody has said.
    let again = open(&path, &OpenOptions::default()).unwrap();
    assert!(again.posts.iter().all(|post| post.truth.is_none()));

    // The only post that was decided has no prediction.
    let set = TrainingSet::for_format(&work.session, Selection::Reviewed, Format::Records);
    assert!(matches!(
        set.write(&path, true),
        Err(ExportError::NoPredictions)
    ));
}

#[test]
fn a_spreadsheet_gets_no_formula_and_the_training_csv_stays_as_it_is() {
    let work = Workplace::new();
    let text = fs::read_to_string(work.export(Format::Spreadsheet)).unwrap();
    assert!(
        text.starts_with("\u{feff}text,image_path,labels,id,"),
        "{text}"
    );
    let mut reader = csv::Reader::from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let header = reader.headers().unwrap().clone();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let cell = |row: usize, name: &str| {
        rows[row][header.iter().position(|n| n == name).unwrap()].to_owned()
    };
    assert_eq!(cell(2, "text"), "'=1+1");
    assert_eq!(
        (cell(0, "p(zeta)"), cell(0, "model")),
        ("0.9000".into(), "tiny".into())
    );
    assert_eq!(
        (cell(5, "source"), cell(5, "dataset_labels")),
        ("reviewer".into(), "[\"zeta\"]".into())
    );
    assert_eq!(
        (cell(3, "labels"), cell(3, "answer_error")),
        ("?".into(), "no image".into())
    );
    let training = fs::read_to_string(work.export(Format::Csv)).unwrap();
    assert!(training.contains("\n=1+1,"), "{training}");
}

#[test]
fn a_folder_of_images_is_made_of_links_and_leaves_out_what_is_not_there() {
    let work = Workplace::new();
    fs::remove_file(work.path("images/d.png")).unwrap();
    let path = work.path("set");
    let set = TrainingSet::for_format(&work.session, Selection::All, Format::ImageFolder);
    let exported = set.write(&path, false).unwrap();
    assert_eq!((exported.posts, exported.without_image), (5, 1));
    let (from, to) = (work.path("images/e.png"), path.join("images/0000006.png"));
    assert_eq!(fs::read(&from).unwrap(), fs::read(&to).unwrap());
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        assert_eq!(
            fs::metadata(from).unwrap().ino(),
            fs::metadata(to).unwrap().ino()
        );
    }
    assert!(matches!(
        set.write(&path, false),
        Err(ExportError::Exists(_))
    ));
    assert_eq!(set.write(&path, true).unwrap(), exported);
    let file = work.path("posts.csv");
    assert!(matches!(
        set.write(&file, true),
        Err(ExportError::IsTheDataset(_))
    ));
    let file = work.path("class_names.txt");
    assert!(matches!(
        set.write(&file, true),
        Err(ExportError::NotAFolder(_))
    ));
}

#[test]
fn label_studio_gets_the_configuration_its_tasks_need() {
    let work = Workplace::new();
    let path = work.export(Format::LabelStudio);
    let config = fs::read_to_string(work.path("label_config.xml")).unwrap();
    insta::assert_snapshot!(config);
    let tasks: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    insta::assert_json_snapshot!(tasks[0]);
    assert_eq!(
        tasks[1]["data"]["image"],
        "/data/local-files/?d=images/b%20c.png"
    );
    assert_eq!(
        (
            &tasks[0]["annotations"][0]["result"],
            &tasks[3]["annotations"]
        ),
        (&Value::Array(vec![]), &Value::Array(vec![]))
    );
}

fn write_and_open(
    folder: &Path,
    name: &str,
    bytes: &[u8],
) -> Result<Dataset, overrule::dataset::OpenError> {
    let path = folder.join(name);
    fs::write(&path, bytes).unwrap();
    open(&path, &OpenOptions::default())
}

/// The names that the formats use.
const NAMES: &[&str] = &[
    "text",
    "image",
    "path",
    "label",
    "labels",
    "data",
    "annotations",
    "predictions",
    "result",
    "type",
    "value",
    "choices",
    "fields",
    "responses",
    "suggestions",
    "values",
    "id",
    "annotator",
    "annotation_id",
    "accept",
    "answer",
    "options",
    "_view_id",
    "meta",
    "prediction",
    "classes",
    "raw",
    "parse",
    "run",
    "filename",
    "status",
    "was_cancelled",
    "model",
];

/// Any JSON value, made of those names.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "(choices|accept|submitted|a|data:x|/data/local-files/\\?d=%|\\?|\\PC{0,6})"
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((prop::sample::select(NAMES), inner), 0..6).prop_map(|pairs| {
                Value::Object(pairs.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn no_json_stops_the_reader(values in prop::collection::vec(any_json(), 1..4)) {
        let folder = tempfile::tempdir().unwrap();
        let array = Value::from(values.clone()).to_string();
        let lines: Vec<String> = values.iter().map(Value::to_string).collect();
        for (name, text) in [("a.json", &array), ("b.json", &lines[0]), ("c.jsonl", &lines.join("\n"))] {
            if let Ok(dataset) = write_and_open(folder.path(), name, text.as_bytes()) {
                prop_assert!(!dataset.posts.is_empty());
                prop_assert!(dataset.posts.iter().all(|p| p.extra.len() == dataset.extra_columns.len()));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn odd_texts_come_back_from_every_format(
        posts in prop::collection::vec(("[a-c,\"\r\n \té🙂'\\\\{}\\[\\]\u{7f}]{1,12}", 0u64..8), 6..9),
    ) {
        let rows: Vec<(&str, &str, &str)> = posts.iter().map(|(text, _)| (text.as_str(), "images/a.png", "?")).collect();
        let mut work = Workplace::of(&rows);
        for (post, (_, bits)) in posts.iter().enumerate() {
            work.session.apply(post, Action::Confirm { labels: LabelSet::from_bits(*bits), assisted: false });
        }
        for format in Format::ALL.into_iter().filter(|f| !f.is_folder() && !matches!(f, Format::Records | Format::Spreadsheet)) {
            let file = work.export(format);
            let again = match format {
                Format::Parquet => tables::unpacked(&file, &work.path("unpacked")).1,
                _ => open(&file, &OpenOptions::default()).unwrap(),
            };
            prop_assert_eq!(seen(&again), expected(&work.session), "{:?}", format);
        }
    }
}
