//! Pillow's resampling, to the bit.
//!
//! Each output pixel is a weighted mean of the input pixels under a filter kernel that is stretched by
//! the scale when shrinking (so nothing is skipped). The weights are normalised in f64 and then rounded to fixed point
//! with 22 fractional bits; a horizontal and a vertical pass follow each other with 8-bit pixels between them. The rounding at each of these steps is part of the result: another order gives other pixels.
//!
//! Source: Pillow's `Image.resize` (its documentation of the filters, and its results on test pictures).

use std::borrow::Cow;

use super::Rgb;

/// A kernel to resample with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Filter {
    /// A triangle, two pixels wide.
    Bilinear,
    /// Keys' cubic with a = −0.5, four pixels wide.
    Bicubic,
    /// A sinc under a sinc window, six pixels wide.
    Lanczos,
}

impl Filter {
    /// How far the kernel reaches to each side, in pixels of the larger grid.
    fn support(self) -> f64 {
        match self {
            Self::Bilinear => 1.0,
            Self::Bicubic => 2.0,
            Self::Lanczos => 3.0,
        }
    }

    fn weight(self, x: f64) -> f64 {
        let x = x.abs();
        match self {
            Self::Bilinear if x < 1.0 => 1.0 - x,
            Self::Bicubic if x < 1.0 => (1.5 * x - 2.5) * x * x + 1.0,
            Self::Bicubic if x < 2.0 => -0.5 * (((x - 5.0) * x + 8.0) * x - 4.0),
            Self::Lanczos if x < 3.0 => sinc(x) * sinc(x / 3.0),
            _ => 0.0,
        }
    }
}

fn sinc(x: f64) -> f64 {
    if x == 0.0 {
        return 1.0;
    }
    let x = x * std::f64::consts::PI;
    x.sin() / x
}

/// The fractional bits of a weight: 8 bits are the pixel's and 2 are left for sums beyond it.
const PRECISION_BITS: u32 = 32 - 8 - 2;

/// The input pixels under the kernel of one output pixel, and their weights.
struct Window<'a> {
    first: usize,
    weights: &'a [i32],
}

/// The windows of all output pixels along one axis.
struct Kernel {
    /// First input pixel and number of weights, by output pixel.
    bounds: Vec<(usize, usize)>,
    /// `taps` fixed-point weights for each output pixel.
    weights: Vec<i32>,
    taps: usize,
}

impl Kernel {
    fn new(from: usize, to: usize, filter: Filter) -> Self {
        let scale = from as f64 / to as f64;
        let stretch = scale.max(1.0);
        let support = filter.support() * stretch;
        let taps = support.ceil() as usize * 2 + 1;
        let mut bounds = Vec::with_capacity(to);
        let mut weights = vec![0; to * taps];
        let mut exact = Vec::with_capacity(taps);
        for (i, fixed) in weights.chunks_exact_mut(taps).enumerate() {
            let center = (i as f64 + 0.5) * scale;
            // `as` cuts towards zero and stops at zero, as wanted.
            let first = (center - support + 0.5) as usize;
            let end = ((center + support + 0.5) as usize).min(from);
            exact.clear();
            exact.extend(
                (first..end).map(|x| filter.weight((x as f64 - center + 0.5) * (1.0 / stretch))),
            );
            let total: f64 = exact.iter().sum();
            let divisor = if total == 0.0 { 1.0 } else { total };
            for (fixed, exact) in fixed.iter_mut().zip(&exact) {
                *fixed = (exact / divisor * f64::from(1 << PRECISION_BITS)).round() as i32;
            }
            bounds.push((first, end - first));
        }
        Self {
            bounds,
            weights,
            taps,
        }
    }

    fn windows(&self) -> impl Iterator<Item = Window<'_>> {
        self.bounds
            .iter()
            .zip(self.weights.chunks_exact(self.taps))
            .map(|(&(first, n), weights)| Window {
                first,
                weights: &weights[..n],
            })
    }

    /// The first input pixel that is used, and the one behind the last.
    fn used(&self) -> (usize, usize) {
        let first = self.bounds.first().map_or(0, |b| b.0);
        (first, self.bounds.last().map_or(0, |b| b.0 + b.1))
    }
}

/// The sum's pixel value.
fn to_u8(sum: i32) -> u8 {
    (sum >> PRECISION_BITS).clamp(0, 255) as u8
}

/// Resamples to `width × height` pixels. A side of 0 is taken as 1, and an empty picture is black.
pub fn resize(picture: &Rgb, width: u32, height: u32, filter: Filter) -> Rgb {
    let (width, height) = (width.max(1), height.max(1));
    if (width, height) == (picture.width, picture.height) {
        return picture.clone();
    }
    let (from_w, from_h) = (picture.width as usize, picture.height as usize);
    let (to_w, to_h) = (width as usize, height as usize);
    if from_w == 0 || from_h == 0 || picture.data.len() != from_w * from_h * 3 {
        return Rgb {
            width,
            height,
            data: vec![0; to_w * to_h * 3],
        };
    }
    let data = if shrinks_mostly_in_height((from_w, from_h), (to_w, to_h)) {
        let lowered = resample_columns(
            &picture.data,
            from_w * 3,
            0,
            &Kernel::new(from_h, to_h, filter),
        );
        resample_rows(&lowered, from_w, to_w, filter).into_owned()
    } else if from_h == to_h {
        resample_rows(&picture.data, from_w, to_w, filter).into_owned()
    } else {
        let kernel = Kernel::new(from_h, to_h, filter);
        let (first, end) = kernel.used();
        let rows = &picture.data[first * from_w * 3..end * from_w * 3];
        resample_columns(
            &resample_rows(rows, from_w, to_w, filter),
            to_w * 3,
            first,
            &kernel,
        )
    };
    Rgb {
        width,
        height,
        data,
    }
}

/// Whether Pillow (since 13) begins with the vertical pass: if the height loses more than twice as many pixels as the
/// width. Earlier versions always begin with the horizontal one, and differ by a level here and there.
fn shrinks_mostly_in_height(from: (usize, usize), to: (usize, usize)) -> bool {
    from.1 > to.1 && 2 * from.0 + to.1 < from.1 + 2 * to.0
}

/// Every row from `from` to `to` pixels.
fn resample_rows(rows: &[u8], from: usize, to: usize, filter: Filter) -> Cow<'_, [u8]> {
    if from == to {
        return rows.into();
    }
    let kernel = Kernel::new(from, to, filter);
    let mut out = vec![0; rows.len() / (from * 3) * to * 3];
    for (row, out) in rows
        .chunks_exact(from * 3)
        .zip(out.chunks_exact_mut(to * 3))
    {
        let (pixels, _) = row.as_chunks::<3>();
        let (out, _) = out.as_chunks_mut::<3>();
        for (window, out) in kernel.windows().zip(out) {
            let mut sums = [1 << (PRECISION_BITS - 1); 3];
            for (pixel, &weight) in pixels[window.first..].iter().zip(window.weights) {
                for (sum, &sample) in sums.iter_mut().zip(pixel) {
                    *sum += i32::from(sample) * weight;
                }
            }
            *out = sums.map(to_u8);
        }
    }
    out.into()
}

/// Every column to the kernel's length. `rows` are `stride` bytes each and begin with row `first`.
fn resample_columns(rows: &[u8], stride: usize, first: usize, kernel: &Kernel) -> Vec<u8> {
    let mut out = vec![0; kernel.bounds.len() * stride];
    let mut sums = vec![0; stride];
    for (window, out) in kernel.windows().zip(out.chunks_exact_mut(stride)) {
        sums.fill(1 << (PRECISION_BITS - 1));
        let rows = rows[(window.first - first) * stride..].chunks_exact(stride);
        for (row, &weight) in rows.zip(window.weights) {
            for (sum, &sample) in sums.iter_mut().zip(row) {
                *sum += i32::from(sample) * weight;
            }
        }
        for (out, &sum) in out.iter_mut().zip(&sums) {
            *out = to_u8(sum);
        }
    }
    out
}
