//! The parts of a network at the sizes of PaliGemma 2 3B, beside candle's own operations.
//!
//! A prompt of 371 tokens (256 of them the image's) through Gemma 2: feed-forward products, attention, activations.
#![allow(clippy::unwrap_used, missing_docs)] // a bench that fails may say so

use std::{hint::black_box, time::Duration};

use candle_core::{Device, Tensor};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use half::{bf16, f16};
use overrule::model::{
    layers::{Activation, Heads, activate_mul, attend},
    matmul::{Floats, PackedMatrix},
};

const PROMPT: usize = 371;
const HIDDEN: usize = 2304;
const INNER: usize = 9216;

fn values(n: usize) -> Vec<f32> {
    (0..n).map(|i| (i * 37 % 101) as f32 / 50.0 - 1.0).collect()
}

fn tensor(shape: &[usize]) -> Tensor {
    Tensor::from_vec(values(shape.iter().product()), shape, &Device::Cpu).unwrap()
}

/// Products of rows with a matrix in each format; `candle` is its own in f32.
fn products(c: &mut Criterion) {
    for (rows, input, out) in [
        (PROMPT, HIDDEN, INNER),
        (PROMPT, INNER, HIDDEN),
        (256, 1152, 4304),
        (16, HIDDEN, INNER),
        (1, HIDDEN, INNER),
    ] {
        let mut group = c.benchmark_group(format!("{rows} rows of {input} to {out}"));
        group.sample_size(20).warm_up_time(Duration::from_secs(1));
        group.throughput(Throughput::Elements((2 * rows * input * out) as u64));
        let (x, weight) = (values(rows * input), values(out * input));
        let halves: Vec<bf16> = weight.iter().map(|v| bf16::from_f32(*v)).collect();
        let f16s: Vec<f16> = weight.iter().map(|v| f16::from_f32(*v)).collect();
        for (name, packed) in [
            ("f32", PackedMatrix::pack(Floats::F32(&weight), out, input)),
            (
                "bf16",
                PackedMatrix::pack(Floats::Bf16(&halves), out, input),
            ),
            ("f16", PackedMatrix::pack(Floats::F16(&f16s), out, input)),
            ("q8_0", PackedMatrix::quantize(&weight, out, input)),
        ] {
            group.bench_function(name, |b| {
                b.iter(|| packed.product(black_box(&x), rows, None));
            });
        }
        let x = tensor(&[rows, input]);
        let weight = tensor(&[out, input]).t().unwrap();
        group.bench_function("candle", |b| {
            b.iter(|| black_box(&x).matmul(&weight).unwrap());
        });
        group.finish();
    }
}

/// Attention of a prompt to itself.
fn attention(c: &mut Criterion) {
    let heads = Heads {
        queries: 8,
        keys_values: 4,
        dim: 256,
        scale: 1.0 / 16.0,
        softcap: Some(50.0),
    };
    let mut group = c.benchmark_group("attention");
    group.sample_size(20);
    let q = tensor(&[1, heads.queries, PROMPT, heads.dim]);
    let k = tensor(&[1, heads.keys_values, PROMPT, heads.dim]);
    group.bench_function("a layer", |b| {
        b.iter(|| attend(black_box(&q), &k, &k, &heads, None).unwrap());
    });
    group.bench_function("by candle", |b| {
        b.iter(|| {
            let rows = q.reshape((1, heads.keys_values, 2 * PROMPT, heads.dim));
            let scores = (rows.unwrap().matmul(&k.t().unwrap()).unwrap() * heads.scale).unwrap();
            let squeezed = ((scores / 50.0).unwrap().tanh().unwrap() * 50.0).unwrap();
            let weights = candle_nn::ops::softmax_last_dim(&squeezed).unwrap();
            weights.matmul(&k).unwrap()
        });
    });
    group.finish();
}

fn activation(c: &mut Criterion) {
    let mut group = c.benchmark_group("gated activation");
    group.sample_size(20);
    let (gate, up) = (tensor(&[PROMPT, INNER]), tensor(&[PROMPT, INNER]));
    group.bench_function("in one pass", |b| {
        b.iter(|| activate_mul(Activation::Gelu, gate.copy().unwrap(), &up).unwrap());
    });
    group.bench_function("by candle", |b| {
        b.iter(|| (gate.gelu().unwrap() * &up).unwrap());
    });
    group.finish();
}

criterion_group!(benches, products, attention, activation);
criterion_main!(benches);
