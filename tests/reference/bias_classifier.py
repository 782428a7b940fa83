"""Two tiny bias classifiers: the published architecture (BERT and ResNet of basic layers) and file layout.

    python bias_classifier.py --posts POSTS --out DIR

Writes DIR/concat and DIR/align: config.json, model_weights.pth, the folders of both encoders (configuration and
vocabulary, no weights), and what PyTorch computes from these files: expected.jsonl and metrics.json. Beside them,
DIR/hostile has weight files that must be refused; none of them does harm where a reader runs it after all: it writes
the file that the environment variable OVERRULE_MARKER names.
"""

import argparse
import io
import math
import os
import pickle
import random
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path

import torch
import transformers
from tokenizers import BertWordPieceTokenizer
from torch import nn
from torchvision import transforms
from transformers import AutoTokenizer, BertConfig, BertModel, BertTokenizer, ResNetConfig, ResNetModel

import task
from goldens import describe_tensor

FUSIONS = ["concat", "align"]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
BIASED = {"racist", "sexist", "homophobe"}
MAX_LENGTH = 512


@dataclass
class Recipe:
    """Everything that tells one tiny model from another."""

    seed: int = 11
    vocab: int = 700
    hidden: int = 48
    layers: int = 2
    heads: int = 4
    projection: int = 40
    image_size: int = 64
    widths: tuple = (12, 16, 24, 40)
    depths: tuple = (2, 2, 1, 1)
    steps: int = 500
    extra_posts: int = 1000


class Fusion(nn.Module):
    """The published network; the parts' names are those of its state dict."""

    def __init__(self, bert, resnet, projection, fusion, dropout=0.1):
        super().__init__()
        self.fusion = fusion
        self.text_encoder = BertModel(bert)
        self.text_projection = nn.Sequential(nn.Linear(bert.hidden_size, projection), nn.Dropout(dropout))
        self.image_encoder = ResNetModel(resnet)
        self.image_projection = nn.Sequential(nn.Linear(resnet.hidden_sizes[-1], projection), nn.Dropout(dropout))
        width = projection * (2 if fusion == "concat" else 1)
        fused = [nn.Dropout(dropout), nn.Linear(width, projection), nn.GELU(), nn.Dropout(dropout)]
        self.fusion_layer = nn.Sequential(*fused)
        self.classifier = nn.Linear(projection, 1)

    def project(self, pixel_values, input_ids, attention_mask):
        text = self.text_encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state[:, 0]
        image = self.image_encoder(pixel_values=pixel_values).last_hidden_state.mean(dim=(-2, -1))
        return self.text_projection(text), self.image_projection(image)

    def fuse(self, text, image):
        both = torch.cat([text, image], -1) if self.fusion == "concat" else text * image
        return self.classifier(self.fusion_layer(both))[:, 0]

    def forward(self, **inputs):
        return self.fuse(*self.project(**inputs))


def to_pixels(size):
    """PIL resizes (bilinear, with its own antialiasing); then ImageNet's mean and deviation."""
    normalise = transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    return transforms.Compose([transforms.Resize((size, size)), transforms.ToTensor(), normalise])


def make_tokenizer(recipe, texts):
    trainer = BertWordPieceTokenizer(lowercase=True)
    trainer.train_from_iterator(texts, vocab_size=recipe.vocab, limit_alphabet=140, show_progress=False)
    learnt = sorted(trainer.get_vocab(with_added_tokens=True).items(), key=lambda entry: entry[1])
    tokens = SPECIAL + [token for token, _ in learnt if token not in SPECIAL]
    vocab = {token: number for number, token in enumerate(tokens)}
    return BertTokenizer(vocab=vocab, do_lower_case=True, model_max_length=MAX_LENGTH)


def save(model, made, recipe, folder):
    made.save_pretrained(folder / "text_encoder")
    tokens = sorted(made.get_vocab().items(), key=lambda entry: entry[1])
    text = "".join(f"{token}\n" for token, _ in tokens)
    (folder / "text_encoder/vocab.txt").write_text(text, encoding="utf-8")
    model.text_encoder.config.save_pretrained(folder / "text_encoder")
    model.image_encoder.config.save_pretrained(folder / "image_encoder")
    torch.save(model.state_dict(), folder / "model_weights.pth")
    config = {
        "text_encoder_id_or_path": "text_encoder",
        "image_encoder_id_or_path": "image_encoder",
        "projection_dim": recipe.projection,
        "fusion_method": model.fusion,
        "proj_dropout": 0.1,
        "fusion_dropout": 0.1,
        "num_classes": 1,
        "image_size": recipe.image_size,
    }
    task.write_json(folder / "config.json", config)


def load(folder, recipe, fusion):
    """The model as goldens see it: from the files on disk."""
    bert = BertConfig.from_pretrained(folder / "text_encoder")
    resnet = ResNetConfig.from_pretrained(folder / "image_encoder")
    model = Fusion(bert, resnet, recipe.projection, fusion)
    model.load_state_dict(torch.load(folder / "model_weights.pth", map_location="cpu", weights_only=True))
    return model.eval()


def truth(post):
    return bool(BIASED & set(post["labels"]))


def batch_of(examples):
    length = max(len(ids) for _, ids, _ in examples)
    return {
        "pixel_values": torch.stack([pixels for pixels, _, _ in examples]),
        "input_ids": torch.tensor([ids + [0] * (length - len(ids)) for _, ids, _ in examples]),
        "attention_mask": torch.tensor([[1] * len(ids) + [0] * (length - len(ids)) for _, ids, _ in examples]),
    }


def train(model, examples, recipe):
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
    rng, warmup = random.Random(recipe.seed), 40
    model.train()
    for step in range(recipe.steps):
        chosen = rng.sample(examples, 24)
        wanted = torch.tensor([float(biased) for _, _, biased in chosen])
        loss = nn.functional.binary_cross_entropy_with_logits(model(**batch_of(chosen)), wanted)
        loss.backward()
        cosine = 0.5 * (1 + math.cos(math.pi * step / recipe.steps)) * 0.97 + 0.03
        for group in optimizer.param_groups:
            group["lr"] = 2e-3 * cosine * min(1.0, (step + 1) / warmup)
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        if step % 100 == 0 or step == recipe.steps - 1:
            print(f"[bias_classifier {model.fusion}] step {step}, loss {loss.item():.4f}", flush=True)
    model.eval()


def write_goldens(folder, model, made, posts, pixels_of):
    def encode(text):
        options = {"padding": "max_length", "truncation": True, "max_length": MAX_LENGTH, "return_tensors": "pt"}
        encoded = made(text, **options)
        return {key: encoded[key] for key in ("input_ids", "attention_mask")}

    rows = []
    for post in posts:
        inputs = {"pixel_values": pixels_of(post["rgb"])[None], **encode(post["text"])}
        with torch.no_grad():
            text, image = model.project(**inputs)
            logit = model.fuse(text, image)[0]
        n_tokens = int(inputs["attention_mask"].sum())
        row = {key: post[key] for key in ("index", "image_path", "text")}
        rows.append(
            row
            | {
                "true_labels": ["biased"] if truth(post) else [],
                "input_ids": inputs["input_ids"][0, :n_tokens].tolist(),
                "padded_to": inputs["input_ids"].shape[1],
                "pixel_values": describe_tensor(inputs["pixel_values"]),
                "text_projection": [round(value, 6) for value in text[0].tolist()],
                "image_projection": [round(value, 6) for value in image[0].tolist()],
                "logit": logit.item(),
                "probability": torch.sigmoid(logit).item(),
                "labels": ["biased"] if torch.sigmoid(logit) >= 0.5 else [],
            }
        )
    task.write_jsonl(folder / "expected.jsonl", rows)
    answers = [row["labels"] for row in rows]
    metrics = task.score([row["true_labels"] for row in rows], answers, ["biased"])
    task.write_json(folder / "metrics.json", metrics)
    extremes = min(row["probability"] for row in rows), max(row["probability"] for row in rows)
    print(f"[bias_classifier {model.fusion}] accuracy {metrics['subset_accuracy']}, probabilities {extremes}")


class Runs:
    """Unpickling it runs a command."""

    def __reduce__(self):
        return os.system, ('touch "$OVERRULE_MARKER"',)


def write_hostile(folder, good):
    """Weight files that a reader must refuse, each by its reason."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.save({"classifier.weight": Runs()}, folder / "runs_a_command.pth")
    torch.save({"classifier.weight": torch.zeros(2), "epoch": 3}, folder / "holds_a_number.pth")
    torch.save({"state_dict": {"classifier.weight": torch.zeros(2)}}, folder / "holds_a_dictionary.pth")
    torch.save({"classifier.weight": torch.zeros(3, 2).t()}, folder / "transposed.pth")
    torch.save({"w": torch.zeros(2)}, folder / "before_1_6.pth", _use_new_zipfile_serialization=False)
    (folder / "cut_off.pth").write_bytes(good.read_bytes()[:20_000])
    (folder / "a_picture.pth").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(64))

    # The same archive with another shape: 2 becomes 2000000000, and the storage has 8 bytes.
    buffer = io.BytesIO()
    torch.save({"w": torch.zeros(2)}, buffer)
    with zipfile.ZipFile(buffer) as source, zipfile.ZipFile(folder / "huge_shape.pth", "w") as target:
        for name in source.namelist():
            data = source.read(name)
            if name.endswith("data.pkl"):
                data = data.replace(b"K\x02\x85", b"J\x00\x94\x35\x77\x85", 1)
            target.writestr(name, data)
    compressed = zipfile.ZipFile(folder / "compressed.pth", "w", zipfile.ZIP_DEFLATED)
    with zipfile.ZipFile(buffer) as source, compressed as target:
        for name in source.namelist():
            target.writestr(name, source.read(name))
    # A pickle that calls a class of the standard library, without anything of PyTorch around it.
    with zipfile.ZipFile(folder / "builds_an_object.pth", "w") as target:
        target.writestr("archive/data.pkl", pickle.dumps({"w": io.StringIO("x")}, protocol=2))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--posts", type=Path, required=True, help="folder with train.csv and test.csv, made by posts.py")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=11, help="another seed makes another set")
    arguments = parser.parse_args()
    from posts import draw_posts, sample_texts

    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    recipe = Recipe(seed=arguments.seed)
    shutil.rmtree(arguments.out, ignore_errors=True)
    posts = task.read_posts(arguments.posts / "train.csv") * 2 + draw_posts(recipe.seed, recipe.extra_posts)
    made, pixels_of = make_tokenizer(recipe, sample_texts(recipe.seed)), to_pixels(recipe.image_size)
    options = {"truncation": True, "max_length": MAX_LENGTH}
    examples = [(pixels_of(post["rgb"]), made(post["text"], **options)["input_ids"], truth(post)) for post in posts]
    for fusion in FUSIONS:
        folder = arguments.out / fusion
        (folder / "text_encoder").mkdir(parents=True)
        torch.manual_seed(recipe.seed)
        bert = BertConfig(
            vocab_size=len(made),
            hidden_size=recipe.hidden,
            num_hidden_layers=recipe.layers,
            num_attention_heads=recipe.heads,
            intermediate_size=2 * recipe.hidden,
            max_position_embeddings=MAX_LENGTH,
            initializer_range=0.06,
        )
        widths = {"embedding_size": recipe.widths[0], "hidden_sizes": list(recipe.widths)}
        resnet = ResNetConfig(**widths, depths=list(recipe.depths), layer_type="basic")
        model = Fusion(bert, resnet, recipe.projection, fusion)
        train(model, examples, recipe)
        save(model, made, recipe, folder)
        model, tokenizer = load(folder, recipe, fusion), AutoTokenizer.from_pretrained(folder / "text_encoder")
        write_goldens(folder, model, tokenizer, task.read_posts(arguments.posts / "test.csv"), pixels_of)
    write_hostile(arguments.out / "hostile", arguments.out / "concat/model_weights.pth")


if __name__ == "__main__":
    main()
