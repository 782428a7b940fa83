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

/// Whoever decided or said something is not made to have said something else.
#[test]
fn decisions_and_predictions_are_added_and_never_changed() {
    let mut added = Vec::new();
    for (name, text) in sources("src/review/store") {
        // A statement goes over several lines of a string.
        let lines: Vec<&str> = code(&text).map(|(_, line)| line).collect();
        let lines = lines.join(" ").to_lowercase().replace('\\', " ");
        let sql = lines.split_whitespace().collect::<Vec<_>>().join(" ");
        for table in ["decisions", "predictions", "runs"] {
            for change in ["update", "delete from", "replace into", "drop table"] {
                let change = format!("{change} {table}");
                assert!(!sql.contains(&change), "{name}: {change}");
            }
            for rest in sql.split(&format!("\"insert into {table} ")).skip(1) {
                let statement = rest.split('"').next().unwrap();
                let change = statement.split_once(" on conflict ");
                added.push((table, change.map(|(_, change)| change.to_owned())));
            }
        }
        assert!(!sql.contains("create trigger"), "{name}");
    }
    added.sort_by_key(|(table, _)| *table);
    let [decided, said, _run] = added.as_slice() else {
        panic!("{added:?}");
    };
    // A commit that was tried again may find its decisions there.
    assert_eq!(decided.1.as_deref(), Some("(seq) do nothing"));
    // Of a post that was asked about again in the same run the last answer counts.
    let again = said.1.as_ref().unwrap();
    assert!(
        again.starts_with("(run_id, post_id) do update set "),
        "{again}"
    );
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
