"""How long the log-probabilities of all 32 label sets take: 32 passes of transformers, and Overrule's, for the same posts.

    python peer_label_sets.py CHECKPOINT --overrule BINARY [--posts 2] [--threads 2] [--out FILE]

CHECKPOINT is one of random_checkpoint.py's or random_vlm.py's, with random weights in f32 or a narrower format; both programs
compute in float32. transformers runs prompt and answer once a label set, as its user would; Overrule's time is the one
`overrule inspect` gives. Both answer a post before, to warm up. Prints one JSON object; benches/results/ keeps such objects.
"""

import argparse
import datetime
import json
import os
import statistics
import subprocess
import time
from pathlib import Path

from peer_speed import POSTS, load_peer, processor_name


def transformers_seconds(arguments):
    """Seconds of each post but the first."""
    import torch

    import task

    family, processor, model, posts = load_peer(arguments)
    prefix = getattr(family, "ANSWER_PREFIX", "")
    seconds = []
    for number, post in enumerate(posts):
        prompt = family.prompt_text(processor, post, "trained")
        inputs = processor(images=[post["rgb"]], text=[prompt], return_tensors="pt")
        prompt_length = inputs["input_ids"].shape[1]
        started = time.perf_counter()
        # The first post only warms up.
        for labels in task.LABEL_SETS if number else task.LABEL_SETS[:2]:
            ids = processor.tokenizer(prefix + task.answer_text(labels), add_special_tokens=False)["input_ids"]
            ids = torch.tensor([ids + [processor.tokenizer.eos_token_id]])
            grown = dict(inputs) | {"input_ids": torch.cat([inputs["input_ids"], ids], 1)}
            grown["attention_mask"] = torch.ones_like(grown["input_ids"])
            grown |= family.answer_types(inputs, ids.shape[1])
            with torch.inference_mode():
                logits = model(**grown, logits_to_keep=ids.shape[1] + 1).logits[0, :-1]
            torch.log_softmax(logits.float(), -1).gather(1, ids[0][:, None]).sum().item()
        if number:
            seconds.append({"seconds": time.perf_counter() - started, "prompt_tokens": prompt_length})
    return seconds


def overrule_seconds(arguments):
    """Seconds of each post but the first. The answer that inspect gives before is the warming up."""
    seconds = []
    for index in range(1, arguments.posts + 1):
        command = [arguments.overrule, "inspect", POSTS / "test.csv", "--index", index, "--model", arguments.checkpoint]
        command += ["--device", "cpu", "--dtype", "f32", "--threads", arguments.threads, "--max-new-tokens", 2]
        output = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, text=True, check=True).stdout
        inspection = json.loads(output)
        seconds.append({"seconds": inspection["seconds"]["label_sets"], "label_sets": len(inspection["label_set_logprobs"])})
    return seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=lambda path: Path(path).resolve())
    parser.add_argument("--overrule", type=lambda path: Path(path).resolve(), required=True)
    parser.add_argument("--posts", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    ours, peers = overrule_seconds(arguments), transformers_seconds(arguments)
    medians = [statistics.median(row["seconds"] for row in rows) for rows in (peers, ours)]
    result = {
        "date": datetime.date.today().isoformat(),
        "machine": {"processor": processor_name(), "cores": os.cpu_count(), "load_average": os.getloadavg()},
        "checkpoint": arguments.checkpoint.name,
        "threads": arguments.threads,
        "transformers": {"median_seconds": medians[0], "posts": peers},
        "overrule": {"median_seconds": medians[1], "posts": ours},
        "times_as_fast": medians[0] / medians[1],
    }
    print(json.dumps(result, indent=1))
    if arguments.out:
        arguments.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
