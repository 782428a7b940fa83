//! Every kernel that this processor can run, against sums in f64.

use half::{bf16, f16};
use proptest::prelude::*;

use super::*;

/// The kernels that this processor can run.
fn kernels() -> Vec<float::Kernel> {
    let mut kernels = vec![portable::FLOAT];
    #[cfg(target_arch = "x86_64")]
    kernels.extend(x86::all());
    kernels
}

fn int8_kernels() -> Vec<int8::Kernel> {
    let mut kernels = vec![portable::INT8];
    #[cfg(target_arch = "x86_64")]
    kernels.extend(x86_int8::all());
    kernels
}

fn floats(n: usize, seed: u64) -> Vec<f32> {
    (0..n as u64)
        .map(|i| {
            ((i + seed).wrapping_mul(6_364_136_223_846_793_005) >> 40) as f32 / (1 << 23) as f32
                - 1.0
        })
        .collect()
}

/// The weights in each format, and what they are in f32.
fn in_all_formats(weight: &[f32], check: impl Fn(Floats, &[f32])) {
    check(Floats::F32(weight), weight);
    let narrow: Vec<bf16> = weight.iter().map(|v| bf16::from_f32(*v)).collect();
    let wide: Vec<f32> = narrow.iter().map(|v| v.to_f32()).collect();
    check(Floats::Bf16(&narrow), &wide);
    let narrow: Vec<f16> = weight.iter().map(|v| f16::from_f32(*v)).collect();
    let wide: Vec<f32> = narrow.iter().map(|v| v.to_f32()).collect();
    check(Floats::F16(&narrow), &wide);
}

fn assert_product(
    (product, name): (&[f32], &str),
    x: &[f32],
    weight: &[f32],
    (out, input): (usize, usize),
) {
    assert_eq!(product.len(), x.len() / input * out);
    for (r, line) in product.chunks_exact(out).enumerate() {
        for (c, value) in line.iter().enumerate() {
            let (x, w) = (&x[r * input..][..input], &weight[c * input..][..input]);
            let exact: f64 = x
                .iter()
                .zip(w)
                .map(|(x, w)| f64::from(*x) * f64::from(*w))
                .sum();
            assert!(
                (f64::from(*value) - exact).abs() < 1e-5 * input as f64,
                "{name}: row {r}, column {c}: {value}, not {exact}"
            );
        }
    }
}

/// A row as Q8_0 has it, rounded by the same steps to the bit, and half of a step of each value's block.
fn rounded(row: &[f32], round_scale: impl Fn(f32) -> f32) -> (Vec<f64>, Vec<f64>) {
    let mut values = Vec::new();
    let mut half_steps = Vec::new();
    for block in row.chunks(32) {
        let largest = block.iter().fold(0f32, |a, b| a.max(b.abs()));
        let scale = round_scale(largest / 127.0);
        for value in block {
            let quant = if scale == 0.0 {
                0.0
            } else {
                (value * (1.0 / scale))
                    .round_ties_even()
                    .clamp(-127.0, 127.0)
            };
            values.push(f64::from(quant) * f64::from(scale));
            half_steps.push(f64::from(scale) / 2.0);
        }
    }
    (values, half_steps)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_kernel_gives_the_product(rows in 1usize..20, out in 1usize..120, input in 1usize..1200, seed: u32) {
        let (x, weight) = (floats(rows * input, seed.into()), floats(out * input, 7 + u64::from(seed)));
        in_all_formats(&weight, |narrow, wide| {
            for kernel in kernels() {
                let packed = PackedMatrix::pack_for(kernel, narrow, out, input);
                assert_product((&packed.product(&x, rows, None), kernel.name), &x, wide, (out, input));
            }
        });
    }

    #[test]
    fn every_kernel_mixes_the_values_of_each_head(
        heads in 1usize..4, rows in 1usize..150, dim in 1usize..90, n_keys in 1usize..110, room in 0usize..9, seed: u32,
    ) {
        let seed = u64::from(seed);
        let queries = floats(heads * rows * dim, seed);
        let apart = (n_keys + room) * dim;
        let (keys, values) = (floats(heads * apart, 7 + seed), floats(heads * apart, 99 + seed));
        let sizes = AttentionSizes { heads, rows, keys: n_keys, dim, apart };
        let add_row = |first: usize, scores: &mut [f32]| {
            for (i, row) in (first..).zip(scores.chunks_exact_mut(n_keys)) {
                row.iter_mut().for_each(|score| *score += i as f32 * 0.01);
            }
        };
        for kernel in kernels() {
            let mixed = attention::attention_for(kernel, &queries, &keys, &values, sizes, add_row);
            for (i, (query, mixed)) in queries.chunks_exact(dim).zip(mixed.chunks_exact(dim)).enumerate() {
                let of_head = i / rows * apart..i / rows * apart + n_keys * dim;
                let weights: Vec<f64> = keys[of_head.clone()]
                    .chunks_exact(dim)
                    .map(|key| query.iter().zip(key).map(|(q, k)| f64::from(*q) * f64::from(*k)).sum::<f64>() + i as f64 * 0.01)
                    .collect();
                for (c, got) in mixed.iter().enumerate() {
                    let column = values[of_head.clone()].iter().skip(c).step_by(dim);
                    let exact: f64 = weights.iter().zip(column).map(|(w, v)| w * f64::from(*v)).sum();
                    prop_assert!((f64::from(*got) - exact).abs() < 1e-5 * (n_keys * dim) as f64,
                        "{}: query {i}, column {c}: {got}, not {exact}", kernel.name);
                }
            }
        }
    }

    #[test]
    fn a_bias_is_added_to_every_row(rows in 1usize..20, out in 1usize..120, input in 1usize..900, seed: u32) {
        let (x, weight) = (floats(rows * input, seed.into()), floats(out * input, 7 + u64::from(seed)));
        let bias = floats(out, 3 + u64::from(seed));
        let float = kernels().into_iter().map(|kernel| PackedMatrix::pack_for(kernel, Floats::F32(&weight), out, input));
        let int8 = int8_kernels().into_iter().map(|kernel| PackedMatrix::quantize_for(kernel, &weight, out, input));
        for packed in float.chain(int8) {
            let plain = packed.product(&x, rows, None);
            let biased = packed.product(&x, rows, Some(&bias));
            for (i, (plain, biased)) in plain.iter().zip(&biased).enumerate() {
                let expected = plain + bias[i % out];
                prop_assert!((biased - expected).abs() < 1e-4, "{packed:?}: {biased}, not {expected}");
            }
        }
    }

    #[test]
    fn every_q8_0_kernel_gives_the_product_of_what_was_rounded(
        rows in 1usize..15, out in 1usize..80, input in 1usize..2200, spread in 0u32..3, seed: u32,
    ) {
        // Some blocks with values far larger than the others', as real activations have.
        let stretched = |n: usize, seed: u64| -> Vec<f32> {
            let stretch = |(i, v): (usize, f32)| if i % 97 == 5 { v * 10f32.powi(spread as i32) } else { v };
            floats(n, seed).into_iter().enumerate().map(stretch).collect()
        };
        let (x, weight) = (stretched(rows * input, seed.into()), stretched(out * input, 7 + u64::from(seed)));
        let by_row = |values: &[f32], round: fn(f32) -> f32| -> Vec<_> {
            values.chunks_exact(input).map(|row| rounded(row, round)).collect()
        };
        let rounded_x = by_row(&x, |scale| scale);
        let rounded_weight = by_row(&weight, |scale| f16::from_f32(scale).to_f32());
        for kernel in int8_kernels() {
            let packed = PackedMatrix::quantize_for(kernel, &weight, out, input);
            let product = packed.product(&x, rows, None);
            for (r, line) in product.chunks_exact(out).enumerate() {
                for (c, value) in line.iter().enumerate() {
                    let ((xs, x_steps), (ws, w_steps)) = (&rounded_x[r], &rounded_weight[c]);
                    let (mut exact, mut sizes, mut plain, mut bound) = (0.0, 0.0, 0.0, 0.0);
                    for i in 0..input {
                        exact += xs[i] * ws[i];
                        sizes += (xs[i] * ws[i]).abs();
                        let (x, w) = (f64::from(x[r * input + i]), f64::from(weight[c * input + i]));
                        plain += x * w;
                        // A scale that f16 rounds down lets a largest value be cut off: by less than a hundredth of a step.
                        bound += 1.01 * (x.abs() * w_steps[i] + w.abs() * x_steps[i] + x_steps[i] * w_steps[i]);
                    }
                    prop_assert!((f64::from(*value) - exact).abs() < 1e-5 * sizes + 1e-6,
                        "{}: row {r}, column {c}: {value}, not {exact}", kernel.name);
                    prop_assert!((f64::from(*value) - plain).abs() < bound + 1e-5 * sizes + 1e-6,
                        "{}: row {r}, column {c}: {value} is far from {plain}", kernel.name);
                }
            }
        }
    }

    #[test]
    fn a_row_of_q8_0_comes_back_within_half_a_step_or_at_its_farthest(out in 1usize..80, input in 1usize..120, seed: u32) {
        let weight = floats(out * input, seed.into());
        for kernel in int8_kernels() {
            let packed = PackedMatrix::quantize_for(kernel, &weight, out, input);
            for (row, values) in weight.chunks_exact(input).enumerate() {
                let mut copied = vec![0f32; input];
                packed.copy_row(row, &mut copied);
                let (expected, half_steps) = rounded(values, |scale| f16::from_f32(scale).to_f32());
                for i in 0..input {
                    prop_assert!((f64::from(copied[i]) - expected[i]).abs() <= half_steps[i] * 2.001);
                    // A scale that half precision rounds down leaves the largest values out of reach.
                    let out_of_reach = f64::from(values[i].abs()) - 254.0 * half_steps[i];
                    let error = (f64::from(copied[i]) - f64::from(values[i])).abs();
                    prop_assert!(error <= out_of_reach.max(half_steps[i]) * 1.001, "{}", kernel.name);
                }
            }
        }
    }

    #[test]
    fn a_row_comes_back_as_it_was(out in 1usize..120, input in 1usize..70, seed: u32) {
        in_all_formats(&floats(out * input, seed.into()), |narrow, wide| {
            for kernel in kernels() {
                let packed = PackedMatrix::pack_for(kernel, narrow, out, input);
                for (row, expected) in wide.chunks_exact(input).enumerate() {
                    let mut copied = vec![0f32; input];
                    packed.copy_row(row, &mut copied);
                    assert_eq!(copied, expected, "{}", kernel.name);
                }
            }
        });
    }
}

#[test]
fn many_rows_and_columns_are_split_into_tasks() {
    let (rows, out, input) = (900, 1000, 10);
    let (x, weight) = (floats(rows * input, 1), floats(out * input, 2));
    for kernel in kernels() {
        let packed = PackedMatrix::pack_for(kernel, Floats::F32(&weight), out, input);
        let product = packed.product(&x, rows, None);
        assert_product((&product, kernel.name), &x, &weight, (out, input));
    }
}

#[test]
fn nothing_times_anything_is_nothing() {
    let none = Floats::F32(&[]);
    assert!(
        PackedMatrix::pack(none, 0, 5)
            .product(&floats(15, 0), 3, None)
            .is_empty()
    );
    assert_eq!(
        PackedMatrix::pack(none, 3, 0).product(&[], 2, None),
        [0.0; 6]
    );
    let some = floats(20, 0);
    assert!(
        PackedMatrix::pack(Floats::F32(&some), 4, 5)
            .product(&[], 0, None)
            .is_empty()
    );
}

#[test]
fn what_is_not_a_number_stays_visible_in_q8_0() {
    let (rows, out, input) = (7, 40, 70);
    let weight = floats(out * input, 3);
    for wrong in [f32::NAN, f32::INFINITY] {
        let mut x = floats(rows * input, 4);
        x[2 * input + 50] = wrong;
        for kernel in int8_kernels() {
            let product =
                PackedMatrix::quantize_for(kernel, &weight, out, input).product(&x, rows, None);
            for (r, line) in product.chunks_exact(out).enumerate() {
                assert!(
                    line.iter().all(|v| v.is_nan() == (r == 2)),
                    "{} row {r}",
                    kernel.name
                );
            }
        }
    }
}

#[test]
fn zeros_and_tiny_values_stay_small_in_q8_0() {
    let (rows, out, input) = (3, 20, 64);
    let weight: Vec<f32> = floats(out * input, 3).iter().map(|v| v * 1e-7).collect();
    for kernel in int8_kernels() {
        let packed = PackedMatrix::quantize_for(kernel, &weight, out, input);
        assert!(
            packed
                .product(&vec![0.0; rows * input], rows, None)
                .iter()
                .all(|v| *v == 0.0)
        );
        let product = packed.product(&floats(rows * input, 5), rows, None);
        assert!(product.iter().all(|v| v.abs() < 1e-5), "{}", kernel.name);
    }
}
