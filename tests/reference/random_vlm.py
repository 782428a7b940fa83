"""SmolVLM-256M or Qwen2-VL-2B at its real size, with random bf16 weights: for speed and memory.

    python random_vlm.py smolvlm|qwen2_vl OUT

The numbers of layers, heads and widths are those of the published config.json; tokenizer, chat template and the ids of the
special tokens are those of the tiny model in tests/fixtures (its vocabulary is only the beginning of the published one's
size). SmolVLM takes a picture as one tile, Qwen2-VL as 64 to 256 tokens. Needs the packages of requirements.txt and, for
Qwen2-VL, 10 GB of memory.
"""

import argparse
import json
import shutil
from pathlib import Path

import torch
import transformers

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
SMOLVLM = {
    "scale_factor": 4,
    "text_config": {
        "head_dim": 64,
        "hidden_size": 576,
        "intermediate_size": 1536,
        "num_attention_heads": 9,
        "num_hidden_layers": 30,
        "num_key_value_heads": 3,
        "vocab_size": 49280,
    },
    "vision_config": {
        "hidden_size": 768,
        "image_size": 512,
        "intermediate_size": 3072,
        "num_attention_heads": 12,
        "num_hidden_layers": 12,
        "patch_size": 16,
    },
}
QWEN2_VL = {
    "text_config": {
        "hidden_size": 1536,
        "intermediate_size": 8960,
        "layer_types": ["full_attention"] * 28,
        "num_attention_heads": 12,
        "num_hidden_layers": 28,
        "num_key_value_heads": 2,
        "rope_parameters": {"mrope_section": [16, 24, 24], "rope_theta": 1000000.0, "rope_type": "default"},
        "vocab_size": 151936,
    },
    "vision_config": {"depth": 32, "embed_dim": 1280, "hidden_size": 1536, "num_heads": 16},
}
ONE_TILE = {"do_image_splitting": False, "max_image_size": {"longest_edge": 512}, "size": {"longest_edge": 2048}}
PIXELS = {"size": {"shortest_edge": 64 * 28 * 28, "longest_edge": 256 * 28 * 28}}
FAMILIES = {"smolvlm": (SMOLVLM, ONE_TILE, {"image_seq_len": 64}), "qwen2_vl": (QWEN2_VL, PIXELS, {})}
DEVIATION = 0.02


def merged(config, changes):
    """`config` with the values of `changes`, section by section."""
    for key, value in changes.items():
        nested = isinstance(value, dict) and isinstance(config.get(key), dict) and key.endswith("_config")
        config[key] = merged(config[key], value) if nested else value
    return config


def rewrite(path, change):
    if path.exists():
        path.write_text(json.dumps(change(json.loads(path.read_text())), indent=1) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("family", choices=FAMILIES)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    sizes, pictures, processor = FAMILIES[arguments.family]
    shutil.copytree(FIXTURES / arguments.family / "base", arguments.out, ignore=shutil.ignore_patterns("model*.safetensors"))
    rewrite(arguments.out / "config.json", lambda config: merged(config, sizes))
    rewrite(arguments.out / "preprocessor_config.json", lambda config: config | pictures)

    def of_processor(config):
        return config | processor | ({"image_processor": config["image_processor"] | pictures} if "image_processor" in config else {})

    rewrite(arguments.out / "processor_config.json", of_processor)

    config = transformers.AutoConfig.from_pretrained(arguments.out)
    torch.manual_seed(0)
    # The tiny models' own format would count otherwise, which for Qwen2-VL is float32.
    model = transformers.AutoModelForImageTextToText.from_config(config, dtype=torch.bfloat16)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.normal_(0, DEVIATION)
    model.save_pretrained(arguments.out, max_shard_size="2GB")
    print(f"{sum(parameter.numel() for parameter in model.parameters()) / 1e6:.0f} million weights in {arguments.out}")


if __name__ == "__main__":
    main()
