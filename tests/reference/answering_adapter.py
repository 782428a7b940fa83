"""A LoRA adapter with which a random checkpoint answers the first test posts as a trained model does.

    python answering_adapter.py CHECKPOINT OUT [--posts 13]

Random weights never say what Overrule drafts, and their answers do not end. This adapter knows the right answers by heart. It is
not trained: in front of each of their tokens, whatever reaches the last layer's down_proj is turned into the direction in which
the head has the next token. One such input is one rank, so the map is exact, and the adapter has one layer. CHECKPOINT is one of
random_checkpoint.py's or random_vlm.py's. Needs as much memory as the weights take in float32.
"""

import argparse
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model

import task
from paligemma2 import save_adapter
from peer_speed import load_peer

# How much larger the map's outputs are than what the layer says without it.
WEIGHT = 30.0


def down_proj_of_the_last_layer(model):
    names = [name for name, _ in model.named_modules() if name.endswith("mlp.down_proj")]
    return max(names, key=lambda name: int(name.split("layers.")[1].split(".")[0]))


def answers_by_heart(family, processor, model, posts):
    """What reaches the layer in front of every token of the answers (n, inner), what it says there (n, hidden), and the tokens."""
    layer, seen = model.get_submodule(down_proj_of_the_last_layer(model)), []
    hook = layer.register_forward_hook(lambda _, inputs, output: seen.append((inputs[0][0], output[0])))
    inner, said, tokens = [], [], []
    for post in posts:
        inputs = family.encode(processor, post, post["labels"])
        labels = inputs.pop("labels")[0]
        places = (labels != -100).nonzero()[:, 0]
        with torch.inference_mode():
            model(**inputs, logits_to_keep=1)
        before, after = seen.pop()
        inner.append(before[places - 1])
        said.append(after[places - 1])
        tokens.append(labels[places])
    hook.remove()
    return torch.cat(inner), torch.cat(said), torch.cat(tokens)


def adapter_for(model, inner, said, tokens):
    """The model with the adapter that maps each row of `inner` to its token's row of the head."""
    directions = model.get_output_embeddings().weight.detach()[tokens].T.double()  # (hidden, n)
    size = WEIGHT * said.double().norm(dim=1).max()
    config = LoraConfig(r=len(tokens), lora_alpha=len(tokens), target_modules=[down_proj_of_the_last_layer(model)], task_type="CAUSAL_LM")
    adapted = get_peft_model(model, config)
    for name, weight in adapted.named_parameters():
        if ".lora_A." in name:
            weight.data = torch.linalg.pinv(inner.double()).T.float().contiguous()  # (n, inner)
        elif ".lora_B." in name:
            weight.data = (directions / directions.norm(dim=0) * size).float().contiguous()  # (hidden, n)
    return adapted


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=lambda path: Path(path).resolve())
    parser.add_argument("out", type=Path)
    parser.add_argument("--posts", type=int, default=13)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    arguments.posts -= 1  # load_peer takes one more, to warm up
    family, processor, model, posts = load_peer(arguments)
    adapted = adapter_for(model, *answers_by_heart(family, processor, model, posts))
    save_adapter(adapted, arguments.out, arguments.checkpoint.name)
    print(f"{len(posts)} answers by heart, rank {adapted.peft_config['default'].r}")


if __name__ == "__main__":
    main()
