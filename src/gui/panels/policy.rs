//! The guideline beside the labels, searchable.

use egui::{FontFamily, FontId, Frame, Margin, Stroke, TextFormat, Ui, text::LayoutJob};
use egui_material_icons::icons;

use crate::{
    gui::{
        theme::{self, Palette, space},
        widgets::{self, field},
    },
    review::policy::{Block, Look, Policy, Section, Span},
};

/// The panel's own state.
#[derive(Default)]
pub struct PolicyView {
    search: String,
}

/// Draws it.
pub fn show(ui: &mut Ui, policy: Option<&Policy>, view: &mut PolicyView) {
    let Some(policy) = policy else {
        let text = "No guideline. Put a policy.md beside the dataset: its headings become sections here, and one that is \
                    called like a label explains that label.";
        ui.add(egui::Label::new(theme::caption(ui, text)).wrap());
        return;
    };
    let edit = field(&mut view.search)
        .hint_text("Search the guideline")
        .prefix(widgets::icon(icons::ICON_SEARCH));
    ui.add(edit).accessible_name("Search the guideline");
    let query = view.search.trim();
    let mut found = false;
    for section in policy.sections.iter().filter(|s| s.contains(query)) {
        found = true;
        section_ui(ui, section, query);
    }
    if !found {
        ui.label(theme::caption(ui, "Nothing of it says that."));
    }
}

fn section_ui(ui: &mut Ui, section: &Section, query: &str) {
    let palette = Palette::from_ui(ui);
    if !section.title.is_empty() {
        let size = match section.level {
            1 => theme::HEADING,
            2 => 14.5,
            _ => theme::BODY,
        };
        ui.add_space(space::XS);
        let font = FontId::new(size, theme::strong_family());
        let mut job = LayoutJob::default();
        append(
            ui,
            &mut job,
            &section.title,
            &TextFormat::simple(font, palette.text),
            query,
        );
        ui.label(job);
    }
    ui.spacing_mut().item_spacing.y = 5.0;
    for block in &section.blocks {
        match block {
            Block::Paragraph(spans) => {
                ui.label(job(ui, spans, query));
            }
            Block::Item(depth, mark, spans) => {
                ui.horizontal_top(|ui| {
                    ui.add_space(space::M * *depth as f32);
                    ui.label(mark);
                    ui.add(egui::Label::new(job(ui, spans, query)).wrap());
                });
            }
            Block::Quote(spans) => {
                let frame = Frame::new()
                    .fill(palette.ground)
                    .stroke(Stroke::new(1.0, palette.line))
                    .corner_radius(6)
                    .inner_margin(Margin::symmetric(8, 4));
                frame.show(ui, |ui| ui.label(job(ui, spans, query)));
            }
        }
    }
}

fn job(ui: &Ui, spans: &[Span], query: &str) -> LayoutJob {
    let palette = Palette::from_ui(ui);
    let mut job = LayoutJob::default();
    for span in spans {
        let family = match span.look {
            Look::Strong => theme::strong_family(),
            Look::Code => FontFamily::Monospace,
            Look::Plain | Look::Emphasis => FontFamily::Proportional,
        };
        let mut format = TextFormat::simple(FontId::new(theme::BODY, family), palette.text);
        format.italics = span.look == Look::Emphasis;
        append(ui, &mut job, &span.text, &format, query);
    }
    job
}

/// Appends a text, with what is searched for on a ground of its own.
fn append(ui: &Ui, job: &mut LayoutJob, text: &str, format: &TextFormat, query: &str) {
    let mut marked = format.clone();
    marked.background = Palette::from_ui(ui).selected;
    let mut rest = 0;
    for (from, to) in places(text, query) {
        job.append(&text[rest..from], 0.0, format.clone());
        job.append(&text[from..to], 0.0, marked.clone());
        rest = to;
    }
    job.append(&text[rest..], 0.0, format.clone());
}

/// Where a text has what is searched for, in whatever case.
fn places(text: &str, query: &str) -> Vec<(usize, usize)> {
    let (lower, query) = (text.to_lowercase(), query.to_lowercase());
    // Lower case may have another length; then nothing is marked.
    if query.is_empty() || lower.len() != text.len() {
        return Vec::new();
    }
    let found = lower.match_indices(&query);
    let found = found.map(|(at, found)| (at, at + found.len()));
    found
        .filter(|(from, to)| text.is_char_boundary(*from) && text.is_char_boundary(*to))
        .collect()
}
