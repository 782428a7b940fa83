"""How long transformers and Overrule take for the same posts, with the same checkpoint, in turn.

    python peer_speed.py CHECKPOINT --overrule BINARY [--adapter FOLDER] [--dtype f32] [--posts 3] [--rounds 2] [--threads 2] [--tokens 10] [--out FILE]

CHECKPOINT is one of random_checkpoint.py's or random_vlm.py's. Its answers hardly ever end by themselves: transformers writes
exactly --tokens tokens a post, and Overrule as many unless its answer ends (each post's count is in the result). Such a model
says nothing that Overrule drafts, which is its worst case; where it repeats itself, a draft may still be right. With an adapter of
answering_adapter.py both write the posts' own labels and end; both merge it first. Labels get no probabilities, which
transformers does not compute either. Each round starts both programs anew, one after the other, so that they never share the
machine with each other. Both answer one post more first, to warm up. What is compared: the median over posts and rounds of the
seconds from the picture to the answer (decoded for transformers, in its file for Overrule), and the peak of the memory.
transformers computes in float32.

Prints one JSON object; benches/results/ keeps such objects.
"""

import argparse
import datetime
import importlib
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
POSTS = HERE.parent / "fixtures/posts"
# The module that makes a family's prompts.
FAMILIES = {"paligemma": "paligemma2", "qwen2_vl": "qwen2_vl", "idefics3": "smolvlm"}


def load_peer(arguments):
    """The module of the checkpoint's family, its processor, its model in float32, and the posts with the one that warms up."""
    import torch
    import transformers

    import task

    torch.set_num_threads(arguments.threads)
    transformers.logging.set_verbosity_error()
    family = importlib.import_module(FAMILIES[json.loads((arguments.checkpoint / "config.json").read_text())["model_type"]])
    processor = transformers.AutoProcessor.from_pretrained(arguments.checkpoint)
    model = transformers.AutoModelForImageTextToText.from_pretrained(arguments.checkpoint, dtype=torch.float32).eval()
    if adapter := getattr(arguments, "adapter", None):
        import peft

        model = peft.PeftModel.from_pretrained(model, adapter).merge_and_unload()
    return family, processor, model, task.read_posts(POSTS / "test.csv")[: arguments.posts + 1]


def transformers_rows(arguments):
    """In a process of its own: seconds of each post but the first, printed one a line."""
    import torch

    family, processor, model, posts = load_peer(arguments)
    tokens = arguments.tokens
    limits = {"max_new_tokens": 64} if arguments.adapter else {"min_new_tokens": tokens, "max_new_tokens": tokens}
    for number, post in enumerate(posts):
        started = time.perf_counter()
        prompt = family.prompt_text(processor, post, "trained")
        inputs = processor(images=[post["rgb"]], text=[prompt], return_tensors="pt")
        with torch.inference_mode():
            output = model.generate(**inputs, do_sample=False, **limits)
        seconds = time.perf_counter() - started
        prompt_tokens = inputs["input_ids"].shape[1]
        answer = output[0, prompt_tokens:]
        assert arguments.adapter or len(answer) == tokens
        if number:
            text = processor.decode(answer, skip_special_tokens=True).strip()
            row = {"seconds": seconds, "prompt_tokens": prompt_tokens, "tokens": len(answer)}
            print(json.dumps(row | ({"answer": text} if arguments.adapter else {})), flush=True)


def overrule_rows(arguments, folder):
    """Seconds of each post but the first, as Overrule's records have them."""
    out = Path(folder) / "predictions.jsonl"
    out.unlink(missing_ok=True)
    command = [arguments.overrule, "predict", POSTS / "test.csv", "--no-scores", "--model", arguments.checkpoint, "--out", out, "--device", "cpu"]
    command += ["--dtype", arguments.dtype, "--threads", arguments.threads, "--limit", arguments.posts + 1]
    command += ["--adapter", arguments.adapter] if arguments.adapter else ["--max-new-tokens", arguments.tokens]
    peak_bytes, _ = measured([str(part) for part in command])
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    answers = [{"answer": row["raw"].strip()} if arguments.adapter else {} for row in rows]
    figures = [{"seconds": sum(row["seconds"].values()), "tokens": row["n_tokens"]} | row["seconds"] for row in rows]
    return peak_bytes, [row | answer for row, answer in zip(figures[1:], answers[1:])]


def measured(command):
    """Runs a command: its peak of memory in bytes, and what it printed."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{command[0]} ended with {process.returncode}")
    return usage.ru_maxrss * 1024, output


def processor_name():
    if Path("/proc/cpuinfo").exists():
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor()


def compare(arguments):
    """Both programs in turn, round after round."""
    peers, ours, peer_peak, our_peak = [], [], 0, 0
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(arguments.rounds):
            peak, output = measured([sys.executable, __file__, *sys.argv[1:], "--only-transformers"])
            peers += [json.loads(line) for line in output.splitlines()]
            peer_peak = max(peer_peak, peak)
            peak, rows = overrule_rows(arguments, folder)
            ours += rows
            our_peak = max(our_peak, peak)
    medians = [statistics.median(row["seconds"] for row in rows) for rows in (peers, ours)]
    said = [[row.get("answer") for row in rows] for rows in (peers, ours)]
    return {
        "date": datetime.date.today().isoformat(),
        "machine": {"processor": processor_name(), "cores": os.cpu_count(), "load_average": os.getloadavg()},
        "checkpoint": arguments.checkpoint.name,
        "adapter": arguments.adapter and arguments.adapter.name,
        "threads": arguments.threads,
        "tokens": None if arguments.adapter else arguments.tokens,
        "transformers": {"dtype": "f32", "median_seconds": medians[0], "peak_bytes": peer_peak, "posts": peers},
        "overrule": {"dtype": arguments.dtype, "median_seconds": medians[1], "peak_bytes": our_peak, "posts": ours},
        "times_as_fast": medians[0] / medians[1],
        "share_of_memory": our_peak / peer_peak,
        "same_answers": said[0] == said[1] if arguments.adapter else None,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=lambda path: Path(path).resolve())
    parser.add_argument("--overrule", type=lambda path: Path(path).resolve(), required=True)
    parser.add_argument("--adapter", type=lambda path: Path(path).resolve())
    parser.add_argument("--dtype", default="f32", choices=["f32", "bf16", "f16", "q8_0"])
    parser.add_argument("--posts", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--tokens", type=int, default=10)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--only-transformers", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only_transformers:
        transformers_rows(arguments)
        return
    result = json.dumps(compare(arguments), indent=1)
    print(result)
    if arguments.out:
        arguments.out.write_text(result + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
