//! The picture of a post: covered until asked for, fitted or in its own size, or why there is none.

use egui::{
    Align2, CornerRadius, FontId, Label, Rect, Role, ScrollArea, Sense, Stroke, StrokeKind,
    TextureHandle, Ui, UiBuilder, Vec2, WidgetInfo, vec2,
};
use egui_material_icons::icons;

use super::view::{PostView, key_to_see, way_to_see};
use crate::gui::{
    command::Command,
    picture::Form,
    scroll,
    settings::{Settings, Uncover},
    texture::{Picture, TextureCache, Urgency},
    theme::{self, Palette, space},
    widgets::{empty_state, notice},
};

/// The height from which on a message stands large in place of a picture, in points.
const ROOM_FOR_MESSAGE: f32 = 240.0;

/// Where the picture stands.
pub(super) struct Stage<'a> {
    pub(super) textures: &'a mut TextureCache,
    pub(super) settings: &'a Settings,
    pub(super) view: &'a mut PostView,
}

impl Stage<'_> {
    /// Draws the picture of a post.
    pub(super) fn show(&mut self, ui: &mut Ui, rect: Rect, index: usize, out: &mut Vec<Command>) {
        let response = ui.interact(rect, ui.scope_id().with("picture"), Sense::click_and_drag());
        self.view.clicked(ui, &response);
        let care = &self.settings.care;
        let held = care.uncover == Uncover::Hold && response.is_pointer_button_down_on();
        let covered = self.settings.blur && !held && !self.view.asks(ui, care);
        if response.double_clicked() {
            out.push(Command::ToggleZoom);
        }
        let (key, way) = (key_to_see(care.uncover), way_to_see(care.uncover));
        response.widget_info(|| {
            let state = match covered {
                true => format!("blurred, {key}"),
                false => "shown".to_owned(),
            };
            let text = format!("Picture of post {}: {state}", index + 1);
            WidgetInfo::labeled(Role::Image, true, text)
        });
        // Read ahead even while covered, so that asking to see it shows it at once.
        let full = self.textures.get(index, Form::Full, Urgency::Watched);
        let cover = self.textures.get(index, Form::Cover, Urgency::Watched);
        match (if covered { cover.clone() } else { full }, cover) {
            (Picture::Ready(texture), _) if covered => {
                paint_fitted(ui, rect, &texture);
                let text = |way| format!("Blurred · {way}");
                hint(ui, rect, [&text(way), &text(key)]);
            }
            (Picture::Ready(texture), _) => self.paint(ui, rect, &response, &texture),
            (Picture::Loading, Picture::Ready(cover)) => {
                paint_fitted(ui, rect, &cover);
            }
            (Picture::Failed(message), _) | (_, Picture::Failed(message)) => {
                failed_ui(ui, rect, &message);
            }
            (Picture::Loading | Picture::None, _) => {
                let palette = Palette::from_ui(ui);
                ui.painter()
                    .rect_filled(rect, CornerRadius::same(8), palette.surface);
            }
        }
    }

    fn paint(&self, ui: &mut Ui, rect: Rect, response: &egui::Response, texture: &TextureHandle) {
        if !self.view.full_size {
            paint_fitted(ui, rect, texture);
            return;
        }
        let size = texture.size_vec2() / ui.pixels_per_point();
        let mut ui = ui.new_child(UiBuilder::new().max_rect(rect));
        ScrollArea::both()
            .id_salt("picture_scroll")
            .auto_shrink(false)
            .show(&mut ui, |ui| {
                ui.scroll_with_delta(response.drag_delta());
                let room = size.max(rect.size());
                let (_, space) = ui.allocate_space(room);
                let at = Align2::CENTER_CENTER.align_size_within_rect(size, space);
                egui::Image::new(texture).paint_at(ui, at);
                scroll::by_keys_to_all_sides(ui);
            });
    }
}

fn paint_fitted(ui: &Ui, rect: Rect, texture: &TextureHandle) {
    let at = fit(texture.size_vec2(), rect);
    egui::Image::new(texture)
        .corner_radius(CornerRadius::same(6))
        .paint_at(ui, at);
}

/// The largest rectangle of a picture's proportions inside a room.
pub(super) fn fit(size: Vec2, room: Rect) -> Rect {
    let scale = (room.width() / size.x.max(1.0)).min(room.height() / size.y.max(1.0));
    Align2::CENTER_TOP.align_size_within_rect(size * scale, room)
}

/// Says in the middle how to see what is covered: at length where there is room, else in short.
pub(super) fn hint(ui: &Ui, rect: Rect, [long, short]: [&str; 2]) {
    let palette = Palette::from_ui(ui);
    let font = FontId::new(12.5, theme::strong_family());
    let laid_out = |text: &str| {
        let painter = ui.painter();
        painter.layout_no_wrap(text.to_owned(), font.clone(), palette.text)
    };
    let around = vec2(24.0, 12.0);
    let galley = Some(laid_out(long))
        .filter(|galley| galley.size().x + around.x <= rect.width())
        .unwrap_or_else(|| laid_out(short));
    let size = galley.size() + around;
    // In the middle, where messages at the bottom of the window cannot cover it.
    let at = Align2::CENTER_CENTER.align_size_within_rect(size, rect);
    let painter = ui.painter();
    let radius = CornerRadius::same(15);
    painter.rect(
        at,
        radius,
        palette.surface,
        Stroke::new(1.0, palette.line),
        StrokeKind::Inside,
    );
    painter.galley(at.min + vec2(12.0, 6.0), galley, palette.text);
}

fn failed_ui(ui: &mut Ui, rect: Rect, message: &str) {
    let palette = Palette::from_ui(ui);
    ui.painter()
        .rect_filled(rect, CornerRadius::same(8), palette.surface);
    let title = "This picture cannot be shown";
    if rect.height() >= ROOM_FOR_MESSAGE {
        let mut ui = ui.new_child(UiBuilder::new().max_rect(rect.shrink(space::L)));
        empty_state(&mut ui, icons::ICON_BROKEN_IMAGE, title, message, |_| {});
        return;
    }
    // A large zoom leaves little: the message scrolls, and stays off the text below.
    let mut ui = ui.new_child(UiBuilder::new().max_rect(rect.shrink(space::S)));
    ScrollArea::vertical()
        .id_salt("picture_failed")
        .auto_shrink(false)
        .show(&mut ui, |ui| {
            notice(ui, icons::ICON_BROKEN_IMAGE, palette.text, title);
            ui.add(Label::new(theme::caption(ui, message)).wrap());
        });
}
