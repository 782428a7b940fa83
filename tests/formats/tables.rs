//! Tables with what a model said: they come back as its run, and Parquet with the pictures in it as the same posts.

use std::{fs, path::Path, sync::Arc};

use overrule::{
    dataset::{Dataset, OpenError, OpenOptions, find_missing_images, open},
    export::{ExportError, Format, Selection, TrainingSet},
    post::LabelSet,
    predict::prediction::Prediction,
    prepare,
    review::Session,
};
use parquet::file::reader::{FileReader as _, SerializedFileReader};

use super::{Workplace, cells, expected, posts, seen};
use crate::reviewing::set;

/// Unpacks a Parquet file into a new folder and opens the table beside its pictures.
pub fn unpacked(file: &Path, out: &Path) -> (prepare::Prepared, Dataset) {
    let options = prepare::Options {
        out: out.to_owned(),
        images: prepare::Images::Copy,
        labels_by: prepare::LabelsBy::Union,
        image_text: false,
        replace: false,
    };
    let made = prepare::prepare(file, &options, &mut |_| true).unwrap();
    let table = out.join("posts.csv");
    let again = open(&table, &OpenOptions::default()).unwrap();
    (made, again)
}

#[test]
fn what_is_exported_as_a_table_is_a_run_again_with_its_scores() {
    let mut work = Workplace::new();
    let run_of = |path: &Path| {
        let again = open(path, &OpenOptions::default()).unwrap();
        let [run] = again.imported.as_slice() else {
            panic!("{:?}", again.imported);
        };
        let scores = |p: &Prediction| p.scores.as_ref().map(|s| s.iter().map(|s| s.p).collect());
        let answer = |(post, p): &(usize, Prediction)| (*post, p.labels, scores(p));
        let answers: Vec<(usize, LabelSet, Option<Vec<f64>>)> =
            run.answers.iter().map(answer).collect();
        (run.info.model.clone(), answers)
    };
    let expected = (
        "tiny".to_owned(),
        vec![
            (0, set(&[0, 2]), Some(vec![0.9, 0.05, 0.75])),
            (1, set(&[]), None),
        ],
    );
    for format in [Format::JsonLines, Format::ImageFolder] {
        assert_eq!(run_of(&work.export(format)), expected, "{format:?}");
    }
    // Without pictures a Parquet file opens as it is.
    let posts: Vec<_> = posts().into_iter().map(|(t, _, l)| (t, "", l)).collect();
    work = Workplace::of(&posts);
    assert_eq!(run_of(&work.export(Format::Parquet)), expected);
}

#[test]
fn a_parquet_file_holds_the_pictures_and_the_classes_and_unpacks_to_the_same_posts() {
    let work = Workplace::new();
    let file = work.export(Format::Parquet);
    let packed = open(&file, &OpenOptions::default()).unwrap_err();
    assert!(matches!(packed, OpenError::Packed(_)), "{packed}");
    let out = work.path("unpacked");
    let (made, again) = unpacked(&file, &out);
    assert_eq!((made.copied, made.faults.len()), (6, 0));
    assert_eq!(again.problems, []);
    assert_eq!(again.labels, work.session.dataset().labels);
    assert_eq!(seen(&again), expected(&work.session));
    let said = ["zeta, \"q\" & <c> (tiny)", "none (tiny)", "", "", "", ""];
    assert_eq!(cells(&again, "prediction"), said);

    let set = || TrainingSet::for_format(&work.session, Selection::All, Format::Parquet);
    assert!(matches!(
        set().write(&file, false),
        Err(ExportError::Exists(_))
    ));
    // A post whose picture is gone stays, without one; who decided what goes along on request.
    fs::remove_file(work.path("images/e.png")).unwrap();
    let set = set().with_session_provenance(&work.session);
    let exported = set.write(&file, true).unwrap();
    assert_eq!((exported.posts, exported.pictures_missing), (6, 1));
    fs::remove_dir_all(&out).unwrap();
    let (made, again) = unpacked(&file, &out);
    assert_eq!((made.copied, made.faults.len()), (5, 0));
    assert_eq!(find_missing_images(&again, 0..6).len(), 1);
    assert_eq!(cells(&again, "source")[5], "reviewer");
    assert_eq!(cells(&again, "dataset_labels")[5], "[\"zeta\"]");
    assert_eq!(again.posts[5].image_path.as_ref(), "images/e.png");
}

#[test]
fn the_datasets_own_columns_are_in_a_parquet_file_whatever_they_are_called() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("posts.csv");
    let rows = "text,labels,id,note,dataset_note,lang\na,x,7,seen,twice,en\n";
    fs::write(&path, rows).unwrap();
    let dataset = Arc::new(open(&path, &OpenOptions::default()).unwrap());
    let session = Session::open(dataset, &folder.path().join("s.overrule"), || {}).unwrap();
    let set = TrainingSet::for_format(&session, Selection::All, Format::Parquet);
    let file = folder.path().join("out.parquet");
    set.with_session_provenance(&session)
        .write(&file, false)
        .unwrap();
    let again = open(&file, &OpenOptions::default()).unwrap();
    for (column, cell) in [
        ("dataset_id", "7"),
        ("dataset_note", "seen"),
        ("dataset_dataset_note", "twice"),
        ("lang", "en"),
        ("source", "dataset"),
    ] {
        assert_eq!(cells(&again, column), [cell], "{column}");
    }
}

#[test]
fn a_parquet_file_is_written_in_groups_of_rows_and_read_back_whole() {
    let texts: Vec<String> = (0..250).map(|n| format!("post {n}")).collect();
    let posts: Vec<_> = texts
        .iter()
        .map(|text| (text.as_str(), "images/a.png", "[\"zeta\"]"))
        .collect();
    let work = Workplace::of(&posts);
    let file = work.export(Format::Parquet);
    let reader = SerializedFileReader::new(fs::File::open(&file).unwrap()).unwrap();
    let rows: Vec<i64> = reader
        .metadata()
        .row_groups()
        .iter()
        .map(|group| group.num_rows())
        .collect();
    assert_eq!(rows, [100, 100, 50]);
    let (made, again) = unpacked(&file, &work.path("unpacked"));
    assert_eq!((made.copied, made.faults.len()), (250, 0));
    assert_eq!(seen(&again), expected(&work.session));
    let read: Vec<&str> = again.posts.iter().map(|post| &*post.text).collect();
    assert_eq!(read, texts);
}

#[test]
fn pictures_of_one_name_in_two_folders_come_back_from_parquet_in_their_folders() {
    let work = Workplace::of(&[
        ("plain", "a.png", "[\"zeta\"]"),
        ("in a folder", "set/a.png", "[]"),
        ("in another", "other set/a.png", "?"),
        ("of the dataset", "images/b.png", "[]"),
        ("deeper", "images/set/b.png", "[]"),
    ]);
    let file = work.export(Format::Parquet);
    let (made, again) = unpacked(&file, &work.path("unpacked"));
    assert_eq!((made.copied, made.faults.len()), (5, 0));
    assert_eq!(seen(&again), expected(&work.session));
    let paths: Vec<&str> = again.posts.iter().map(|post| &*post.image_path).collect();
    let expected = [
        "images/a.png",
        "images/set/a.png",
        // A folder's name with a blank in it is not taken over.
        "images/00000003.png",
        "images/b.png",
        "images/set/b.png",
    ];
    assert_eq!(paths, expected);
}
