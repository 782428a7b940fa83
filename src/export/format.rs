//! The formats that can be written, and what each has room for.

/// A format to export in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Format {
    /// The training CSV: `text,image_path,labels`.
    #[default]
    Csv,
    /// A CSV to look at in a spreadsheet, with everything known and no cell that a spreadsheet would run.
    Spreadsheet,
    /// One JSON object a line.
    JsonLines,
    /// A folder of images with `metadata.jsonl`, as the `datasets` library reads it.
    ImageFolder,
    /// One Parquet file with the pictures in it, as the `datasets` library reads it.
    Parquet,
    /// Label Studio's tasks.
    LabelStudio,
    /// Label Studio's shorter JSON.
    LabelStudioMin,
    /// Argilla's records.
    Argilla,
    /// FiftyOne's folder: `data/` and `labels.json`.
    FiftyOne,
    /// doccano's JSON Lines.
    Doccano,
    /// Prodigy's tasks.
    Prodigy,
    /// What `overrule predict` writes: the model's answers, not the reviewer's.
    Records,
}

impl Format {
    /// All formats, the training CSV first.
    pub const ALL: [Self; 12] = [
        Self::Csv,
        Self::JsonLines,
        Self::ImageFolder,
        Self::Parquet,
        Self::LabelStudio,
        Self::LabelStudioMin,
        Self::Argilla,
        Self::FiftyOne,
        Self::Doccano,
        Self::Prodigy,
        Self::Records,
        Self::Spreadsheet,
    ];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Spreadsheet => "spreadsheet",
            Self::JsonLines => "jsonl",
            Self::ImageFolder => "imagefolder",
            Self::Parquet => "parquet",
            Self::LabelStudio => "label-studio",
            Self::LabelStudioMin => "label-studio-min",
            Self::Argilla => "argilla",
            Self::FiftyOne => "fiftyone",
            Self::Doccano => "doccano",
            Self::Prodigy => "prodigy",
            Self::Records => "records",
        }
    }

    /// The format of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    /// What people call it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Csv => "Training CSV",
            Self::Spreadsheet => "CSV for spreadsheets",
            Self::JsonLines => "JSON Lines",
            Self::ImageFolder => "Hugging Face imagefolder",
            Self::Parquet => "Parquet",
            Self::LabelStudio => "Label Studio",
            Self::LabelStudioMin => "Label Studio, JSON_MIN",
            Self::Argilla => "Argilla",
            Self::FiftyOne => "FiftyOne",
            Self::Doccano => "doccano",
            Self::Prodigy => "Prodigy",
            Self::Records => "Prediction records",
        }
    }

    /// What is in it, as a sentence.
    pub fn description(self) -> &'static str {
        match self {
            Self::Csv => "text, image_path and labels: what the next adapter trains on.",
            Self::Spreadsheet => {
                "Everything known about each post, to look at. No cell runs as a formula."
            }
            Self::JsonLines => "One object a post: text, image_path, labels, the model's answer.",
            Self::ImageFolder => {
                "A folder with images/ and metadata.jsonl, for the datasets library."
            }
            Self::Parquet => {
                "One file with the pictures in it, for the datasets library and the Hub."
            }
            Self::LabelStudio => "Tasks with annotations and predictions, and label_config.xml.",
            Self::LabelStudioMin => "One object a labelled post, without predictions.",
            Self::Argilla => "Records: labels as responses, the model's answers as suggestions.",
            Self::FiftyOne => {
                "A folder with data/, labels.json and predictions.json, without texts."
            }
            Self::Doccano => "One object a labelled post: text or filename, and label.",
            Self::Prodigy => "Tasks of the choice interface with the accepted options.",
            Self::Records => "The model's answers, as overrule predict writes them. No decisions.",
        }
    }

    /// Whether it is a folder and not a file.
    pub fn is_folder(self) -> bool {
        matches!(self, Self::ImageFolder | Self::FiftyOne)
    }

    /// The ending of its file's name; `None` for a folder.
    pub fn extension(self) -> Option<&'static str> {
        match self {
            Self::Csv | Self::Spreadsheet => Some("csv"),
            Self::JsonLines | Self::Doccano | Self::Prodigy | Self::Records => Some("jsonl"),
            Self::LabelStudio | Self::LabelStudioMin | Self::Argilla => Some("json"),
            Self::Parquet => Some("parquet"),
            Self::ImageFolder | Self::FiftyOne => None,
        }
    }

    /// Whether columns that say where each label comes from can be added.
    pub fn takes_provenance(self) -> bool {
        matches!(
            self,
            Self::Csv | Self::JsonLines | Self::ImageFolder | Self::Parquet
        )
    }

    /// Whether it can say that nobody has labelled a post.
    pub(super) fn takes_unlabelled(self) -> bool {
        !matches!(self, Self::Csv | Self::LabelStudioMin | Self::Doccano)
    }

    /// Whether it has room for what a model said.
    pub(super) fn takes_predictions(self) -> bool {
        !matches!(self, Self::Csv | Self::LabelStudioMin | Self::Doccano)
    }

    /// Whether a `class_names.txt` beside it says the class order. Records and Parquet carry it themselves.
    pub(super) fn has_class_names(self) -> bool {
        !matches!(self, Self::Spreadsheet | Self::Records | Self::Parquet)
    }
}
