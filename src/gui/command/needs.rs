//! What must be there for a command to do anything.

use super::Command;
use crate::gui::bench::Select;

impl Command {
    /// Whether it says something about the post on screen, which must have been seen before.
    pub fn decides(&self) -> bool {
        matches!(
            self,
            Self::Toggle(_)
                | Self::ChooseNone
                | Self::Confirm
                | Self::Accept
                | Self::Reveal
                | Self::Skip
                | Self::Escalate
                | Self::Flag
        )
    }

    /// Whether it is about the post on screen, or goes to another one: not while figures stand in its place.
    pub fn needs_the_post(&self) -> bool {
        self.decides()
            || matches!(
                self,
                Self::Previous
                    | Self::Next
                    | Self::EditNote
                    | Self::ToggleZoom
                    | Self::Select(Select::Shown)
            )
    }

    /// Whether it needs an open dataset.
    pub fn needs_session(&self) -> bool {
        self.needs_the_post()
            || matches!(
                self,
                Self::SetBlind(_)
                    | Self::SaveNote { .. }
                    | Self::GoTo(_)
                    | Self::Undo
                    | Self::Redo
                    | Self::Hide
                    | Self::RetrySave
                    | Self::Export
                    | Self::ExportTo(_)
                    | Self::Predict
                    | Self::ShowSeen
                    | Self::ShowProbe
                    | Self::AskProbe { .. }
                    | Self::People(_)
                    | Self::ShowRuns
                    | Self::ShowMetrics
                    | Self::ExportFigure(_)
                    | Self::ExportFigureTo(_)
                    | Self::SetSample(_)
                    | Self::ShowRun(_)
                    | Self::CompareWith(_)
                    | Self::RetryFailed
                    | Self::Select(_)
                    | Self::Bulk(_)
                    | Self::Search
                    | Self::ShowQueue
                    | Self::ShowAnswer
                    | Self::ShowBelow(_)
                    | Self::ShowProblems
                    | Self::SetTruth(_)
                    | Self::SetFilter(_)
                    | Self::SetOrder(_)
            )
    }
}
