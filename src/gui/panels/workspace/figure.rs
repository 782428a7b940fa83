//! A figure on screen: the same marks as in its files, values under the pointer, and a way to export it.

use egui::{
    Color32, Painter, Pos2, Rect, Response, Role, Sense, Shape, Stroke, Ui, WidgetInfo,
    epaint::TextShape, pos2, vec2,
};
use egui_material_icons::icons;

use super::zoom;
use crate::{
    export::figure::{
        Content, Figure, Grid, Ink,
        layout::{Align, Layout, Mark, lay_out_part},
        part::Part,
        ticks::words,
    },
    gui::{
        command::Command,
        theme::{self, Palette},
        widgets,
    },
};

/// How near the pointer must be to a point to tell its values, in points.
const REACH: f32 = 18.0;

/// Where Inter's base line is, as a share of the size below the top of a line.
const ASCENT: f32 = 0.969;

/// A height: a share of the width, and so that the figure and `others` points of what is around it are in sight together.
pub fn height(ui: &Ui, share: f32, others: f32) -> f32 {
    let room = ui.clip_rect().height() - others - 60.0;
    (ui.available_width() * share).min(room).clamp(230.0, 620.0)
}

/// Draws a figure over the whole width.
pub fn show(ui: &mut Ui, figure: &Figure, height: f32, out: &mut Vec<Command>) {
    let (response, layout) = draw(ui, figure, height, out);
    let Content::Plot(plot) = &figure.content else {
        return;
    };
    let frame = on_screen(&layout, &response);
    let before = zoom::part(ui, &figure.name);
    let part = zoom::steer(ui, &response, frame, plot, before);
    if part != before {
        zoom::set(ui, &figure.name, part);
        ui.ctx().request_repaint();
    }
    zoom::hint(ui, &response, frame, part);
    if let Some(pointer) = response.hover_pos() {
        let to_screen = |at: (f32, f32)| response.rect.min + vec2(at.0, at.1);
        let distance = |at: (f32, f32)| to_screen(at).distance(pointer);
        let nearest = layout
            .targets
            .iter()
            .filter(|target| frame.expand(1.0).contains(to_screen(target.at)))
            .min_by(|a, b| distance(a.at).total_cmp(&distance(b.at)))
            .filter(|target| distance(target.at) < REACH);
        if let Some(target) = nearest
            && let Some(series) = plot.series.get(target.series)
            && let Some(point) = series.points.get(target.point)
        {
            let stroke = Stroke::new(1.5, Palette::from_ui(ui).text);
            ui.painter()
                .circle_stroke(to_screen(target.at), 6.0, stroke);
            let text = words(plot, series, point);
            response.on_hover_ui_at_pointer(|ui| {
                ui.label(text);
            });
        }
    }
}

/// Draws a table of counts whose cells can be clicked: `click` says what for.
pub fn show_grid(
    ui: &mut Ui,
    figure: &Figure,
    height: f32,
    out: &mut Vec<Command>,
    click: impl Fn(usize, usize) -> Option<(Command, String)>,
) {
    let (response, layout) = draw(ui, figure, height, out);
    let Content::Grid(grid) = &figure.content else {
        return;
    };
    for row in 0..grid.rows.len() {
        for column in 0..grid.columns.len() {
            if grid.get(row, column) > 0
                && let Some((command, name)) = click(row, column)
            {
                let rect = cell(grid, &layout, row, column).translate(response.rect.min.to_vec2());
                cell_ui(
                    ui,
                    rect,
                    response.id.with((row, column)),
                    command,
                    &name,
                    out,
                );
            }
        }
    }
}

fn cell(grid: &Grid, layout: &Layout, row: usize, column: usize) -> Rect {
    let frame = layout.frame;
    let width = (frame.right - frame.left) / grid.columns.len().max(1) as f32;
    let height = (frame.bottom - frame.top) / grid.rows.len().max(1) as f32;
    let min = pos2(
        frame.left + column as f32 * width,
        frame.top + row as f32 * height,
    );
    Rect::from_min_size(min, vec2(width, height)).shrink(1.0)
}

fn cell_ui(
    ui: &Ui,
    rect: Rect,
    id: egui::Id,
    command: Command,
    name: &str,
    out: &mut Vec<Command>,
) {
    let response = ui.interact(rect, id, Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, name));
    let palette = Palette::from_ui(ui);
    if response.hovered() {
        let stroke = Stroke::new(2.0, palette.accent);
        ui.painter()
            .rect_stroke(rect, 2.0, stroke, egui::StrokeKind::Inside);
    }
    if response.clicked() {
        out.push(command);
    }
    response.on_hover_text(name);
}

/// Heading, note, the way to export, and the marks.
fn draw(ui: &mut Ui, figure: &Figure, height: f32, out: &mut Vec<Command>) -> (Response, Layout) {
    ui.spacing_mut().item_spacing.y = 2.0;
    widgets::row_from_right(ui, |ui| {
        let symbol = widgets::icon(icons::ICON_FILE_DOWNLOAD);
        let button = egui::Button::new(symbol).frame_when_inactive(false);
        let name = format!("Export “{}”", figure.title);
        let response = ui.add(button).accessible_name(&name);
        if response
            .on_hover_text("Write the picture as SVG or PNG, or its numbers as CSV")
            .clicked()
        {
            out.push(Command::ExportFigure(Box::new(figure.clone())));
        }
        if !zoom::part(ui, &figure.name).is_whole() {
            let button =
                egui::Button::new(widgets::icon(icons::ICON_FIT_SCREEN)).frame_when_inactive(false);
            let name = format!("Show all of “{}”", figure.title);
            let response = ui.add(button).accessible_name(name);
            if response.on_hover_text("Show all of it").clicked() {
                zoom::set(ui, &figure.name, Part::WHOLE);
            }
        }
        ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
            ui.add(egui::Label::new(theme::strong(&figure.title)).truncate());
        });
    });
    ui.add(egui::Label::new(theme::caption(ui, &figure.note)).wrap());
    let size = vec2(ui.available_width(), height);
    let sense = match figure.content {
        Content::Plot(_) => Sense::click_and_drag(),
        Content::Grid(_) => Sense::hover(),
    };
    let (rect, response) = ui.allocate_exact_size(size, sense);
    let part = zoom::part(ui, &figure.name);
    response.widget_info(|| {
        let shown = if part.is_whole() { "" } else { ", a part" };
        let text = format!("Figure{shown}: {}. {}", figure.title, figure.note);
        WidgetInfo::labeled(Role::Image, true, text)
    });
    let layout = lay_out_part(figure, part, size.x, size.y, false);
    if ui.is_rect_visible(rect) {
        // Data beyond the axes is cut off; a dot on an axis is not.
        let frame = on_screen(&layout, &response).expand(4.0);
        let painter = ui.painter().clone();
        let data = painter.with_clip_rect(painter.clip_rect().intersect(frame));
        for (place, mark) in layout.marks.iter().enumerate() {
            let is_cut = !part.is_whole() && layout.data.contains(&place);
            paint(ui, if is_cut { &data } else { &painter }, rect.min, mark);
        }
    }
    (response, layout)
}

fn color(ui: &Ui, ink: Ink) -> Color32 {
    let palette = Palette::from_ui(ui);
    match ink {
        Ink::First => palette.accent,
        Ink::Second => palette.warn,
        Ink::Third => palette.good,
        Ink::Weak => palette.weak,
        Ink::Text => palette.text,
        Ink::Line => palette.line,
    }
}

/// The room between the axes, on screen.
fn on_screen(layout: &Layout, response: &Response) -> Rect {
    let frame = layout.frame;
    let [min, max] = [pos2(frame.left, frame.top), pos2(frame.right, frame.bottom)];
    Rect::from_min_max(min, max).translate(response.rect.min.to_vec2())
}

fn paint(ui: &Ui, painter: &Painter, origin: Pos2, mark: &Mark) {
    let place = |at: &(f32, f32)| origin + vec2(at.0, at.1);
    match mark {
        Mark::Line {
            points,
            ink,
            width,
            dash,
        } => {
            let points: Vec<Pos2> = points.iter().map(place).collect();
            let stroke = Stroke::new(*width, color(ui, *ink));
            match dash.lengths() {
                None => {
                    painter.line(points, stroke);
                }
                Some([on, off]) => {
                    painter.extend(Shape::dashed_line(&points, stroke, on, off));
                }
            }
        }
        Mark::Area {
            corners,
            ink,
            strength,
        } => {
            let corners = corners.iter().map(place).collect();
            let fill = color(ui, *ink).gamma_multiply(*strength);
            painter.add(Shape::convex_polygon(corners, fill, Stroke::NONE));
        }
        Mark::Disc { at, radius, ink } => {
            painter.circle_filled(place(at), *radius, color(ui, *ink));
        }
        Mark::Text {
            at,
            text,
            size,
            is_strong,
            ink,
            align,
            is_turned,
        } => {
            let family = match is_strong {
                true => theme::strong_family(),
                false => egui::FontFamily::Proportional,
            };
            let color = color(ui, *ink);
            let font = egui::FontId::new(*size, family);
            let galley = painter.layout_no_wrap(text.clone(), font, color);
            let before = match align {
                Align::Left => 0.0,
                Align::Center => galley.size().x / 2.0,
                Align::Right => galley.size().x,
            };
            let (place, ascent) = (place(at), size * ASCENT);
            if *is_turned {
                // Upwards: what is right in the text is up on screen.
                let corner = place + vec2(-ascent, before);
                let shape = TextShape::new(corner, galley, color);
                painter.add(shape.with_angle(-std::f32::consts::FRAC_PI_2));
            } else {
                painter.galley(place - vec2(before, ascent), galley, color);
            }
        }
    }
}
