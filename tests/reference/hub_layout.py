"""The same weights under the older key names and configurations, as published checkpoints have them.

    python hub_layout.py hub MODEL         MODEL/hub_layout/{base,adapter}: a checkpoint of transformers 4.45
    python hub_layout.py adapters MODEL    MODEL/adapter_4_51 and MODEL/adapter_4_57 beside MODEL/adapter

Three generations of adapters tell the parts of the model apart differently:

    part        transformers 4.51              4.52 to 4.57                   5.x
    text        language_model.model.layers    model.language_model.layers    model.language_model.layers
    vision      vision_tower.vision_model      model.vision_tower.vision_model    model.vision_tower
    projector   multi_modal_projector          model.multi_modal_projector    model.multi_modal_projector
"""

import argparse
import json
import shutil
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import save_file

import task

WRAPPER = "base_model.model."


def read_tensors(folder):
    """All tensors of a folder's safetensors files, in one dictionary."""
    tensors = {}
    for path in sorted(Path(folder).glob("*.safetensors")):
        with safe_open(path, "pt") as file:
            tensors.update({key: file.get_tensor(key) for key in file.keys()})
    return tensors


def adapter_key_4_57(key):
    return key.replace(f"{WRAPPER}model.vision_tower.", f"{WRAPPER}model.vision_tower.vision_model.")


def adapter_key_4_51(key):
    key = adapter_key_4_57(key)
    key = key.replace(f"{WRAPPER}model.language_model.", f"{WRAPPER}language_model.model.")
    for part in ("vision_tower", "multi_modal_projector"):
        key = key.replace(f"{WRAPPER}model.{part}.", f"{WRAPPER}{part}.")
    return key


def old_config(config):
    """config.json as transformers 4.45 wrote it: `torch_dtype`, `rope_theta`, nothing about layer types."""
    config = json.loads(json.dumps(config))
    config["torch_dtype"] = config.pop("dtype", "float32")
    config["transformers_version"] = "4.45.0"
    config.pop("tie_word_embeddings", None)
    text = config["text_config"]
    text["rope_theta"] = text.pop("rope_parameters")["rope_theta"]
    for name in ("layer_types", "use_bidirectional_attention", "tie_word_embeddings"):
        text.pop(name, None)
    return config


def write_adapter(model, rename, out):
    """A copy of MODEL/adapter with renamed keys."""
    out.mkdir(parents=True, exist_ok=True)
    tensors = {rename(key): tensor for key, tensor in read_tensors(model / "adapter").items()}
    save_file(tensors, out / "adapter_model.safetensors", metadata={"format": "pt"})
    shutil.copy(model / "adapter/adapter_config.json", out)


def write_hub_layout(model):
    out = model / "hub_layout"
    shutil.rmtree(out, ignore_errors=True)
    (out / "base").mkdir(parents=True)
    tensors = {
        key.replace("vision_tower.", "vision_tower.vision_model."): tensor
        for key, tensor in read_tensors(model / "base").items()
    }
    save_file(tensors, out / "base/model.safetensors", metadata={"format": "pt"})
    task.write_json(out / "base/config.json", old_config(json.loads((model / "base/config.json").read_text())))
    write_adapter(model, adapter_key_4_51, out / "adapter")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["hub", "adapters"])
    parser.add_argument("model", type=Path)
    arguments = parser.parse_args()
    if arguments.what == "hub":
        write_hub_layout(arguments.model)
    else:
        write_adapter(arguments.model, adapter_key_4_51, arguments.model / "adapter_4_51")
        write_adapter(arguments.model, adapter_key_4_57, arguments.model / "adapter_4_57")


if __name__ == "__main__":
    main()
