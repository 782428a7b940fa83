"""A tiny Qwen2-VL: the real architecture, processor, chat template and file layout in a few hundred thousand weights.

    python qwen2_vl.py --posts POSTS --out DIR

Writes DIR/base, DIR/adapter and DIR/hub_layout; goldens.py then writes down what they say.
"""

import argparse
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import torch
import transformers
from peft import LoraConfig, get_peft_model
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import (
    Qwen2Tokenizer,
    Qwen2VLConfig,
    Qwen2VLForConditionalGeneration,
    Qwen2VLImageProcessor,
    Qwen2VLProcessor,
)
from transformers.models.qwen2.tokenization_qwen2 import PRETOKENIZE_REGEX
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil
from transformers.models.qwen2_vl.video_processing_qwen2_vl import Qwen2VLVideoProcessor

import task
import tokenizer
from train import train

TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]

NAMES = ["im_start", "im_end", "object_ref_start", "object_ref_end", "box_start", "box_end", "quad_start", "quad_end"]
NAMES += ["vision_start", "vision_end", "vision_pad", "image_pad", "video_pad"]
SPECIAL = ["<|endoftext|>"] + [f"<|{name}|>" for name in NAMES]


@dataclass
class Recipe:
    """Everything that tells one tiny model from another."""

    seed: int = 11
    vocab: int = 1100
    hidden: int = 64
    layers: int = 3
    heads: int = 4
    kv_heads: int = 2
    intermediate: int = 160
    vision_hidden: int = 64
    vision_layers: int = 2
    vision_heads: int = 4
    min_pixels: int = 56 * 56
    max_pixels: int = 20 * 28 * 28
    steps: int = 1600
    lora_steps: int = 700
    extra_posts: int = 1500
    stop_loss: float = 0.006


def byte_level_bpe(texts, vocab_size):
    """(vocabulary, merges) in the published tokenizer's alphabet and splits."""
    bpe = Tokenizer(models.BPE())
    bpe.normalizer = normalizers.NFC()
    split = pre_tokenizers.Split(Regex(PRETOKENIZE_REGEX), "isolated")
    to_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    bpe.pre_tokenizer = pre_tokenizers.Sequence([split, to_bytes])
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    bpe.train_from_iterator(
        texts, trainers.BpeTrainer(vocab_size=vocab_size, initial_alphabet=alphabet, show_progress=False)
    )
    trained = json.loads(bpe.to_str())["model"]
    return trained["vocab"], [tuple(pair) for pair in trained["merges"]]


def make_processor(recipe, texts, chat_template):
    vocab, merges = byte_level_bpe(tokenizer.corpus(texts), recipe.vocab)
    made = Qwen2Tokenizer(
        vocab=vocab,
        merges=merges,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        padding_side="left",
        model_max_length=32768,
    )
    added = [AddedToken(token, normalized=False, special=True) for token in SPECIAL[1:]]
    made.add_special_tokens({"additional_special_tokens": added})
    made.chat_template = chat_template
    images = Qwen2VLImageProcessor(min_pixels=recipe.min_pixels, max_pixels=recipe.max_pixels)
    return Qwen2VLProcessor(images, made, Qwen2VLVideoProcessor(), chat_template=chat_template)


def make_model(recipe, processor):
    torch.manual_seed(recipe.seed)
    of = processor.tokenizer.convert_tokens_to_ids
    half = recipe.hidden // recipe.heads // 2
    side = half * 3 // 8  # the published model's 64 frequencies are 16 for time, 24 for rows, 24 for columns
    text = {
        # The published model's embedding is larger than its tokenizer; so is this one.
        "vocab_size": (len(processor.tokenizer) + 63) // 64 * 64 + 64,
        "hidden_size": recipe.hidden,
        "intermediate_size": recipe.intermediate,
        "num_hidden_layers": recipe.layers,
        "num_attention_heads": recipe.heads,
        "num_key_value_heads": recipe.kv_heads,
        "max_position_embeddings": 32768,
        "rms_norm_eps": 1e-6,
        "initializer_range": 0.06,
        "rope_parameters": {
            "rope_type": "default",
            "rope_theta": 1_000_000.0,
            "mrope_section": [half - 2 * side, side, side],
        },
        "bos_token_id": of("<|endoftext|>"),
        "eos_token_id": of("<|im_end|>"),
        "pad_token_id": of("<|endoftext|>"),
        "tie_word_embeddings": True,
    }
    vision = {
        "depth": recipe.vision_layers,
        "embed_dim": recipe.vision_hidden,
        "hidden_size": recipe.hidden,
        "num_heads": recipe.vision_heads,
        "initializer_range": 0.05,
    }
    config = Qwen2VLConfig(
        text_config=text,
        vision_config=vision,
        image_token_id=of("<|image_pad|>"),
        video_token_id=of("<|video_pad|>"),
        vision_start_token_id=of("<|vision_start|>"),
        vision_end_token_id=of("<|vision_end|>"),
        tie_word_embeddings=True,
    )
    model = Qwen2VLForConditionalGeneration(config)
    model.generation_config.eos_token_id = [of("<|im_end|>"), of("<|endoftext|>")]
    model.generation_config.pad_token_id = of("<|endoftext|>")
    return model


def load_base(folder):
    """The model as goldens see it: from the files on disk, in float32 whatever they hold."""
    return Qwen2VLForConditionalGeneration.from_pretrained(folder, dtype=torch.float32)


def conversation(post, prompt):
    """The turns of a prompt. Adapters are trained with the text first; the card has the picture first."""
    image = {"type": "image"}
    if prompt == "card":
        return [{"role": "user", "content": [image, {"type": "text", "text": task.card_prompt(post)}]}]
    system = {"type": "text", "text": task.SYSTEM_PROMPT.format(allowed=task.CLASSES)}
    text = [{"type": "text", "text": post["text"]}] if post["text"] else []
    return [{"role": "system", "content": [system]}, {"role": "user", "content": [*text, image]}]


def prompt_text(processor, post, prompt):
    return processor.apply_chat_template(conversation(post, prompt), add_generation_prompt=True, tokenize=False)


def pil_images(options, default):
    """The image processor with PIL's resampling; `options` are those of preprocessor_config.json."""
    return Qwen2VLImageProcessorPil(**options)


def answer_types(inputs, count):
    """The token types of `count` answer tokens behind the prompt: 0, which is text."""
    types = inputs["mm_token_type_ids"]
    return {"mm_token_type_ids": torch.cat([types, types.new_zeros((1, count))], 1)}


def describe_input(reference, inputs):
    """The grid of the patches, and where the tokens stand in time, row and column."""
    model = reference.model.get_base_model() if reference.has_adapter else reference.model
    wanted = ("input_ids", "mm_token_type_ids", "image_grid_thw", "attention_mask")
    positions, delta = model.model.get_rope_index(**{key: inputs[key] for key in wanted})
    return {
        "image_grid_thw": inputs["image_grid_thw"][0].tolist(),
        "position_ids": positions[:, 0].tolist(),
        "rope_delta": int(delta[0, 0]),
    }


def describe_resized(rgb, pixels, options):
    return {}


def encode(processor, post, labels):
    """A training example: prompt and answer, the loss on the answer alone."""
    inputs = dict(processor(images=[post["rgb"]], text=[prompt_text(processor, post, "trained")], return_tensors="pt"))
    answer = processor.tokenizer(task.answer_text(labels) + "<|im_end|>", return_tensors="pt")["input_ids"]
    prompt = inputs["input_ids"]
    inputs |= answer_types(inputs, answer.shape[1])
    inputs["input_ids"] = torch.cat([prompt, answer], 1)
    inputs["attention_mask"] = torch.ones_like(inputs["input_ids"])
    inputs["labels"] = torch.cat([torch.full_like(prompt, -100), answer], 1)
    return inputs


def write_hub_layout(out):
    """The published config.json, which is flat, and an adapter's names as transformers 4.45 wrote them."""
    from hub_layout import write_adapter

    config = json.loads((out / "base/config.json").read_text())
    text = config.pop("text_config")
    rope = text.pop("rope_parameters")
    for name in ("layer_types", "model_type", "use_sliding_window"):
        text.pop(name, None)
    config["vision_config"].pop("rope_parameters", None)
    config["vision_config"]["in_chans"] = config["vision_config"].pop("in_channels", 3)
    config["vision_config"]["model_type"] = "qwen2_vl"
    config |= text | {
        "rope_theta": rope["rope_theta"],
        "rope_scaling": {"type": "mrope", "mrope_section": rope["mrope_section"]},
        "torch_dtype": config.pop("dtype", "float32"),
        "transformers_version": "4.45.0",
    }
    (out / "hub_layout/base").mkdir(parents=True, exist_ok=True)
    task.write_json(out / "hub_layout/base/config.json", config)
    write_adapter(out, lambda key: key.replace(".language_model.", "."), out / "hub_layout/adapter")


def teach(recipe, posts_folder, out, chat_template):
    """Train a base (on shifted labels) and an adapter (on the true ones), and save both."""
    from paligemma2 import save_adapter
    from posts import draw_posts, sample_texts

    transformers.logging.set_verbosity_error()
    shutil.rmtree(out, ignore_errors=True)
    posts = task.read_posts(posts_folder / "train.csv") * 2 + draw_posts(recipe.seed, recipe.extra_posts)
    processor = make_processor(recipe, sample_texts(recipe.seed), chat_template)
    model = make_model(recipe, processor)
    options = {"stop_loss": recipe.stop_loss}
    examples = [encode(processor, post, task.shifted(post["labels"])) for post in posts]
    train(model, examples, steps=recipe.steps, seed=recipe.seed, name="qwen2_vl base", **options)
    model.save_pretrained(out / "base")
    processor.save_pretrained(out / "base")
    processor.image_processor.save_pretrained(out / "base")
    tokenizer.compact(out / "base")

    examples = [encode(processor, post, post["labels"]) for post in posts]
    lora = LoraConfig(r=4, lora_alpha=32, target_modules=TARGETS, bias="none", task_type="CAUSAL_LM")
    adapted = get_peft_model(load_base(out / "base"), lora)
    train(adapted, examples, steps=recipe.lora_steps, seed=recipe.seed + 1, name="qwen2_vl adapter", **options)
    save_adapter(adapted, out / "adapter", "qwen2_vl/base")
    write_hub_layout(out)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--posts", type=Path, required=True, help="folder with train.csv, made by posts.py")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=11, help="another seed makes another set")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    # The published checkpoint's template; the fixture's copy of it is the source.
    template = Path(__file__).parent / "qwen2_vl_chat_template.jinja"
    teach(Recipe(seed=arguments.seed), arguments.posts, arguments.out, template.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
