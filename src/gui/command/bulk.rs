//! What can be done to several posts at once.

use egui_material_icons::{MaterialIcon, icons};

/// What can be done to several posts at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Bulk {
    /// Confirm the labels in front of each: those being edited or confirmed, else the model's, else the dataset's; posts
    /// without any, or whose answer is hidden, stay as they are.
    Confirm,
    /// Confirm what the model said of each; posts without a readable answer, or whose answer is hidden, stay as they are.
    Accept,
    /// Confirm that no label applies to any of them.
    ChooseNone,
    /// Put them aside.
    Skip,
    /// Leave them to someone else.
    Escalate,
    /// Mark them.
    Flag,
}

impl Bulk {
    /// All of them, in the order of the buttons.
    pub const ALL: [Self; 6] = [
        Self::Confirm,
        Self::Accept,
        Self::ChooseNone,
        Self::Skip,
        Self::Escalate,
        Self::Flag,
    ];

    /// The words on menus and buttons.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Confirm => "Confirm the labels of the selected posts",
            Self::Accept => "Accept the predictions of the selected posts",
            Self::ChooseNone => "Confirm none for the selected posts",
            Self::Skip => "Skip the selected posts",
            Self::Escalate => "Escalate the selected posts",
            Self::Flag => "Flag the selected posts",
        }
    }

    /// A sentence for the tooltip.
    pub(super) fn tooltip(self) -> &'static str {
        match self {
            Self::Confirm => {
                "As they stand: yours, else the model’s, else the dataset’s; one undo takes it back."
            }
            _ => "Do it to all of them; one undo takes it back.",
        }
    }

    /// The icon.
    pub(super) fn icon(self) -> MaterialIcon {
        match self {
            Self::Confirm => icons::ICON_CHECK,
            Self::Accept => icons::ICON_DONE_ALL,
            Self::ChooseNone => icons::ICON_BLOCK,
            Self::Skip => icons::ICON_SKIP_NEXT,
            Self::Escalate => icons::ICON_SUPERVISOR_ACCOUNT,
            Self::Flag => icons::ICON_FLAG,
        }
    }
}
