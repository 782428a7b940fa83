"""The demo: a dataset that anyone may look at, and a toy model that is good at it but not perfect.

    python demo.py data  --root REPOSITORY    writes data/demo
    python demo.py model --root REPOSITORY    trains assets/demo-model on its train split (and more drawn posts)
    python demo.py check --root REPOSITORY    metrics.json, the model's README and tests/fixtures/demo_expected.jsonl
"""

import argparse
import csv
import io
import random
import shutil
from pathlib import Path

from PIL import Image

import task
from demo_posts import draw_post, draw_posts

SEED = 2026
TRAIN, TEST, UNLABELLED = 40, 78, 18

# Storage forms beside plain JPEG: every ninth post gets the next one. Grey forms go to posts without a sign.
COLOUR_FORMS = ["palette", "rgba", "cmyk", "exif", "progressive"]
GREY_FORMS = ["grey", "palette", "one-bit", "exif", "grey-alpha", "rgba"]


def store(image, form):
    """(file extension, bytes) of the picture in one storage form."""
    buffer = io.BytesIO()
    alpha = Image.linear_gradient("L").resize(image.size).point(lambda value: 128 + value // 2)
    if form in ("jpeg", "progressive", "cmyk", "grey", "exif"):
        options = {"quality": 84, "progressive": form == "progressive"}
        if form == "cmyk":
            image = image.convert("CMYK")
        elif form == "grey":
            image = image.convert("L")
        elif form == "exif":  # stored on its side, with the tag that turns it upright
            image = image.transpose(Image.Transpose.ROTATE_90)
            options["exif"] = Image.Exif()
            options["exif"][0x0112] = 6
        image.save(buffer, "JPEG", **options)
        return "jpg", buffer.getvalue()
    if form == "palette":
        image = image.convert("P", palette=Image.Palette.ADAPTIVE, colors=64)
    elif form == "one-bit":
        image = image.convert("1")
    else:
        image = image.convert("RGBA" if form == "rgba" else "LA")
        image.thumbnail((320, 320))
        image.putalpha(alpha.resize(image.size))
    image.save(buffer, "PNG", optimize=True)
    return "png", buffer.getvalue()


def form_of(post, number):
    if number % 9 != 4:
        return "jpeg"
    forms = COLOUR_FORMS if post["image_labels"] else GREY_FORMS
    return forms[number // 9 % len(forms)]


def write_csv(path, header, rows):
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def write_split(folder, rng, split, count):
    """Draw a split's posts and write their images; returns (text, image path, labels) rows."""
    rows = []
    for number in range(count):
        post = draw_post(rng)
        extension, content = store(post["rgb"], form_of(post, number))
        path = f"images/{split}_{number:03d}.{extension}"
        (folder / path).write_bytes(content)
        rows.append((post["text"], path, ",".join(post["labels"])))
    return rows


def write_faulty(folder, good):
    """Eight rows that show what each problem looks like; only the first and the last are sound."""
    picture = good[1]
    (folder / "images/broken_cut.jpg").write_bytes((folder / picture).read_bytes()[:900])
    (folder / "images/broken_text.png").write_text("This is no picture.\n", encoding="utf-8")
    rows = [
        "text,image_path,labels",
        f"a sound row,{picture},racist",
        "its picture is missing,images/nowhere.jpg,",
        "its picture is cut short,images/broken_cut.jpg,sexist",
        "its picture is a text file,images/broken_text.png,",
        f'its second label is unknown,{picture},"religion,gloomy"',
        "this row is short",
        f"this row is long,{picture},otherhate,one,two",
        f"another sound row,{picture},",
    ]
    (folder / "faulty.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")


def make_data(root):
    folder = root / "data" / "demo"
    shutil.rmtree(folder / "images", ignore_errors=True)
    (folder / "images").mkdir(parents=True)
    rng = random.Random(SEED)
    header = ["text", "image_path", "labels"]
    train = write_split(folder, rng, "train", TRAIN)
    test = write_split(folder, rng, "test", TEST)
    unlabelled = write_split(folder, rng, "unlabelled", UNLABELLED)
    write_csv(folder / "train.csv", header, train)
    write_csv(folder / "test.csv", header, test)
    write_csv(folder / "unlabelled.csv", header[:2], [row[:2] for row in unlabelled])
    mixed = [(*row, "test") for row in test]
    for row in unlabelled:
        mixed.insert(rng.randint(3, len(mixed)), (*row[:2], "?", "unlabelled"))
    write_csv(folder / "posts.csv", [*header, "split"], mixed)
    (folder / "class_names.txt").write_text("\n".join(task.CLASSES) + "\n", encoding="utf-8")
    write_faulty(folder, next(row for row in test if row[1].endswith(".jpg")))


def recipe():
    import torch

    from paligemma2 import LANGUAGE_TARGETS, Recipe

    return Recipe(
        seed=SEED,
        image_size=112,
        vocab=1100,
        alphabet=110,
        hidden=96,
        layers=3,
        heads=4,
        kv_heads=2,
        head_dim=24,
        intermediate=256,
        query_scalar=24,
        vision_hidden=64,
        vision_layers=2,
        tower_steps=400,
        steps=1500,
        lora_steps=800,
        batch_size=8,
        by_length=True,
        stop_loss=0.02,
        dtype=torch.float16,
        lora={"r": 8, "lora_alpha": 16, "target_modules": LANGUAGE_TARGETS},
    )


def make_model(root, extra, steps, lora_steps):
    import torch

    from paligemma2 import teach

    torch.set_num_threads(1)
    plan = recipe()
    plan.steps, plan.lora_steps = steps or plan.steps, lora_steps or plan.lora_steps
    posts = task.read_posts(root / "data/demo/train.csv") * 2 + draw_posts(SEED + 1, extra)
    texts = [post["text"] for post in posts]
    teach(plan, texts, posts, root / "assets/demo-model", "overrule-demo-model")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stage", choices=["data", "model", "check"])
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[2])
    parser.add_argument("--extra", type=int, default=2400, help="posts drawn for training only")
    parser.add_argument("--steps", type=int, help="training steps of the base")
    parser.add_argument("--lora-steps", type=int, help="training steps of the adapter")
    arguments = parser.parse_args()
    if arguments.stage == "data":
        make_data(arguments.root)
    elif arguments.stage == "model":
        make_model(arguments.root, arguments.extra, arguments.steps, arguments.lora_steps)
    else:
        from demo_goldens import check

        check(arguments.root, recipe(), arguments.extra)


if __name__ == "__main__":
    main()
