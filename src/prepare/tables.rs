//! The tables: one a split, `class_names.txt`, and the list of what was left out.

use std::{
    collections::HashSet,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use super::{Options, PrepareError, Prepared, images::Row};
use crate::{
    dataset::raw::{Fault, Kind, N_ANNOTATORS, RawPost, Reason, Source, Split, image_text},
    export::{ExportError, atomic, csv},
    post::LabelNames,
};

/// When a label of several annotators counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum LabelsBy {
    /// If any annotator chose it, as in the original training.
    #[default]
    Union,
    /// If most annotators chose it. A post on which they all differ has no label.
    Majority,
    /// As [`Union`](Self::Union), and a column for each annotator's own choice.
    Votes,
}

impl LabelsBy {
    fn at_least(self) -> usize {
        match self {
            Self::Union | Self::Votes => 1,
            Self::Majority => N_ANNOTATORS / 2 + 1,
        }
    }
}

/// What names the classes of all tables of a folder.
pub(super) const CLASS_NAMES: &str = "class_names.txt";

/// The table of a split, or of what is in none.
pub(super) fn table_name(split: Option<Split>) -> String {
    format!("{}.csv", split.map_or("posts", Split::name))
}

/// The list of what was left out.
const LEFT_OUT: &str = "left_out.csv";

/// The posts that can be trained with, as far as that is known without their pictures.
pub(super) fn usable(posts: Vec<RawPost>, faults: &[Fault]) -> Vec<RawPost> {
    let bad: HashSet<&str> = faults
        .iter()
        .filter(|fault| matches!(fault.reason, Reason::BadVote | Reason::ImageElsewhere))
        .map(|fault| fault.id.as_str())
        .collect();
    let usable = |post: &RawPost| post.split.is_some() && !bad.contains(post.id.as_str());
    posts.into_iter().filter(usable).collect()
}

/// Writes the table of each split and `class_names.txt`.
pub(super) fn write(
    source: &mut Source,
    kind: Kind,
    rows: &[Row],
    options: &Options,
    made: &mut Prepared,
) -> Result<(), PrepareError> {
    let mut files = Vec::new();
    for split in Split::ALL {
        let rows: Vec<&Row> = rows
            .iter()
            .filter(|row| row.post.split == Some(split))
            .collect();
        let path = options.out.join(table_name(Some(split)));
        if !rows.is_empty() {
            files.push((path.clone(), to_bytes(source, kind, &rows, options)?));
            made.tables.push((path, rows.len()));
        }
    }
    // The names are few and valid: they stand in this program.
    let names = LabelNames::new(kind.labels()).unwrap_or_else(|_| LabelNames::none());
    files.push((options.out.join(CLASS_NAMES), csv::class_names(&names)?));
    made.kept = write_files(files, options)?;
    Ok(())
}

/// Writes files, all or none. One that says the same already is left alone. Gives the tables of other splits that lie there:
/// they stay as they are, so the names of the classes must not change under them.
pub(super) fn write_files(
    files: Vec<(PathBuf, Vec<u8>)>,
    options: &Options,
) -> Result<Vec<PathBuf>, PrepareError> {
    let Options { out, replace, .. } = options;
    let names = out.join(CLASS_NAMES);
    let is_written = |path: &PathBuf| files.iter().any(|(file, _)| file == path);
    let all = Split::ALL.map(Some).into_iter().chain([None]);
    let kept: Vec<PathBuf> = all
        .map(|split| out.join(table_name(split)))
        .filter(|table| table.is_file() && !is_written(table))
        .collect();
    let ours = files.iter().find(|(path, _)| *path == names);
    if let (Some(table), Some((_, ours)), Ok(theirs)) = (kept.first(), ours, fs::read(&names))
        && *ours != theirs
    {
        return Err(PrepareError::OtherClasses(table.clone()));
    }
    // All are on the disk before any takes its name: a full disk is noticed here.
    let mut staged = Vec::new();
    for (path, bytes) in files {
        if fs::read(&path).is_ok_and(|there| there == bytes) {
            continue;
        }
        staged.push(atomic::stage(&path, *replace, |file| {
            file.write_all(&bytes)
        })?);
    }
    for file in staged {
        file.commit(*replace)?;
    }
    Ok(kept)
}

fn to_bytes(
    source: &mut Source,
    kind: Kind,
    rows: &[&Row],
    options: &Options,
) -> Result<Vec<u8>, PrepareError> {
    let with_votes = options.labels_by == LabelsBy::Votes && kind == Kind::Mmhs150k;
    let with_image_text = options.image_text && kind == Kind::Mmhs150k;
    let mut writer = csv::writer();
    // Writing to memory cannot fail, and every row has as many cells as the header.
    let mut header: Vec<String> = csv::COLUMNS.map(str::to_owned).to_vec();
    if with_votes {
        header.extend((1..=N_ANNOTATORS).map(|n| format!("vote_{n}")));
    }
    if with_image_text {
        header.push("image_text".to_owned());
    }
    writer.write_record(header).ok();
    for Row { post, image_path } in rows {
        let labels = post.said.labels(options.labels_by.at_least());
        let labels = labels.map_or_else(
            || csv::UNKNOWN.to_owned(),
            |labels| {
                let names = labels
                    .into_iter()
                    .filter_map(|l| kind.labels().get(l).copied());
                names.collect::<Vec<_>>().join(",")
            },
        );
        writer.write_field(&post.text).ok();
        writer.write_field(image_path).ok();
        writer.write_field(labels).ok();
        if with_votes {
            post.said
                .votes()
                .into_iter()
                .for_each(|vote| drop(writer.write_field(vote)));
        }
        if with_image_text {
            writer.write_field(image_text(source, &post.id)?).ok();
        }
        writer.write_record(None::<&[u8]>).ok();
    }
    Ok(writer.into_inner().unwrap_or_default())
}

/// Writes what was left out or changed, a line each; takes the list of an earlier run away if there is nothing.
pub(super) fn write_faults(faults: &[Fault], out: &Path) -> Result<(), ExportError> {
    let path = out.join(LEFT_OUT);
    if faults.is_empty() {
        if path.is_file() {
            fs::remove_file(&path).map_err(|error| ExportError::from_io(&path, error))?;
        }
        return Ok(());
    }
    let mut writer = csv::writer();
    writer
        .write_record(["id", "file", "line", "left_out", "reason"])
        .ok();
    for fault in faults {
        let line = fault.line.map(|line| line.to_string()).unwrap_or_default();
        let left_out = fault.reason.leaves_out().to_string();
        let reason = fault.reason.to_string();
        writer
            .write_record([&fault.id, &fault.file, &line, &left_out, &reason])
            .ok();
    }
    let bytes = writer.into_inner().unwrap_or_default();
    atomic::stage(&path, true, |file| file.write_all(&bytes))?.commit(true)?;
    Ok(())
}
