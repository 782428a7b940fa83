"""The training loop for the tiny models: next-token loss on the answer, AdamW, cosine decay."""

import math
import random
import time

import torch


def pad_left(tensor, length, value):
    return torch.nn.functional.pad(tensor, (length - tensor.shape[1], 0), value=value)


def fill_tiles(pictures):
    """Pictures cut into tiles, `(1, tiles, 3, side, side)` each, with as many black tiles behind as the longest needs."""
    most = max(picture.shape[1] for picture in pictures)
    rests = [picture.new_zeros((1, most - picture.shape[1], *picture.shape[2:])) for picture in pictures]
    return [torch.cat(both, 1) for both in zip(pictures, rests)]


def collate(examples):
    """One batch, padded on the left so that all answers end at the right edge."""
    length = max(example["input_ids"].shape[1] for example in examples)
    fill = {"input_ids": 0, "attention_mask": 0, "token_type_ids": 0, "mm_token_type_ids": 0, "labels": -100}

    def padded(key, tensors):
        if key == "pixel_values" and tensors[0].dim() == 5:
            return fill_tiles(tensors)
        return [pad_left(tensor, length, fill[key]) for tensor in tensors] if key in fill else tensors

    return {key: torch.cat(padded(key, [example[key] for example in examples])) for key in examples[0]}


def batches(examples, size, rng, by_length):
    """Batches for ever, each example once a round. `by_length` puts like lengths together, which saves padding."""
    while True:
        order = rng.sample(range(len(examples)), len(examples))
        if by_length:
            block = size * 16
            chunks = [order[i : i + block] for i in range(0, len(order), block)]
            order = [i for chunk in chunks for i in sorted(chunk, key=lambda i: examples[i]["input_ids"].shape[1])]
        groups = [order[i : i + size] for i in range(0, len(order) - size + 1, size)]
        if by_length:
            rng.shuffle(groups)
        for group in groups:
            yield [examples[i] for i in group]


def answer_loss(model, batch):
    """Cross-entropy over the answer's tokens; only their logits are computed."""
    labels = batch["labels"]
    first = int((labels != -100).any(0).nonzero()[0])
    kept = labels.shape[1] - first + 1
    inputs = {key: value for key, value in batch.items() if key != "labels"}
    logits = model(**inputs, logits_to_keep=kept).logits
    return torch.nn.functional.cross_entropy(
        logits[:, :-1].float().flatten(0, 1), labels[:, first:].flatten(), ignore_index=-100
    )


def train(model, examples, *, steps, seed, name, lr=2e-3, batch_size=16, by_length=False, stop_loss=None):
    """Train in place; returns the smoothed loss at the end. Stops early once it is under `stop_loss`."""
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    count = sum(parameter.numel() for parameter in parameters)
    print(f"[{name}] {count / 1e3:.0f}k parameters to train, {len(examples)} examples", flush=True)
    optimizer = torch.optim.AdamW(parameters, lr=lr, weight_decay=0.0, betas=(0.9, 0.98))
    source = batches(examples, batch_size, random.Random(seed), by_length)
    smoothed, started, warmup = None, time.time(), 30
    model.train()
    for step in range(steps):
        cosine = 0.5 * (1 + math.cos(math.pi * step / steps)) * 0.95 + 0.05
        for group in optimizer.param_groups:
            group["lr"] = lr * cosine * min(1.0, (step + 1) / warmup)
        loss = answer_loss(model, collate(next(source)))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        value = loss.item()
        smoothed = value if smoothed is None else 0.97 * smoothed + 0.03 * value
        if step % 100 == 0 or step == steps - 1:
            print(f"[{name}] step {step}, loss {smoothed:.4f}, {time.time() - started:.0f} s", flush=True)
        if stop_loss and step > 200 and smoothed < stop_loss:
            print(f"[{name}] stopped at step {step}, loss {smoothed:.4f}", flush=True)
            break
    model.eval()
    return smoothed
