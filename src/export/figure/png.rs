//! A figure as PNG, drawn by what also draws the letters on screen.

use std::io;

use image::{ExtendedColorType, ImageEncoder as _, codecs::png::PngEncoder};
use skrifa::outline::OutlinePen;
use vello_cpu::{
    Pixmap, RenderContext, Resources,
    kurbo::{Affine, BezPath, Cap, Circle, Join, Rect, Shape as _, Stroke},
    peniko::Color,
};

use super::{
    Figure, Ink,
    layout::{Align, HEIGHT, Mark, WIDTH, lay_out},
    text,
};

/// How many pixels a point is wide: sharp in print as well.
const SCALE: f32 = 2.0;

/// The figure on white paper.
///
/// # Errors
/// If the picture cannot be encoded.
pub(super) fn png(figure: &Figure) -> io::Result<Vec<u8>> {
    let (width, height) = ((WIDTH * SCALE) as u16, (HEIGHT * SCALE) as u16);
    let mut context = RenderContext::new(width, height);
    context.set_paint(Color::from_rgb8(255, 255, 255));
    context.fill_rect(&Rect::new(0.0, 0.0, width.into(), height.into()));
    for mark in lay_out(figure, WIDTH, HEIGHT, true).marks {
        draw(&mut context, &mark);
    }
    context.flush();
    let mut pixels = Pixmap::new(width, height);
    context.render(&mut pixels, &mut Resources::new());
    let mut bytes = Vec::new();
    // White paper lets nothing through, so premultiplied is plain.
    PngEncoder::new(&mut bytes)
        .write_image(
            pixels.data_as_u8_slice(),
            width.into(),
            height.into(),
            ExtendedColorType::Rgba8,
        )
        .map_err(io::Error::other)?;
    Ok(bytes)
}

fn draw(context: &mut RenderContext, mark: &Mark) {
    context.set_transform(Affine::scale(SCALE.into()));
    match mark {
        Mark::Line {
            points,
            ink,
            width,
            dash,
        } => {
            context.set_paint(color(*ink, 1.0));
            let stroke = Stroke::new((*width).into())
                .with_join(Join::Round)
                .with_caps(Cap::Butt);
            context.set_stroke(match dash.lengths() {
                Some(lengths) => stroke.with_dashes(0.0, lengths.map(f64::from)),
                None => stroke,
            });
            context.stroke_path(&path(points));
        }
        Mark::Area {
            corners,
            ink,
            strength,
        } => {
            context.set_paint(color(*ink, *strength));
            let mut path = path(corners);
            path.close_path();
            context.fill_path(&path);
        }
        Mark::Disc { at, radius, ink } => {
            context.set_paint(color(*ink, 1.0));
            let at = (f64::from(at.0), f64::from(at.1));
            let disc = Circle::new(at, (*radius).into());
            context.fill_path(&disc.to_path(0.05));
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
            let width = f64::from(text::width(text, *size, *is_strong));
            let left = match align {
                Align::Left => 0.0,
                Align::Center => -width / 2.0,
                Align::Right => -width,
            };
            let turn = match is_turned {
                true => Affine::rotate(-std::f64::consts::FRAC_PI_2),
                false => Affine::IDENTITY,
            };
            // Fonts count upwards.
            let place = Affine::scale(SCALE.into())
                * Affine::translate((f64::from(at.0), f64::from(at.1)))
                * turn
                * Affine::translate((left, 0.0))
                * Affine::FLIP_Y;
            context.set_transform(place);
            context.set_paint(color(*ink, 1.0));
            let mut letters = Letters(BezPath::new());
            text::draw(text, *size, *is_strong, &mut letters);
            context.fill_path(&letters.0);
        }
    }
}

fn path(points: &[(f32, f32)]) -> BezPath {
    let mut path = BezPath::new();
    for (place, (x, y)) in points.iter().enumerate() {
        let point = (f64::from(*x), f64::from(*y));
        match place {
            0 => path.move_to(point),
            _ => path.line_to(point),
        }
    }
    path
}

fn color(ink: Ink, strength: f32) -> Color {
    let [r, g, b] = ink.on_paper();
    Color::from_rgba8(r, g, b, (strength.clamp(0.0, 1.0) * 255.0).round() as u8)
}

/// Outlines as one path.
struct Letters(BezPath);

impl OutlinePen for Letters {
    fn move_to(&mut self, x: f32, y: f32) {
        self.0.move_to((f64::from(x), f64::from(y)));
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.0.line_to((f64::from(x), f64::from(y)));
    }

    fn quad_to(&mut self, cx0: f32, cy0: f32, x: f32, y: f32) {
        let control = (f64::from(cx0), f64::from(cy0));
        self.0.quad_to(control, (f64::from(x), f64::from(y)));
    }

    fn curve_to(&mut self, cx0: f32, cy0: f32, cx1: f32, cy1: f32, x: f32, y: f32) {
        let first = (f64::from(cx0), f64::from(cy0));
        let second = (f64::from(cx1), f64::from(cy1));
        self.0.curve_to(first, second, (f64::from(x), f64::from(y)));
    }

    fn close(&mut self) {
        self.0.close_path();
    }
}
