//! The release archive as somebody unpacks and installs it.
#![cfg(target_os = "linux")]

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

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

#[test]
fn an_installed_archive_runs_the_demo_and_leaves_nothing_when_removed() {
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
        Command::new(prefix.join("bin/overrule"))
            .args(["predict", "--model", "demo", "--limit", "1", "--out", "-"])
            .arg(&demo)
            .env("OVERRULE_DATA_DIR", folder.path()),
    );
    assert!(record.contains("\"error\":null"), "{record}");
    for file in [
        "share/applications/overrule.desktop",
        "share/mime/packages/overrule-mime.xml",
        "share/metainfo/overrule.metainfo.xml",
        "share/icons/hicolor/scalable/apps/overrule.svg",
    ] {
        assert!(prefix.join(file).is_file(), "{file}");
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
    let left: Vec<_> = [
        "bin/overrule",
        "share/overrule",
        "share/applications/overrule.desktop",
    ]
    .into_iter()
    .filter(|file| prefix.join(file).exists())
    .collect();
    assert_eq!(left, [""; 0]);
}
