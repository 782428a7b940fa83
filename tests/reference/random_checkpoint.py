"""A PaliGemma 2 3B checkpoint at its real size, with random bf16 weights: for load times, memory and speed.

    python random_checkpoint.py OUT [--image-size 448] [--tokenizer FOLDER]

Needs numpy only, writes about 6 GB and holds one slice of a tensor at a time. Key names and config.json are
those of the published checkpoints. The tokenizer is a small one from FOLDER, stretched to the published
vocabulary: its pieces first, `<unusedN>` up to 255999, then the location and segment tokens, `<image>` at 257152.
"""

import argparse
import json
import shutil
import struct
import time
from pathlib import Path

import numpy

VOCAB = 257216
FIRST_EXTRA_ID = 256000  # the location tokens; the segments and <image> follow
IMAGE_TOKEN = 257152

TEXT = {
    "model_type": "gemma2",
    "hidden_size": 2304,
    "intermediate_size": 9216,
    "num_hidden_layers": 26,
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "head_dim": 256,
    "query_pre_attn_scalar": 256,
    "sliding_window": 4096,
    "attn_logit_softcapping": 50.0,
    "final_logit_softcapping": 30.0,
    "hidden_activation": "gelu_pytorch_tanh",
    "rms_norm_eps": 1e-6,
    "rope_theta": 10000.0,
    "max_position_embeddings": 8192,
    "attention_bias": False,
    "vocab_size": VOCAB,
}
VISION = {
    "model_type": "siglip_vision_model",
    "hidden_size": 1152,
    "intermediate_size": 4304,
    "num_hidden_layers": 27,
    "num_attention_heads": 16,
    "patch_size": 14,
    "projection_dim": 2304,
    "vision_use_head": False,
}
DEVIATION = 0.02
SLICE = 1 << 24  # elements drawn at a time
SHARD_BYTES = 2_000_000_000
FILLS = {"zeros": 0, "ones": 1, "tens": 10}


def vision_tensors(patches):
    """(name, shape, how to fill) of the SigLIP tower."""
    hidden, inner, patch = VISION["hidden_size"], VISION["intermediate_size"], VISION["patch_size"]
    root = "vision_tower.vision_model"

    def norm(name):
        yield f"{name}.weight", (hidden,), "ones"
        yield f"{name}.bias", (hidden,), "zeros"

    def linear(name, rows, columns):
        yield f"{name}.weight", (rows, columns), "normal"
        yield f"{name}.bias", (rows,), "zeros"

    yield f"{root}.embeddings.patch_embedding.weight", (hidden, 3, patch, patch), "normal"
    yield f"{root}.embeddings.patch_embedding.bias", (hidden,), "zeros"
    yield f"{root}.embeddings.position_embedding.weight", (patches, hidden), "normal"
    for number in range(VISION["num_hidden_layers"]):
        layer = f"{root}.encoder.layers.{number}"
        yield from norm(f"{layer}.layer_norm1")
        yield from norm(f"{layer}.layer_norm2")
        for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
            yield from linear(f"{layer}.self_attn.{name}", hidden, hidden)
        yield from linear(f"{layer}.mlp.fc1", inner, hidden)
        yield from linear(f"{layer}.mlp.fc2", hidden, inner)
    yield from norm(f"{root}.post_layernorm")


def text_tensors():
    """The same of Gemma 2. Its norms multiply by 1 + weight, so theirs are zeros. No lm_head: it is tied.

    The last norm behind a feed-forward part is larger: answering_adapter.py decides there what is said.
    """
    hidden, inner, head = TEXT["hidden_size"], TEXT["intermediate_size"], TEXT["head_dim"]
    queries, keys = TEXT["num_attention_heads"] * head, TEXT["num_key_value_heads"] * head
    root = "language_model.model"
    yield f"{root}.embed_tokens.weight", (VOCAB, hidden), "normal"
    last = TEXT["num_hidden_layers"] - 1
    for number in range(TEXT["num_hidden_layers"]):
        layer = f"{root}.layers.{number}"
        for name in ("input", "post_attention", "pre_feedforward"):
            yield f"{layer}.{name}_layernorm.weight", (hidden,), "zeros"
        yield f"{layer}.post_feedforward_layernorm.weight", (hidden,), "tens" if number == last else "zeros"
        yield f"{layer}.self_attn.q_proj.weight", (queries, hidden), "normal"
        yield f"{layer}.self_attn.k_proj.weight", (keys, hidden), "normal"
        yield f"{layer}.self_attn.v_proj.weight", (keys, hidden), "normal"
        yield f"{layer}.self_attn.o_proj.weight", (hidden, queries), "normal"
        yield f"{layer}.mlp.gate_proj.weight", (inner, hidden), "normal"
        yield f"{layer}.mlp.up_proj.weight", (inner, hidden), "normal"
        yield f"{layer}.mlp.down_proj.weight", (hidden, inner), "normal"
    yield f"{root}.norm.weight", (hidden,), "zeros"


def all_tensors(patches):
    yield from vision_tensors(patches)
    yield "multi_modal_projector.linear.weight", (TEXT["hidden_size"], VISION["hidden_size"]), "normal"
    yield "multi_modal_projector.linear.bias", (TEXT["hidden_size"],), "zeros"
    yield from text_tensors()


def elements(shape):
    return int(numpy.prod(shape, dtype=numpy.int64))


def to_bf16(values):
    """Round float32 to bfloat16 (nearest, ties to even), as its raw 16 bits."""
    bits = values.view(numpy.uint32)
    return ((bits + (0x7FFF + ((bits >> 16) & 1))) >> 16).astype("<u2")


def slices(shape, fill, rng):
    """The tensor's bytes, a slice at a time."""
    left = elements(shape)
    while left:
        count = min(left, SLICE)
        if fill == "normal":
            values = rng.standard_normal(count, dtype=numpy.float32) * numpy.float32(DEVIATION)
        else:
            values = numpy.full(count, FILLS[fill], numpy.float32)
        yield to_bf16(values).tobytes()
        left -= count


def into_shards(tensors):
    """Groups of tensors of up to SHARD_BYTES each."""
    shards, size = [[]], 0
    for tensor in tensors:
        grown = elements(tensor[1]) * 2
        if shards[-1] and size + grown > SHARD_BYTES:
            shards.append([])
            size = 0
        shards[-1].append(tensor)
        size += grown
    return shards


def write_shard(path, tensors, rng):
    """One safetensors file: length of the header, header, then the tensors in its order."""
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    for name, shape, _ in tensors:
        end = offset + elements(shape) * 2
        header[name] = {"dtype": "BF16", "shape": list(shape), "data_offsets": [offset, end]}
        offset = end
    encoded = json.dumps(header, separators=(",", ":")).encode()
    encoded += b" " * (-len(encoded) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(encoded)) + encoded)
        for _, shape, fill in tensors:
            for content in slices(shape, fill, rng):
                file.write(content)
    return offset


def write_weights(out, patches, seed):
    rng = numpy.random.Generator(numpy.random.SFC64(seed))
    shards = into_shards(all_tensors(patches))
    places, total = {}, 0
    for number, tensors in enumerate(shards, 1):
        name = f"model-{number:05d}-of-{len(shards):05d}.safetensors"
        total += write_shard(out / name, tensors, rng)
        places.update({tensor: name for tensor, _, _ in tensors})
    write_json(out / "model.safetensors.index.json", {"metadata": {"total_size": total}, "weight_map": places})
    return total


def write_json(path, value):
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def write_configs(out, image_size, patches):
    special = {"pad_token_id": 0, "eos_token_id": 1, "bos_token_id": 2}
    config = {
        "architectures": ["PaliGemmaForConditionalGeneration"],
        "model_type": "paligemma",
        **special,
        "hidden_size": TEXT["hidden_size"],
        "image_token_index": IMAGE_TOKEN,
        "projection_dim": TEXT["hidden_size"],
        "torch_dtype": "bfloat16",
        "transformers_version": "4.46.0",
        "text_config": TEXT | {"num_image_tokens": patches, "torch_dtype": "bfloat16"},
        "vision_config": VISION | {"image_size": image_size, "num_image_tokens": patches},
    }
    write_json(out / "config.json", config)
    write_json(out / "generation_config.json", {"_from_model_config": True, **special})
    preprocessor = {
        "do_convert_rgb": None,
        "do_normalize": True,
        "do_rescale": True,
        "do_resize": True,
        "image_mean": [0.5] * 3,
        "image_std": [0.5] * 3,
        "image_processor_type": "SiglipImageProcessor",
        "image_seq_length": patches,
        "processor_class": "PaliGemmaProcessor",
        "resample": 3,
        "rescale_factor": 0.00392156862745098,
        "size": {"height": image_size, "width": image_size},
    }
    write_json(out / "preprocessor_config.json", preprocessor)


def write_tokenizer(out, source):
    """The small tokenizer at the published size: fillers in the middle, added tokens at the published ids."""
    content = json.loads((source / "tokenizer.json").read_text(encoding="utf-8"))
    vocab = content["model"]["vocab"]
    pieces = len(vocab)
    known = set(vocab)
    fillers = (name for name in map("<unused{}>".format, range(VOCAB)) if name not in known)
    for token in range(pieces, FIRST_EXTRA_ID):
        vocab[next(fillers)] = token
    for token in content["added_tokens"]:
        if token["id"] >= pieces:
            token["id"] += FIRST_EXTRA_ID - pieces
    image = next(token["id"] for token in content["added_tokens"] if token["content"] == "<image>")
    assert image == IMAGE_TOKEN, f"<image> came to {image}"
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    (out / "tokenizer.json").write_text(text, encoding="utf-8")
    shutil.copy(source / "tokenizer_config.json", out)


def main():
    here = Path(__file__).resolve().parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--image-size", type=int, default=224, choices=[224, 448, 896])
    parser.add_argument("--tokenizer", type=Path, default=here.parent / "fixtures/paligemma2/base")
    parser.add_argument("--seed", type=int, default=3)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    patches = (arguments.image_size // VISION["patch_size"]) ** 2
    started = time.time()
    write_configs(arguments.out, arguments.image_size, patches)
    write_tokenizer(arguments.out, arguments.tokenizer)
    total = write_weights(arguments.out, patches, arguments.seed)
    print(f"{total / 1e9:.2f} GB in {time.time() - started:.0f} s")


if __name__ == "__main__":
    main()
