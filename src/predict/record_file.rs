//! A predictions file: one [`Record`] a line (JSON Lines), appended while a run goes on.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use super::prediction::Record;

/// What a predictions file holds.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct RecordFile {
    /// The records in the order of the file. A post that was predicted twice is in it twice.
    pub records: Vec<Record>,
    /// The lines that could not be read.
    pub problems: Vec<RecordProblem>,
}

/// A line that could not be read; the others are not affected.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecordProblem {
    /// The line, from 1.
    pub line: u64,
    /// Whether it is the last one and was cut off, as when a run is killed. Appending drops it.
    pub cut_off: bool,
    /// What is wrong and what follows from it.
    pub message: String,
}

/// Why a predictions file cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} the predictions file {path}")]
pub struct RecordFileError {
    /// `open`, `read` or `repair the end of`.
    action: &'static str,
    path: PathBuf,
    source: io::Error,
}

impl RecordFileError {
    fn new(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self {
            action,
            path: path.to_owned(),
            source,
        }
    }
}

/// Reads a predictions file.
///
/// # Errors
/// If the file cannot be opened or read. A line that is no record is a [`RecordProblem`].
pub fn read_records(path: &Path) -> Result<RecordFile, RecordFileError> {
    let file = File::open(path).map_err(RecordFileError::new("open", path))?;
    read_from(&file, path)
}

/// Reads a predictions file that is open at its beginning.
///
/// # Errors
/// If the file cannot be read. A line that is no record is a [`RecordProblem`].
pub fn read_from(file: &File, path: &Path) -> Result<RecordFile, RecordFileError> {
    let mut reader = BufReader::new(file);
    let mut found = RecordFile::default();
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let read = reader.read_until(b'\n', &mut line);
        if read.map_err(RecordFileError::new("read", path))? == 0 {
            break;
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        match serde_json::from_slice(&line) {
            Ok(record) => found.records.push(record),
            Err(error) => {
                let cut_off = !line.ends_with(b"\n") && is_cut_off(&line);
                found.problems.push(problem(number, cut_off, &error));
            }
        }
    }
    Ok(found)
}

/// Whether the last line, which has no end, is a record that ends too soon. A power cut may leave zeros behind what was written.
/// Anything else is not a run's: most programs write a JSON file as one line without an end.
fn is_cut_off(line: &[u8]) -> bool {
    let n_written = line
        .iter()
        .rposition(|b| *b != 0)
        .map_or(0, |last| last + 1);
    let written = line.get(..n_written).unwrap_or_default();
    written.is_empty() || serde_json::from_slice::<Record>(written).is_err_and(|e| e.is_eof())
}

fn problem(line: u64, cut_off: bool, error: &serde_json::Error) -> RecordProblem {
    let message = if cut_off {
        format!("line {line} is cut off, as when a run is killed; its post has no prediction")
    } else {
        format!("line {line} is no prediction record and is not used: {error}")
    };
    RecordProblem {
        line,
        cut_off,
        message,
    }
}

/// Writes a record as one line, in one piece: a crash can cut off the last line and nothing else.
///
/// # Errors
/// As the writer has them.
pub fn write_record(writer: &mut impl Write, record: &Record) -> io::Result<()> {
    let mut line = serde_json::to_vec(record)?;
    line.push(b'\n');
    writer.write_all(&line)
}

/// Brings a predictions file, open for reading and writing, to where records are appended. A last line that was cut off is
/// dropped; one that only lacks its line end gets it.
///
/// # Errors
/// If the file cannot be read or written, or its last line is something else than a record.
pub fn go_to_end(file: &mut File, path: &Path) -> Result<(), RecordFileError> {
    repair_end(file).map_err(RecordFileError::new("repair the end of", path))
}

fn repair_end(file: &mut File) -> io::Result<()> {
    const CHUNK_BYTES: u64 = 64 << 10;
    let length = file.seek(SeekFrom::End(0))?;
    let mut tail = Vec::new();
    let mut start = length;
    while start > 0 && !tail.contains(&b'\n') {
        let from = start.saturating_sub(CHUNK_BYTES);
        file.seek(SeekFrom::Start(from))?;
        let mut chunk = Vec::new();
        (&mut *file).take(start - from).read_to_end(&mut chunk)?;
        chunk.append(&mut tail);
        (tail, start) = (chunk, from);
    }
    let last_line = tail.rsplit(|b| *b == b'\n').next().unwrap_or_default();
    if last_line.trim_ascii().is_empty() {
        file.seek(SeekFrom::End(0))?;
    } else if is_cut_off(last_line) {
        file.set_len(length - last_line.len() as u64)?;
        file.seek(SeekFrom::End(0))?;
    } else {
        serde_json::from_slice::<Record>(last_line)?;
        file.seek(SeekFrom::End(0))?;
        file.write_all(b"\n")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::{
        post::{LabelNames, LabelSet, Post, PostId},
        predict::{
            answer::Parse,
            prediction::{Prediction, RunInfo, Score, Seconds},
        },
    };

    fn labels() -> LabelNames {
        LabelNames::new(["sexist", "racist"]).expect("two names")
    }

    fn run() -> RunInfo {
        RunInfo {
            model: "tiny".into(),
            revision: None,
            adapter: Some("adapter".into()),
            prompt: "trained".into(),
            dtype: "f32".into(),
            device: "cpu".into(),
            image_setting: None,
            max_new_tokens: None,
            label_set: vec!["sexist".into(), "racist".into()],
            version: "0.1.0".into(),
        }
    }

    fn prediction() -> Prediction {
        Prediction {
            labels: LabelSet::from_iter([0, 1]),
            raw: "[\"sexist\",\n \"racist\", \"spam\"]".into(),
            parse: Parse::Clean,
            unknown_labels: vec!["spam".into()],
            scores: Some(vec![
                Score {
                    p: 0.75,
                    lo: 0.5,
                    hi: 1.0,
                },
                Score {
                    p: 0.5,
                    lo: 0.5,
                    hi: 0.5,
                },
            ]),
            answer_logprob: Some(-0.25),
            margin: Some(2.0),
            n_tokens: 7,
            seconds: Seconds {
                image: 0.5,
                vision: 0.0,
                prefill: 1.0,
                decode: 0.25,
            },
            error: None,
        }
    }

    fn record(text: &str, prediction: &Prediction) -> Record {
        let post = Post {
            id: PostId(7),
            text: text.into(),
            image_path: "a.png".into(),
            truth: None,
            line: 2,
            extra: Box::default(),
        };
        Record::new(3, &post, &labels(), prediction.clone(), run())
    }

    fn lines(records: &[Record]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for record in records {
            write_record(&mut bytes, record).expect("memory does not fail");
        }
        bytes
    }

    #[test]
    fn a_record_is_one_line_in_the_documented_order() {
        let expected = concat!(
            r#"{"id":"00000000000000000000000000000007","index":3,"text":"hi\nyou","image_path":"a.png","#,
            r#""labels":["sexist","racist"],"raw":"[\"sexist\",\n \"racist\", \"spam\"]","parse":"clean","#,
            r#""unknown_labels":["spam"],"scores":{"racist":{"p":0.5,"lo":0.5,"hi":0.5},"#,
            r#""sexist":{"p":0.75,"lo":0.5,"hi":1.0}},"answer_logprob":-0.25,"margin":2.0,"n_tokens":7,"#,
            r#""seconds":{"image":0.5,"vision":0.0,"prefill":1.0,"decode":0.25},"error":null,"#,
            r#""run":{"model":"tiny","revision":null,"adapter":"adapter","prompt":"trained","dtype":"f32","#,
            r#""device":"cpu","label_set":["sexist","racist"],"version":"0.1.0"}}"#,
            "\n"
        );
        let bytes = lines(&[record("hi\nyou", &prediction())]);
        assert_eq!(String::from_utf8_lossy(&bytes), expected);
    }

    #[test]
    fn figures_that_json_lacks_become_null() {
        let odd = Prediction {
            answer_logprob: Some(f64::NEG_INFINITY),
            margin: Some(f64::NAN),
            scores: Some(vec![
                Score {
                    p: f64::NAN,
                    lo: 0.0,
                    hi: 1.0
                };
                2
            ]),
            seconds: Seconds {
                image: f64::INFINITY,
                ..Seconds::default()
            },
            ..prediction()
        };
        let line = lines(&[record("hi", &odd)]);
        let back: Record = serde_json::from_slice(&line).expect("a record");
        let back = back.prediction(&labels());
        assert_eq!(
            (back.answer_logprob, back.margin, back.scores),
            (None, None, None)
        );
        assert_eq!(back.seconds, Seconds::default());
    }

    #[test]
    fn bad_lines_are_reported_and_the_others_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("p.jsonl");
        let (a, b) = (record("a", &prediction()), record("b", &prediction()));
        let good = lines(std::slice::from_ref(&a));
        let bytes = [
            &good[..],
            b"{}\n\n\xff\n",
            &lines(std::slice::from_ref(&b)),
            &good[..40],
        ]
        .concat();
        fs::write(&path, bytes).expect("written");

        let found = read_records(&path).expect("readable");
        assert_eq!(found.records, [a, b]);
        let places: Vec<_> = found.problems.iter().map(|p| (p.line, p.cut_off)).collect();
        assert_eq!(places, [(2, false), (4, false), (6, true)]);
    }

    #[test]
    fn appending_goes_on_after_the_last_whole_line() {
        let folder = tempfile::tempdir().expect("a folder");
        let long = record(&"x".repeat(200_000), &prediction());
        let next = record("next", &prediction());
        let whole = lines(std::slice::from_ref(&long));
        let without_end = whole.len() - 1;
        for (name, bytes, expected) in [
            ("none", None, vec![&next]),
            ("empty", Some(vec![]), vec![&next]),
            ("whole", Some(whole.clone()), vec![&long, &next]),
            (
                "no line end",
                Some(whole[..without_end].to_vec()),
                vec![&long, &next],
            ),
            (
                "cut off",
                Some([&whole[..], &whole[..150_000]].concat()),
                vec![&long, &next],
            ),
            (
                "only a cut line",
                Some(whole[..150_000].to_vec()),
                vec![&next],
            ),
            (
                "zeros",
                Some([&whole[..], &whole[..50], &[0; 4000]].concat()),
                vec![&long, &next],
            ),
        ] {
            let path = folder.path().join(name);
            if let Some(bytes) = bytes {
                fs::write(&path, bytes).expect("written");
            }
            let mut file = open(&path);
            go_to_end(&mut file, &path).expect("appendable");
            write_record(&mut file, &next).expect("written");
            let found = read_records(&path).expect("readable");
            assert!(found.records.iter().eq(expected), "{name}");
            assert_eq!(found.problems, [], "{name}");
        }
    }

    fn open(path: &Path) -> File {
        let mut options = File::options();
        let options = options.read(true).write(true).create(true).truncate(false);
        options.open(path).expect("a file")
    }

    #[test]
    fn a_record_cut_off_anywhere_is_dropped_and_nothing_else_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("p.jsonl");
        let whole = lines(&[record("hé\n\"you\"", &prediction())]);
        for end in 1..whole.len() - 1 {
            fs::write(&path, &whole[..end]).expect("written");
            let problems = read_records(&path).expect("readable").problems;
            assert!(problems.len() == 1 && problems[0].cut_off, "{end}");
            go_to_end(&mut open(&path), &path).expect("appendable");
            assert_eq!(fs::read(&path).expect("readable"), b"", "{end}");
        }
        for other in ["{\"theme\": \"dark\"}", "{}", "[1, 2]", "text"] {
            fs::write(&path, other).expect("written");
            let problems = read_records(&path).expect("readable").problems;
            assert!(problems.len() == 1 && !problems[0].cut_off, "{other}");
            go_to_end(&mut open(&path), &path).expect_err("not a record");
            assert_eq!(fs::read(&path).expect("readable"), other.as_bytes());
        }
    }

    #[test]
    fn runs_are_the_same_only_if_everything_is() {
        assert_eq!(run(), run());
        assert_ne!(
            run(),
            RunInfo {
                adapter: None,
                ..run()
            }
        );
        assert_ne!(
            run(),
            RunInfo {
                image_setting: Some("single_tile".into()),
                ..run()
            }
        );
        assert_ne!(
            run(),
            RunInfo {
                max_new_tokens: Some(8),
                ..run()
            }
        );
        assert_ne!(
            run(),
            RunInfo {
                label_set: vec!["racist".into()],
                ..run()
            }
        );
    }
}
