//! Everything a person can do in the window. Menus, buttons, keys, tooltips, the key overlay and tests all use this one enum.

mod bulk;
mod needs;
mod people;

use std::{borrow::Cow, path::PathBuf};

use egui_material_icons::{MaterialIcon, icons};

pub use self::{bulk::Bulk, people::People};
use super::{
    bench::Select,
    dialogs::{export::ExportRequest, settings::Section},
    downloading::DownloadStep,
    panels::labels::Below,
    settings::Settings,
    theme::ThemeChoice,
};
use crate::{
    export::figure::{Figure, FigureFile},
    model::ModelSpec,
    predict::{prediction::RunInfo, probe::Variant},
    review::{
        basis::Sample,
        blind::BlindMode,
        queue::{Filter, Order},
        session::Truth,
    },
};

/// Something to do. Panels send these; only [`App`](super::app::App) carries them out.
#[derive(Clone, PartialEq, Debug)]
pub enum Command {
    /// Turn a label (its place in class order) over in the working labels.
    Toggle(usize),
    /// Choose “none” as the working labels.
    ChooseNone,
    /// Confirm the working labels and go to the next post.
    Confirm,
    /// Confirm what the model said and go to the next post.
    Accept,
    /// Show the model's answer that blind mode hides.
    Reveal,
    /// Choose what is decided blind.
    SetBlind(BlindMode),
    /// Go to the previous post of the queue.
    Previous,
    /// Go to the next post of the queue.
    Next,
    /// Put the post aside and go on.
    Skip,
    /// Leave the post to someone else and go on.
    Escalate,
    /// Set or clear the flag.
    Flag,
    /// Open the note of the post.
    EditNote,
    /// Replace the note of a post.
    SaveNote {
        /// The post's place in the dataset.
        post: usize,
        /// The new text.
        text: String,
    },
    /// Show or hide the model's raw answer.
    ShowAnswer,
    /// Show the prompt and the picture as the model got them.
    ShowSeen,
    /// Ask the model about other forms of the post.
    ShowProbe,
    /// Ask the model about these forms of the post.
    AskProbe {
        /// The post's place in the dataset.
        post: usize,
        /// Its forms.
        variants: Vec<Variant>,
    },
    /// Do something about other people who decide the same posts.
    People(People),
    /// Show the runs of the session and compare two, or not.
    ShowRuns,
    /// Show the workspace of figures in place of the post, or the post again.
    ShowMetrics,
    /// Export a figure.
    ExportFigure(Box<Figure>),
    /// Write a figure into a file.
    ExportFigureTo(Box<FigureFile>),
    /// Show a part below the labels.
    ShowBelow(Below),
    /// Show what another run said.
    ShowRun(RunInfo),
    /// Compare the shown run with another, or with none.
    CompareWith(Option<RunInfo>),
    /// Go to a post by its place in the dataset.
    GoTo(usize),
    /// Take the last action back.
    Undo,
    /// Do the last undone action again.
    Redo,
    /// Cover the picture and every text until a key is pressed.
    Hide,
    /// Write to the session file again what could not be written.
    RetrySave,

    /// Choose a dataset.
    OpenData,
    /// Open a dataset.
    OpenPath(PathBuf),
    /// Open a table that a file was unpacked to, in the session that was meant for the file.
    OpenUnpacked {
        /// The file.
        source: PathBuf,
        /// The table.
        table: PathBuf,
    },
    /// Choose where to export.
    Export,
    /// Export.
    ExportTo(ExportRequest),
    /// Choose a model.
    ChooseModel,
    /// Load a model.
    LoadModel(ModelSpec),
    /// Go on without a model.
    UnloadModel,
    /// Show the models on this machine.
    ManageModels,
    /// Delete a model from the Hub's cache, by its id.
    DeleteModel(String),
    /// Do something about a download.
    Download(DownloadStep),
    /// Pause predicting.
    Pause,
    /// Go on predicting.
    Resume,
    /// Stop predicting.
    CancelRun,
    /// Predict the posts that have no prediction yet.
    Predict,
    /// Predict the posts that could not be answered once more.
    RetryFailed,

    /// Show other posts in the queue.
    SetFilter(Filter),
    /// Order the queue.
    SetOrder(Order),
    /// Pick posts for one action over all of them.
    Select(Select),
    /// Do something to every picked post.
    Bulk(Bulk),
    /// Put the keyboard into the search field.
    Search,
    /// Show the queue in place of the post, where there is no room for both, or the post again.
    ShowQueue,
    /// Show the problems of the dataset.
    ShowProblems,
    /// Compare with another truth.
    SetTruth(Truth),
    /// Work the figures out over other posts.
    SetSample(Sample),

    /// Blur pictures, or not.
    ToggleBlur,
    /// Show pictures in grey, or not.
    ToggleGrey,
    /// Show the picture in its own size, or fitted.
    ToggleZoom,
    /// Change the theme.
    SetTheme(ThemeChoice),
    /// Open the settings.
    ShowSettings(Section),
    /// Take changed settings over.
    ChangeSettings(Box<Settings>),
    /// Find any command by a few letters.
    ShowPalette,
    /// Show what is where in the window.
    ShowTour,
    /// Show the keys.
    ShowKeys,
    /// Say what this program is.
    About,
    /// Delete the small pictures that are kept between runs.
    DeleteThumbnails,
    /// Put away the line of the demo, or that of the tour.
    DismissBanner,
    /// Close the window.
    Quit,
}

impl Command {
    /// The words on menus and buttons.
    pub fn label(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Toggle(index) => return Cow::Owned(format!("Toggle label {}", index + 1)),
            Self::ChooseNone => "None of these",
            Self::Confirm => "Confirm and next",
            Self::Accept => "Accept prediction",
            Self::Reveal => "Reveal the model’s answer",
            Self::SetBlind(_) => "Blind mode",
            Self::Previous => "Previous post",
            Self::Next => "Next post",
            Self::Skip => "Skip",
            Self::Escalate => "Escalate",
            Self::Flag => "Flag",
            Self::EditNote => "Note…",
            Self::SaveNote { .. } => "Save note",
            Self::ShowAnswer => "Model’s answer",
            Self::ShowSeen => "What the model saw",
            Self::ShowProbe => "Probe this post…",
            Self::AskProbe { .. } => "Ask the model",
            Self::People(people) => people.label(),
            Self::ShowRuns => "Runs",
            Self::ShowMetrics => "Figures",
            Self::ExportFigure(_) | Self::ExportFigureTo(_) => "Export figure",
            Self::ShowBelow(Below::Policy) => "Guideline",
            Self::ShowBelow(_) => "Show",
            Self::ShowRun(_) => "Show this run",
            Self::CompareWith(Some(_)) => "Compare",
            Self::CompareWith(None) => "End the comparison",
            Self::GoTo(post) => return Cow::Owned(format!("Go to post {}", post + 1)),
            Self::Undo => "Undo",
            Self::Redo => "Redo",
            Self::Hide => "Hide everything",
            Self::RetrySave => "Try again",
            Self::OpenData => "Open data…",
            Self::OpenPath(_) | Self::OpenUnpacked { .. } => "Open",
            Self::Export => "Export…",
            Self::ExportTo(_) => "Export",
            Self::ChooseModel => "Choose model…",
            Self::LoadModel(_) => "Load model",
            Self::UnloadModel => "Go on without a model",
            Self::ManageModels => "Models on this machine…",
            Self::DeleteModel(_) => "Delete",
            Self::DeleteThumbnails => "Delete them",
            Self::Download(_) => "Download",
            Self::Pause => "Pause",
            Self::Resume => "Resume",
            Self::CancelRun => "Stop",
            Self::Predict => "Predict the rest",
            Self::RetryFailed => "Predict failed posts again",
            Self::SetFilter(_) => "Show",
            Self::SetOrder(_) => "Order",
            Self::Select(Select::Nothing) => "Clear the selection",
            Self::Select(Select::All) => "Select the whole queue",
            Self::Select(Select::Shown) => "Select this post, or not",
            Self::Select(_) => "Select",
            Self::Bulk(bulk) => bulk.label(),
            Self::Search => "Search",
            Self::ShowQueue => "Queue",
            Self::ShowProblems => "Problems",
            Self::SetTruth(_) => "Compare with",
            Self::SetSample(Sample::All) => "All posts",
            Self::SetSample(Sample::Random(_)) => "Only the random part",
            Self::ToggleBlur => "Blur pictures",
            Self::ToggleGrey => "Grey pictures",
            Self::ToggleZoom => "Fit or full size",
            Self::SetTheme(_) => "Theme",
            Self::ShowSettings(_) => "Settings…",
            Self::ChangeSettings(_) => "Change settings",
            Self::ShowPalette => "Commands…",
            Self::ShowTour => "Take the tour",
            Self::ShowKeys => "Keys",
            Self::About => "About Overrule",
            Self::DismissBanner => "Dismiss",
            Self::Quit => "Quit",
        })
    }

    /// A sentence for the tooltip and the key overlay.
    pub fn tooltip(&self) -> &'static str {
        match self {
            Self::Toggle(_) => "Choose or drop this label.",
            Self::ChooseNone => "Say that no label applies.",
            Self::Confirm => "Record the chosen labels as the truth and go on.",
            Self::Accept => "Record what the model said as the truth and go on.",
            Self::Reveal => {
                "Show the answer that blind mode hides; a decision made afterwards counts as assisted."
            }
            Self::SetBlind(_) => "Hide the model’s answer until you have decided.",
            Self::Previous => "Go back one post in the queue.",
            Self::Next => "Go on one post in the queue without deciding.",
            Self::Skip => "Put this post aside without a decision and go on.",
            Self::Escalate => "Leave this post to someone else and go on.",
            Self::Flag => "Mark this post for a second look, or clear the mark.",
            Self::EditNote | Self::SaveNote { .. } => "Write a note about this post.",
            Self::ShowAnswer => "Show the model’s raw answer, how it was read, and what it took.",
            Self::ShowSeen => "The prompt’s text, and the picture as its processor made it.",
            Self::ShowProbe | Self::AskProbe { .. } => {
                "Without its text, a part of the picture covered, with another prompt: what drives the label?"
            }
            Self::People(people) => people.tooltip(),
            Self::ShowRuns => "List the runs of this session, look at an earlier one, compare two.",
            Self::ShowMetrics => {
                "Scores, confused labels, thresholds and calibration in place of the post."
            }
            Self::ExportFigure(_) | Self::ExportFigureTo(_) => {
                "Write the picture as SVG or PNG, or its numbers as CSV."
            }
            Self::ShowBelow(Below::Policy) => {
                "What the labels mean, from the policy.md beside the dataset."
            }
            Self::ShowBelow(_) => "Show it below the labels.",
            Self::ShowRun(_) => "Show what this run said; its model need not be loaded.",
            Self::CompareWith(Some(_)) => "Put this run beside the shown one.",
            Self::CompareWith(None) => "Show one run alone again.",
            Self::GoTo(_) => "Show this post.",
            Self::Undo => "Take the last action back; also one of an earlier day.",
            Self::Redo => "Do the last undone action again.",
            Self::Hide => "Cover the picture and every text until any key is pressed.",
            Self::RetrySave => "Write to the session file again.",
            Self::OpenData | Self::OpenPath(_) | Self::OpenUnpacked { .. } => {
                "Open a CSV, JSON or Parquet file, a folder of images, or what another tool wrote."
            }
            Self::Export | Self::ExportTo(_) => {
                "Write a training CSV with your corrections, or another tool's format."
            }
            Self::ChooseModel | Self::LoadModel(_) => "Load another model or adapter.",
            Self::UnloadModel => "Drop the model; its predictions stay in the session.",
            Self::ManageModels => {
                "What is here, how large it is, what memory it needs; use, fetch, delete."
            }
            Self::DeleteModel(_) => "Delete it from the Hub’s cache.",
            Self::DeleteThumbnails => "They are made again as posts come into sight.",
            Self::Download(_) => "Fetch it from the Hugging Face Hub.",
            Self::Pause => "Stop after the posts being predicted now.",
            Self::Resume => "Go on predicting.",
            Self::CancelRun => "Stop predicting; what is done stays.",
            Self::Predict => "Predict the posts that have no prediction yet.",
            Self::RetryFailed => {
                "Ask the model once more about the posts that it could not answer."
            }
            Self::SetFilter(_) => "Which posts the queue shows.",
            Self::SetOrder(_) => "In which order the queue stands.",
            Self::Select(_) => {
                "Ctrl and a click pick a post, Shift and a click all between; then decide them at once."
            }
            Self::Bulk(bulk) => bulk.tooltip(),
            Self::Search => "Find posts by their text.",
            Self::ShowQueue => "Show the queue in place of the post, or the post again.",
            Self::ShowProblems => "What is wrong with the data, row by row.",
            Self::SetTruth(_) => "What predictions are compared with.",
            Self::SetSample(_) => {
                "Over which posts the figures go; the front of a shuffle is a fair sample."
            }
            Self::ToggleBlur => "Blur every picture until you hold Space or press on it.",
            Self::ToggleGrey => "Take the colour out of every picture.",
            Self::ToggleZoom => "Show the picture fitted, or in its own size.",
            Self::SetTheme(_) => "Light, dark, or as the desktop has it.",
            Self::ShowSettings(_) | Self::ChangeSettings(_) => {
                "Pictures and breaks, blind mode, your name, theme and size."
            }
            Self::ShowPalette => "Find any command, queue or post by a few letters.",
            Self::ShowTour => "What is where in this window, in eight steps.",
            Self::ShowKeys => "Show every key.",
            Self::About => "What this program is, and its version.",
            Self::DismissBanner => "Put this line away.",
            Self::Quit => "Close the window; everything is kept.",
        }
    }

    /// The icon.
    pub fn icon(&self) -> MaterialIcon {
        match self {
            Self::Toggle(_) => icons::ICON_CHECK_BOX,
            Self::ChooseNone => icons::ICON_BLOCK,
            Self::Confirm => icons::ICON_CHECK,
            Self::Accept => icons::ICON_DONE_ALL,
            Self::Reveal => icons::ICON_VISIBILITY,
            Self::SetBlind(_) => icons::ICON_VISIBILITY_OFF,
            Self::Previous => icons::ICON_CHEVRON_LEFT,
            Self::Next => icons::ICON_CHEVRON_RIGHT,
            Self::Skip => icons::ICON_SKIP_NEXT,
            Self::Escalate => icons::ICON_SUPERVISOR_ACCOUNT,
            Self::Flag => icons::ICON_FLAG,
            Self::EditNote | Self::SaveNote { .. } => icons::ICON_EDIT_NOTE,
            Self::ShowAnswer => icons::ICON_DATA_OBJECT,
            Self::ShowSeen => icons::ICON_IMAGE_SEARCH,
            Self::ShowProbe | Self::AskProbe { .. } => icons::ICON_SCIENCE,
            Self::People(people) => people.icon(),
            Self::ShowRuns | Self::CompareWith(_) => icons::ICON_COMPARE,
            Self::ShowBelow(Below::Policy) => icons::ICON_MENU_BOOK,
            Self::ShowBelow(_) | Self::ShowRun(_) => icons::ICON_VISIBILITY,
            Self::ShowMetrics => icons::ICON_BAR_CHART,
            Self::ExportFigure(_) | Self::ExportFigureTo(_) => icons::ICON_FILE_DOWNLOAD,
            Self::GoTo(_) => icons::ICON_ARROW_FORWARD,
            Self::Undo => icons::ICON_UNDO,
            Self::Redo => icons::ICON_REDO,
            Self::Hide => icons::ICON_VISIBILITY_OFF,
            Self::RetrySave => icons::ICON_SYNC,
            Self::RetryFailed => icons::ICON_REPLAY,
            Self::OpenData | Self::OpenPath(_) | Self::OpenUnpacked { .. } => {
                icons::ICON_FOLDER_OPEN
            }
            Self::Export | Self::ExportTo(_) => icons::ICON_FILE_DOWNLOAD,
            Self::ChooseModel | Self::LoadModel(_) => icons::ICON_DEPLOYED_CODE,
            Self::ManageModels => icons::ICON_HARD_DRIVE,
            Self::DeleteModel(_) | Self::DeleteThumbnails => icons::ICON_DELETE,
            Self::Download(_) => icons::ICON_CLOUD_DOWNLOAD,
            Self::UnloadModel | Self::DismissBanner | Self::Quit => icons::ICON_CLOSE,
            Self::Pause => icons::ICON_PAUSE,
            Self::Resume | Self::Predict => icons::ICON_PLAY_ARROW,
            Self::CancelRun => icons::ICON_STOP,
            Self::SetFilter(_) => icons::ICON_FILTER_LIST,
            Self::SetOrder(_) => icons::ICON_SORT,
            Self::Select(Select::Nothing) => icons::ICON_CLOSE,
            Self::Select(Select::Shown) => icons::ICON_CHECK_BOX,
            Self::Select(_) => icons::ICON_SELECT_ALL,
            Self::Bulk(bulk) => bulk.icon(),
            Self::Search => icons::ICON_SEARCH,
            Self::ShowQueue => icons::ICON_LISTS,
            Self::ShowProblems => icons::ICON_WARNING,
            Self::SetTruth(_) => icons::ICON_RULE,
            Self::SetSample(_) => icons::ICON_SHUFFLE,
            Self::ToggleBlur => icons::ICON_BLUR_ON,
            Self::ToggleGrey => icons::ICON_FILTER_B_AND_W,
            Self::ToggleZoom => icons::ICON_FIT_SCREEN,
            Self::SetTheme(_) => icons::ICON_CONTRAST,
            Self::ShowSettings(_) | Self::ChangeSettings(_) => icons::ICON_SETTINGS,
            Self::ShowPalette => icons::ICON_TERMINAL,
            Self::ShowTour => icons::ICON_EXPLORE,
            Self::ShowKeys => icons::ICON_KEYBOARD,
            Self::About => icons::ICON_INFO,
        }
    }
}
