//! Memory for packed weights: aligned to cache lines, in large pages where the system gives them.
#![allow(unsafe_code)]

use std::{
    alloc::{Layout, alloc, dealloc, handle_alloc_error},
    ops::{Deref, DerefMut},
    ptr::NonNull,
};

use rayon::prelude::*;

/// A cache line, and the widest register.
const LINE_BYTES: usize = 64;

/// A large page. Buffers from this size on ask for them: there are 512 times fewer pages to prepare while loading, and
/// to look up while computing.
const LARGE_PAGE_BYTES: usize = 2 << 20;

/// Numbers whose bytes may all be zero.
pub(super) trait Plain: Copy + Send + Sync {}

impl Plain for f32 {}
impl Plain for u16 {}
impl Plain for u8 {}

/// A fixed number of values.
pub(super) struct Buffer<T> {
    start: NonNull<T>,
    len: usize,
}

// SAFETY: the buffer owns its values.
unsafe impl<T: Plain> Send for Buffer<T> {}
// SAFETY: as above.
unsafe impl<T: Plain> Sync for Buffer<T> {}

impl<T: Plain> Buffer<T> {
    /// `len` values, made in pieces of `piece` values on all threads: `fill` gets a piece's number and the piece, all zero.
    pub(super) fn build(len: usize, piece: usize, fill: impl Fn(usize, &mut [T]) + Sync) -> Self {
        let layout = layout::<T>(len);
        if layout.size() == 0 {
            return Self {
                start: NonNull::dangling(),
                len: 0,
            };
        }
        // SAFETY: the layout is not empty.
        let Some(start) = NonNull::new(unsafe { alloc(layout) }.cast::<T>()) else {
            handle_alloc_error(layout)
        };
        advise_large_pages(start.cast(), layout);
        let buffer = Self { start, len };
        let shared = &buffer;
        (0..len.div_ceil(piece.max(1)))
            .into_par_iter()
            .for_each(|i| {
                let first = i * piece;
                let count = piece.min(shared.len - first);
                // SAFETY: pieces lie within the buffer and do not overlap; zeros are values of `T`, and they are written before
                // a reference to them is made.
                let values = unsafe {
                    let values = shared.start.as_ptr().add(first);
                    values.write_bytes(0, count);
                    std::slice::from_raw_parts_mut(values, count)
                };
                fill(i, values);
            });
        buffer
    }
}

/// The memory of `len` values.
fn layout<T>(len: usize) -> Layout {
    let bytes = len * size_of::<T>();
    let align = if bytes < LARGE_PAGE_BYTES {
        LINE_BYTES
    } else {
        LARGE_PAGE_BYTES
    };
    match Layout::from_size_align(bytes, align) {
        Ok(layout) => layout,
        // More than the address space holds: no weights that were read from a file are.
        Err(_) => handle_alloc_error(Layout::new::<T>()),
    }
}

impl<T: Plain> Deref for Buffer<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: `build` wrote all `len` values.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }
}

impl<T: Plain> DerefMut for Buffer<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as above; and nobody else has a reference.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }
    }
}

impl<T> Drop for Buffer<T> {
    fn drop(&mut self) {
        if self.len == 0 {
            return;
        }
        // SAFETY: `build` allocated it with this layout.
        unsafe { dealloc(self.start.as_ptr().cast(), layout::<T>(self.len)) };
    }
}

/// Lets the allocator keep what is freed for the next use. A pass over a network takes and frees some megabytes at every
/// step; returned to the system each time, their pages are cleared and mapped anew, which costs a fifth of the time.
/// Up to 2 GiB that were in use before are kept.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub fn keep_freed_memory() {
    // One place to take memory from: each further one would give back on its own. The threshold is the largest allowed.
    let settings = [
        (libc::M_ARENA_MAX, 1),
        (libc::M_MMAP_THRESHOLD, 32 << 20),
        (libc::M_TRIM_THRESHOLD, i32::MAX),
        (libc::M_TOP_PAD, 64 << 20),
    ];
    for (parameter, value) in settings {
        // SAFETY: these change when memory is returned, not what is in use. One that is refused changes nothing.
        unsafe { libc::mallopt(parameter, value) };
    }
}

/// Elsewhere the allocator decides.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn keep_freed_memory() {}

/// Asks for large pages; without them everything works, only slower.
#[cfg(target_os = "linux")]
fn advise_large_pages(start: NonNull<u8>, layout: Layout) {
    if layout.align() == LARGE_PAGE_BYTES {
        let whole = layout.size() / LARGE_PAGE_BYTES * LARGE_PAGE_BYTES;
        // SAFETY: the pages belong to an allocation that nothing uses yet; the advice does not change them.
        unsafe { libc::madvise(start.as_ptr().cast(), whole, libc::MADV_HUGEPAGE) };
    }
}

#[cfg(not(target_os = "linux"))]
fn advise_large_pages(_start: NonNull<u8>, _layout: Layout) {}
