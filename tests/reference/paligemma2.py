"""Tiny PaliGemma 2 models: the real architecture, processor and file layout in a few hundred thousand weights.

    python paligemma2.py first  --posts POSTS --out DIR   trained, f32 in shards, LoRA on the language model
    python paligemma2.py second --posts POSTS --out DIR   small sliding window and soft-caps, bf16, LoRA everywhere
    python paligemma2.py large  --posts POSTS --out DIR   448 pixels, random weights, f16, no adapter

Each writes DIR/base and DIR/adapter; goldens.py then writes down what they say.
"""

import argparse
import hashlib
import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import numpy
import torch
import transformers
from peft import LoraConfig, get_peft_model
from PIL import Image
from transformers import (
    PaliGemmaConfig,
    PaliGemmaForConditionalGeneration,
    PaliGemmaProcessor,
    SiglipImageProcessor,
)
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

import task
import tokenizer
from train import train

PATCH = 14
LANGUAGE_TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


@dataclass
class Recipe:
    """Everything that tells one tiny model from another."""

    seed: int
    image_size: int = 56
    vocab: int = 900
    alphabet: int = 88
    hidden: int = 64
    layers: int = 3
    heads: int = 4
    kv_heads: int = 2
    head_dim: int = 24
    intermediate: int = 160
    query_scalar: int = 16
    sliding_window: int = 4096
    attn_softcap: float = 50.0
    final_softcap: float = 30.0
    vision_hidden: int = 48
    vision_layers: int = 2
    vision_heads: int = 4
    tower_steps: int = 0
    steps: int = 1600
    lora_steps: int = 700
    extra_posts: int = 1500
    batch_size: int = 16
    by_length: bool = False
    stop_loss: float = 0.006
    dtype: torch.dtype = torch.float32
    shard_size: str = "5GB"
    lora: dict = field(default_factory=lambda: {"r": 4, "lora_alpha": 32, "target_modules": LANGUAGE_TARGETS})


def make_processor(recipe, texts):
    images = SiglipImageProcessor(size={"height": recipe.image_size, "width": recipe.image_size})
    images.image_seq_length = (recipe.image_size // PATCH) ** 2
    return PaliGemmaProcessor(images, tokenizer.build(texts, recipe.vocab, recipe.alphabet))


def make_config(recipe, processor):
    # The published model's embedding is larger than its tokenizer; so is this one.
    vocab_size = (len(processor.tokenizer) + 63) // 64 * 64 + 64
    text = {
        "model_type": "gemma2",
        "vocab_size": vocab_size,
        "hidden_size": recipe.hidden,
        "intermediate_size": recipe.intermediate,
        "num_hidden_layers": recipe.layers,
        "num_attention_heads": recipe.heads,
        "num_key_value_heads": recipe.kv_heads,
        "head_dim": recipe.head_dim,
        "query_pre_attn_scalar": recipe.query_scalar,
        "sliding_window": recipe.sliding_window,
        "attn_logit_softcapping": recipe.attn_softcap,
        "final_logit_softcapping": recipe.final_softcap,
        "hidden_activation": "gelu_pytorch_tanh",
        "max_position_embeddings": 8192,
        "rms_norm_eps": 1e-6,
        "initializer_range": 0.06,
    }
    vision = {
        "model_type": "siglip_vision_model",
        "hidden_size": recipe.vision_hidden,
        "intermediate_size": recipe.vision_hidden * 2,
        "num_hidden_layers": recipe.vision_layers,
        "num_attention_heads": recipe.vision_heads,
        "image_size": recipe.image_size,
        "patch_size": PATCH,
        "vision_use_head": False,
        "projection_dim": recipe.hidden,
    }
    config = PaliGemmaConfig(
        text_config=text,
        vision_config=vision,
        image_token_index=processor.image_token_id,
        projection_dim=recipe.hidden,
        hidden_size=recipe.hidden,
        vocab_size=vocab_size,
        pad_token_id=0,
        bos_token_id=2,
        eos_token_id=1,
    )
    config._attn_implementation = "eager"
    return config


def make_model(recipe, processor):
    torch.manual_seed(recipe.seed)
    model = PaliGemmaForConditionalGeneration(make_config(recipe, processor))
    with torch.no_grad():  # else the picture's features start too faint beside the text's
        model.model.multi_modal_projector.linear.weight.mul_(4)
    return model


def enliven(model, seed):
    """Random weights that answer variously: attention that picks, and blocks that outweigh the embedding's echo."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "norm" in name:
                weight.add_(torch.randn(weight.shape, generator=generator) * 0.4)
            if name.endswith(("post_attention_layernorm.weight", "post_feedforward_layernorm.weight")):
                weight.add_(2.0)
            if name.endswith(("q_proj.weight", "k_proj.weight")):
                weight.mul_(4)
            if name.endswith("embed_tokens.weight"):
                weight.mul_(0.2)
            if name.endswith("language_model.norm.weight"):
                weight.add_(20.0)


def warm_up_tower(model, pixels, labels, steps, seed, batch_size=32, lr=2e-3):
    """Teach the vision tower to see the signs before the whole model trains: cheap, since no text runs along.

    A throw-away linear head looks at every patch's features; a label is there if one patch shows it.
    """
    torch.manual_seed(seed)
    tower, projector = model.model.vision_tower, model.model.multi_modal_projector
    head = torch.nn.Linear(projector.linear.out_features, labels.shape[1])
    optimizer = torch.optim.AdamW([p for part in (tower, projector, head) for p in part.parameters()], lr=lr)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = lr * min(1.0, (step + 1) / 50, (steps - step) / steps * 1.5)
        rows = torch.randint(0, len(pixels), (batch_size,))
        seen = head(projector(tower(pixel_values=pixels[rows]).last_hidden_state)).amax(1)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(seen, labels[rows])
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(tower.parameters(), 1.0)
        optimizer.step()
        if step % 100 == 0 or step == steps - 1:
            print(f"[tower] step {step}, loss {loss.item():.4f}", flush=True)


def load_base(folder):
    """The model as goldens see it: from the files on disk, in float32 whatever they hold."""
    return PaliGemmaForConditionalGeneration.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager"
    )


def prompt_text(processor, post, prompt):
    return task.PROMPTS[prompt](post)


def pil_images(options, default):
    """The image processor with PIL's resampling; `options` are those of preprocessor_config.json."""
    pil = SiglipImageProcessorPil(**options)
    pil.image_seq_length = default.image_seq_length
    return pil


def answer_types(inputs, count):
    """The token types of `count` answer tokens behind the prompt: 1, which is causal."""
    ones = torch.ones((1, count), dtype=torch.long)
    return {"token_type_ids": torch.cat([inputs["token_type_ids"], ones], 1)}


def describe_input(reference, inputs):
    return {}


def describe_resized(rgb, pixels, options):
    """PIL's bicubic resize to the model's square, as uint8: what the processor makes before it rescales."""
    size = options["size"]["height"]
    resized = numpy.asarray(rgb.resize((size, size), Image.Resampling.BICUBIC))
    again = torch.from_numpy((resized / 255 - 0.5) / 0.5).permute(2, 0, 1)
    assert (again - pixels[0]).abs().max() < 1e-5, "the resized bytes are not the pixels"
    return {
        "pixels_sha256": hashlib.sha256(resized.tobytes()).hexdigest(),
        "pixels_first_row_hex": resized[0].tobytes().hex(),
    }


def encode(processor, post, labels):
    suffix = task.answer_text(labels)
    return processor(images=post["rgb"], text=task.trained_prompt(post), suffix=suffix, return_tensors="pt")


def save_base(model, processor, recipe, folder):
    model.to(recipe.dtype).save_pretrained(folder, max_shard_size=recipe.shard_size)
    processor.save_pretrained(folder)
    processor.image_processor.save_pretrained(folder)
    tokenizer.compact(folder)


def save_adapter(model, folder, base_name):
    """A PEFT folder without its generated model card, and with its sets in a fixed order."""
    model.save_pretrained(folder)
    (Path(folder) / "README.md").unlink(missing_ok=True)
    config_path = Path(folder) / "adapter_config.json"
    config = json.loads(config_path.read_text())
    config["base_model_name_or_path"] = base_name
    config["target_modules"] = sorted(config["target_modules"])
    task.write_json(config_path, config)
    task.write_json(Path(folder) / "label_map.json", {"class_names": task.CLASSES})


def teach(recipe, texts, posts, out, name, base_labels=task.shifted):
    """Train a base (on `base_labels` of the true ones) and an adapter (on the true ones), and save both."""
    transformers.logging.set_verbosity_error()
    out = Path(out)
    for part in ("base", "adapter"):
        shutil.rmtree(out / part, ignore_errors=True)
    processor = make_processor(recipe, texts)
    model = make_model(recipe, processor)
    if recipe.tower_steps:
        pictured = [post for post in posts if "image_labels" in post]
        pixels = torch.cat([processor.image_processor(post["rgb"], return_tensors="pt")["pixel_values"] for post in pictured])
        labels = torch.tensor([[float(name in post["image_labels"]) for name in task.CLASSES] for post in pictured])
        warm_up_tower(model, pixels, labels, recipe.tower_steps, recipe.seed)
    options = {"batch_size": recipe.batch_size, "by_length": recipe.by_length, "stop_loss": recipe.stop_loss}
    if recipe.steps:
        examples = [encode(processor, post, base_labels(post["labels"])) for post in posts]
        train(model, examples, steps=recipe.steps, seed=recipe.seed, name=f"{name} base", **options)
    else:
        enliven(model, recipe.seed)
    save_base(model, processor, recipe, out / "base")
    if recipe.lora_steps:
        examples = [encode(processor, post, post["labels"]) for post in posts]
        adapted = get_peft_model(
            load_base(out / "base"), LoraConfig(bias="none", task_type="CAUSAL_LM", lora_dropout=0.0, **recipe.lora)
        )
        train(adapted, examples, steps=recipe.lora_steps, seed=recipe.seed + 1, name=f"{name} adapter", **options)
        save_adapter(adapted, out / "adapter", f"{name}/base")


def first_set(posts_folder, out, seed):
    """The set that the port was written against: every storage form, real generation, full soft-caps."""
    from posts import draw_posts, sample_texts

    recipe = Recipe(seed=seed, shard_size="400KB")
    posts = task.read_posts(posts_folder / "train.csv") * 2 + draw_posts(seed, recipe.extra_posts)
    teach(recipe, sample_texts(seed), posts, out, "paligemma2")


def second_set(posts_folder, out, seed):
    """Other dimensions, and the traps that the first set leaves out.

    The window (20) is shorter than the prompt, three query heads share a key head, the query scalar is not
    the head's size, both soft-caps are small enough to bite, the base is one bf16 file, and the adapter also
    targets the vision tower and the projector, with rslora and ranks and alphas by pattern.
    """
    from posts import draw_posts, sample_texts

    recipe = Recipe(
        seed=seed,
        image_size=84,
        vocab=700,
        alphabet=70,
        hidden=48,
        layers=4,
        heads=6,
        kv_heads=2,
        head_dim=16,
        intermediate=112,
        query_scalar=10,
        sliding_window=20,
        attn_softcap=2.0,
        final_softcap=6.0,
        vision_hidden=36,
        vision_layers=2,
        vision_heads=3,
        tower_steps=150,
        steps=350,
        lora_steps=160,
        extra_posts=400,
        batch_size=8,
        by_length=True,
        dtype=torch.bfloat16,
        lora={
            "r": 4,
            "lora_alpha": 6,
            "use_rslora": True,
            "target_modules": ["q_proj", "k_proj", "v_proj", "linear"],
            "rank_pattern": {"linear": 6, r"layers\.1\.self_attn\.q_proj": 2},
            "alpha_pattern": {"k_proj": 3, "linear": 9},
        },
    )
    posts = task.read_posts(posts_folder / "train.csv") * 2 + draw_posts(seed, recipe.extra_posts)
    teach(recipe, sample_texts(seed), posts, out, "paligemma2_b")


def large_set(posts_folder, out, seed):
    """448 pixels: 1024 image tokens. Random weights, since only the arithmetic is at stake."""
    from posts import sample_texts

    recipe = Recipe(
        seed=seed,
        image_size=448,
        vocab=400,
        alphabet=60,
        hidden=24,
        layers=2,
        heads=2,
        kv_heads=1,
        head_dim=16,
        intermediate=64,
        vision_hidden=32,
        vision_heads=2,
        steps=0,
        lora_steps=0,
        dtype=torch.float16,
    )
    teach(recipe, sample_texts(seed), [], out, "paligemma2_448")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sets = {"first": (first_set, 11), "second": (second_set, 23), "large": (large_set, 37)}
    parser.add_argument("set", choices=sets)
    parser.add_argument("--posts", type=Path, required=True, help="folder with train.csv, made by posts.py")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, help="another seed makes another set")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    make, seed = sets[arguments.set]
    make(arguments.posts, arguments.out, arguments.seed or seed)


if __name__ == "__main__":
    main()
