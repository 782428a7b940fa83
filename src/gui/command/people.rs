//! What has to do with other people who decide the same posts.

use std::path::PathBuf;

use egui_material_icons::{MaterialIcon, icons};

use crate::review::gold::GoldRequest;

/// Something to do about other people.
#[derive(Clone, PartialEq, Debug)]
pub enum People {
    /// Agreement with second reviewers.
    ShowSeconds,
    /// Read what a second reviewer decided from that person's session.
    Import(PathBuf),
    /// Take the second reviewer away that was read from this file.
    Forget(PathBuf),
    /// Call the second reviewer who was read from a file something else.
    Rename {
        /// The file.
        file: PathBuf,
        /// The new name.
        name: String,
    },
    /// Posts whose labels are known.
    ShowGold,
    /// Mix gold posts into the queue.
    TakeGold(GoldRequest),
    /// Take the gold posts out of the queue.
    RemoveGold,
}

impl People {
    /// The words on menus and buttons.
    pub(super) fn label(&self) -> &'static str {
        match self {
            Self::ShowSeconds => "Second reviewers…",
            Self::Import(_) => "Import",
            Self::Forget(_) => "Take away",
            Self::Rename { .. } => "Rename",
            Self::ShowGold => "Gold posts…",
            Self::TakeGold(_) => "Mix in",
            Self::RemoveGold => "Take the gold posts out",
        }
    }

    /// A sentence for the tooltip.
    pub(super) fn tooltip(&self) -> &'static str {
        match self {
            Self::ShowSeconds | Self::Import(_) => {
                "Import somebody else’s session: agreement by label, and conflicts to settle."
            }
            Self::ShowGold | Self::TakeGold(_) => {
                "Posts whose labels are known come up among the others, to see how well you do."
            }
            Self::RemoveGold => "No post comes up as a check any more; what you decided stays.",
            Self::Rename { .. } => {
                "Call this person something else in this session; that person’s own stays as it is."
            }
            Self::Forget(_) => {
                "Take this person’s decisions out of this session; that person’s own stays as it is."
            }
        }
    }

    /// The icon.
    pub(super) fn icon(&self) -> MaterialIcon {
        match self {
            Self::ShowSeconds | Self::Import(_) => icons::ICON_GROUP,
            Self::Forget(_) => icons::ICON_DELETE,
            Self::Rename { .. } => icons::ICON_EDIT,
            Self::ShowGold | Self::TakeGold(_) | Self::RemoveGold => icons::ICON_STAR,
        }
    }
}
