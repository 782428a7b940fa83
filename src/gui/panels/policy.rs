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
    let found = |rest: &str| {
        if query.is_empty() {
            return None;
        }
        // Lower case may have another length; then nothing is marked.
        let lower = rest.to_lowercase();
        let at = (lower.len() == rest.len()).then(|| lower.find(&query.to_lowercase()))??;
        let end = at + query.len();
        (rest.is_char_boundary(at) && rest.is_char_boundary(end)).then_some((at, end))
    };
    let mut rest = text;
    while let Some((at, end)) = found(rest) {
        let (before, from) = rest.split_at(at);
        let (marked, behind) = from.split_at(end - at);
        job.append(before, 0.0, format.clone());
        let mut format = format.clone();
        format.background = Palette::from_ui(ui).selected;
        job.append(marked, 0.0, format);
        rest = behind;
    }
    job.append(rest, 0.0, format.clone());
}
