"""Writes Parquet datasets of drawn pictures as the Hub's own library, pandas and Polars do, and prepares them with Overrule.

    python parquet.py --fixtures FOLDER           the files that the quick tests read
    python parquet.py --check [--overrule BINARY] everything else, compared; ends with 1 if anything differs

Needs datasets, pandas, pyarrow, polars and pillow.
"""

import argparse
import csv
import io
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import datasets
import pandas
import polars
import pyarrow.parquet
from PIL import Image, ImageDraw

CLASSES = ["racist", "sexist", "other, hate"]


def picture(n):
    image = Image.new("RGB", (24, 16), (n * 40 % 256, 90, 140))
    ImageDraw.Draw(image).ellipse((2 + n % 8, 2, 12 + n % 8, 12), fill=(240, 220, n * 25 % 256))
    return image


def png(n):
    out = io.BytesIO()
    picture(n).save(out, "PNG")
    return out.getvalue()


def rows(n, first=0):
    numbers = range(first, first + n)
    return {
        "image": [{"bytes": png(i), "path": None if i % 3 == 2 else f"post {i}.png"} for i in numbers],
        "text": [f'line one\nline "two" of {i}, ä' for i in numbers],
        "labels": [[c for c in range(3) if i >> c & 1] for i in numbers],
        "id": [1114679353714016256 + i for i in numbers],
    }


def hub_table(n, first=0):
    features = datasets.Features(
        {
            "image": datasets.Image(),
            "text": datasets.Value("string"),
            "labels": datasets.Sequence(datasets.ClassLabel(names=CLASSES)),
            "id": datasets.Value("int64"),
        }
    )
    return datasets.Dataset.from_dict(rows(n, first), features=features)


def compressed(folder):
    """The same texts and labels in every codec, and in both versions of pages."""
    numbers = range(40)
    frame = pandas.DataFrame(
        {
            "text": [f"text {n} {'again ' * 20}" for n in numbers],
            "labels": [[name for i, name in enumerate("ab") if n % 4 >> i & 1] for n in numbers],
            "none": [None] * 40,
        }
    )
    for codec in ["gzip", "zstd", "lz4", "brotli"]:
        frame.to_parquet(folder / f"{codec}.parquet", compression=codec, row_group_size=30)
    for codec in ["gzip", "zstd"]:
        frame.to_parquet(folder / f"{codec}_v2.parquet", compression=codec, data_page_version="2.0")
    polars.from_pandas(frame).write_parquet(folder / "polars.parquet")


def cell(names):
    return json.dumps(names)


class Check:
    def __init__(self, overrule):
        self.overrule, self.failed = overrule, False

    def same(self, what, found, expected):
        if found == expected:
            print(f"ok       {what}: {len(found)}")
        else:
            self.failed = True
            print(f"DIFFERS  {what}\n         found    {found!r:.300}\n         expected {expected!r:.300}")

    def prepare(self, source):
        out = Path(tempfile.mkdtemp()) / "out"
        done = subprocess.run([self.overrule, "prepare", source, "--out", out], capture_output=True, text=True)
        if done.returncode:
            print(done.stderr)
        return out

    def table(self, path):
        with open(path, newline="", encoding="utf-8") as lines:
            return list(csv.DictReader(lines))

    def pixels(self, out, row):
        return Image.open(out / row["image_path"]).convert("RGB").tobytes()

    def run(self, work):
        # As `push_to_hub` writes it: shards of splits in data/.
        (work / "hub/data").mkdir(parents=True)
        hub_table(5).to_parquet(work / "hub/data/train-00000-of-00002.parquet")
        hub_table(3, 5).to_parquet(work / "hub/data/train-00001-of-00002.parquet", batch_size=2)
        hub_table(2, 8).to_parquet(work / "hub/data/test-00000-of-00001.parquet")
        out = self.prepare(work / "hub")
        for split, numbers in [("train", range(8)), ("test", range(8, 10))]:
            table, expected = self.table(out / f"{split}.csv"), rows(len(numbers), numbers[0])
            labels = [cell([CLASSES[c] for c in of]) for of in expected["labels"]]
            self.same(f"{split}: texts", [row["text"] for row in table], expected["text"])
            self.same(f"{split}: labels", [row["labels"] for row in table], labels)
            self.same(f"{split}: other columns", [row["id"] for row in table], [str(i) for i in expected["id"]])
            pixels = [picture(n).tobytes() for n in numbers]
            self.same(f"{split}: pixels", [self.pixels(out, row) for row in table], pixels)
        self.same("class_names.txt", (out / "class_names.txt").read_text().splitlines(), CLASSES)

        # One class a post, by the library's own description; nobody has said anything about the last.
        features = datasets.Features(
            {"image": datasets.Image(), "text": datasets.Value("string"), "label": datasets.ClassLabel(names=["fine", "hateful"])}
        )
        one = datasets.Dataset.from_dict(
            {"image": [picture(i) for i in range(3)], "text": ["a", "", "NA"], "label": [0, 1, -1]}, features=features
        )
        one.to_parquet(work / "validation.parquet")
        table = self.table(self.prepare(work / "validation.parquet") / "val.csv")
        self.same("one class", [(row["text"], row["labels"]) for row in table], [("a", "fine"), ("", "hateful"), ("NA", "?")])

        # As pandas writes it: no description, pictures as bytes, one column a label.
        frame = pandas.DataFrame(
            {
                "image": [png(i) for i in range(40)],
                "tweet": [f"t{i}" for i in range(40)],
                "toxic": [i % 2 for i in range(40)],
                "rude": [i % 3 == 0 for i in range(40)],
                "likes": range(40),
            }
        )
        for compression in ["snappy", "gzip", "zstd", "lz4", None]:
            frame.to_parquet(work / "posts.parquet", compression=compression, row_group_size=7)
            out = self.prepare(work / "posts.parquet")
            table = self.table(out / "posts.csv")
            names = [",".join(["toxic"] * (i % 2) + ["rude"] * (i % 3 == 0)) for i in range(40)]
            self.same(f"pandas, {compression}: labels", [row["labels"] for row in table], names)
            self.same("pandas: pixels", [self.pixels(out, row) for row in table], [picture(i).tobytes() for i in range(40)])
        frame.to_parquet(work / "posts.parquet", data_page_version="2.0")
        table = self.table(self.prepare(work / "posts.parquet") / "posts.csv")
        self.same("pages of version 2", [row["text"] for row in table], list(frame.tweet))

        # As Polars writes it, with names of labels.
        table = polars.DataFrame({"text": ["x", "y"], "labels": [["a", "b"], []], "image": [png(1), png(2)]})
        table.write_parquet(work / "polars.parquet")
        table = self.table(self.prepare(work / "polars.parquet") / "posts.csv")
        self.same("Polars", [(row["text"], row["labels"]) for row in table], [("x", "a,b"), ("y", "")])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fixtures", type=Path)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--overrule", default="overrule")
    args = parser.parse_args()
    if args.fixtures:
        hub_table(6).to_parquet(args.fixtures / "train-00000-of-00001.parquet", batch_size=4)
        compressed(args.fixtures)
    if args.check:
        check = Check(args.overrule)
        check.run(Path(tempfile.mkdtemp()))
        sys.exit(check.failed)


if __name__ == "__main__":
    main()
