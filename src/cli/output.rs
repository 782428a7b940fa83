//! Where `overrule predict` writes: standard output, or a file that is gone on with.

use std::{
    collections::HashMap,
    fs::{File, TryLockError},
    io::{self, Read, Seek, Write},
    path::Path,
};

use anyhow::{Context, bail};

use crate::{
    post::PostId,
    predict::{
        prediction::{Record, RunInfo},
        record_file::{go_to_end, read_from, write_record},
    },
};

/// Which posts the file holds already, by the run they belong to. Failed posts are tried again.
#[derive(Default)]
pub(super) struct Earlier {
    runs: Vec<RunInfo>,
    answered: HashMap<(usize, PostId), Answered>,
}

/// How often a post was answered in a run, and whether with probabilities.
#[derive(Clone, Copy, Default)]
struct Answered {
    times: usize,
    scored: bool,
}

impl Earlier {
    fn add(&mut self, record: Record) {
        let known = self.runs.iter().position(|run| *run == record.run);
        let run = known.unwrap_or_else(|| {
            self.runs.push(record.run);
            self.runs.len() - 1
        });
        if record.error.is_none() {
            let answered = self.answered.entry((run, record.id)).or_default();
            answered.times += 1;
            answered.scored |= record.scores.is_some();
        }
    }

    /// Whether a post has its answer of this run: with probabilities if they are wanted, as they are not there after
    /// `--no-scores`. A post that was asked about twice and has none never gets any.
    pub fn holds(&self, run: &RunInfo, post: PostId, with_scores: bool) -> bool {
        // A GPU whose memory is not enough for a post leaves it, and all behind it, to the CPU.
        let moved = RunInfo {
            device: "cpu".to_owned(),
            ..run.clone()
        };
        let known = self.runs.iter().enumerate();
        let known = known.filter(|(_, known)| [run, &moved].contains(known));
        let mut answered = known.filter_map(|(run, _)| self.answered.get(&(run, post)));
        answered.any(|answered| answered.scored || !with_scores || answered.times > 1)
    }
}

/// Where records go.
pub(super) enum Output {
    /// A regular file, which no other run may write meanwhile. It is opened once: where a lock keeps everybody else out, as on
    /// Windows, it keeps out other handles of this program, too.
    File(File),
    /// Standard output, or a pipe or device named as a file.
    Stream(Box<dyn Write>),
}

impl Output {
    /// Opens an output and tells what it holds already.
    ///
    /// # Errors
    /// It cannot be written, another run writes it, or it holds something else than predictions.
    pub fn open(path: &Path) -> anyhow::Result<(Self, Earlier)> {
        let mut earlier = Earlier::default();
        if is_stdout(path) {
            return Ok((Self::Stream(Box::new(io::stdout())), earlier));
        }
        let is_stream = path
            .metadata()
            .is_ok_and(|found| !found.is_file() && !found.is_dir());
        if is_stream {
            let stream = File::options()
                .write(true)
                .open(path)
                .with_context(|| cannot_write(path))?;
            return Ok((Self::Stream(Box::new(stream)), earlier));
        }
        let mut file = open_locked(path)?;
        for record in records_of(&mut file, path)? {
            earlier.add(record);
        }
        go_to_end(&mut file, path)?;
        Ok((Self::File(file), earlier))
    }

    /// Writes a record; it outlives this program, however that ends.
    pub fn append(&mut self, record: &Record) -> io::Result<()> {
        match self {
            Self::File(file) => write_record(file, record),
            Self::Stream(stream) => {
                write_record(stream, record)?;
                stream.flush()
            }
        }
    }

    /// Waits until everything is on the disk.
    pub fn finish(self) -> io::Result<()> {
        match self {
            Self::File(file) => file.sync_all(),
            Self::Stream(_) => Ok(()),
        }
    }
}

/// Whether an output is standard output.
pub(super) fn is_stdout(path: &Path) -> bool {
    path == Path::new("-")
}

fn cannot_write(path: &Path) -> String {
    let path = path.display();
    format!(
        "{path} cannot be written; name a file in a folder that exists and that you may write to"
    )
}

fn open_locked(path: &Path) -> anyhow::Result<File> {
    let file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .with_context(|| cannot_write(path))?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => bail!(
            "another run is writing {}; wait for its end or name another file",
            path.display()
        ),
        // A drive that knows no locks is no reason to refuse.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(file),
    }
}

/// The records of a file. Going on with it drops a last line that was cut off, so it must hold nothing else.
fn records_of(file: &mut File, path: &Path) -> anyhow::Result<Vec<Record>> {
    let found = read_from(file, path)?;
    let other = || {
        format!(
            "{} holds something else than predictions and was left alone; name another file",
            path.display()
        )
    };
    if let Some(problem) = found.problems.iter().find(|problem| !problem.cut_off) {
        return Err(anyhow::anyhow!(problem.message.clone()).context(other()));
    }
    let mut first = [0];
    file.rewind()?;
    let n_bytes = file.read(&mut first)?;
    if found.records.is_empty() && n_bytes > 0 && first != *b"{" {
        bail!(other());
    }
    Ok(found.records)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::{
        dataset::OpenOptions,
        predict::prediction::{Prediction, Seconds},
    };

    #[test]
    fn a_file_of_something_else_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("posts.csv");
        for content in [
            "text,image_path\nhello,a.png\n",
            "text",
            "t",
            "{\"id\": 3}\n",
            // As most programs write it: one line that has no end.
            "{\"class_names\": [\"racist\", \"sexist\"]}",
            "{\n  \"theme\": \"dark\"\n}",
            "[{\"id\": 3}]",
        ] {
            fs::write(&path, content).unwrap();
            let error = Output::open(&path).err().unwrap().to_string();
            assert!(error.contains("something else"), "{error}");
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_file_is_opened_once_since_its_lock_may_keep_out_every_other_handle() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().canonicalize().unwrap().join("out.jsonl");
        let output = Output::open(&path).unwrap();
        let handles = fs::read_dir("/proc/self/fd").unwrap().flatten();
        let to_it = handles.filter(|fd| fs::read_link(fd.path()).is_ok_and(|to| to == path));
        assert_eq!(to_it.count(), 1);
        drop(output);
    }

    #[test]
    fn what_the_cpu_answered_when_the_gpus_memory_was_not_enough_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.jsonl");
        let of = |model: &str, device: &str| RunInfo {
            model: model.to_owned(),
            revision: None,
            adapter: None,
            prompt: "trained".to_owned(),
            dtype: "bf16".to_owned(),
            device: device.to_owned(),
            image_setting: None,
            max_new_tokens: None,
            label_set: Vec::new(),
            version: "0.1.0".to_owned(),
        };
        let dataset = crate::dataset::open(
            &crate::resources::demo_dataset().unwrap(),
            &OpenOptions::default(),
        )
        .unwrap();
        let (mut output, _) = Output::open(&path).unwrap();
        let post = &dataset.posts[0];
        for device in ["cpu", "cuda:0"] {
            let prediction = Prediction {
                error: None,
                ..Prediction::failed("", Seconds::default())
            };
            let run = of(device, device);
            let record = Record::new(0, post, &dataset.labels, prediction, run);
            output.append(&record).unwrap();
        }
        output.finish().unwrap();
        let (_, earlier) = Output::open(&path).unwrap();
        for (model, device, is_there) in [
            ("cpu", "cpu", true),
            ("cpu", "cuda:0", true),
            ("cuda:0", "cuda:0", true),
            ("cuda:0", "cpu", false),
            ("other", "cpu", false),
        ] {
            let holds = earlier.holds(&of(model, device), post.id, false);
            assert_eq!(holds, is_there, "{model} on {device}");
        }
    }

    #[test]
    fn two_runs_cannot_write_the_same_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.jsonl");
        let first = Output::open(&path).unwrap();
        let error = Output::open(&path).err().unwrap().to_string();
        assert!(error.contains("another run is writing"), "{error}");
        drop(first);
        assert!(Output::open(&path).is_ok());
    }
}
