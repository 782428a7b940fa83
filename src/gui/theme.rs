//! How everything looks: the one place for colours, sizes and spacing.
//!
//! Every pair of text and ground that the window uses keeps to WCAG AA (4.5 : 1 for text, 3 : 1 for marks); the test below
//! computes it. No meaning is carried by colour alone: each coloured mark has its own icon or word.

use egui::{
    Color32, CornerRadius, FontFamily, FontId, Margin, RichText, Shadow, Stroke, Style, TextStyle,
    Theme, Visuals, vec2,
};
use serde::{Deserialize, Serialize};

use super::fonts;

/// The spacing scale, in points. Every distance in the window is one of these.
pub mod space {
    /// Between an icon and its word.
    pub const XS: f32 = 4.0;
    /// Between parts of one thing.
    pub const S: f32 = 8.0;
    /// Inside a panel.
    pub const M: f32 = 12.0;
    /// Between things.
    pub const L: f32 = 16.0;
    /// Between groups.
    pub const XL: f32 = 24.0;
}

/// The corner radius of everything that can be pressed, in points.
pub const RADIUS: u8 = 6;

/// The height of a button, a field and a row of the labels, in points.
pub const ROW_HEIGHT: f32 = 28.0;

/// Size of small text, in points.
pub const SMALL: f32 = 11.5;

/// Size of running text, in points.
pub const BODY: f32 = 13.5;

/// Size of the text of a post, in points.
pub const READING: f32 = 15.0;

/// Size of headings, in points.
pub const HEADING: f32 = 16.0;

/// Size of icons beside running text, in points.
pub const ICON: f32 = 16.0;

/// What the user chose; `System` follows the desktop.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThemeChoice {
    /// As the desktop has it.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl From<ThemeChoice> for egui::ThemePreference {
    fn from(choice: ThemeChoice) -> Self {
        match choice {
            ThemeChoice::System => Self::System,
            ThemeChoice::Light => Self::Light,
            ThemeChoice::Dark => Self::Dark,
        }
    }
}

/// The colours of one theme, by what they are for.
#[derive(Clone, Copy, Debug)]
pub struct Palette {
    /// Behind the picture and the text of a post.
    pub ground: Color32,
    /// Panels.
    pub surface: Color32,
    /// Buttons, cards, fields at rest.
    pub raised: Color32,
    /// The same under the pointer.
    pub hover: Color32,
    /// Lines between panels and around fields.
    pub line: Color32,
    /// Outlines of things that can be pressed (3 : 1 against the panels).
    pub outline: Color32,
    /// Text.
    pub text: Color32,
    /// Text of lesser weight, still readable.
    pub weak: Color32,
    /// Links, focus, the selected thing's edge.
    pub accent: Color32,
    /// The ground of the one primary button.
    pub accent_fill: Color32,
    /// Text on `accent_fill`.
    pub on_accent: Color32,
    /// The ground of a selected row.
    pub selected: Color32,
    /// Agreement, saved, done.
    pub good: Color32,
    /// Errors, failures.
    pub bad: Color32,
    /// Differences, warnings.
    pub warn: Color32,
    /// The demo's badge.
    pub demo: Color32,
}

const fn rgb(hex: u32) -> Color32 {
    Color32::from_rgb((hex >> 16) as u8, (hex >> 8) as u8, hex as u8)
}

const DARK: Palette = Palette {
    ground: rgb(0x0F1114),
    surface: rgb(0x16191E),
    raised: rgb(0x20242B),
    hover: rgb(0x2A2F38),
    line: rgb(0x282D35),
    outline: rgb(0x6B7482),
    text: rgb(0xE7E9EC),
    weak: rgb(0x9EA7B3),
    accent: rgb(0x8AB0FF),
    accent_fill: rgb(0x3B63D8),
    on_accent: rgb(0xFFFFFF),
    selected: rgb(0x1E2A44),
    good: rgb(0x5FCB90),
    bad: rgb(0xFF8F8A),
    warn: rgb(0xE9BC55),
    demo: rgb(0xC8A6FF),
};

const LIGHT: Palette = Palette {
    ground: rgb(0xF3F4F6),
    surface: rgb(0xFBFBFC),
    raised: rgb(0xEDEFF2),
    hover: rgb(0xE1E5EA),
    line: rgb(0xDDE1E6),
    outline: rgb(0x858E9B),
    text: rgb(0x16191D),
    weak: rgb(0x545D69),
    accent: rgb(0x2350C4),
    accent_fill: rgb(0x2F5BD3),
    on_accent: rgb(0xFFFFFF),
    selected: rgb(0xDFE8FB),
    good: rgb(0x0C6B3C),
    bad: rgb(0xB3261E),
    warn: rgb(0x7A5200),
    demo: rgb(0x6A2FBF),
};

impl Palette {
    /// The colours of a theme.
    pub fn of(theme: Theme) -> &'static Self {
        match theme {
            Theme::Dark => &DARK,
            Theme::Light => &LIGHT,
        }
    }

    /// Whether it is the dark one.
    pub fn is_dark(&self) -> bool {
        self.ground.r() < 0x80
    }

    /// The colours in force where something is drawn.
    pub fn from_ui(ui: &egui::Ui) -> &'static Self {
        if ui.visuals().dark_mode {
            &DARK
        } else {
            &LIGHT
        }
    }
}

/// The family of the heavier weight of the text font.
pub fn strong_family() -> FontFamily {
    FontFamily::Name("strong".into())
}

/// Text of the heavier weight.
pub fn strong(text: impl Into<String>) -> RichText {
    RichText::new(text).family(strong_family())
}

/// Small text of lesser weight.
pub fn caption(ui: &egui::Ui, text: impl Into<String>) -> RichText {
    RichText::new(text)
        .size(SMALL)
        .color(Palette::from_ui(ui).weak)
}

/// Sets fonts and both themes. Called once, before the first frame.
pub fn install(ctx: &egui::Context) {
    fonts::install(ctx);
    for theme in [Theme::Dark, Theme::Light] {
        ctx.set_style_of(theme, style(theme));
    }
}

fn style(theme: Theme) -> Style {
    let palette = Palette::of(theme);
    let mut style = Style {
        visuals: visuals(theme, palette),
        ..Style::default()
    };
    style.text_styles = [
        (TextStyle::Small, FontId::proportional(SMALL)),
        (TextStyle::Body, FontId::proportional(BODY)),
        (TextStyle::Button, FontId::proportional(BODY)),
        (TextStyle::Heading, FontId::new(HEADING, strong_family())),
        (TextStyle::Monospace, FontId::monospace(12.5)),
    ]
    .into();
    style.spacing.item_spacing = vec2(space::S, space::S);
    style.spacing.button_padding = vec2(10.0, space::XS);
    style.spacing.interact_size = vec2(ROW_HEIGHT, ROW_HEIGHT);
    style.spacing.icon_width = 18.0;
    style.spacing.icon_spacing = 6.0;
    style.spacing.menu_margin = Margin::same(6);
    style.spacing.menu_width = 320.0;
    style.spacing.tooltip_width = 320.0;
    style.spacing.window_margin = Margin::same(16);
    style.spacing.scroll = egui::style::ScrollStyle {
        floating: true,
        floating_allocated_width: 0.0,
        ..egui::style::ScrollStyle::thin()
    };
    style.interaction.selectable_labels = false;
    style.interaction.tooltip_delay = 0.4;
    style.animation_time = 0.09;
    style
}

fn visuals(theme: Theme, palette: &Palette) -> Visuals {
    let mut visuals = match theme {
        Theme::Dark => Visuals::dark(),
        Theme::Light => Visuals::light(),
    };
    visuals.override_text_color = None;
    visuals.weak_text_color = Some(palette.weak);
    visuals.panel_fill = palette.surface;
    visuals.window_fill = palette.surface;
    visuals.window_stroke = Stroke::new(1.0, palette.line);
    visuals.window_corner_radius = CornerRadius::same(10);
    visuals.menu_corner_radius = CornerRadius::same(8);
    visuals.window_shadow = Shadow {
        offset: [0, 12],
        blur: 32,
        spread: 0,
        color: Color32::from_black_alpha(if theme == Theme::Dark { 140 } else { 50 }),
    };
    visuals.popup_shadow = Shadow {
        offset: [0, 6],
        blur: 16,
        ..visuals.window_shadow
    };
    visuals.extreme_bg_color = palette.ground;
    visuals.text_edit_bg_color = Some(palette.ground);
    visuals.faint_bg_color = palette.raised;
    visuals.code_bg_color = palette.raised;
    visuals.hyperlink_color = palette.accent;
    visuals.warn_fg_color = palette.warn;
    visuals.error_fg_color = palette.bad;
    visuals.selection.bg_fill = palette.selected;
    visuals.selection.stroke = Stroke::new(1.5, palette.accent);
    visuals.interact_cursor = None;
    visuals.disabled_alpha = 0.55;
    let w = &mut visuals.widgets;
    for (widget, fill, stroke, text) in [
        (
            &mut w.noninteractive,
            palette.surface,
            palette.line,
            palette.text,
        ),
        (&mut w.inactive, palette.raised, palette.line, palette.text),
        (&mut w.hovered, palette.hover, palette.outline, palette.text),
        (&mut w.active, palette.hover, palette.accent, palette.text),
        (&mut w.open, palette.hover, palette.outline, palette.text),
    ] {
        widget.bg_fill = fill;
        widget.weak_bg_fill = fill;
        widget.bg_stroke = Stroke::new(1.0, stroke);
        widget.fg_stroke = Stroke::new(1.0, text);
        widget.corner_radius = CornerRadius::same(RADIUS);
        widget.expansion = 0.0;
    }
    visuals
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance as WCAG 2.2 defines it.
    fn luminance(color: Color32) -> f64 {
        let channel = |c: u8| {
            let c = f64::from(c) / 255.0;
            if c <= 0.04045 {
                c / 12.92
            } else {
                ((c + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * channel(color.r()) + 0.7152 * channel(color.g()) + 0.0722 * channel(color.b())
    }

    fn contrast(a: Color32, b: Color32) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn text_has_aa_contrast_on_every_ground_it_stands_on() {
        for p in [&DARK, &LIGHT] {
            for ground in [p.ground, p.surface, p.raised, p.hover, p.selected] {
                for (name, text) in [
                    ("text", p.text),
                    ("weak", p.weak),
                    ("accent", p.accent),
                    ("good", p.good),
                    ("bad", p.bad),
                    ("warn", p.warn),
                    ("demo", p.demo),
                ] {
                    let ratio = contrast(text, ground);
                    assert!(ratio >= 4.5, "{name} on {ground:?}: {ratio:.2}");
                }
            }
            assert!(contrast(p.on_accent, p.accent_fill) >= 4.5);
            assert!(contrast(p.outline, p.surface) >= 3.0);
            assert!(contrast(p.accent_fill, p.surface) >= 3.0);
        }
    }
}
