//! Small parts that several panels share.

use egui::{
    Align2, Button, Color32, CornerRadius, FontId, Margin, Response, RichText, Role, Sense, Stroke,
    Ui, WidgetInfo, WidgetText, vec2,
};
use egui::{ScrollArea, TextEdit, containers::menu::MenuButton};
use egui_material_icons::MaterialIcon;

use super::{
    command::Command,
    focus,
    theme::{self, ICON, Palette, RADIUS, SMALL, space},
};

/// An icon beside running text.
pub fn icon(icon: MaterialIcon) -> RichText {
    icon.rich_text().size(ICON)
}

/// An icon on its own, for the eye only: the words beside it say the same to screen readers.
pub fn symbol(ui: &mut Ui, icon: MaterialIcon, color: Color32, size: f32) {
    let (rect, _) = ui.allocate_exact_size(vec2(size, size), Sense::hover());
    let font = FontId::new(size, icon.font_family());
    let painter = ui.painter();
    painter.text(
        rect.center(),
        Align2::CENTER_CENTER,
        icon.codepoint,
        font,
        color,
    );
}

/// A line that can be clicked, with an icon in front: an entry of a list.
pub fn entry(ui: &mut Ui, symbol: MaterialIcon, text: &str) -> Response {
    ui.add(Button::new((icon(symbol), text)).frame_when_inactive(false))
        .accessible_name(text)
}

/// Whether a dialog stands in front of it. egui would leave a tooltip open above the dialog for as long as the pointer rests.
fn is_behind_dialog(response: &Response) -> bool {
    let layer = response.layer_id;
    !response
        .ctx
        .memory(|memory| memory.is_above_modal_layer(layer))
}

/// Adds a tooltip of some words.
pub fn with_words(response: Response, words: impl Into<WidgetText>) -> Response {
    if is_behind_dialog(&response) {
        return response;
    }
    response.on_hover_text(words)
}

/// Adds the tooltip of a command: what it is, what it does, its key.
pub fn with_tooltip(response: Response, command: &Command) -> Response {
    if is_behind_dialog(&response) {
        return response;
    }
    response.on_hover_ui(|ui| {
        ui.set_max_width(280.0);
        ui.horizontal(|ui| {
            ui.label(theme::strong(command.label()));
            if let Some(key) = command.shortcut_text(ui.ctx()) {
                key_cap(ui, &key);
            }
        });
        ui.label(theme::caption(ui, command.tooltip()));
    })
}

/// A button of an icon alone; its name is in the tooltip and for screen readers.
pub fn icon_button(ui: &mut Ui, command: Command, enabled: bool, out: &mut Vec<Command>) {
    let button = Button::new(icon(command.icon())).frame_when_inactive(false);
    let response = ui.add_enabled(enabled, button.min_size(vec2(28.0, 28.0)));
    let response = response.accessible_name(command.label());
    if with_tooltip(response, &command).clicked() {
        out.push(command);
    }
}

/// A button of icon and words.
pub fn button(ui: &mut Ui, command: Command, enabled: bool, out: &mut Vec<Command>) {
    let label = command.label();
    let response = ui.add_enabled(enabled, Button::new((icon(command.icon()), label.as_ref())));
    let response = response.accessible_name(label);
    if with_tooltip(response, &command).clicked() {
        out.push(command);
    }
}

/// The one button of a page that most people will want.
pub fn primary_button(ui: &mut Ui, command: Command, enabled: bool, out: &mut Vec<Command>) {
    let label = command.label();
    let response = primary(ui, command.icon(), &label, enabled);
    if with_tooltip(response, &command).clicked() {
        out.push(command);
    }
}

/// The look of the primary button, for dialogs that act on their own.
pub fn primary(ui: &mut Ui, symbol: MaterialIcon, label: &str, enabled: bool) -> Response {
    let palette = Palette::from_ui(ui);
    let text = theme::strong(label).color(palette.on_accent);
    let symbol = icon(symbol).color(palette.on_accent);
    let button = Button::new((symbol, text))
        .fill(palette.accent_fill)
        .stroke(Stroke::NONE);
    ui.add_enabled(enabled, button).accessible_name(label)
}

/// A key as it stands on the keyboard.
pub fn key_cap(ui: &mut Ui, key: &str) -> Response {
    let palette = Palette::from_ui(ui);
    let galley = ui
        .painter()
        .layout_no_wrap(key.to_owned(), key_font(), palette.weak);
    let size = vec2((galley.size().x + 10.0).max(20.0), 19.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    ui.painter().rect(
        rect,
        CornerRadius::same(4),
        palette.raised,
        Stroke::new(1.0, palette.line),
        egui::StrokeKind::Inside,
    );
    let at = Align2::CENTER_CENTER
        .align_size_within_rect(galley.size(), rect)
        .min;
    ui.painter().galley(at, galley, palette.weak);
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, key));
    response
}

/// The font of key caps.
pub fn key_font() -> FontId {
    FontId::new(SMALL, theme::strong_family())
}

/// A word in a coloured outline.
pub fn badge(ui: &mut Ui, text: &str, color: Color32) -> Response {
    let galley = ui
        .painter()
        .layout_no_wrap(text.to_owned(), key_font(), color);
    let size = galley.size() + vec2(12.0, 4.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    ui.painter().rect(
        rect,
        CornerRadius::same(RADIUS),
        color.gamma_multiply(0.10),
        Stroke::new(1.0, color.gamma_multiply(0.6)),
        egui::StrokeKind::Inside,
    );
    ui.painter()
        .galley(rect.min + vec2(6.0, 2.0), galley, color);
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, text));
    response
}

/// A few choices side by side, one of them chosen. Returns the one clicked.
pub fn segmented<T: PartialEq + Copy>(
    ui: &mut Ui,
    name: &str,
    chosen: T,
    choices: &[(T, &str, &str)],
) -> Option<T> {
    let palette = Palette::from_ui(ui);
    let mut clicked = None;
    egui::Frame::new()
        .fill(palette.ground)
        .corner_radius(CornerRadius::same(RADIUS))
        .inner_margin(Margin::same(2))
        .show(ui, |ui| {
            // With the margins as high as a button.
            ui.spacing_mut().interact_size.y = theme::ROW_HEIGHT - 4.0;
            ui.horizontal(|ui| {
                ui.spacing_mut().item_spacing.x = 2.0;
                ui.spacing_mut().button_padding = vec2(8.0, 1.0);
                // A row filled from its right end still reads from the left.
                let mut choices: Vec<_> = choices.iter().collect();
                if ui.layout().prefer_right_to_left() {
                    choices.reverse();
                }
                for (value, label, tooltip) in choices {
                    let selected = *value == chosen;
                    let color = if selected { palette.text } else { palette.weak };
                    let text = RichText::new(*label).size(12.0).color(color);
                    let text = if selected {
                        text.family(theme::strong_family())
                    } else {
                        text
                    };
                    let button = Button::new(text)
                        .fill(if selected {
                            palette.hover
                        } else {
                            Color32::TRANSPARENT
                        })
                        .stroke(Stroke::NONE);
                    let response = with_words(ui.add(button), *tooltip);
                    response.widget_info(|| {
                        let full = format!("{name}: {label}");
                        WidgetInfo::selected(Role::RadioButton, true, selected, full)
                    });
                    if response.clicked() {
                        clicked = Some(*value);
                    }
                }
            });
        });
    clicked
}

/// A button that opens a list of choices.
pub fn choice<T: PartialEq + Copy>(
    ui: &mut Ui,
    (name, symbol): (&str, MaterialIcon),
    width: f32,
    chosen: T,
    choices: &[(T, &str, &str)],
) -> Option<T> {
    let palette = Palette::from_ui(ui);
    let mut clicked = None;
    let chosen_name = choices
        .iter()
        .find(|(choice, ..)| *choice == chosen)
        .map_or("", |(_, name, _)| name);
    let text = RichText::new(chosen_name).size(12.5);
    let button = Button::new((icon(symbol).color(palette.weak), text))
        .truncate()
        .min_size(vec2(width, 0.0));
    ui.scope(|ui| {
        ui.set_max_width(width);
        let (response, list) = MenuButton::from_button(button).ui(ui, |ui| {
            ui.set_min_width(220.0);
            ScrollArea::vertical().max_height(560.0).show(ui, |ui| {
                for (value, label, tooltip) in choices {
                    let response = ui.selectable_label(*value == chosen, *label);
                    if response.on_hover_text(*tooltip).clicked() {
                        clicked = Some(*value);
                        ui.close();
                    }
                }
                focus::follow(ui);
            });
        });
        if let Some(list) = list {
            // Where press and release come in one frame, a dialog that opens in the same way stays before it.
            ui.ctx().move_to_top(list.response.layer_id);
        }
        let full = format!("{name}: {chosen_name}");
        with_words(response.accessible_name(full.as_str()), full);
    });
    clicked
}

/// A field of one line, its text in the middle of its height.
pub fn field(text: &mut String) -> TextEdit<'_> {
    TextEdit::singleline(text)
        .align(Align2::LEFT_CENTER)
        .min_size(vec2(0.0, theme::ROW_HEIGHT))
        .desired_width(f32::INFINITY)
}

/// A row that is filled from its right end, so that what comes last takes the room that is left.
pub fn row_from_right<R>(ui: &mut Ui, content: impl FnOnce(&mut Ui) -> R) -> R {
    let size = vec2(ui.available_width(), theme::ROW_HEIGHT);
    let layout = egui::Layout::right_to_left(egui::Align::Center);
    ui.allocate_ui_with_layout(size, layout, content).inner
}

/// Draws check boxes and radio buttons with outlines that can be seen (3 : 1 against the ground).
pub fn outlined<R>(ui: &mut Ui, content: impl FnOnce(&mut Ui) -> R) -> R {
    let outline = Palette::from_ui(ui).outline;
    ui.scope(|ui| {
        ui.visuals_mut().widgets.inactive.bg_stroke.color = outline;
        content(ui)
    })
    .inner
}

/// A page with nothing on it: what that means, and what to do.
pub fn empty_state(
    ui: &mut Ui,
    symbol: MaterialIcon,
    title: &str,
    text: &str,
    actions: impl FnOnce(&mut Ui),
) {
    let palette = Palette::from_ui(ui);
    let height = ui.available_height();
    ui.vertical_centered(|ui| {
        ui.add_space((height * 0.30 - 40.0).max(space::L));
        self::symbol(ui, symbol, palette.weak, 36.0);
        ui.label(theme::strong(title).size(theme::HEADING));
        ui.scope(|ui| {
            ui.set_max_width(440.0_f32.min(ui.available_width() - 2.0 * space::L));
            ui.label(RichText::new(text).color(palette.weak));
            ui.add_space(space::S);
            actions(ui);
        });
    });
}

/// An icon and a sentence in one colour, wrapped.
pub fn notice(ui: &mut Ui, symbol: MaterialIcon, color: Color32, text: &str) -> Response {
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        self::symbol(ui, symbol, color, ICON);
        ui.add(egui::Label::new(RichText::new(text).color(color)).wrap())
    })
    .inner
}

/// A figure with thousands set apart: `150,000`.
pub fn thousands(n: usize) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// “1 post”, “2 posts”.
pub fn posts(n: usize) -> String {
    if n == 1 {
        "1 post".to_owned()
    } else {
        format!("{} posts", thousands(n))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_as_people_write_them() {
        for (n, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (150_000, "150,000"),
        ] {
            assert_eq!(thousands(n), text);
        }
        assert_eq!(
            (posts(1), posts(2)),
            ("1 post".to_owned(), "2 posts".to_owned())
        );
    }
}
