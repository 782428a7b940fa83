//! A program without the files that ship with it: everything works but the demo, which says that it is not there.

use std::{fs, path::PathBuf};

use super::run::{Run, ended, isolated, model_args, test_posts, text};

/// The program alone in a folder.
fn alone() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("overrule");
    let built = env!("CARGO_BIN_EXE_overrule");
    if fs::hard_link(built, &program).is_err() {
        fs::copy(built, &program).unwrap();
    }
    (folder, program)
}

#[test]
fn a_program_alone_works_with_data_and_models_of_ones_own() {
    let (folder, program) = alone();
    let run = |args: &[String]| -> Run {
        let mut command = isolated(&program);
        // What was built here finds the files of the source tree.
        command
            .env("OVERRULE_RESOURCES_DIR", folder.path())
            .args(args);
        ended(command.output().unwrap())
    };
    let words = |words: &[&str]| {
        words
            .iter()
            .map(|word| (*word).to_owned())
            .collect::<Vec<_>>()
    };
    run(&words(&["--version"])).expect(0);
    run(&words(&["models"])).expect(0);
    let posts = text(&test_posts());
    let ask = words(&["predict", &posts, "--out", "-", "--limit", "1"]);
    let here = run(&[&ask[..], &model_args()].concat()).expect(0);
    assert!(here.stdout.contains("\"labels\""), "{}", here.stdout);
    let told = run(&[&ask[..], &words(&["--model", "demo"])].concat())
        .expect(2)
        .stderr;
    assert!(
        told.contains("the demo model is not installed with this copy"),
        "{told}"
    );
    assert!(told.contains(&text(folder.path())), "{told}");
}
