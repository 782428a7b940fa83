//! The rules of ARCHITECTURE.md that a test can hold.

use std::{fs, path::Path};

/// Every Rust file below a folder, with its path from the repository's root.
fn sources(folder: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![root.join(folder)];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let name = path.strip_prefix(root).unwrap().display().to_string();
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "{folder} holds no Rust file");
    found
}

/// The lines of a file that are code, with their numbers.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .filter(|(_, l)| !l.trim_start().starts_with("//"))
        .map(|(i, l)| (i + 1, l))
}

fn offenders(folder: &str, words: &[&str], allowed: impl Fn(&str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for (name, text) in sources(folder) {
        if allowed(&name) {
            continue;
        }
        for (line, content) in code(&text) {
            if words.iter().any(|w| content.contains(w)) {
                found.push(format!("{name}:{line}: {}", content.trim()));
            }
        }
    }
    found
}

#[test]
fn only_the_faces_name_a_window_or_a_terminal() {
    let words = [
        "egui",
        "eframe",
        "clap",
        "indicatif",
        "stdout",
        "println!",
        "print!(",
    ];
    let face = |name: &str| {
        name.starts_with("src/gui/") || name.starts_with("src/cli/") || name == "src/main.rs"
    };
    assert_eq!(offenders("src", &words, face), Vec::<String>::new());
}

#[test]
fn only_the_store_speaks_sql() {
    let words = ["rusqlite", "SELECT ", "INSERT ", "PRAGMA"];
    let store = |name: &str| name.starts_with("src/review/store");
    assert_eq!(offenders("src", &words, store), Vec::<String>::new());
}

#[test]
fn unsafe_code_has_two_homes() {
    let homes = ["src/model/matmul", "src/image/jpeg"];
    let home = |name: &str| homes.iter().any(|h| name.starts_with(h));
    assert_eq!(offenders("src", &["unsafe "], home), Vec::<String>::new());
}

#[test]
fn no_file_is_longer_than_a_sitting() {
    let long: Vec<String> = ["src", "tests"]
        .into_iter()
        .flat_map(sources)
        .filter(|(_, text)| text.lines().count() > 500)
        .map(|(name, text)| format!("{name}: {} lines", text.lines().count()))
        .collect();
    assert_eq!(long, Vec::<String>::new());
}
