//! A file with pictures in it: the window offers to unpack it, and opens what that gives.

use std::fs;

use egui_kittest::kittest::Queryable;
use overrule::gui::Launch;

use super::fake::Window;

fn window_of(dataset: std::path::PathBuf) -> Window {
    Window::open(Launch {
        session: Some(dataset.with_extension("overrule")),
        dataset: Some(dataset),
        ..Launch::default()
    })
}

#[test]
fn a_parquet_file_is_unpacked_beside_it_and_opened() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("train-00000-of-00001.parquet");
    fs::copy(
        format!("tests/fixtures/parquet/{}", "train-00000-of-00001.parquet"),
        &file,
    )
    .unwrap();
    let mut window = window_of(file.clone());
    window.until("offering", |window| {
        window.has("Unpack train-00000-of-00001.parquet")
    });
    assert!(window.has_part("Its pictures lie inside it"));
    let out = folder.path().join("train-00000-of-00001-unpacked");
    let field = window.harness.get_by_label("Folder to unpack into");
    assert_eq!(field.value(), Some(out.display().to_string()));
    assert!(!out.exists(), "nothing is written unasked");
    window.click("Unpack");
    window.until("unpacking", Window::is_open);
    let dataset = window.bench().session.dataset();
    assert_eq!(dataset.posts.len(), 6);
    assert_eq!(dataset.path, out.canonicalize().unwrap().join("train.csv"));
    assert!(window.has_part("line one"));
}

#[test]
fn an_archive_that_is_no_known_dataset_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("holiday.zip");
    fs::write(&file, b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0").unwrap();
    let mut window = window_of(file);
    window.until("offering", |window| window.has("Unpack holiday.zip"));
    window.click("Unpack");
    window.until("refusing", |window| window.has_part("is neither MMHS150K"));
    window.click("Cancel");
    assert!(window.has("Check what a model said"));
}
