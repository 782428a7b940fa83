"""A tiny text-only Gemma 2 with a LoRA of rank 64 on every linear layer, and what it says of Korean comments.

    python gemma2.py make --out DIR       DIR/base, DIR/adapter, DIR/test.csv
    python gemma2.py goldens DIR          DIR/expected.jsonl, DIR/metrics.json

The sliding window (8 tokens) is shorter than every prompt, and the query scalar is not the head's size.
"""

import argparse
import shutil
from dataclasses import dataclass
from pathlib import Path

import torch
import transformers
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoTokenizer, Gemma2Config, Gemma2ForCausalLM

import korean
import task
import tokenizer
from goldens import Reference, add_batched
from train import train

N_TEST = 40


@dataclass
class Recipe:
    """Everything that tells one tiny model from another."""

    seed: int = 11
    vocab: int = 600
    alphabet: int = 110
    hidden: int = 64
    layers: int = 4
    heads: int = 4
    kv_heads: int = 2
    head_dim: int = 24
    intermediate: int = 160
    query_pre_attn_scalar: int = 16
    sliding_window: int = 8
    steps: int = 900
    lora_steps: int = 300
    posts: int = 3000
    stop_loss: float = 0.006


def make_tokenizer(recipe, texts):
    frame = ["Comment: "] * 300 + ["Hate Speech: None", "userComment:", "user", "model"] * 300
    answers = [f"Hate Speech: {label}" for label in korean.LABELS for _ in range(60)] + korean.LABELS * 100
    learnt = tokenizer.train_bpe(texts + frame + answers, recipe.vocab, recipe.alphabet)
    return tokenizer.assemble(*learnt, add_bos_token=True)


def make_model(recipe, made):
    torch.manual_seed(recipe.seed)
    config = Gemma2Config(
        vocab_size=(len(made) + 63) // 64 * 64,
        hidden_size=recipe.hidden,
        intermediate_size=recipe.intermediate,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.heads,
        num_key_value_heads=recipe.kv_heads,
        head_dim=recipe.head_dim,
        query_pre_attn_scalar=recipe.query_pre_attn_scalar,
        sliding_window=recipe.sliding_window,
        max_position_embeddings=8192,
        initializer_range=0.06,
    )
    config._attn_implementation = "eager"  # the one with soft-capping
    model = Gemma2ForCausalLM(config)
    model.generation_config.eos_token_id = [made.eos_token_id, made.convert_tokens_to_ids("<end_of_turn>")]
    return model


def load_base(folder):
    return Gemma2ForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")


def encode(made, post, labels):
    """A training example: prompt and answer, the loss on the answer alone."""
    prompt = made(korean.prompt_text(post), return_tensors="pt")["input_ids"]
    answer = korean.answer_text(labels) + "<end_of_turn>"
    answer = made(answer, add_special_tokens=False, return_tensors="pt")["input_ids"]
    ids = torch.cat([prompt, answer], 1)
    labels = torch.cat([torch.full_like(prompt, -100), answer], 1)
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": labels}


def make(recipe, out):
    """Train a base (on shifted labels) and an adapter (on the true ones), and save both."""
    from paligemma2 import save_adapter

    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    korean.write_posts(out / "test.csv", korean.draw_posts(recipe.seed, N_TEST))
    posts = korean.draw_posts(recipe.seed + 999, recipe.posts)
    made = make_tokenizer(recipe, [post["text"] for post in posts])
    model = make_model(recipe, made)
    options = {"stop_loss": recipe.stop_loss}
    examples = [encode(made, post, korean.shifted(post["labels"])) for post in posts]
    train(model, examples, steps=recipe.steps, seed=recipe.seed, name="gemma2 base", lr=3e-3, **options)
    model.save_pretrained(out / "base")
    made.save_pretrained(out / "base")
    tokenizer.compact(out / "base")

    examples = [encode(made, post, post["labels"]) for post in posts]
    lora = LoraConfig(r=64, lora_alpha=32, target_modules="all-linear", bias="none", task_type="CAUSAL_LM")
    adapted = get_peft_model(load_base(out / "base"), lora)
    train(adapted, examples, steps=recipe.lora_steps, seed=recipe.seed + 1, name="gemma2 adapter", **options)
    save_adapter(adapted, out / "adapter", "gemma2/base")
    # The published adapter has none: its labels are the family's.
    (out / "adapter/label_map.json").unlink()


class KoreanReference(Reference):
    """A model folder that takes comments without pictures."""

    def __init__(self, folder, max_new_tokens=64):
        transformers.logging.set_verbosity_error()
        self.tokenizer = AutoTokenizer.from_pretrained(folder / "base", padding_side="left")
        self.max_new_tokens = max_new_tokens
        self.has_adapter = True
        self.model = PeftModel.from_pretrained(load_base(folder / "base"), folder / "adapter").eval()
        self.ends = set(self.model.generation_config.eos_token_id)
        self.end_of_turn = self.tokenizer.convert_tokens_to_ids("<end_of_turn>")

    def inputs(self, posts, prompt="trained", backend=None):
        prompts = [korean.prompt_text(post) for post in posts]
        return dict(self.tokenizer(prompts, return_tensors="pt", padding=len(posts) > 1))

    def generate(self, inputs):
        made = self.model.generate(**inputs, max_new_tokens=self.max_new_tokens, do_sample=False, pad_token_id=0)
        rows = made[:, inputs["input_ids"].shape[1] :].tolist()
        ends = [next((i for i, token in enumerate(row) if token in self.ends), len(row)) for row in rows]
        return [row[: end + 1] for row, end in zip(rows, ends)]

    def say(self, ids):
        text = self.tokenizer.decode(ids, skip_special_tokens=True)
        return text, korean.parse_answer(text)

    @torch.no_grad()
    def answer_logprob(self, inputs, labels):
        """Natural log of P(the answer's tokens and the end of the turn | prompt), by brute force."""
        ids = self.tokenizer(korean.answer_text(labels), add_special_tokens=False)["input_ids"]
        ids = torch.tensor([ids + [self.end_of_turn]])
        grown = torch.cat([inputs["input_ids"], ids], 1)
        logits = self.model(input_ids=grown).logits[0, inputs["input_ids"].shape[1] - 1 : -1]
        return torch.log_softmax(logits.float(), -1).gather(1, ids[0][:, None]).sum().item()


def expected_row(reference, post):
    inputs = reference.inputs([post])
    return {
        "index": post["index"],
        "text": post["text"],
        "true_labels": post["labels"],
        "prompt": korean.prompt_text(post),
        "input_ids": inputs["input_ids"][0].tolist(),
        **reference.both(inputs),
        "label_set_logprobs": {
            korean.answer_text(labels): round(reference.answer_logprob(inputs, labels), 5) for labels in korean.SCORED
        },
    }


def goldens(folder):
    reference = KoreanReference(folder)
    posts = korean.read_posts(folder / "test.csv")
    rows = [expected_row(reference, post) for post in posts]
    add_batched(reference, posts, rows, None)
    task.write_jsonl(folder / "expected.jsonl", rows)
    truths = [row["true_labels"] for row in rows]
    base = [row["base_labels"] for row in rows]
    metrics = {
        "n_posts": len(rows),
        "base_plus_adapter": task.score(truths, [row["labels"] for row in rows], korean.LABELS),
        "base": task.score(truths, base, korean.LABELS),
        "base_vs_shifted_labels": task.score([korean.shifted(labels) for labels in truths], base, korean.LABELS),
        "posts_where_base_differs": sum(row["generated_ids"] != row["base_generated_ids"] for row in rows),
        "batched_differs_at": [r["index"] for r in rows if r["batched_generated_ids"] != r["generated_ids"]],
        "unparsable": sum(row["labels"] is None for row in rows),
    }
    task.write_json(folder / "metrics.json", metrics)
    print({k: round(v["f1_micro"], 3) if isinstance(v, dict) else v for k, v in metrics.items()}, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    make_command = commands.add_parser("make")
    make_command.add_argument("--out", type=Path, required=True)
    make_command.add_argument("--seed", type=int, default=11, help="another seed makes another set")
    commands.add_parser("goldens").add_argument("folder", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.command == "make":
        make(Recipe(seed=arguments.seed), arguments.out)
    else:
        goldens(arguments.folder)


if __name__ == "__main__":
    main()
