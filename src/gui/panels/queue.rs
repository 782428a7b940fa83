//! The queue on the left: which posts, in which order, and where each stands. Only the rows on screen are worked on.

use egui::{Id, Rect, ScrollArea, Stroke, Ui, pos2, style::ScrollAnimation, vec2};
use egui_material_icons::icons;

use super::{
    queue_choices,
    queue_row::{QueueRow, ROW},
};
use crate::{
    gui::{
        bench::{Bench, Select},
        command::{Bulk, Command},
        pace::TYPING_PAUSE_SECS,
        texture::TextureCache,
        theme::{self, Palette, space},
        widgets::{self, empty_state, field},
    },
    review::queue::Filter,
};

/// From this many posts on, a search waits for the end of a word.
const MANY: usize = 20_000;

/// In windows of fewer points, as a large zoom makes them, the queue gives its room to the post; asked for, it stands in the
/// post's place.
pub const ROOM_BESIDE: f32 = 820.0;

/// What the panel shows.
pub struct QueuePanel<'a> {
    /// The open dataset.
    pub bench: &'a Bench,
    /// Its pictures.
    pub textures: &'a mut TextureCache,
    /// Whether pictures are blurred.
    pub blur: bool,
    /// Whether texts are covered.
    pub cover_text: bool,
}

/// The panel's own state.
#[derive(Default)]
pub struct QueueView {
    search: String,
    /// When the last letter was typed, while the search was not carried out yet.
    typed_at: Option<f64>,
    wants_focus: bool,
    wants_cursor: bool,
    lacks_room: bool,
    in_place: bool,
}

impl QueueView {
    /// Brings the post on screen into view.
    pub fn scroll_to_cursor(&mut self) {
        self.wants_cursor = true;
    }

    /// Empties the search field.
    pub fn clear_search(&mut self) {
        self.search.clear();
        self.typed_at = None;
    }

    /// Whether it stands in the post's place, where there is no room for both.
    pub fn is_in_place(&self) -> bool {
        self.in_place
    }

    /// Whether there is no room for it beside the post.
    pub fn lacks_room(&self) -> bool {
        self.lacks_room
    }

    /// Asks for it in the post's place, or for the post again, where there is no room for both; whether it is there now.
    pub fn put_in_place(&mut self, in_place: bool) -> bool {
        self.in_place = in_place && self.lacks_room;
        self.in_place
    }

    /// Takes note whether there is room for it beside the post.
    pub fn note_room(&mut self, has_room: bool) {
        self.lacks_room = !has_room;
        self.in_place &= self.lacks_room;
    }

    /// Puts the keyboard into the search field.
    pub fn focus_search(&mut self) {
        self.wants_focus = true;
    }
}

impl QueuePanel<'_> {
    /// Draws it. Returns the text to search for, if that changed.
    pub fn show(
        mut self,
        ui: &mut Ui,
        view: &mut QueueView,
        out: &mut Vec<Command>,
    ) -> Option<String> {
        let mut search = None;
        egui::Frame::new()
            .inner_margin(egui::Margin::symmetric(12, 10))
            .show(ui, |ui| {
                search = self.search_ui(ui, view);
                self.choices_ui(ui, out);
                self.selection_ui(ui, out);
            });
        ui.painter().hline(
            ui.max_rect().x_range(),
            ui.cursor().top() - 4.0,
            Stroke::new(1.0, Palette::from_ui(ui).line),
        );
        if self.bench.queue().is_empty() {
            self.nothing_ui(ui, view, out);
        } else {
            self.rows_ui(ui, view, out);
        }
        search
    }

    fn search_ui(&self, ui: &mut Ui, view: &mut QueueView) -> Option<String> {
        let id = Id::unique("search_posts");
        let hint = theme::caption(ui, "Search the text").size(13.0);
        let edit = field(&mut view.search)
            .id(id)
            .hint_text(hint)
            .prefix(widgets::icon(icons::ICON_SEARCH));
        let response = ui.add(edit).accessible_name("Search the text");
        if std::mem::take(&mut view.wants_focus) {
            response.request_focus();
        }
        let now = ui.ctx().time();
        if response.changed() {
            view.typed_at = Some(now);
        }
        let typed_at = view.typed_at?;
        let pause = if self.bench.session.dataset().posts.len() < MANY {
            0.0
        } else {
            TYPING_PAUSE_SECS
        };
        if now - typed_at < pause {
            ui.ctx().request_repaint_after_secs(pause as f32);
            return None;
        }
        view.typed_at = None;
        Some(view.search.clone())
    }

    fn choices_ui(&self, ui: &mut Ui, out: &mut Vec<Command>) {
        queue_choices::show(ui, self.bench, out);
        let (shown, all) = (
            self.bench.queue().len(),
            self.bench.session.dataset().posts.len(),
        );
        let count = if shown == all {
            widgets::posts(all)
        } else {
            format!("{} of {}", widgets::thousands(shown), widgets::posts(all))
        };
        let text = match self.bench.place() {
            _ if self.bench.is_queue_on_its_way() => "Looking…".to_owned(),
            Some(place) => format!("{count} · at {}", widgets::thousands(place + 1)),
            None => count,
        };
        ui.label(theme::caption(ui, text));
        let session = &self.bench.session;
        if self.bench.filter.is_of_figure() && !session.topics_put_away().is_empty() {
            let text = "Figures count posts that are put away; they are not shown here.";
            ui.add(egui::Label::new(theme::caption(ui, text)).wrap());
        }
        // A queue may say what blind mode hides.
        let tells = queue_choices::tells_answers(self.bench);
        if tells && self.bench.session.blind_mode().is_on() {
            let text =
                "This queue is made from the model’s answers: it says something of what is hidden.";
            let text = theme::caption(ui, text).color(Palette::from_ui(ui).warn);
            ui.add(egui::Label::new(text).wrap());
        }
    }

    /// What can be done with the picked posts.
    fn selection_ui(&self, ui: &mut Ui, out: &mut Vec<Command>) {
        let picked = self.bench.selection().len();
        if picked == 0 {
            return;
        }
        ui.horizontal(|ui| {
            let text = format!("{} selected", widgets::thousands(picked));
            ui.label(theme::strong(text));
            widgets::icon_button(ui, Command::Select(Select::Nothing), true, out);
        });
        // In a row of its own: beside the count it would widen the panel, and what is wide stays wide.
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = space::XS;
            for bulk in Bulk::ALL {
                widgets::icon_button(ui, Command::Bulk(bulk), true, out);
            }
        });
    }

    fn nothing_ui(&self, ui: &mut Ui, view: &mut QueueView, out: &mut Vec<Command>) {
        let searching = !self.bench.search.is_empty();
        let (title, text) = match self.bench.filter {
            _ if searching => ("Nothing found", "No post of this queue has that text."),
            Filter::Todo => ("All done", "Every post is confirmed, skipped or escalated."),
            Filter::All => ("No posts", "The dataset has no row that could be read."),
            _ => ("Nothing here", "No post belongs to this queue now."),
        };
        empty_state(ui, icons::ICON_INBOX, title, text, |ui| {
            if searching {
                if ui.button("Clear the search").clicked() {
                    view.search.clear();
                    view.typed_at = Some(f64::NEG_INFINITY);
                    ui.ctx().request_repaint();
                }
            } else if self.bench.filter == Filter::Todo {
                widgets::button(ui, Command::Export, true, out);
            }
            if self.bench.filter != Filter::All && ui.button("Show all posts").clicked() {
                out.push(Command::SetFilter(Filter::All));
            }
        });
    }

    fn rows_ui(&mut self, ui: &mut Ui, view: &mut QueueView, out: &mut Vec<Command>) {
        let count = self.bench.queue().len();
        let mut row = QueueRow {
            bench: self.bench,
            textures: self.textures,
            blur: self.blur,
            cover_text: self.cover_text,
        };
        ScrollArea::vertical()
            .id_salt("queue_rows")
            .auto_shrink(false)
            .show_viewport(ui, |ui, viewport| {
                ui.set_height(ROW * count as f32);
                let room = ui.max_rect();
                let row_rect = |row: usize| {
                    let top = room.top() + ROW * row as f32;
                    Rect::from_min_size(pos2(room.left(), top), vec2(room.width(), ROW))
                };
                if std::mem::take(&mut view.wants_cursor)
                    && let Some(place) = self.bench.place()
                {
                    let rect = row_rect(place).expand2(vec2(0.0, ROW));
                    ui.scroll_to_rect_animation(rect, None, ScrollAnimation::none());
                }
                let first = (viewport.min.y / ROW).floor().max(0.0) as usize;
                let last = ((viewport.max.y / ROW).ceil().max(0.0) as usize).min(count);
                let rows = self.bench.queue().get(first..last).unwrap_or_default();
                for (offset, post) in rows.iter().enumerate() {
                    let rect = row_rect(first + offset);
                    row.show(ui, rect, *post as usize, out);
                }
            });
    }
}
