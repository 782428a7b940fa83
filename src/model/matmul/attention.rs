//! Attention's two products, head by head: the scores between them never leave the cache.
#![allow(unsafe_code)]

use rayon::prelude::*;

use super::{
    float::{FloatMatrix, Floats, Kernel},
    float_kernel,
    target::{Threads, filled},
};

/// How many queries are worked through together: their scores then fit the second-level cache.
const QUERIES: usize = 64;

/// The sizes of [`attention`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AttentionSizes {
    /// Heads of the keys and values, those of all sequences.
    pub heads: usize,
    /// Queries a head.
    pub rows: usize,
    /// Keys a head.
    pub keys: usize,
    /// The size of a query, of a key and of a value.
    pub dim: usize,
    /// How far the keys of a head begin behind those of the one before, and the values likewise: `keys · dim`, or more where
    /// there is room for further ones.
    pub apart: usize,
}

/// `weights · values`, head by head, where `weights` are what `normalize` makes of the scores `queries · keysᵀ`.
///
/// - `queries (heads, rows, dim)`, `keys` and `values (heads, keys, dim)`, row-major, the heads of the latter `apart`
/// - `normalize` gets some rows of scores `(rows, keys)` and the number of the first, where those of the first head come
///   first
/// - gives `(heads, rows, dim)`
pub fn attention(
    queries: &[f32],
    keys: &[f32],
    values: &[f32],
    sizes: AttentionSizes,
    normalize: impl Fn(usize, &mut [f32]) + Sync,
) -> Vec<f32> {
    attention_for(float_kernel(), queries, keys, values, sizes, normalize)
}

pub(super) fn attention_for(
    kernel: Kernel,
    queries: &[f32],
    keys: &[f32],
    values: &[f32],
    sizes: AttentionSizes,
    normalize: impl Fn(usize, &mut [f32]) + Sync,
) -> Vec<f32> {
    let (rows, dim) = (sizes.rows, sizes.dim);
    assert_eq!(queries.len(), sizes.heads * rows * dim, "{sizes:?}");
    if queries.is_empty() || sizes.keys == 0 {
        return vec![0.0; queries.len()];
    }
    let of_a_head = sizes.keys * dim;
    assert!(of_a_head <= sizes.apart, "{sizes:?}");
    let needed = (sizes.heads - 1) * sizes.apart + of_a_head;
    assert!(keys.len().min(values.len()) >= needed, "{sizes:?}");
    let packed: Vec<(FloatMatrix, FloatMatrix)> = (0..sizes.heads)
        .into_par_iter()
        .map(|head| {
            let [keys, values] = [keys, values].map(|all| &all[head * sizes.apart..][..of_a_head]);
            (
                FloatMatrix::pack(kernel, Floats::F32(keys), sizes.keys, dim),
                FloatMatrix::pack_transposed(kernel, values, sizes.keys, dim),
            )
        })
        .collect();
    let mix = |(head, first): (usize, usize), queries: &[f32], mixed: &mut [_]| {
        let Some((keys, values)) = packed.get(head) else {
            return;
        };
        // SAFETY: the product writes every score.
        let mut scores = unsafe {
            filled(queries.len() / dim * sizes.keys, |scores| {
                keys.product(queries, None, Threads::Own, scores);
            })
        };
        normalize(head * rows + first, &mut scores);
        values.product(&scores, None, Threads::Own, mixed);
    };
    // SAFETY: each query has a place, and each place is written by a product.
    unsafe {
        filled(queries.len(), |mixed| {
            mixed
                .par_chunks_mut(rows * dim)
                .zip(queries.par_chunks(rows * dim))
                .enumerate()
                .for_each(|(head, (mixed, queries))| {
                    mixed
                        .par_chunks_mut(QUERIES * dim)
                        .zip(queries.par_chunks(QUERIES * dim))
                        .enumerate()
                        .for_each(|(block, (mixed, queries))| {
                            mix((head, block * QUERIES), queries, mixed);
                        });
                });
        })
    }
}
