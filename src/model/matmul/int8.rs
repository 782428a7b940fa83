//! Products with weights in Q8_0, ggml's format: blocks of 32 whole numbers of 8 bits along the inner dimension, and a scale
//! for each block.
//!
//! Inputs are brought into the same form first, a scale for each row and block. Within a block the product is then one of
//! whole numbers, which is exact, and processors have instructions for it; blocks are scaled and summed in f32.

use std::{mem::MaybeUninit, ops::Range};

use half::f16;
use rayon::prelude::*;

use super::{
    buffer::Buffer,
    target::{Cut, Target, Threads, Tile},
    vectorized::{Loop, vectorized},
};

/// Values that share a scale.
pub(super) const BLOCK: usize = 32;

/// Values that one step of a kernel takes: their products are summed by one instruction.
pub(super) const GROUP: usize = 4;

/// Steps of a block.
pub(super) const GROUPS: usize = BLOCK / GROUP;

/// How many blocks a kernel takes at a time: a strip's slice then fits the first-level cache.
const DEPTH_BLOCKS: usize = 64;

/// The largest whole number in a block.
const LARGEST: f32 = 127.0;

/// A slice of a strip of inputs.
#[derive(Clone, Copy)]
pub(super) struct StripSlice<'a> {
    /// `[block][group][row][4]`
    pub(super) quants: &'a [i8],
    /// `[block][row]`
    pub(super) scales: &'a [f32],
    /// `[block][row]`: what a block's sum starts from, so that the weights' zero takes nothing from it.
    pub(super) starts: &'a [i32],
}

/// A slice of a panel of weights.
#[derive(Clone, Copy)]
pub(super) struct PanelSlice<'a> {
    /// `[block][group][column][4]`
    pub(super) quants: &'a [u8],
    /// `[block][column]`, the bits of f16
    pub(super) scales: &'a [u16],
}

/// Computes the first `rows` rows of a tile over the blocks of both slices.
///
/// # Safety
/// Both slices have the same whole number of blocks, for `Kernel::cut.rows` rows and `cut.columns` columns; the tile has
/// `rows` lines of `cut.columns` floats, where `rows ≤ cut.rows`.
pub(super) type TileFn = unsafe fn(rows: usize, strip: StripSlice, panel: PanelSlice, tile: Tile);

/// A way to compute a tile that this processor has.
#[derive(Clone, Copy)]
pub(super) struct Kernel {
    pub(super) name: &'static str,
    pub(super) cut: Cut,
    /// The byte that a weight of zero is kept as: some instructions want bytes without sign, and get them moved by 128.
    pub(super) zero: u8,
    pub(super) tile: TileFn,
}

/// A matrix `(out, in)` in Q8_0, in panels; the last panel and the last block are filled up with zeros.
pub(super) struct Int8Matrix {
    out: usize,
    input: usize,
    kernel: Kernel,
    /// `[panel][block][group][column][4]`
    quants: Buffer<u8>,
    /// `[panel][block][column]`, the bits of f16
    scales: Buffer<u16>,
}

/// Inputs in Q8_0, in strips; the last strip and the last block are filled up with zeros. Fields as in [`StripSlice`].
struct Strips {
    quants: Vec<i8>,
    scales: Vec<f32>,
    starts: Vec<i32>,
}

impl Int8Matrix {
    /// Rounds row-major weights `(out, in)`.
    pub(super) fn quantize(kernel: Kernel, weight: &[f32], out: usize, input: usize) -> Self {
        let (columns, blocks) = (kernel.cut.columns, input.div_ceil(BLOCK));
        let panels = out.div_ceil(columns);
        let of_panel = |i: usize| &weight[i * columns * input..out.min((i + 1) * columns) * input];
        let size = blocks * columns;
        let scales = Buffer::build(panels * size, size, |i, scales| {
            vectorized(ScalePanel {
                rows: of_panel(i),
                input,
                columns,
                scales,
            });
        });
        let quants = Buffer::build(panels * size * BLOCK, size * BLOCK, |i, quants| {
            vectorized(QuantizePanel {
                rows: of_panel(i),
                input,
                kernel,
                scales: &scales[i * size..][..size],
                quants,
            });
        });
        Self {
            out,
            input,
            kernel,
            quants,
            scales,
        }
    }

    pub(super) fn name(&self) -> &'static str {
        self.kernel.name
    }

    fn blocks(&self) -> usize {
        self.input.div_ceil(BLOCK)
    }

    /// One row of the matrix, as f32, to `into`.
    pub(super) fn copy_row(&self, row: usize, into: &mut [f32]) {
        let (columns, column) = (self.kernel.cut.columns, row % self.kernel.cut.columns);
        let panel = row / columns * self.blocks();
        for (b, values) in into.chunks_mut(BLOCK).enumerate() {
            let scale = f16::from_bits(self.scales[(panel + b) * columns + column]).to_f32();
            for (g, values) in values.chunks_mut(GROUP).enumerate() {
                let place = (((panel + b) * GROUPS + g) * columns + column) * GROUP;
                for (value, byte) in values.iter_mut().zip(&self.quants[place..]) {
                    *value = f32::from(byte.wrapping_sub(self.kernel.zero).cast_signed()) * scale;
                }
            }
        }
    }

    /// `x (rows, in)` times the transpose of this, plus `bias (out)`, to every place of `product (rows, out)`.
    pub(super) fn product(
        &self,
        x: &[f32],
        bias: Option<&[f32]>,
        product: &mut [MaybeUninit<f32>],
    ) {
        let rows = x.len() / self.input;
        let strips = self.quantize_strips(x, rows);
        // SAFETY: `multiply` goes through all panels and strips of a task, in steps of which only the first does not add;
        // there is one, since `in` is not 0.
        #[allow(unsafe_code)]
        unsafe {
            Target::fill(
                product,
                (rows, self.out),
                self.kernel.cut,
                bias,
                Threads::All,
                |target, panels, strip_range| {
                    self.multiply(&strips, target, panels, strip_range);
                },
            );
        }
    }

    fn quantize_strips(&self, x: &[f32], rows: usize) -> Strips {
        let (height, input, zero) = (self.kernel.cut.rows, self.input, self.kernel.zero);
        let size = self.blocks() * height;
        let n = rows.div_ceil(height) * size;
        let mut strips = Strips {
            quants: vec![0; n * BLOCK],
            scales: vec![0.0; n],
            starts: vec![0; n],
        };
        strips
            .quants
            .par_chunks_mut(size * BLOCK)
            .zip(strips.scales.par_chunks_mut(size))
            .zip(strips.starts.par_chunks_mut(size))
            .zip(x.par_chunks(height * input))
            .for_each(|(((quants, scales), starts), rows)| {
                vectorized(QuantizeStrip {
                    rows,
                    input,
                    height,
                    zero,
                    quants,
                    scales,
                    starts,
                });
            });
        strips
    }

    /// A strip's slice stays in the first-level cache while the panels' pass over it.
    fn multiply(
        &self,
        strips: &Strips,
        target: &Target,
        panels: Range<usize>,
        strip_range: Range<usize>,
    ) {
        let Cut {
            rows: height,
            columns,
            ..
        } = self.kernel.cut;
        for start in (0..self.blocks()).step_by(DEPTH_BLOCKS) {
            let blocks = DEPTH_BLOCKS.min(self.blocks() - start);
            for s in strip_range.clone() {
                let (first, n) = ((s * self.blocks() + start) * height, blocks * height);
                let strip = StripSlice {
                    quants: &strips.quants[first * BLOCK..][..n * BLOCK],
                    scales: &strips.scales[first..][..n],
                    starts: &strips.starts[first..][..n],
                };
                for p in panels.clone() {
                    let (first, n) = ((p * self.blocks() + start) * columns, blocks * columns);
                    let panel = PanelSlice {
                        quants: &self.quants[first * BLOCK..][..n * BLOCK],
                        scales: &self.scales[first..][..n],
                    };
                    target.tile(s, p, start > 0, |tile| {
                        // SAFETY: both slices have as many blocks, and the target's tiles are cut as the kernel's.
                        #[allow(unsafe_code)]
                        unsafe {
                            (self.kernel.tile)(target.rows_of(s), strip, panel, tile);
                        }
                    });
                }
            }
        }
    }
}

/// The scale with which a block's values become whole numbers up to 127; not a number if one of them is not finite.
#[inline(always)]
fn scale_of(values: &[f32]) -> f32 {
    // Without their sign, floats have the order of their bits, and whole numbers are compared many at a time.
    let largest = values.iter().map(|value| value.abs().to_bits()).max();
    let largest = f32::from_bits(largest.unwrap_or(0));
    largest / LARGEST + largest * 0.0
}

/// Rounds to a whole number (ties to even) within ±127.
#[inline(always)]
fn quant(value: f32, one_over_scale: f32) -> i8 {
    /// A sum with it is rounded to a whole number, which then stands in its lowest bits.
    const ROUNDER: f32 = 12_582_912.0; // 1.5 · 2^23
    let value = value * one_over_scale;
    let value = if value > LARGEST { LARGEST } else { value };
    let value = if value < -LARGEST { -LARGEST } else { value };
    (value + ROUNDER).to_bits() as i8
}

/// 1 / scale, and 0 where a block is all zeros.
#[inline(always)]
fn one_over(scale: f32) -> f32 {
    if scale == 0.0 { 0.0 } else { 1.0 / scale }
}

/// Scales `[block][column]` of a panel's rows of weights.
struct ScalePanel<'a> {
    rows: &'a [f32],
    input: usize,
    columns: usize,
    scales: &'a mut [u16],
}

impl Loop for ScalePanel<'_> {
    #[inline(always)]
    fn run(self) {
        for (column, row) in self.rows.chunks_exact(self.input).enumerate() {
            for (b, values) in row.chunks(BLOCK).enumerate() {
                self.scales[b * self.columns + column] = f16::from_f32(scale_of(values)).to_bits();
            }
        }
    }
}

/// Whole numbers `[block][group][column][4]` of a panel's rows of weights.
struct QuantizePanel<'a> {
    rows: &'a [f32],
    input: usize,
    kernel: Kernel,
    scales: &'a [u16],
    quants: &'a mut [u8],
}

impl Loop for QuantizePanel<'_> {
    #[inline(always)]
    fn run(self) {
        let (columns, zero) = (self.kernel.cut.columns, self.kernel.zero);
        self.quants.fill(zero);
        for (column, row) in self.rows.chunks_exact(self.input).enumerate() {
            for (b, values) in row.chunks(BLOCK).enumerate() {
                let scale = f16::from_bits(self.scales[b * columns + column]).to_f32();
                let one_over_scale = one_over(scale);
                for (g, values) in values.chunks(GROUP).enumerate() {
                    let place = ((b * GROUPS + g) * columns + column) * GROUP;
                    let bytes = &mut self.quants[place..place + GROUP];
                    for (byte, value) in bytes.iter_mut().zip(values) {
                        *byte = quant(*value, one_over_scale)
                            .cast_unsigned()
                            .wrapping_add(zero);
                    }
                }
            }
        }
    }
}

/// A strip of inputs from its rows.
struct QuantizeStrip<'a> {
    rows: &'a [f32],
    input: usize,
    height: usize,
    zero: u8,
    quants: &'a mut [i8],
    scales: &'a mut [f32],
    starts: &'a mut [i32],
}

impl Loop for QuantizeStrip<'_> {
    #[inline(always)]
    fn run(self) {
        for (r, row) in self.rows.chunks_exact(self.input).enumerate() {
            for (b, values) in row.chunks(BLOCK).enumerate() {
                let mut padded = [0f32; BLOCK];
                for (to, value) in padded.iter_mut().zip(values) {
                    *to = *value;
                }
                let scale = scale_of(&padded);
                let one_over_scale = one_over(scale);
                // Not `map`, which is a function that is not compiled anew.
                let mut quants = [0i8; BLOCK];
                for (quant_of, value) in quants.iter_mut().zip(padded) {
                    *quant_of = quant(value, one_over_scale);
                }
                let sum: i32 = quants.iter().map(|q| i32::from(*q)).sum();
                self.scales[b * self.height + r] = scale;
                self.starts[b * self.height + r] = -i32::from(self.zero) * sum;
                for (g, group) in quants.as_chunks::<GROUP>().0.iter().enumerate() {
                    let place = ((b * GROUPS + g) * self.height + r) * GROUP;
                    self.quants[place..place + GROUP].copy_from_slice(group);
                }
            }
        }
    }
}
