//! One write for all formats: every file is on the disk before any takes its name.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use super::{
    ExportError, Exported, Format, TrainingSet, argilla,
    atomic::{self, Committed, folder_of},
    csv, doccano, fiftyone,
    folder::{self, Naming},
    image_folder, json_lines, label_studio, parquet,
    paths::{ImagePaths, is_below, is_same},
    prodigy, records, spreadsheet,
};

/// What goes into which file. The first is the one asked for; the others lie beside it, and one that says the same already is
/// left alone.
type Files = Vec<(PathBuf, Vec<u8>)>;

/// The bytes of a file. Image paths are written as they lead from its folder to the images.
type ToBytes = fn(&TrainingSet, &mut ImagePaths<'_>) -> Result<Vec<u8>, ExportError>;

/// How a format comes to the disk.
enum Written {
    /// As one file, made in memory, and what belongs beside it.
    File(ToBytes),
    /// As a folder of pictures, and what describes them.
    Folder(Layout),
    /// As one file, written as it is made, since pictures are large. How many of them could not be read.
    Stream(fn(&TrainingSet, &mut File) -> io::Result<usize>),
}

/// What a folder of pictures looks like.
#[derive(Clone, Copy)]
enum Layout {
    ImageFolder,
    FiftyOne,
}

fn written(format: Format) -> Written {
    match format {
        Format::Csv => Written::File(csv::to_bytes),
        Format::Spreadsheet => Written::File(spreadsheet::to_bytes),
        Format::JsonLines => Written::File(json_lines::to_bytes),
        Format::Argilla => Written::File(argilla::to_bytes),
        Format::Doccano => Written::File(doccano::to_bytes),
        Format::Prodigy => Written::File(prodigy::to_bytes),
        // These name no image by its path.
        Format::LabelStudio => Written::File(|set, _| Ok(label_studio::tasks(set))),
        Format::LabelStudioMin => Written::File(|set, _| Ok(label_studio::min(set))),
        Format::Records => Written::File(|set, _| Ok(records::to_bytes(set))),
        Format::ImageFolder => Written::Folder(Layout::ImageFolder),
        Format::FiftyOne => Written::Folder(Layout::FiftyOne),
        Format::Parquet => Written::Stream(parquet::write),
    }
}

impl TrainingSet {
    /// Writes the set in its format, with what belongs beside it (`class_names.txt`, a labelling configuration), each
    /// file whole or not at all. Files that exist are replaced only if `replace` says so.
    ///
    /// # Errors
    /// See [`ExportError`]; nothing was changed then, except that images may lie in a new folder.
    pub fn write(&self, path: &Path, replace: bool) -> Result<Exported, ExportError> {
        if self.is_empty() {
            return Err(match self.format() {
                Format::Records => ExportError::NoPredictions,
                _ => ExportError::NoPosts(self.selection()),
            });
        }
        let own = &self.dataset().path;
        // A file in a folder that is the dataset would be one of its files when it is opened again.
        if is_same(path, own) || own.is_dir() && is_below(path, own) {
            return Err(ExportError::IsTheDataset(path.to_owned()));
        }
        let mut exported = Exported {
            path: path.to_owned(),
            posts: self.len(),
            without_truth: self.without_truth(),
            without_image: 0,
            pictures_missing: 0,
            absolute_paths: 0,
            advice: None,
        };
        let files = match written(self.format()) {
            Written::File(to_bytes) => self.files(path, to_bytes, &mut exported)?,
            Written::Folder(layout) => self.folder_files(path, layout, replace, &mut exported)?,
            Written::Stream(to_file) => {
                let missing = &mut exported.pictures_missing;
                let write = |file: &mut File| to_file(self, file).map(|n| *missing = n);
                atomic::stage(path, replace, write)?.commit(replace)?;
                return Ok(exported);
            }
        };
        write_files(&files, replace)?;
        Ok(exported)
    }

    /// The files of a format that is a file.
    fn files(
        &self,
        path: &Path,
        to_bytes: ToBytes,
        exported: &mut Exported,
    ) -> Result<Files, ExportError> {
        let folder = folder_of(path);
        let mut paths = ImagePaths::new(&self.dataset().image_root, folder);
        let bytes = to_bytes(self, &mut paths)?;
        exported.absolute_paths = paths.made_absolute;
        let mut files = vec![(path.to_owned(), bytes)];
        files.extend(self.class_names(folder)?);
        if self.format() == Format::LabelStudio {
            let config = label_studio::config(self).into_bytes();
            files.push((folder.join("label_config.xml"), config));
        }
        let is_label_studio = matches!(self.format(), Format::LabelStudio | Format::LabelStudioMin);
        exported.advice = is_label_studio.then(|| {
            format!(
                "for Label Studio to find the images, set LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED=true and \
                 LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT={}",
                self.dataset().image_root.display()
            )
        });
        Ok(files)
    }

    /// Brings the images to their places, and gives the files that describe them.
    fn folder_files(
        &self,
        path: &Path,
        layout: Layout,
        replace: bool,
        exported: &mut Exported,
    ) -> Result<Files, ExportError> {
        if path.exists() && !path.is_dir() {
            return Err(ExportError::NotAFolder(path.to_owned()));
        }
        let (images, naming, described_by) = match layout {
            Layout::FiftyOne => (fiftyone::DATA, Naming::Own, fiftyone::LABELS),
            Layout::ImageFolder => (
                image_folder::IMAGES,
                Naming::Numbered,
                image_folder::METADATA,
            ),
        };
        let images = path.join(images);
        if folder::is_of_dataset(self.dataset(), path, &images) {
            return Err(ExportError::IsTheDataset(path.to_owned()));
        }
        let first = path.join(described_by);
        if first.exists() && !replace {
            return Err(ExportError::Exists(first));
        }
        let parent = folder_of(path);
        if !parent.exists() {
            return Err(ExportError::NoFolder(parent.to_owned()));
        }
        let placed = folder::place_images(self, &images, naming, replace)?;
        if placed.is_empty() {
            return Err(ExportError::NoImages);
        }
        exported.posts = placed.len();
        exported.without_image = self.len() - placed.len();
        let mut files = Vec::new();
        match layout {
            Layout::FiftyOne => {
                files.push((first, fiftyone::labels(self, &placed)));
                let said = fiftyone::predictions(self, &placed);
                files.extend(said.map(|said| (path.join(fiftyone::PREDICTIONS), said)));
            }
            Layout::ImageFolder => files.push((first, image_folder::to_bytes(self, &placed))),
        }
        files.extend(self.class_names(path)?);
        Ok(files)
    }

    fn class_names(&self, folder: &Path) -> Result<Option<(PathBuf, Vec<u8>)>, ExportError> {
        let names = csv::class_names(&self.dataset().labels)?;
        let wanted = self.format().has_class_names() && !names.is_empty();
        Ok(wanted.then(|| (folder.join("class_names.txt"), names)))
    }
}

/// Whether two texts differ at most in how their lines end.
fn says_the_same(a: &[u8], b: &[u8]) -> bool {
    let lines = |text: &[u8]| -> Vec<Vec<u8>> {
        let text = text.trim_ascii_end();
        text.split(|byte| *byte == b'\n')
            .map(|line| line.trim_ascii_end().to_vec())
            .collect()
    };
    lines(a) == lines(b)
}

/// Writes all files or none.
fn write_files(files: &Files, replace: bool) -> Result<(), ExportError> {
    let mut staged = Vec::new();
    for (i, (path, bytes)) in files.iter().enumerate() {
        if i == 0 || !fs::read(path).is_ok_and(|there| says_the_same(&there, bytes)) {
            staged.push(atomic::stage(path, replace, |file| file.write_all(bytes))?);
        }
    }
    // What lies beside goes first: the file asked for is there only if everything is.
    let mut committed: Vec<Committed> = Vec::new();
    for file in staged.into_iter().rev() {
        match file.commit(replace) {
            Ok(done) => committed.push(done),
            Err(error) => {
                committed.into_iter().for_each(Committed::undo);
                return Err(error);
            }
        }
    }
    Ok(())
}
