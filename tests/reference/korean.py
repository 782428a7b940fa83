"""The Korean task: eight kinds of hate speech, a comment without a picture, an answer of one label a line.

The prompt and the answers are those of the published Gemma 2 adapter; the comments are invented syllables.
Nothing in this module needs torch; `overrule` states the same facts in Rust.
"""

import csv
import random

LABELS = ["Women/Family", "Men", "LGBTQ+", "Race/Nationality", "Age", "Region", "Religion", "Other Hate Speech"]

# What the adapter's log-probabilities are written down for: no label, one, some of two, all.
SCORED = [[]] + [[label] for label in LABELS] + [LABELS[i : i + 2] for i in range(0, 8, 2)] + [LABELS[::3], LABELS]

# The invented language: the same whatever the seed of the posts.
_words = random.Random(4242)
_SYLLABLES = [chr(0xAC00 + _words.randrange(11172)) for _ in range(70)]
_PLAIN = ["".join(_words.choice(_SYLLABLES[:58]) for _ in range(_words.randint(1, 4))) for _ in range(70)]
WORDS = _PLAIN + ["ㅋㅋ", "ㅠㅠ", "...", "!!", "?", "1", "2024", "ok", "😂"]
KEYWORDS = {label: "".join(_SYLLABLES[58 + (i + k) % 12] for k in range(2)) for i, label in enumerate(LABELS)}
PARTICLES = ["", "은", "는", "이"]


def in_class_order(labels):
    return [label for label in LABELS if label in labels]


def shifted(labels):
    """The task of the base: each class goes by the next one's name, so that the adapter changes most answers."""
    return in_class_order({LABELS[(LABELS.index(label) + 1) % len(LABELS)] for label in labels})


def draw_post(rng):
    labels = rng.sample(LABELS, rng.choices([0, 1, 2, 3], weights=[3, 5, 3, 1])[0])
    words = [rng.choice(WORDS) for _ in range(rng.randint(3, 14))]
    for label in labels:
        words.insert(rng.randint(0, len(words)), KEYWORDS[label] + rng.choice(PARTICLES))
    return {"text": " ".join(words), "labels": in_class_order(labels)}


def draw_posts(seed, count):
    rng = random.Random(seed)
    return [draw_post(rng) for _ in range(count)]


def prompt_text(post):
    """The prompt that the adapter was trained with, without `<bos>`, which the tokenizer adds."""
    return f"<start_of_turn>user\nComment: {post['text']}<end_of_turn>\n<start_of_turn>model\n"


def answer_text(labels):
    """What the model should say; `<end_of_turn>` follows."""
    return "Hate Speech: " + ("\n".join(in_class_order(labels)) or "None") + "\n"


def parse_answer(text):
    """The labels of an answer, or None where it has no heading."""
    if "Hate Speech:" not in text:
        return None
    lines = text.split("Hate Speech:", 1)[1].strip().split("\n")
    return in_class_order([line.strip() for line in lines])


def write_posts(path, posts):
    """A dataset without pictures, labels one a line as the answers have them."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "labels"])
        writer.writerows([post["text"], "\n".join(post["labels"])] for post in posts)


def read_posts(path):
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [
        {"index": index, "text": row["text"], "labels": [name for name in row["labels"].split("\n") if name]}
        for index, row in enumerate(rows)
    ]
