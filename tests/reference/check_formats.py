"""Loads what `overrule export` writes with the other tools' own loaders, and compares the labels.

    python check_formats.py SESSION [--overrule BINARY] [--out DIR]

SESSION is the file of a review. Needs pandas, datasets, pillow, label-studio-sdk, argilla and fiftyone; a tool that is not
installed is left out and named. doccano and Prodigy have no loader that installs freely: their files are compared as JSON
with the shape that their documentation gives. Not part of the quick tests. Ends with 1 if anything differs.
"""

import argparse
import importlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

FORMATS = {
    "csv": "train.csv",
    "spreadsheet": "spreadsheet.csv",
    "jsonl": "posts.jsonl",
    "imagefolder": "imagefolder",
    "parquet": "posts.parquet",
    "label-studio": "tasks.json",
    "label-studio-min": "min.json",
    "argilla": "records.json",
    "fiftyone": "fiftyone",
    "doccano": "doccano.jsonl",
    "prodigy": "prodigy.jsonl",
    "records": "predictions.jsonl",
}


def read_jsonl(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


class Check:
    def __init__(self, folder, truth):
        self.folder, self.truth, self.failed = folder, truth, False

    def path(self, name):
        return self.folder / name / FORMATS[name]

    def equal(self, what, found, expected):
        found, expected = list(found), list(expected)
        if found == expected:
            print(f"ok       {what}: {len(found)}")
            return
        self.failed = True
        print(f"DIFFERS  {what}: {len(found)} and {len(expected)}")
        for a, b in zip(found, expected):
            if a != b:
                print(f"         found {a!r}, expected {b!r}")
                break

    def labelled(self):
        return [(text, labels) for text, labels in self.truth if labels is not None]

    def pandas(self):
        import pandas

        def cell(value):
            return [] if value == "" else value.split(",")

        table = pandas.read_csv(self.path("csv"), keep_default_na=False)
        assert list(table.columns) == ["text", "image_path", "labels"], table.columns
        self.equal("csv in pandas", zip(table.text, map(cell, table.labels)), self.labelled())
        table = pandas.read_csv(self.path("spreadsheet"), keep_default_na=False, dtype=str)
        formulas = table.map(lambda cell: cell.startswith(("=", "+", "@", "\t", "\r")))
        assert not formulas.values.any(), table[formulas.any(axis=1)]
        self.equal("spreadsheet in pandas, no formulas", table.text.str.lstrip("'"), [text.lstrip("'") for text, _ in self.truth])
        table = pandas.read_parquet(self.path("parquet"))
        assert all(picture is None or picture["bytes"] for picture in table.get("image", [])), table.image
        self.equal("parquet in pandas", table.text, [text for text, _ in self.truth])
        table = pandas.read_json(self.path("jsonl"), lines=True)
        self.equal("jsonl in pandas", zip(table.text, table.labels), self.truth)

    def datasets(self):
        import datasets

        cache = str(self.folder / "cache")
        folder = datasets.load_dataset("imagefolder", data_dir=str(self.path("imagefolder")), split="train", cache_dir=cache)
        by_text = lambda rows: sorted(rows, key=repr)
        found = [(row["text"], row["labels"]) for row in folder]
        assert all(row["image"].size for row in folder)
        self.equal("imagefolder in datasets, images decoded", by_text(found), by_text(self.truth))
        table = datasets.load_dataset("parquet", data_files=str(self.path("parquet")), split="train", cache_dir=cache)
        classes = table.features["labels"].feature
        names = lambda labels: None if labels is None else [classes.int2str(label) for label in labels]
        assert isinstance(table.features["image"], datasets.Image), table.features
        pictures = [row["image"] for row in table]
        assert all(picture is None or picture.size for picture in pictures)
        self.equal("parquet in datasets, images decoded", [(row["text"], names(row["labels"])) for row in table], self.truth)
        folder_pixels = {row["image_path"]: row["image"].convert("RGB").tobytes() for row in folder}
        mine = {row["image_path"]: row["image"].convert("RGB").tobytes() for row in table if row["image"]}
        self.equal("parquet's pictures beside the folder's", sorted(mine.items()), sorted(folder_pixels.items()))
        copy = self.folder / "copy.parquet"
        table.to_parquet(copy)
        self.equal("parquet written again by datasets", datasets.Dataset.from_parquet(str(copy), cache_dir=cache).to_list(), table.to_list())
        lines = datasets.load_dataset("json", data_files=str(self.path("jsonl")), split="train", cache_dir=cache)
        self.equal("jsonl in datasets", [(row["text"], row["labels"]) for row in lines], self.truth)

    def label_studio_sdk(self):
        from label_studio_sdk.converter import Converter

        path = self.path("label-studio")
        config = path.parent / "label_config.xml"
        tasks = json.loads(path.read_text())
        assert all(Path(task["data"]["image"]).name for task in tasks)
        out = self.folder / "converted"
        # A task that nobody has labelled is no annotation; the converter needs to know who made the others.
        annotated = [task for task in tasks if task["annotations"]]
        for task in annotated:
            task["annotations"][0]["completed_by"] = 1
        tasks_path = self.folder / "annotated.json"
        tasks_path.write_text(json.dumps(annotated))
        converter = Converter(config=str(config), project_dir=None)
        converter.convert_to_json_min(str(tasks_path), str(out), is_dir=False)
        found = json.loads((out / "result.json").read_text())

        def choices(row):
            value = row.get("labels", [])
            return [value] if isinstance(value, str) else value["choices"] if value else []

        self.equal("label-studio through its converter", [(r["text"], choices(r)) for r in found], self.labelled())
        ours = json.loads(self.path("label-studio-min").read_text())
        known = ["image", "text", "id", "labels", "annotator", "annotation_id"]
        cut = lambda rows: [{k: row[k] for k in known if k in row} for row in rows]
        ids = {row["id"]: row["annotation_id"] for row in ours}
        for row in found:
            row["annotation_id"] = ids.get(row["id"], row["annotation_id"])
        self.equal("label-studio-min beside what its converter writes", cut(ours), cut(found))

    def argilla(self):
        from argilla.records._io import JsonIO

        records = JsonIO._records_from_json(self.path("argilla"))

        def answer(record):
            responses = list(record.responses)
            return responses[0].value if responses else None

        self.equal("argilla's own reader", [(r.fields["text"], answer(r)) for r in records], self.truth)
        said = [s for record in records for s in record.suggestions]
        print(f"         {len(said)} suggestions, of {sorted({s.agent for s in said})}")

    def fiftyone(self):
        import fiftyone.utils.data.importers as importers

        def read(labels_path):
            importer = importers.FiftyOneImageClassificationDatasetImporter(
                dataset_dir=str(self.path("fiftyone")), labels_path=labels_path
            )
            importer.setup()
            for path, _, label in importer:
                assert os.path.isfile(path), path
                yield None if label is None else [c.label for c in label.classifications]

        self.equal("fiftyone's importer", sorted(read("labels.json"), key=repr), sorted((l for _, l in self.truth), key=repr))
        if (self.path("fiftyone") / "predictions.json").exists():
            print(f"         {len(list(read('predictions.json')))} predictions")

    def shapes(self):
        rows = read_jsonl(self.path("doccano"))
        self.equal("doccano as documented", [(r["text"], r["label"]) for r in rows], self.labelled())
        rows = read_jsonl(self.path("prodigy"))
        assert all({o["id"] for o in r["options"]} >= set(r.get("accept", [])) for r in rows)
        accepted = [(r["text"], r["accept"] if r.get("answer") == "accept" else None) for r in rows]
        self.equal("prodigy as documented", accepted, self.truth)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("session", type=Path)
    parser.add_argument("--overrule", default="overrule")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    folder = args.out or Path(tempfile.mkdtemp(prefix="formats-"))
    for name, file in FORMATS.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        command = [args.overrule, "export", args.session, "--format", name, "--out", folder / name / file, "--force"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        print(done.stderr.strip())
        if done.returncode != 0:
            sys.exit(1)
    # The plainest format is what the others are compared with.
    truth = [(row["text"], row["labels"]) for row in read_jsonl(folder / "jsonl" / FORMATS["jsonl"])]
    check = Check(folder, truth)
    for name in ["pandas", "datasets", "label_studio_sdk", "argilla", "fiftyone"]:
        try:
            importlib.import_module(name)
        except ImportError:
            print(f"missing  {name} is not installed")
            continue
        getattr(check, name)()
    check.shapes()
    sys.exit(check.failed)


if __name__ == "__main__":
    main()
