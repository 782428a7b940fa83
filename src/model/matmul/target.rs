//! The product in the making: split into tasks that write different parts of it, and filled tile by tile.
#![allow(unsafe_code)]

use std::{mem::MaybeUninit, ops::Range};

use rayon::prelude::*;

use super::MAX_TILE;

/// How many columns one task works through together at most: the slices of their panels then fit the second-level cache.
const MAX_COLUMNS_A_TASK: usize = 192;

/// How many rows one task works through at most: their slices then fit the second-level cache, too.
const MAX_ROWS_A_TASK: usize = 384;

/// There should be so many tasks a thread, or threads wait for the last one.
const TASKS_A_THREAD: usize = 4;

/// How a matrix is cut: strips of inputs and panels of weights make tiles of this size.
#[derive(Clone, Copy)]
pub(super) struct Cut {
    pub(super) rows: usize,
    pub(super) columns: usize,
    /// A kernel can leave out columns at the end, so many at a time.
    pub(super) lanes: usize,
}

/// Which threads make a product.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Threads {
    All,
    /// The one that asks, which has many to make.
    Own,
}

/// Where a kernel leaves a tile: lines of floats, `line` apart.
#[derive(Clone, Copy)]
pub(super) struct Tile {
    pub(super) start: *mut f32,
    pub(super) line: usize,
    /// How many columns are wanted; the kernel leaves out the lanes that have none of them.
    pub(super) columns: usize,
    /// Whether the tile is added to what stands there.
    pub(super) add: bool,
}

/// `n` values.
///
/// # Safety
/// `fill` must write every one of them.
pub(super) unsafe fn filled(n: usize, fill: impl FnOnce(&mut [MaybeUninit<f32>])) -> Vec<f32> {
    let mut values = Vec::with_capacity(n);
    fill(&mut values.spare_capacity_mut()[..n]);
    // SAFETY: all of them are written (the caller).
    unsafe { values.set_len(n) };
    values
}

/// The product, shared by tasks that write different tiles.
pub(super) struct Target {
    start: *mut f32,
    rows: usize,
    columns: usize,
    cut: Cut,
    /// Whether something stands in every place before the first tile.
    is_begun: bool,
}

// SAFETY: tasks write disjoint tiles (each has panels and strips of its own), and nobody reads before all have ended.
unsafe impl Sync for Target {}

impl Target {
    /// Writes every value of a product `(rows, columns)`, to each row of which `bias (columns)` is added. `task` is
    /// called with panels and strips, each pair in one call alone.
    ///
    /// # Safety
    /// `task` must call [`tile`](Self::tile) for every pair of a panel and a strip it is given, first without `add`.
    pub(super) unsafe fn fill(
        product: &mut [MaybeUninit<f32>],
        (rows, columns): (usize, usize),
        cut: Cut,
        bias: Option<&[f32]>,
        threads: Threads,
        task: impl Fn(&Self, Range<usize>, Range<usize>) + Sync,
    ) {
        assert_eq!(product.len(), rows * columns);
        assert!(bias.is_none_or(|bias| bias.len() == columns));
        let target = Self {
            start: product.as_mut_ptr().cast(),
            rows,
            columns,
            cut,
            is_begun: bias.is_some(),
        };
        let task = |panels: Range<usize>, strips: Range<usize>| {
            if let Some(bias) = bias {
                target.begin(bias, panels.clone(), strips.clone());
            }
            task(&target, panels, strips);
        };
        let (panels, strips) = (columns.div_ceil(cut.columns), rows.div_ceil(cut.rows));
        if threads == Threads::Own {
            return task(0..panels, 0..strips);
        }
        let wanted = rayon::current_num_threads() * TASKS_A_THREAD;
        let panels_a_task = (panels / wanted).clamp(1, MAX_COLUMNS_A_TASK / cut.columns);
        let across = panels.div_ceil(panels_a_task);
        let down = strips.div_ceil(MAX_ROWS_A_TASK / cut.rows);
        // Alike in size: a task of a few left over strips would bring all panels into the cache for nearly nothing.
        let strips_a_task = strips.div_ceil(down.max(1)).max(1);
        let part = |i: usize, size: usize, all: usize| i * size..all.min((i + 1) * size);
        (0..across * down)
            .into_par_iter()
            .with_max_len(1)
            .for_each(|i| {
                task(
                    part(i / down, panels_a_task, panels),
                    part(i % down, strips_a_task, strips),
                );
            });
    }

    /// Lets the places of a task begin with the bias.
    fn begin(&self, bias: &[f32], panels: Range<usize>, strips: Range<usize>) {
        let Cut { rows, columns, .. } = self.cut;
        let (first, end) = (
            panels.start * columns,
            self.columns.min(panels.end * columns),
        );
        let bias = &bias[first..end];
        for row in strips.start * rows..self.rows.min(strips.end * rows) {
            // SAFETY: the row exists and has these columns, which are this task's alone.
            unsafe {
                let place = self.start.add(row * self.columns + first);
                place.copy_from_nonoverlapping(bias.as_ptr(), bias.len());
            }
        }
    }

    /// How many rows of a strip are real; the last one may have fewer than the others.
    pub(super) fn rows_of(&self, strip: usize) -> usize {
        self.cut.rows.min(self.rows - strip * self.cut.rows)
    }

    /// Lets `compute` write the tile of a strip and a panel. What lies past the last column is dropped.
    pub(super) fn tile(&self, strip: usize, panel: usize, add: bool, compute: impl FnOnce(Tile)) {
        let Cut {
            rows,
            columns,
            lanes,
        } = self.cut;
        let add = add || self.is_begun;
        let (row, column) = (strip * rows, panel * columns);
        assert!(row < self.rows && column < self.columns);
        // SAFETY: the place lies within the product (asserted above).
        let start = unsafe { self.start.add(row * self.columns + column) };
        let there = columns.min(self.columns - column);
        if there.is_multiple_of(lanes) {
            return compute(Tile {
                start,
                line: self.columns,
                columns: there,
                add,
            });
        }
        let mut edge = [0f32; MAX_TILE];
        compute(Tile {
            start: edge.as_mut_ptr(),
            line: columns,
            columns: there,
            add: false,
        });
        for (r, values) in edge
            .chunks_exact(columns)
            .take(self.rows_of(strip))
            .enumerate()
        {
            for (c, value) in values.iter().take(there).enumerate() {
                // SAFETY: the row exists (`rows_of`), and so does the column; what is added to was written by `begin` or
                // the call before this one.
                unsafe {
                    let place = start.add(r * self.columns + c);
                    *place = if add { *place + value } else { *value };
                }
            }
        }
    }
}
