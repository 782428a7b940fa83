//! Products with weights in f32, or in 16-bit floats that are widened as they are used.

use std::{mem::MaybeUninit, ops::Range};

use half::{bf16, f16};

use super::{
    buffer::Buffer,
    target::{Cut, Target, Threads, Tile},
};

/// How many steps along the inner dimension a kernel takes at a time: a strip's part then fits the first-level cache,
/// and the slices of the panels of a task the second-level one.
const DEPTH: usize = 512;

/// The same for 16-bit weights: the widened slice of one panel stays in the cache while all strips pass over it.
const NARROW_DEPTH: usize = 256;

/// A strip of inputs as they lie in memory: row `r` begins at `values[r · line]`.
#[derive(Clone, Copy)]
pub(super) struct Strip<'a> {
    pub(super) values: &'a [f32],
    pub(super) line: usize,
}

/// Computes the first `rows` rows of a tile: `tile[r][c] = Σ strip[r][d] · panel[d][c]` over the panel's steps.
///
/// # Safety
/// `panel` holds a whole number of steps of `Kernel::cut.columns` floats, and each of the strip's first `rows` rows has
/// as many values; the tile has `rows` lines of `cut.columns` floats, where `rows ≤ cut.rows`.
pub(super) type TileFn = unsafe fn(rows: usize, strip: Strip, panel: &[f32], tile: Tile);

/// Widens the bits of 16-bit floats.
pub(super) type WidenFn = fn(&[u16], &mut [f32]);

/// A way to compute a tile that this processor has.
#[derive(Clone, Copy)]
pub(super) struct Kernel {
    pub(super) name: &'static str,
    pub(super) cut: Cut,
    pub(super) tile: TileFn,
    pub(super) widen_bf16: WidenFn,
    pub(super) widen_f16: WidenFn,
}

/// Row-major weights in one of the formats that are packed as they are.
#[derive(Clone, Copy)]
pub enum Floats<'a> {
    /// 32 bits.
    F32(&'a [f32]),
    /// 16 bits with f32's exponent.
    Bf16(&'a [bf16]),
    /// 16 bits, IEEE.
    F16(&'a [f16]),
}

impl Floats<'_> {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::F32(values) => values.len(),
            Self::Bf16(values) => values.len(),
            Self::F16(values) => values.len(),
        }
    }
}

/// A matrix `(out, in)` of floats in panels `[panel][in][column]`; the last panel is filled up with zeros.
pub(super) struct FloatMatrix {
    out: usize,
    input: usize,
    kernel: Kernel,
    panels: Panels,
}

enum Panels {
    Wide(Buffer<f32>),
    /// The bits of 16-bit floats, and what widens them.
    Narrow(Buffer<u16>, WidenFn),
}

impl FloatMatrix {
    pub(super) fn pack(kernel: Kernel, weight: Floats, out: usize, input: usize) -> Self {
        let shape = (out, input, kernel.cut.columns);
        let panels = match weight {
            Floats::F32(values) => Panels::Wide(pack(values, shape, |v| v)),
            Floats::Bf16(values) => {
                Panels::Narrow(pack(values, shape, bf16::to_bits), kernel.widen_bf16)
            }
            Floats::F16(values) => {
                Panels::Narrow(pack(values, shape, f16::to_bits), kernel.widen_f16)
            }
        };
        Self {
            out,
            input,
            kernel,
            panels,
        }
    }

    /// The transpose of values `(in, out)`, row-major.
    pub(super) fn pack_transposed(
        kernel: Kernel,
        values: &[f32],
        input: usize,
        out: usize,
    ) -> Self {
        let columns = kernel.cut.columns;
        let panels = Buffer::build(
            out.div_ceil(columns) * input * columns,
            input * columns,
            |i, steps| {
                let first = i * columns;
                let there = columns.min(out - first);
                for (step, row) in steps
                    .chunks_exact_mut(columns)
                    .zip(values.chunks_exact(out))
                {
                    step[..there].copy_from_slice(&row[first..][..there]);
                }
            },
        );
        Self {
            out,
            input,
            kernel,
            panels: Panels::Wide(panels),
        }
    }

    pub(super) fn name(&self) -> &'static str {
        self.kernel.name
    }

    /// One row of the matrix, widened, to `into`.
    pub(super) fn copy_row(&self, row: usize, into: &mut [f32]) {
        let columns = self.kernel.cut.columns;
        let start = row / columns * self.input * columns + row % columns;
        match &self.panels {
            Panels::Wide(panels) => {
                let values = panels[start..].iter().step_by(columns);
                into.iter_mut()
                    .zip(values)
                    .for_each(|(into, value)| *into = *value);
            }
            Panels::Narrow(panels, widen) => {
                let bits = panels[start..].iter().step_by(columns).take(self.input);
                widen(&bits.copied().collect::<Vec<_>>(), into);
            }
        }
    }

    /// `x (rows, in)` times the transpose of this, plus `bias (out)`, to every place of `product (rows, out)`.
    pub(super) fn product(
        &self,
        x: &[f32],
        bias: Option<&[f32]>,
        threads: Threads,
        product: &mut [MaybeUninit<f32>],
    ) {
        let rows = x.len() / self.input;
        assert_eq!(x.len(), rows * self.input);
        // SAFETY: both functions go through all panels and strips of a task, in steps of which only the first does not add;
        // there is one, since `in` is not 0.
        #[allow(unsafe_code)]
        unsafe {
            Target::fill(
                product,
                (rows, self.out),
                self.kernel.cut,
                bias,
                threads,
                |target, panels, strips| match &self.panels {
                    Panels::Wide(wide) => self.multiply(x, wide, target, panels, strips),
                    Panels::Narrow(narrow, widen) => {
                        self.multiply_narrow(x, (narrow, *widen), target, panels, strips);
                    }
                },
            );
        }
    }

    /// A strip's part stays in the first-level cache while the panels' slices pass over it.
    fn multiply(
        &self,
        x: &[f32],
        wide: &[f32],
        target: &Target,
        panels: Range<usize>,
        strips: Range<usize>,
    ) {
        for start in (0..self.input).step_by(DEPTH) {
            let depth = DEPTH.min(self.input - start);
            for s in strips.clone() {
                for p in panels.clone() {
                    let panel = self.slice(wide, p, start, depth);
                    self.tile(target, (s, p), start, x, panel);
                }
            }
        }
    }

    /// A panel's slice is widened once, and stays in the cache while the strips pass over it.
    fn multiply_narrow(
        &self,
        x: &[f32],
        (narrow, widen): (&[u16], WidenFn),
        target: &Target,
        panels: Range<usize>,
        strips: Range<usize>,
    ) {
        let columns = self.kernel.cut.columns;
        let mut scratch = Buffer::build(NARROW_DEPTH * columns, usize::MAX, |_, _| {});
        for start in (0..self.input).step_by(NARROW_DEPTH) {
            let depth = NARROW_DEPTH.min(self.input - start);
            let panel = &mut scratch[..depth * columns];
            for p in panels.clone() {
                widen(self.slice(narrow, p, start, depth), panel);
                for s in strips.clone() {
                    self.tile(target, (s, p), start, x, panel);
                }
            }
        }
    }

    /// The steps `start..start + depth` of a panel.
    fn slice<'a, T>(&self, all: &'a [T], panel: usize, start: usize, depth: usize) -> &'a [T] {
        let columns = self.kernel.cut.columns;
        &all[(panel * self.input + start) * columns..][..depth * columns]
    }

    /// Steps from `start` of a strip times a panel's slice.
    fn tile(
        &self,
        target: &Target,
        (s, p): (usize, usize),
        start: usize,
        x: &[f32],
        panel: &[f32],
    ) {
        let rows = target.rows_of(s);
        let first = s * self.kernel.cut.rows;
        let strip = Strip {
            values: &x[first * self.input..][..rows * self.input][start..],
            line: self.input,
        };
        target.tile(s, p, start > 0, |tile| {
            // SAFETY: the strip has these rows, with as many values from `start` on as the slice has steps, and the
            // target's tiles are cut as the kernel's.
            #[allow(unsafe_code)]
            unsafe {
                (self.kernel.tile)(rows, strip, panel, tile);
            }
        });
    }
}

/// Row-major values `(out, in)` as panels of `columns`.
fn pack<T: Copy + Sync, U: super::buffer::Plain>(
    weight: &[T],
    (out, input, columns): (usize, usize, usize),
    convert: impl Fn(T) -> U + Sync,
) -> Buffer<U> {
    let panel = input * columns;
    Buffer::build(out.div_ceil(columns) * panel, panel, |i, steps| {
        let end = weight.len().min((i + 1) * panel);
        let rows = &weight[i * panel..end];
        for (d, step) in steps.chunks_exact_mut(columns).enumerate() {
            for (value, row) in step.iter_mut().zip(rows.chunks_exact(input)) {
                *value = convert(row[d]);
            }
        }
    })
}
