//! Running the program, and what came of it.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use serde_json::Value;

use crate::common::fixture;

/// What a program needs of the environment to run at all, here or there.
const NEEDED: [&str; 8] = [
    "PATH",
    "LD_LIBRARY_PATH",
    "DYLD_FALLBACK_LIBRARY_PATH",
    "SYSTEMROOT",
    "TEMP",
    "TMP",
    "TMPDIR",
    "LLVM_PROFILE_FILE",
];

/// A program, not started yet. It sees nothing of whoever runs the tests: no session files, no settings, no models, no keys, no
/// proxy, and no network.
pub fn isolated(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_clear().stdin(Stdio::null());
    for name in NEEDED {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    for folder in [
        "HOME",
        "HF_HOME",
        "HF_HUB_CACHE",
        "OVERRULE_DATA_DIR",
        "OVERRULE_CONFIG_DIR",
        "OVERRULE_CACHE_DIR",
    ] {
        command.env(folder, "/nowhere");
    }
    command
        .env("HF_HUB_OFFLINE", "1")
        .env("RUST_BACKTRACE", "0");
    command
}

/// The program, likewise.
pub fn overrule(args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
    let mut command = isolated(env!("CARGO_BIN_EXE_overrule"));
    command.args(args);
    command
}

/// Sends a process that was not waited for a signal.
#[cfg(unix)]
pub fn signal(process: &Child, signal: i32) {
    let pid = i32::try_from(process.id()).unwrap();
    // SAFETY: the process is ours, and its number is nobody else's before it was waited for.
    #[allow(unsafe_code)]
    let sent = unsafe { libc::kill(pid, signal) };
    assert_eq!(sent, 0, "{}", std::io::Error::last_os_error());
}

/// What a run left behind.
pub struct Run {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

pub fn run(args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Run {
    ended(overrule(args).output().unwrap())
}

pub fn ended(output: Output) -> Run {
    Run {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

impl Run {
    /// The run, if it ended with this code.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}{}", self.stdout, self.stderr);
        self
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap()
    }
}

/// `predict` on the fixture model with its adapter.
pub fn predict(dataset: &Path, more: &[&str]) -> Vec<String> {
    let mut args = vec!["predict".to_owned(), text(dataset)];
    args.extend(model_args());
    args.extend(more.iter().map(|arg| (*arg).to_owned()));
    args
}

pub fn model_args() -> Vec<String> {
    let fixture = |path: &str| text(&fixture("paligemma2").join(path));
    vec![
        "--model".to_owned(),
        fixture("base"),
        "--adapter".to_owned(),
        fixture("adapter"),
        "--device".to_owned(),
        "cpu".to_owned(),
    ]
}

pub fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

/// The posts that the goldens are about.
pub fn test_posts() -> PathBuf {
    fixture("posts/test.csv")
}

/// The JSON Lines of a text.
pub fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// A record without what differs from run to run.
pub fn timeless(mut record: Value) -> Value {
    record.as_object_mut().unwrap().remove("seconds").unwrap();
    record
}

/// A dataset in a folder, with the fixture's label set.
pub fn write_dataset(folder: &Path, csv: &str) -> PathBuf {
    let path = folder.join("posts.csv");
    fs::write(&path, csv).unwrap();
    fs::copy(
        fixture("posts/class_names.txt"),
        folder.join("class_names.txt"),
    )
    .unwrap();
    path
}

/// Whether numbers and everything else of two JSON values agree, numbers to within `tolerance`.
pub fn agree(a: &Value, b: &Value, tolerance: f64) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => {
            (a.as_f64().unwrap() - b.as_f64().unwrap()).abs() <= tolerance
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| agree(a, b, tolerance))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(key, a)| b.get(key).is_some_and(|b| agree(a, b, tolerance)))
        }
        (a, b) => a == b,
    }
}
