"""A tiny SmolVLM: the real architecture, processor, chat template and file layout in a few hundred thousand weights.

    python smolvlm.py --posts POSTS --out DIR

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
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    Idefics3Config,
    Idefics3ForConditionalGeneration,
    Idefics3ImageProcessor,
    Idefics3Processor,
    PreTrainedTokenizerFast,
    SmolVLMForConditionalGeneration,
)
from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil

import task
import tokenizer
from train import train

# The names are those of the vision tower's attention, too.
TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]

FIRST = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<repo_name>", "<file_sep>", "<filename>"]
TILES = [f"<row_{row}_col_{column}>" for row in range(1, 7) for column in range(1, 7)]
LAST = ["<global-img>", *TILES, "<fake_token_around_image>", "<image>", "<|reserved_special_token_0|>"]
LAST += ["<end_of_utterance>"]

# An answer follows "Assistant:" with one space.
ANSWER_PREFIX = " "

# What else goldens.py writes down: the image processor's options that differ, or no picture at all.
VARIANTS = {"single_tile": {"do_image_splitting": False}, "text_only": None}


@dataclass
class Recipe:
    """Everything that tells one tiny model from another."""

    seed: int = 11
    vocab: int = 900
    hidden: int = 72
    layers: int = 3
    heads: int = 6
    kv_heads: int = 2
    intermediate: int = 160
    vision_hidden: int = 48
    vision_layers: int = 2
    vision_heads: int = 4
    # As with the published 384 and 14, patches leave a rest of the tile over.
    tile: int = 66
    patch: int = 8
    merge: int = 4
    longest_edge: int = 198
    steps: int = 1500
    lora_steps: int = 700
    extra_posts: int = 1100
    batch_size: int = 10
    stop_loss: float = 0.006


def byte_level_bpe(texts, vocab_size):
    """(vocabulary, merges) in the published tokenizer's alphabet and splits, special tokens first."""
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = splits()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        special_tokens=FIRST,
        show_progress=False,
    )
    bpe.train_from_iterator(texts, trainer)
    trained = json.loads(bpe.to_str())["model"]
    return trained["vocab"], [tuple(pair) for pair in trained["merges"]]


def splits():
    digits = pre_tokenizers.Digits(individual_digits=True)
    return pre_tokenizers.Sequence([digits, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)])


def make_processor(recipe, texts, chat_template):
    vocab, merges = byte_level_bpe(tokenizer.corpus(texts), recipe.vocab)
    bpe = Tokenizer(models.BPE(vocab=vocab, merges=merges))
    bpe.pre_tokenizer = splits()
    bpe.decoder = decoders.ByteLevel()
    bpe.add_special_tokens([AddedToken(token, normalized=False, special=True) for token in FIRST + LAST])
    made = PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        bos_token="<|im_start|>",
        eos_token="<end_of_utterance>",
        pad_token="<|im_end|>",
        unk_token="<|endoftext|>",
        padding_side="left",
        truncation_side="left",
        model_max_length=8192,
    )
    made.chat_template = chat_template
    images = Idefics3ImageProcessor(
        size={"longest_edge": recipe.longest_edge}, max_image_size={"longest_edge": recipe.tile}
    )
    tokens_of_a_tile = (recipe.tile // recipe.patch // recipe.merge) ** 2
    return Idefics3Processor(images, made, image_seq_len=tokens_of_a_tile, chat_template=chat_template)


def make_model(recipe, processor):
    torch.manual_seed(recipe.seed)
    of = processor.tokenizer.convert_tokens_to_ids
    text = {
        "model_type": "llama",
        "vocab_size": (len(processor.tokenizer) + 63) // 64 * 64,
        "hidden_size": recipe.hidden,
        "intermediate_size": recipe.intermediate,
        "num_hidden_layers": recipe.layers,
        "num_attention_heads": recipe.heads,
        "num_key_value_heads": recipe.kv_heads,
        "head_dim": recipe.hidden // recipe.heads,
        "max_position_embeddings": 8192,
        "rms_norm_eps": 1e-5,
        "initializer_range": 0.06,
        "rope_parameters": {"rope_type": "default", "rope_theta": 100_000.0},
        "bos_token_id": of("<|im_start|>"),
        "eos_token_id": of("<end_of_utterance>"),
        "pad_token_id": of("<|im_end|>"),
        "tie_word_embeddings": False,
    }
    vision = {
        "hidden_size": recipe.vision_hidden,
        "intermediate_size": recipe.vision_hidden * 3,
        "num_hidden_layers": recipe.vision_layers,
        "num_attention_heads": recipe.vision_heads,
        "image_size": recipe.tile,
        "patch_size": recipe.patch,
        "initializer_range": 0.05,
    }
    config = Idefics3Config(
        text_config=text,
        vision_config=vision,
        image_token_id=of("<image>"),
        scale_factor=recipe.merge,
        tie_word_embeddings=False,
        pad_token_id=of("<|im_end|>"),
    )
    model = Idefics3ForConditionalGeneration(config)
    for name in ("bos", "eos", "pad"):
        setattr(model.generation_config, f"{name}_token_id", text[f"{name}_token_id"])
    with torch.no_grad():
        model.model.connector.modality_projection.proj.weight.mul_(3)
    return model


def load_base(folder):
    """The model as goldens see it: from the files on disk, in float32 whatever they hold."""
    return Idefics3ForConditionalGeneration.from_pretrained(folder, dtype=torch.float32)


def conversation(post, prompt):
    """The turns of a prompt, the picture first."""
    image = [{"type": "image"}] if post["rgb"] else []
    if prompt == "card":
        return [{"role": "user", "content": [*image, {"type": "text", "text": task.card_prompt(post)}]}]
    system = {"type": "text", "text": task.SYSTEM_PROMPT.format(allowed=task.CLASSES)}
    text = [{"type": "text", "text": post["text"]}] if post["text"] else []
    return [{"role": "system", "content": [system]}, {"role": "user", "content": [*image, *text]}]


def prompt_text(processor, post, prompt):
    return processor.apply_chat_template(conversation(post, prompt), add_generation_prompt=True, tokenize=False)


def pil_images(options, default):
    """The image processor with PIL's resampling; `options` are those of preprocessor_config.json."""
    return Idefics3ImageProcessorPil(**options)


def answer_types(inputs, count):
    return {}


def describe_input(reference, inputs):
    """How many tiles there are: rows times columns, and the whole picture."""
    return {"tiles": inputs["pixel_values"].shape[1] if "pixel_values" in inputs else 0}


def describe_resized(rgb, pixels, options):
    return {}


def encode(processor, post, labels):
    """A training example: prompt and answer, the loss on the answer alone."""
    prompt_and_image = processor(
        images=[post["rgb"]], text=[prompt_text(processor, post, "trained")], return_tensors="pt"
    )
    inputs = dict(prompt_and_image)
    del inputs["pixel_attention_mask"]  # all ones: every tile is full
    answer = ANSWER_PREFIX + task.answer_text(labels) + "<end_of_utterance>"
    answer = processor.tokenizer(answer, return_tensors="pt")["input_ids"]
    prompt = inputs["input_ids"]
    inputs["input_ids"] = torch.cat([prompt, answer], 1)
    inputs["attention_mask"] = torch.ones_like(inputs["input_ids"])
    inputs["labels"] = torch.cat([torch.full_like(prompt, -100), answer], 1)
    return inputs


def write_hub_layout(out):
    """The config.json of a published SmolVLM, whose model type is another and whose network is the same, and an
    adapter's names as PEFT writes them around the model without its head."""
    from hub_layout import write_adapter

    config = json.loads((out / "base/config.json").read_text())
    text, vision = config["text_config"], config["vision_config"]
    text["rope_theta"] = text.pop("rope_parameters")["rope_theta"]
    text |= {"rope_scaling": None, "torch_dtype": "bfloat16", "qk_layer_norms": False, "pixel_shuffle_factor": 4}
    vision |= {"model_type": "smolvlm_vision", "use_base_siglip": False}
    config |= {
        "model_type": "smolvlm",
        "architectures": ["SmolVLMForConditionalGeneration"],
        "torch_dtype": config.pop("dtype"),
        "transformers_version": "4.47.1",
    }
    (out / "hub_layout/base").mkdir(parents=True, exist_ok=True)
    task.write_json(out / "hub_layout/base/config.json", config)
    write_adapter(out, lambda key: key.replace("model.model.model.", "model.model.", 1), out / "hub_layout/adapter")


def teach(recipe, posts_folder, out, chat_template):
    """Train a base (on shifted labels) and an adapter (on the true ones), and save both."""
    from paligemma2 import save_adapter
    from posts import draw_posts, sample_texts

    transformers.logging.set_verbosity_error()
    shutil.rmtree(out, ignore_errors=True)
    posts = task.read_posts(posts_folder / "train.csv") * 2 + draw_posts(recipe.seed, recipe.extra_posts)
    processor = make_processor(recipe, sample_texts(recipe.seed), chat_template)
    model = make_model(recipe, processor)
    options = {"batch_size": recipe.batch_size, "stop_loss": recipe.stop_loss}
    examples = [encode(processor, post, task.shifted(post["labels"])) for post in posts]
    train(model, examples, steps=recipe.steps, seed=recipe.seed, name="smolvlm base", **options)
    model.to(torch.bfloat16).save_pretrained(out / "base")
    processor.save_pretrained(out / "base")
    processor.image_processor.save_pretrained(out / "base")
    tokenizer.compact(out / "base")

    examples = [encode(processor, post, post["labels"]) for post in posts]
    lora = LoraConfig(r=4, lora_alpha=32, target_modules=TARGETS, bias="none", task_type="CAUSAL_LM")
    adapted = get_peft_model(load_base(out / "base"), lora)
    train(adapted, examples, steps=recipe.lora_steps, seed=recipe.seed + 1, name="smolvlm adapter", **options)
    save_adapter(adapted, out / "adapter", "smolvlm/base")
    write_hub_layout(out)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--posts", type=Path, required=True, help="folder with train.csv, made by posts.py")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=11, help="another seed makes another set")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    # The published checkpoint's template; the fixture's copy of it is the source.
    template = Path(__file__).parent / "smolvlm_chat_template.jinja"
    teach(Recipe(seed=arguments.seed), arguments.posts, arguments.out, template.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
