"""What transformers and PEFT compute, in float32 on the CPU, from the files on disk.

    python goldens.py MODEL --posts POSTS/test.csv [--limit N] [--answers] [--max-new-tokens N]

MODEL holds base/ and, where there is one, adapter/. Written beside them: expected.jsonl (pictures through
the processor's default backend, torchvision), expected_pil.jsonl (the same through PIL, the ones to match
exactly), expected_VARIANT.jsonl for each of the family's variants, and metrics.json. README.md says what each field
means.
"""

import argparse
import contextlib
import json
from pathlib import Path

import torch
import transformers
from peft import PeftModel
from transformers import AutoProcessor

import paligemma2
import qwen2_vl
import smolvlm
import task

BATCH = 4

# What differs between the families: how a base is loaded, a prompt made, and a picture turned into patches.
FAMILIES = {"paligemma": paligemma2, "qwen2_vl": qwen2_vl, "idefics3": smolvlm}

# How many posts of each of a family's variants are written down.
VARIANT_POSTS = 8


def describe_tensor(tensor):
    """Shape, moments and 32 elements: enough to find which pixel differs without storing them all."""
    flat = tensor.detach().float().flatten()
    places = [i * flat.numel() // 16 for i in range(16)]
    return {
        "shape": list(tensor.shape),
        "mean": flat.double().mean().item(),
        "std": flat.double().std(unbiased=False).item(),
        "first16": [round(value, 6) for value in flat[:16].tolist()],
        "strided_index": places,
        "strided16": [round(flat[place].item(), 6) for place in places],
    }


def top_ten(logits):
    values, ids = logits.float().topk(10)
    return [[int(token), round(float(value), 5)] for token, value in zip(ids, values)]


class Reference:
    """One model folder with both picture backends, and the greedy answers it gives."""

    def __init__(self, folder, max_new_tokens=64):
        folder = Path(folder)
        transformers.logging.set_verbosity_error()
        self.processor = AutoProcessor.from_pretrained(folder / "base")
        self.tokenizer = self.processor.tokenizer
        self.tokenizer.padding_side = "left"
        self.max_new_tokens = max_new_tokens
        self.family = FAMILIES[json.loads((folder / "base/config.json").read_text())["model_type"]]
        torchvision = self.processor.image_processor
        self.image_options = json.loads((folder / "base/preprocessor_config.json").read_text())
        self.image_options.pop("image_processor_type", None)
        pil = self.family.pil_images(self.image_options, torchvision)
        self.backends = {"torchvision": torchvision, "pil": pil}
        self.has_adapter = (folder / "adapter").is_dir()
        self.model = self.family.load_base(folder / "base")
        if self.has_adapter:
            self.model = PeftModel.from_pretrained(self.model, folder / "adapter")
        self.model.eval()

    def prompt(self, post, prompt="trained"):
        return self.family.prompt_text(self.processor, post, prompt)

    def inputs(self, posts, prompt="trained", backend="torchvision"):
        """Model inputs for one post or a left-padded batch of them."""
        self.processor.image_processor = self.backends[backend]
        encoded = self.processor(
            images=[post["rgb"] for post in posts if post["rgb"]] or None,
            text=[self.prompt(post, prompt) for post in posts],
            return_tensors="pt",
            padding=len(posts) > 1,
        )
        return {key: value for key, value in encoded.items() if key != "labels"}

    def weights(self, adapted):
        """A context in which the adapter is on or off."""
        return contextlib.nullcontext() if adapted or not self.has_adapter else self.model.disable_adapter()

    def generate(self, inputs):
        """Greedy token ids of each row, up to and with the end of sequence."""
        made = self.model.generate(
            **inputs, max_new_tokens=self.max_new_tokens, do_sample=False, num_beams=1, pad_token_id=0
        )
        rows = made[:, inputs["input_ids"].shape[1] :].tolist()
        end = self.tokenizer.eos_token_id
        return [row[: row.index(end) + 1] if end in row else row for row in rows]

    def first_logits(self, inputs):
        return self.model(**inputs).logits[0, -1]

    def say(self, ids):
        text = self.tokenizer.decode(ids, skip_special_tokens=True)
        return text, task.parse_answer(text)

    @torch.no_grad()
    def answer(self, inputs, adapted=True, text=True):
        """First logits, greedy ids and, if asked, their text and labels; base-only keys say so."""
        with self.weights(adapted):
            logits = self.first_logits(inputs)
            ids = self.generate(inputs)[0]
        suffix, prefix = ("", "") if adapted else ("_base", "base_")
        row = {f"first_logits_top10{suffix}": top_ten(logits), f"{prefix}generated_ids": ids}
        if text:
            row[f"{prefix}generated_text"], row[f"{prefix}labels"] = self.say(ids)
        return row

    def both(self, inputs, text=True):
        """The answer with the adapter, and without it where there is one."""
        row = self.answer(inputs, text=text)
        return row | self.answer(inputs, adapted=False, text=text) if self.has_adapter else row

    @torch.no_grad()
    def answer_logprob(self, inputs, labels):
        """Natural log of P(the answer's tokens and the end of sequence | prompt), by brute force."""
        answer = getattr(self.family, "ANSWER_PREFIX", "") + task.answer_text(labels)
        ids = self.tokenizer(answer, add_special_tokens=False)["input_ids"]
        ids = torch.tensor([ids + [self.tokenizer.eos_token_id]])
        prompt_length = inputs["input_ids"].shape[1]
        grown = dict(inputs)
        grown["input_ids"] = torch.cat([inputs["input_ids"], ids], 1)
        grown["attention_mask"] = torch.ones_like(grown["input_ids"])
        grown |= self.family.answer_types(inputs, ids.shape[1])
        logprobs = torch.log_softmax(self.model(**grown).logits[0, prompt_length - 1 : -1].float(), -1)
        return logprobs.gather(1, ids[0][:, None]).sum().item()


def label_set_logprobs(reference, inputs):
    return {
        task.answer_text(labels): round(reference.answer_logprob(inputs, labels), 5) for labels in task.LABEL_SETS
    }


def expected_row(reference, post, answers, backend="torchvision"):
    inputs = reference.inputs([post], backend=backend)
    pixels = {"pixel_values": describe_tensor(inputs["pixel_values"])} if post["rgb"] else {}
    row = {
        "index": post["index"],
        "image_path": post["image_path"],
        "text": post["text"],
        "true_labels": post["labels"],
        "prompt": reference.prompt(post),
        "input_ids": inputs["input_ids"][0].tolist(),
        **pixels,
        **reference.family.describe_input(reference, inputs),
        **reference.both(inputs),
    }
    if answers:
        row["label_set_logprobs"] = label_set_logprobs(reference, inputs)
    card = reference.inputs([post], "card", backend)
    row["prompt2"] = {
        "prompt": reference.prompt(post, "card"),
        "input_ids": card["input_ids"][0].tolist(),
        **reference.both(card),
    }
    return row


def pil_row(reference, post, answers):
    inputs = reference.inputs([post], backend="pil")
    pixels = inputs["pixel_values"]
    default = reference.inputs([post])["pixel_values"]
    difference = (pixels - default).abs()
    row = {
        "index": post["index"],
        "image_path": post["image_path"],
        **reference.family.describe_resized(post["rgb"], pixels, reference.image_options),
        "pixel_values": describe_tensor(pixels),
        "max_abs_diff_to_torchvision": difference.max().item(),
        "fraction_differing": (difference > 1e-6).float().mean().item(),
        **reference.both(inputs, text=False),
        "prompt2": reference.both(reference.inputs([post], "card", "pil"), text=False),
    }
    if answers:
        row["label_set_logprobs"] = label_set_logprobs(reference, inputs)
    return row


def variant_rows(reference, posts, options, answers):
    """Rows with PIL's pictures under other options, or (options: None) without any picture."""
    if options is None:
        posts = [{**post, "rgb": None} for post in posts if post["text"]]
    else:
        changed = reference.image_options | options
        reference.backends["changed"] = reference.family.pil_images(changed, reference.backends["torchvision"])
    backend = "pil" if options is None else "changed"
    return [expected_row(reference, post, answers, backend) for post in posts[:VARIANT_POSTS]]


@torch.no_grad()
def add_batched(reference, posts, rows, backend):
    """The same answers from left-padded batches of four."""
    for start in range(0, len(posts), BATCH):
        inputs = reference.inputs(posts[start : start + BATCH], backend=backend)
        for row, ids in zip(rows[start:], reference.generate(inputs)):
            row["batched_generated_ids"] = ids


def metrics_of(rows, pil_rows):
    """What metrics.json says: scores with and without the adapter and with the card's prompt, and agreements."""
    truths = [row["true_labels"] for row in rows]
    found = {"n_posts": len(rows), "base_plus_adapter": task.score(truths, [row["labels"] for row in rows])}
    found["prompt2"] = task.score(truths, [row["prompt2"]["labels"] for row in rows])
    if "base_labels" in rows[0]:
        base = [row["base_labels"] for row in rows]
        found["base"] = task.score(truths, base)
        found["prompt2_base"] = task.score(truths, [row["prompt2"]["base_labels"] for row in rows])
        found["base_vs_shifted_labels"] = task.score([task.shifted(labels) for labels in truths], base)
        found["posts_where_base_differs"] = sum(r["generated_ids"] != r["base_generated_ids"] for r in rows)
    else:
        found["base"] = found.pop("base_plus_adapter")
    found["batched_differs_at"] = [r["index"] for r in rows if r["batched_generated_ids"] != r["generated_ids"]]
    found["pil_differs_at"] = [r["index"] for r, p in zip(rows, pil_rows) if r["generated_ids"] != p["generated_ids"]]
    found["unparsable"] = sum(row["labels"] is None for row in rows)
    if "label_set_logprobs" in rows[0]:
        best = [json.loads(max(row["label_set_logprobs"], key=row["label_set_logprobs"].get)) for row in rows]
        found["most_likely_answer_is_greedy"] = sum(labels == row["labels"] for labels, row in zip(best, rows))
    return found


def write_goldens(folder, posts, answers=False, max_new_tokens=64):
    folder = Path(folder)
    reference = Reference(folder, max_new_tokens)
    rows = [expected_row(reference, post, answers) for post in posts]
    pil_rows = [pil_row(reference, post, answers) for post in posts]
    add_batched(reference, posts, rows, "torchvision")
    add_batched(reference, posts, pil_rows, "pil")
    task.write_jsonl(folder / "expected.jsonl", rows)
    task.write_jsonl(folder / "expected_pil.jsonl", pil_rows)
    for name, options in getattr(reference.family, "VARIANTS", {}).items():
        task.write_jsonl(folder / f"expected_{name}.jsonl", variant_rows(reference, posts, options, answers))
    metrics = metrics_of(rows, pil_rows)
    task.write_json(folder / "metrics.json", metrics)
    brief = {k: round(v["f1_micro"], 3) if isinstance(v, dict) else v for k, v in metrics.items()}
    print(f"{folder.name}: {brief}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--posts", type=Path, required=True, help="a CSV of posts")
    parser.add_argument("--limit", type=int, help="only the first posts")
    parser.add_argument("--answers", action="store_true", help="log-probabilities of all 32 answers too")
    parser.add_argument("--max-new-tokens", type=int, default=64)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    posts = task.read_posts(arguments.posts)[: arguments.limit]
    write_goldens(arguments.folder, posts, arguments.answers, arguments.max_new_tokens)


if __name__ == "__main__":
    main()
