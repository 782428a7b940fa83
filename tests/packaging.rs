//! The release archive as somebody unpacks and installs it.
#![cfg(target_os = "linux")]

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use crate::cli::run::isolated;

fn done(command: &mut Command) -> String {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    assert!(
        status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&stderr)
    );
    String::from_utf8(stdout).unwrap()
}

/// What below a folder has our name, or our type of files in what the desktop has made of it.
fn ours_below(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(below) = folders.pop() {
        for entry in fs::read_dir(below).unwrap() {
            let path = entry.unwrap().path();
            let is_ours = |name: &[u8]| name.windows(8).any(|part| part == b"overrule");
            if is_ours(path.file_name().unwrap().as_encoded_bytes()) {
                let below = path.strip_prefix(folder).unwrap();
                found.push(below.to_str().unwrap().to_owned());
            } else if path.is_dir() {
                folders.push(path);
            } else if is_ours(&fs::read(&path).unwrap()) {
                let below = path.strip_prefix(folder).unwrap();
                found.push(format!("in {}", below.display()));
            }
        }
    }
    found.sort();
    found
}

#[test]
fn an_installed_archive_runs_the_demo_and_leaves_nothing_of_ours_when_removed() {
    let folder = tempfile::tempdir().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let archive = done(
        Command::new(root.join("packaging/package.sh"))
            .arg(folder.path())
            .env("PROGRAM", env!("CARGO_BIN_EXE_overrule")),
    );
    let archive = Path::new(archive.trim());
    done(
        Command::new("tar")
            .arg("-xzf")
            .arg(archive)
            .current_dir(folder.path()),
    );
    let name = archive.file_name().unwrap().to_str().unwrap();
    let unpacked = folder.path().join(name.trim_end_matches(".tar.gz"));
    let prefix = folder.path().join("prefix");
    done(Command::new(unpacked.join("install.sh")).arg(&prefix));
    fs::remove_dir_all(&unpacked).unwrap();

    let demo = prefix.join("share/overrule/data/demo/posts.csv");
    let record = done(
        isolated(prefix.join("bin/overrule"))
            .args(["predict", "--model", "demo", "--limit", "1", "--out", "-"])
            .arg(&demo),
    );
    assert!(record.contains("\"error\":null"), "{record}");
    let installed = ours_below(&prefix);
    for expected in [
        "bin/overrule",
        "share/applications/overrule.desktop",
        "share/icons/hicolor/scalable/apps/overrule.svg",
        "share/metainfo/overrule.metainfo.xml",
        "share/mime/packages/overrule-mime.xml",
        "share/overrule",
    ] {
        assert!(
            installed.iter().any(|found| found == expected),
            "{expected}: {installed:?}"
        );
    }

    fs::create_dir_all(&unpacked).unwrap();
    done(
        Command::new("tar")
            .arg("-xzf")
            .arg(archive)
            .current_dir(folder.path()),
    );
    done(
        Command::new(unpacked.join("install.sh"))
            .arg("--remove")
            .arg(&prefix),
    );
    assert_eq!(ours_below(&prefix), [""; 0]);
}
