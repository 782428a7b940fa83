//! Exporting: what is written opens again as the same posts, and nothing is lost when it cannot be written.

mod own_folder;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use overrule::{
    dataset::{Dataset, OpenOptions, open},
    export::{ExportError, Format, Provenance, Selection, Source, TrainingSet, training_csv},
    post::LabelSet,
    predict::{
        answer::Parse,
        prediction::{Prediction, Seconds},
    },
    review::{Action, Session},
};
use proptest::prelude::*;
use tempfile::TempDir;

use crate::reviewing::run;

const POSTS: &str = "text,image_path,labels,split\n\
    kept,images/a.png,y,train\n\
    corrected,images/b.png,x,train\n\
    confirmed,images/c.png,x,test\n\
    decided,images/d.png,?,test\n\
    untouched,images/e.png,?,test\n";

/// A folder `data` with posts and an `images` folder, and an empty folder `out`.
fn workplace(posts: &str) -> (TempDir, Arc<Dataset>) {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("data/images")).unwrap();
    fs::create_dir(folder.path().join("out")).unwrap();
    fs::write(folder.path().join("data/posts.csv"), posts).unwrap();
    let options = OpenOptions {
        labels: Some(vec!["x".into(), "y".into()]),
        ..OpenOptions::default()
    };
    let dataset = open(&folder.path().join("data/posts.csv"), &options).unwrap();
    (folder, Arc::new(dataset))
}

/// What the reviewer decided about [`POSTS`].
fn decisions(post: usize) -> Option<LabelSet> {
    match post {
        1 => Some([0, 1].into_iter().collect()),
        2 => Some([0].into_iter().collect()),
        3 => Some(LabelSet::EMPTY),
        _ => None,
    }
}

/// The exported rows without the header, image paths cut to their names.
fn rows(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    let name = |line: &str| {
        let (start, images) = (line.find(',').unwrap() + 1, line.find("images/").unwrap());
        format!("{}{}", &line[..start], &line[images + 7..])
    };
    text.lines().skip(1).map(name).collect()
}

#[test]
fn a_selection_is_exported_with_corrections_applied() {
    let (folder, dataset) = workplace(POSTS);
    for (selection, expected, without_truth) in [
        (
            Selection::All,
            vec![
                "kept,a.png,y",
                "corrected,b.png,\"x,y\"",
                "confirmed,c.png,x",
                "decided,d.png,",
            ],
            1,
        ),
        (
            Selection::Reviewed,
            vec![
                "corrected,b.png,\"x,y\"",
                "confirmed,c.png,x",
                "decided,d.png,",
            ],
            1,
        ),
        (
            Selection::Corrected,
            vec!["corrected,b.png,\"x,y\"", "decided,d.png,"],
            1,
        ),
    ] {
        let path = folder.path().join(format!("data/{selection:?}.csv"));
        let set = TrainingSet::new(Arc::clone(&dataset), selection, decisions);
        let exported = set.write(&path, false).unwrap();
        assert_eq!(rows(&path), expected);
        assert_eq!(
            (exported.posts, exported.without_truth),
            (expected.len(), without_truth)
        );
        assert_eq!(exported.absolute_paths, 0);
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().next(), Some("text,image_path,labels"));
    }
    assert_eq!(
        fs::read_to_string(folder.path().join("data/class_names.txt")).unwrap(),
        "x\ny\n"
    );
}

#[test]
fn an_export_elsewhere_leads_to_the_same_images() {
    let (folder, dataset) = workplace(&format!(
        "{POSTS}there,/far/f.png,x,\nweb,http://a.b/g.png,x,\nnone,,x,\n"
    ));
    let path = folder.path().join("out/train.csv");
    let set = TrainingSet::new(Arc::clone(&dataset), Selection::All, decisions);
    let exported = set.write(&path, false).unwrap();
    assert_eq!(exported.absolute_paths, 4);
    let again = open(&path, &OpenOptions::default()).unwrap();
    assert_eq!(again.labels, dataset.labels);
    let files = |dataset: &Dataset| -> Vec<Option<PathBuf>> {
        let exported = dataset
            .posts
            .iter()
            .filter(|p| *p.text != *"untouched" && *p.text != *"web");
        exported.map(|p| dataset.image_file(p)).collect()
    };
    assert_eq!(files(&again), files(&dataset));
    assert_eq!(&*again.posts[5].image_path, "http://a.b/g.png");
}

#[test]
fn an_export_beside_linked_images_keeps_its_paths() {
    let (folder, dataset) = workplace(POSTS);
    #[cfg(unix)]
    std::os::unix::fs::symlink(
        folder.path().join("data/images"),
        folder.path().join("out/images"),
    )
    .unwrap();
    let set = TrainingSet::new(dataset, Selection::All, decisions);
    let exported = set
        .write(&folder.path().join("out/train.csv"), false)
        .unwrap();
    assert_eq!(exported.absolute_paths, if cfg!(unix) { 0 } else { 4 });
}

#[test]
fn nothing_that_exists_is_replaced_unasked() {
    let (folder, dataset) = workplace(POSTS);
    let path = folder.path().join("out/train.csv");
    let names = folder.path().join("out/class_names.txt");
    let set = TrainingSet::new(Arc::clone(&dataset), Selection::All, decisions);

    fs::write(&names, "other\n").unwrap();
    assert!(matches!(set.write(&path, false), Err(ExportError::Exists(p)) if p == names));
    assert!(!path.exists());
    assert_eq!(fs::read_to_string(&names).unwrap(), "other\n");

    fs::write(&path, "mine").unwrap();
    fs::write(&names, "x\ny\n").unwrap();
    assert!(matches!(set.write(&path, false), Err(ExportError::Exists(p)) if p == path));
    assert_eq!(fs::read_to_string(&path).unwrap(), "mine");

    set.write(&path, true).unwrap();
    assert_eq!(rows(&path).len(), 4);
    let mut files: Vec<_> = fs::read_dir(folder.path().join("out"))
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    files.sort();
    assert_eq!(files, ["class_names.txt", "train.csv"]);
}

#[test]
fn the_dataset_itself_is_never_overwritten() {
    let (folder, dataset) = workplace(POSTS);
    let set = TrainingSet::new(dataset, Selection::All, decisions);
    let result = set.write(&folder.path().join("data/../data/posts.csv"), true);
    assert!(
        matches!(result, Err(ExportError::IsTheDataset(_))),
        "{result:?}"
    );
    assert_eq!(
        fs::read_to_string(folder.path().join("data/posts.csv")).unwrap(),
        POSTS
    );
}

#[test]
fn an_empty_selection_writes_nothing() {
    let (folder, dataset) = workplace(POSTS);
    for (selection, reason) in [
        (Selection::Reviewed, "no post has a confirmed decision"),
        (Selection::Corrected, "no decision differs"),
    ] {
        let set = TrainingSet::new(Arc::clone(&dataset), selection, |_| None);
        let error = set
            .write(&folder.path().join("out/train.csv"), false)
            .unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
    }
    assert_eq!(fs::read_dir(folder.path().join("out")).unwrap().count(), 0);
}

#[test]
fn provenance_is_written_on_request() {
    let (folder, dataset) = workplace(POSTS);
    let set = TrainingSet::new(Arc::clone(&dataset), Selection::Reviewed, decisions)
        .with_provenance(|post| Provenance {
            source: Source::Reviewer,
            reviewer: (post == 1).then(|| "Ana".to_owned()),
            model_labels: (post != 2).then_some([1].into_iter().collect()),
            assisted: post == 1,
            flagged: post == 3,
            note: "a \"note\",\nso".to_owned(),
        });
    let path = folder.path().join("data/train.csv");
    set.write(&path, false).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let ids: Vec<_> = dataset.posts.iter().map(|p| p.id).collect();
    let note = "\"a \"\"note\"\",\nso\"";
    let expected = format!(
        "text,image_path,labels,id,source,reviewer,dataset_labels,model_labels,assisted,flagged,note\n\
         corrected,images/b.png,\"x,y\",{},reviewer,Ana,x,y,true,false,{note}\n\
         confirmed,images/c.png,x,{},reviewer,,x,?,false,false,{note}\n\
         decided,images/d.png,,{},reviewer,,?,y,false,true,{note}\n",
        ids[1], ids[2], ids[3]
    );
    assert_eq!(text, expected);
}

#[test]
fn a_session_exports_what_it_shows() {
    let (folder, dataset) = workplace(POSTS);
    let mut session = Session::open(dataset, &folder.path().join("review.db"), || ()).unwrap();
    let confirm = |labels| Action::Confirm {
        labels,
        assisted: true,
    };
    session.set_reviewer(Some("Ana"));
    session.apply(1, confirm([0, 1].into_iter().collect()));
    session.set_reviewer(None);
    session.apply(2, Action::Draft(LabelSet::EMPTY));
    session.apply(3, confirm(LabelSet::EMPTY));
    session.apply(3, Action::Note("none at all".into()));
    session.begin_run(run("tiny"));
    session.record_prediction(1, answer(Parse::Clean));
    session.record_prediction(3, answer(Parse::Failed));

    let path = folder.path().join("data/train.csv");
    let exported = training_csv(&session, Selection::All, &path, false).unwrap();
    assert_eq!((exported.posts, exported.without_truth), (4, 1));
    let expected = [
        "kept,a.png,y",
        "corrected,b.png,\"x,y\"",
        "confirmed,c.png,x",
        "decided,d.png,",
    ];
    assert_eq!(rows(&path), expected);

    TrainingSet::of_session(&session, Selection::Corrected)
        .with_session_provenance(&session)
        .write(&path, true)
        .unwrap();
    let [first, second] = rows(&path).try_into().unwrap();
    assert!(first.ends_with(",reviewer,Ana,x,y,true,false,"), "{first}");
    assert!(
        second.ends_with(",reviewer,,?,?,true,false,none at all"),
        "{second}"
    );
}

/// What some model says: y.
fn answer(parse: Parse) -> Prediction {
    Prediction {
        labels: [1].into_iter().collect(),
        parse,
        ..Prediction::failed("", Seconds::default())
    }
}

#[test]
fn odd_texts_are_quoted_only_where_they_must_be() {
    let texts = [
        "",
        "NA",
        "nan",
        "a\rb",
        "\"q\"",
        " lead",
        "a,b",
        "é🙂",
        "=1+1",
        "\u{feff}x",
        "'",
    ];
    let quoted: Vec<String> = texts
        .iter()
        .map(|t| format!("\"{}\",a.png,x", t.replace('"', "\"\"")))
        .collect();
    let (folder, dataset) = workplace(&format!("text,image_path,labels\n{}\n", quoted.join("\n")));
    let path = folder.path().join("data/train.csv");
    TrainingSet::new(dataset, Selection::All, |_| None)
        .write(&path, false)
        .unwrap();
    let expected = "text,image_path,labels\n,a.png,x\nNA,a.png,x\nnan,a.png,x\n\"a\rb\",a.png,x\n\
        \"\"\"q\"\"\",a.png,x\n lead,a.png,x\n\"a,b\",a.png,x\né🙂,a.png,x\n=1+1,a.png,x\n\
        \u{feff}x,a.png,x\n',a.png,x\n";
    assert_eq!(fs::read_to_string(&path).unwrap(), expected);
    let again = open(&path, &OpenOptions::default()).unwrap();
    assert!(again.posts.iter().map(|p| &*p.text).eq(texts));
}

#[test]
fn the_posts_that_a_format_takes_are_counted_as_it_takes_them() {
    let (folder, dataset) = workplace(POSTS);
    let file = folder.path().join("out/posts.overrule");
    let mut session = Session::open(dataset, &file, || {}).unwrap();
    session.begin_run(run("model"));
    for post in [0, 4] {
        session.record_prediction(post, crate::reviewing::said(&[0]));
    }
    for (post, labels) in (0..5).filter_map(|post| Some((post, decisions(post)?))) {
        let assisted = false;
        session.apply(post, Action::Confirm { labels, assisted });
    }
    for selection in [Selection::All, Selection::Reviewed, Selection::Corrected] {
        for format in Format::ALL {
            let taken = TrainingSet::for_format(&session, selection, format).len();
            let counted = TrainingSet::count(&session, selection, format);
            assert_eq!(counted, taken, "{selection:?} {format:?}");
        }
    }
    assert_eq!(TrainingSet::count(&session, Selection::All, Format::Csv), 4);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn what_is_exported_opens_as_the_same_posts(
        posts in proptest::collection::vec(("[a-c,\"\r\n \té🙂'\\\\]{0,12}", 0u64..8), 1..8),
        names in proptest::sample::select(&[["a", "b", "c"], ["a,b", "it's", "\"q\""], ["nan", "?", "[x]"]][..]),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("source.csv");
        let mut writer = csv::Writer::from_path(&source).unwrap();
        writer.write_record(["text", "image_path"]).unwrap();
        for (text, _) in &posts {
            writer.write_record([text, "a.png"]).unwrap();
        }
        writer.flush().unwrap();
        let labels = names.iter().map(|n| (*n).to_owned()).collect();
        let options = OpenOptions { labels: Some(labels), ..OpenOptions::default() };
        let dataset = Arc::new(open(&source, &options).unwrap());
        let decisions: Vec<_> = posts.iter().map(|(_, bits)| LabelSet::from_bits(*bits)).collect();

        let set = TrainingSet::new(Arc::clone(&dataset), Selection::All, |post| Some(decisions[post]));
        let path = folder.path().join("train.csv");
        set.write(&path, false).unwrap();
        let again = open(&path, &OpenOptions::default()).unwrap();
        prop_assert_eq!(&again.problems, &[]);
        prop_assert_eq!(&again.labels, &dataset.labels);
        let seen = |d: &Dataset| d.posts.iter().map(|p| (p.id, p.text.clone())).collect::<Vec<_>>();
        prop_assert_eq!(seen(&again), seen(&dataset));
        let truths: Vec<_> = again.posts.iter().map(|p| p.truth.unwrap()).collect();
        prop_assert_eq!(truths, decisions);
    }
}
