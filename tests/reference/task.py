"""The task every model here is trained on: the label set, the prompts, the answers and how they are scored.

Nothing in this module needs torch; `overrule` states the same facts in Rust.
"""

import csv
import itertools
import json
from pathlib import Path

from PIL import Image

CLASSES = ["racist", "sexist", "homophobe", "religion", "otherhate"]

SYSTEM_PROMPT = (
    "You are a strict multi-label safety classifier. You MUST respond with a JSON array (no prose) "
    "containing zero or more labels selected ONLY from this list:\n{allowed}\n"
    "Return [] if none apply. Do not include any text outside JSON."
)
CARD_PROMPT = (
    "Classify the following text and image into zero or more of these labels: {allowed}. "
    "Return ONLY a JSON array of applicable labels. Text: {text}"
)

# Every possible answer, from no label to all five, smallest first.
LABEL_SETS = [list(c) for size in range(len(CLASSES) + 1) for c in itertools.combinations(CLASSES, size)]


def in_class_order(labels):
    """The allowed labels among `labels`, in the order of `CLASSES`."""
    return [name for name in CLASSES if name in labels]


def trained_prompt(post):
    """The prompt that adapters are trained with. Posts without text have no user part."""
    parts = ["<image>", SYSTEM_PROMPT.format(allowed=CLASSES)]
    text = post["text"].strip()
    if text:
        parts.append(f"User:\n{text}")
    parts.append("Assistant:")
    return "\n\n".join(parts)


def card_prompt(post):
    """The prompt of the published model card; the processor puts the image in front by itself."""
    return CARD_PROMPT.format(allowed=CLASSES, text=post["text"])


PROMPTS = {"trained": trained_prompt, "card": card_prompt}


def answer_text(labels):
    """What the model should say."""
    return json.dumps(in_class_order(labels))


def parse_answer(text):
    """The labels in an answer, or None where no JSON array can be read."""
    start, end = text.find("["), text.rfind("]")
    if start < 0 or end < start:
        return None
    try:
        values = json.loads(text[start : end + 1])
    except json.JSONDecodeError:
        return None
    return in_class_order(values)


def shifted(labels):
    """The task of the bases: each class goes by the next one's name, so that an adapter changes most answers."""
    return in_class_order({CLASSES[(CLASSES.index(name) + 1) % len(CLASSES)] for name in labels})


def load_rgb(source):
    """How the original trainers load an image: no EXIF turn, alpha dropped, not composited."""
    return Image.open(source).convert("RGB")


def read_posts(csv_path):
    """The posts of a dataset file; each carries its row number and its picture."""
    csv_path = Path(csv_path)
    with open(csv_path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [
        {
            "index": index,
            "text": row["text"],
            "image_path": row["image_path"],
            "labels": [name for name in row["labels"].split(",") if name],
            "split": row.get("split"),
            "rgb": load_rgb(csv_path.parent / row["image_path"]),
        }
        for index, row in enumerate(rows)
    ]


def f1(tp, fp, fn):
    """F1 as the original evaluation has it: 1 where there was nothing to find and nothing was claimed."""
    return 1.0 if tp + fp + fn == 0 else 2 * tp / (2 * tp + fp + fn)


def ratio(part, whole):
    return part / whole if whole else 0.0


def score(truths, predictions, classes=CLASSES):
    """The figures of metrics.json. A prediction of None (unparseable) counts as no labels."""
    predictions = [labels or [] for labels in predictions]
    pairs = list(zip(truths, predictions))
    per_class = {}
    for name in classes:
        tp = sum(name in t and name in p for t, p in pairs)
        fp = sum(name not in t and name in p for t, p in pairs)
        fn = sum(name in t and name not in p for t, p in pairs)
        per_class[name] = {
            "tp": tp,
            "fp": fp,
            "fn": fn,
            "tn": len(pairs) - tp - fp - fn,
            "precision": ratio(tp, tp + fp),
            "recall": ratio(tp, tp + fn),
            "f1": ratio(2 * tp, 2 * tp + fp + fn),
            "support": tp + fn,
        }
    total = {key: sum(row[key] for row in per_class.values()) for key in ("tp", "fp", "fn")}
    return {
        "n": len(pairs),
        "f1_micro": f1(**total),
        "f1_macro": sum(f1(r["tp"], r["fp"], r["fn"]) for r in per_class.values()) / len(classes),
        "subset_accuracy": ratio(sum(set(t) == set(p) for t, p in pairs), len(pairs)),
        "hamming_loss": ratio(sum(len(set(t) ^ set(p)) for t, p in pairs), len(pairs) * len(classes)),
        "per_class": per_class,
    }


def write_json(path, value):
    Path(path).write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def write_jsonl(path, rows):
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    Path(path).write_text(text, encoding="utf-8")
