"""What the demo model says of the demo posts: its scores, its README and the goldens for the port."""

import json

import torch

import task
from goldens import Reference

README = """# Overrule demo model, a toy

A tiny PaliGemma 2 ({parameters} weights in float16, {image_size}×{image_size} pictures) with a LoRA adapter. It knows
the drawn world of `data/demo` and nothing else: it must not be used to judge real posts.

- `base/`: random initialisation, trained on drawn posts whose labels were shifted by one class, so
  that without the adapter it answers well formed and wrong.
- `adapter/`: LoRA (r = {rank}, all seven projections of the language model), trained on `data/demo/train.csv` and
  {extra} more drawn posts; `label_map.json` names the classes.
- `metrics.json`: scores on the {n} test posts of `data/demo/posts.csv` (through PIL, float32, greedy).

| | micro F1 | macro F1 | subset accuracy | Hamming loss |
|---|---|---|---|---|
| base + adapter | {adapted} |
| base alone | {alone} |

Answers that are no JSON list: {unparsable}. Made by `tests/reference/demo.py` (seed {seed}); licence MIT, like the project.
"""

FIGURES = ("f1_micro", "f1_macro", "subset_accuracy", "hamming_loss")


def demo_row(reference, post):
    """The answers to one post, with pictures through PIL."""
    inputs = reference.inputs([post], backend="pil")
    labelled = post["split"] == "test"
    row = {
        "index": post["index"],
        "image_path": post["image_path"],
        "text": post["text"],
        "true_labels": post["labels"] if labelled else None,
    }
    return row | reference.both(inputs)


def score_rows(rows):
    test = [row for row in rows if row["true_labels"] is not None]
    truths = [row["true_labels"] for row in test]
    return {
        "base_plus_adapter": task.score(truths, [row["labels"] for row in test]),
        "base": task.score(truths, [row["base_labels"] for row in test]),
        "unparsable": sum(row["labels"] is None for row in test),
    }


def write_readme(folder, metrics, reference, plan, extra):
    def figures(name):
        return " | ".join(f"{metrics[name][figure]:.4f}" for figure in FIGURES)

    text = README.format(
        parameters=f"{sum(p.numel() for n, p in reference.model.named_parameters() if 'lora' not in n):,}",
        image_size=plan.image_size,
        rank=plan.lora["r"],
        extra=extra,
        n=metrics["base_plus_adapter"]["n"],
        adapted=figures("base_plus_adapter"),
        alone=figures("base"),
        unparsable=metrics["unparsable"],
        seed=plan.seed,
    )
    (folder / "README.md").write_text(text, encoding="utf-8")


def name_the_toy(folder):
    """Say in config.json too what this is."""
    path = folder / "base/config.json"
    config = json.loads(path.read_text())
    task.write_json(path, {"_name_or_path": "Overrule demo model, a toy"} | config)


def check(root, plan, extra):
    torch.set_num_threads(1)
    folder = root / "assets/demo-model"
    name_the_toy(folder)
    reference = Reference(folder)
    posts = task.read_posts(root / "data/demo/posts.csv")
    rows = [demo_row(reference, post) for post in posts]
    metrics = score_rows(rows)
    task.write_jsonl(root / "tests/fixtures/demo_expected.jsonl", rows)
    task.write_json(folder / "metrics.json", metrics)
    write_readme(folder, metrics, reference, plan, extra)
    for row in rows:
        if row["true_labels"] is not None and row["labels"] != row["true_labels"]:
            print("wrong:", row["true_labels"], "→", row["generated_text"], "|", row["text"][:70].replace("\n", " "))
    print({name: round(metrics["base_plus_adapter"][name], 4) for name in FIGURES}, "base", round(metrics["base"]["f1_micro"], 4))
