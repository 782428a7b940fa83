"""The test posts: drawn pictures in every storage form, and texts whose labels follow from invented words.

    python posts.py --seed 11 --out DIR [--train 120 --test 40]

A label is carried by an invented word in the text (`florp`) or by a coloured shape in the picture. The
pictures come as palette, grey, grey with alpha, RGBA, 1-bit, CMYK JPEG, progressive, 4:4:4 and EXIF-turned
files, in shapes from 33×97 to 1200×300. The same seed draws the same posts, byte for byte.
"""

import argparse
import csv
import io
import random
from pathlib import Path

from PIL import Image, ImageDraw

from task import CLASSES, in_class_order, load_rgb

SPELLINGS = {
    "racist": ["florp", "Florp"],
    "sexist": ["blint", "BLINT"],
    "homophobe": ["quazzle"],
    "religion": ["zibber"],
    "otherhate": ["mundok"],
}
SHAPES = {
    "racist": ("circle", (225, 30, 30)),
    "sexist": ("square", (30, 60, 225)),
    "homophobe": ("triangle", (25, 165, 50)),
    "religion": ("bar", (240, 215, 20)),
    "otherhate": ("cross", (205, 30, 205)),
}
WORDS = (
    "when the morning light comes over hills we walk slowly toward market and buy bread, milk; someone said hello "
    "today my friend posted a picture of lunch lol omg that is so nice #sunday @someone http://t.co/x1 don't can't "
    'it\'s 2024 100% fun "quoted words" (maybe) what?! really... never mind - ok'
).split(" ")
OTHER_SCRIPTS = [
    "привет", "мир", "こんにちは", "世界", "你好", "안녕하세요", "مرحبا", "नमस्ते", "ελλάδα", "żółć", "naïve", "café",
    "שלום", "ภาษา", "🙂", "😂😂", "🔥", "👍🏽", "👨‍👩‍👧", "🇫🇷", "❤️", "—", "“curly”", "l’été", "½", "ﬁne", "e\u0301a",
]  # fmt: skip
SIZES = [(320, 240), (500, 700), (64, 48), (1200, 300), (200, 200), (33, 97), (224, 224), (640, 480), (150, 400), (97, 33)]

# (file extension, storage form, how often)
FORMS = [
    ("png", "RGB", 5),
    ("jpg", "RGB", 6),
    ("jpg", "RGB444", 2),
    ("jpg", "RGBprog", 1),
    ("jpg", "EXIF6", 2),
    ("jpg", "EXIF3", 1),
    ("jpg", "CMYK", 1),
    ("jpg", "L", 1),
    ("png", "P", 2),
    ("png", "RGBA", 2),
    ("png", "L", 1),
    ("png", "LA", 1),
    ("png", "1", 1),
]


def draw_shape(draw, kind, colour, x, y, r):
    box = [x - r, y - r, x + r, y + r]
    if kind == "circle":
        draw.ellipse(box, fill=colour)
    elif kind == "square":
        draw.rectangle(box, fill=colour)
    elif kind == "triangle":
        draw.polygon([(x, y - r), (x - r, y + r), (x + r, y + r)], fill=colour)
    elif kind == "bar":
        draw.rectangle([x - r, y - r * 0.55, x + r, y + r * 0.55], fill=colour)
    else:
        width = max(2, int(r * 0.6))
        draw.line([(x - r, y - r), (x + r, y + r)], fill=colour, width=width)
        draw.line([(x - r, y + r), (x + r, y - r)], fill=colour, width=width)


def clamp(value):
    return min(255, max(0, value))


def draw_picture(rng, labels, size):
    """A picture with one shape for each label and some grey ones, each in a cell of its own."""
    width, height = size
    level = rng.randint(150, 235)
    picture = Image.new("RGB", size, tuple(clamp(level + rng.randint(-12, 12)) for _ in range(3)))
    draw = ImageDraw.Draw(picture)
    for _ in range(6):  # thin lines, on which resizing filters differ
        left, right = rng.randint(0, width - 1), rng.randint(0, width - 1)
        grey = rng.randint(90, 250)
        draw.line([(left, 0), (right, height - 1)], fill=(grey, grey, grey), width=1)
    columns, rows = (4, 1) if width > 2 * height else (1, 4) if height > 2 * width else (2, 2)
    cells = [(i, j) for i in range(columns) for j in range(rows)]
    rng.shuffle(cells)
    cell_width, cell_height = width / columns, height / rows
    contents = list(labels) + [None] * rng.randint(0, 4 - len(labels))
    for label, (column, row) in zip(contents, cells):
        r = min(cell_width, cell_height) * rng.uniform(0.36, 0.47)
        x, y = (column + 0.5) * cell_width, (row + 0.5) * cell_height
        if label is None:
            grey = rng.choice([20, 70, 120, 250])
            draw_shape(draw, rng.choice(["circle", "square", "triangle", "bar"]), (grey, grey, grey), x, y, r)
        else:
            kind, colour = SHAPES[label]
            draw_shape(draw, kind, tuple(clamp(c + rng.randint(-15, 15)) for c in colour), x, y, r)
    return picture


def in_form(picture, form):
    """The picture in the mode that a storage form wants."""
    ramp = Image.linear_gradient("L").resize(picture.size)
    if form == "P":
        return picture.convert("P", palette=Image.Palette.ADAPTIVE, colors=64)
    if form in ("L", "1", "CMYK"):
        return picture.convert(form)
    if form == "LA":
        picture = picture.convert("L").convert("LA")
        picture.putalpha(ramp)
    elif form == "RGBA":
        picture = picture.convert("RGBA")
        picture.putalpha(ramp)
    return picture


def draw_text(rng, labels):
    """Plain words, sometimes none, with an invented word for each label."""
    if not labels and rng.random() < 0.18:
        return ""
    words = [rng.choice(WORDS) for _ in range(rng.randint(2, 9))]
    for _ in range(rng.choice([0, 0, 1, 1, 2])):
        words.insert(rng.randint(0, len(words)), rng.choice(OTHER_SCRIPTS))
    for label in labels:
        words.insert(rng.randint(0, len(words)), rng.choice(SPELLINGS[label]))
    gaps = [rng.choices([" ", "\n", ", ", "  "], weights=[12, 1, 1, 1])[0] for _ in words]
    return "".join(word + gap for word, gap in zip(words, gaps)).strip()


def save_options(rng, extension, form):
    if extension == "png":
        return {"format": "PNG"}
    options = {"format": "JPEG", "quality": rng.choice([75, 90, 95])}
    if form == "RGB444":
        options["subsampling"] = 0
    elif form == "RGBprog":
        options["progressive"] = True
    elif form.startswith("EXIF"):
        options["exif"] = Image.Exif()
        options["exif"][0x0112] = int(form[4:])
    return options


def draw_post(rng, form=None):
    """One post with its encoded picture. Pictures without colour carry no label."""
    extension, form, _ = form or rng.choices(FORMS, weights=[weight for _, _, weight in FORMS])[0]
    coloured = form not in ("L", "LA", "1")
    image_count = rng.choices([0, 1, 2], weights=[5, 4, 2])[0] if coloured else 0
    text_count = rng.choices([0, 1, 2], weights=[5, 4, 2])[0]
    in_image = rng.sample(CLASSES, image_count)
    in_text = rng.sample(CLASSES, text_count)
    text = draw_text(rng, in_text)
    size = rng.choice(SIZES)
    picture = in_form(draw_picture(rng, in_image, size), form)
    encoded = io.BytesIO()
    picture.save(encoded, **save_options(rng, extension, form))
    return {
        "text": text,
        "labels": in_class_order(in_image + in_text),
        "image_labels": in_image,
        "form": form,
        "extension": extension,
        "bytes": encoded.getvalue(),
    }


def draw_posts(seed, count):
    """Posts for training only, as the model sees them; another stream than the dataset's."""
    rng = random.Random(seed * 7919 + 13)
    posts = [draw_post(rng) for _ in range(count)]
    return [dict(post, rgb=load_rgb(io.BytesIO(post["bytes"]))) for post in posts]


def sample_texts(seed, count=1500):
    """Texts for the tokenizer to learn its pieces from."""
    rng = random.Random(seed + 5)
    texts = []
    for _ in range(count):
        words = [rng.choice(WORDS) for _ in range(rng.randint(2, 9))] + [rng.choice(OTHER_SCRIPTS)]
        if rng.random() < 0.7:
            words.insert(rng.randint(0, len(words)), rng.choice(SPELLINGS[rng.choice(CLASSES)]))
        texts.append(" ".join(words))
    return texts


def write_dataset(folder, seed, train_count, test_count):
    """train.csv, test.csv, images/ and class_names.txt; every storage form is in the test split."""
    folder = Path(folder)
    (folder / "images").mkdir(parents=True, exist_ok=True)
    rng = random.Random(seed)
    for split, count in (("train", train_count), ("test", test_count)):
        with open(folder / f"{split}.csv", "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["text", "image_path", "labels"])
            for number in range(count):
                forced = FORMS[number] if split == "test" and number < len(FORMS) else None
                post = draw_post(rng, forced)
                path = f"images/{split}_{number:03d}_{post['form'].lower()}.{post['extension']}"
                (folder / path).write_bytes(post["bytes"])
                writer.writerow([post["text"], path, ",".join(post["labels"])])
    (folder / "class_names.txt").write_text("\n".join(CLASSES) + "\n", encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--train", type=int, default=120)
    parser.add_argument("--test", type=int, default=40)
    arguments = parser.parse_args()
    write_dataset(arguments.out, arguments.seed, arguments.train, arguments.test)


if __name__ == "__main__":
    main()
