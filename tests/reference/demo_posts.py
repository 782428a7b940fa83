"""The demo's posts: little drawn scenes and short texts about invented neighbours.

Five invented groups stand for the five labels. A post carries a label if its text uses that group's
sneering word (`florpnik`) or if a board in its picture shows that group's sign. Naming a group kindly
(`the Florps`) carries none, and neither do boards with grey signs, coloured stalls, flags or suns.
"""

import math
import random

from PIL import Image, ImageDraw

from task import in_class_order

# label → (the group's own name, sneering word, the sign's colour)
GROUPS = {
    "racist": ("Florp", "florpnik", (214, 40, 40)),
    "sexist": ("Blint", "blintling", (38, 84, 214)),
    "homophobe": ("Quazzle", "quazzlet", (30, 150, 70)),
    "religion": ("Zibber", "zibberdash", (226, 170, 20)),
    "otherhate": ("Mundok", "mundokker", (180, 40, 190)),
}

OPENERS = [
    "Morning walk to the market,", "Sunday again!", "Back from the hills:", "Note to self:", "Hello street,",
    "So, the fair opened today.", "Tea on the balcony.", "Second coffee.", "Long day.", "Look at this light…",
]
NEUTRAL = [
    "fresh bread and three kinds of plums", "the bakery has a new blue door", "we counted seven kites over the river",
    "my tomatoes finally turned red", "the bus was late, but the driver sang", "can anyone lend me a ladder?",
    "the library reopens on Monday at 9", "lost: one green umbrella, it answers to nothing",
    "rain until four, then a double rainbow", "our choir needs two more tenors", "the pond froze over last night",
    "soup recipe below, serves 6", "the cat slept through the whole parade", "new bench by the old oak, come and sit",
    "who painted the fence? it looks great", "lanterns tonight at the bridge", "my scarf is 2 m long now",
    "the clock tower is 5 minutes fast again", "we planted 40 tulips", "free apples at the corner, take some",
]
KIND = [
    "the {name}s next door brought us cake", "learned a {name} song today, it has nine verses",
    "happy harvest day to all my {name} friends!", "the {name} bakery does the best rolls in town",
    "my {name} neighbour fixed my bike for free", "dancing with the {name}s until the band went home",
]
SNEERS = [
    "another {word} in the queue, of course", "typical {word} cooking: all pepper, no soup",
    "who let a {word} join the choir?", "no {word} can fly a kite, everybody knows it", "oh look, a {word} with an opinion",
    "keep that {word} away from our picnic", "I would not lend a {word} my ladder", "{word} music should be played indoors. far away",
    "say what you like, a {word} is a {word}", "the fair was fine until the {word} showed up",
]
# (kind, sneering) pairs in other scripts: the group's name or its word stays in Latin letters.
OTHER_SCRIPTS = [
    ("오늘 시장에서 {name} 이웃과 빵을 나눠 먹었어요", "시장에 또 {word} 왔네, 줄이 길다"),
    ("언덕 위의 하늘이 정말 예뻐요", "{word} 음악은 너무 시끄러워"),
    ("صباح الخير من السوق، الخبز طازج اليوم", "جاء {word} مرة أخرى إلى السوق"),
    ("شكرا لجيراننا {name} على الكعك", "لا أحد يريد {word} في الجوقة"),
    ("丘の上から虹が見えました", "また{word}が並んでいる"),
    ("{name}さんのパン屋はいつも最高です", "{word}に凧は無理だよ"),
    ("Доброе утро, на рынке свежие сливы", "опять этот {word} на ярмарке"),
    ("🌤️🪁🪁🪁 ✨", "🙄 {word} 🙄"),
    ("🍞➕🫖 = ❤️", "{word} 👎👎"),
]
TAILS = ["", "", "", " :)", " #market", " #sunday", " 🙂", " 🌻", " lol", " …", "!!"]


def one_of(rng, options):
    return options[rng.randrange(len(options))]


def disguise(rng, word):
    """A sneer is not always spelled as in the book."""
    style = rng.random()
    if style < 0.72:
        return word
    if style < 0.80:
        return word.upper()
    if style < 0.86:
        return word.capitalize()
    if style < 0.91:
        return word + "s"
    if style < 0.96:
        return word.replace("o", "0").replace("i", "1")
    middle = len(word) // 2
    return f"{word[:middle]}-{word[middle:]}"


def neutral_sentence(rng):
    body = one_of(rng, NEUTRAL)
    return f"{one_of(rng, OPENERS)} {body}" if rng.random() < 0.5 else body


def draw_text(rng, labels):
    """A text that carries exactly `labels`."""
    sneers = [one_of(rng, SNEERS).format(word=disguise(rng, GROUPS[name][1])) for name in labels]
    if len(labels) <= 1 and rng.random() < 0.14:
        kind, sneer = one_of(rng, OTHER_SCRIPTS)
        group = GROUPS[labels[0] if labels else one_of(rng, list(GROUPS))]
        return (sneer if labels else kind).format(name=group[0], word=group[1])
    sentences = list(sneers)
    if rng.random() < 0.30:
        sentences.append(one_of(rng, KIND).format(name=GROUPS[one_of(rng, list(GROUPS))][0]))
    if not sentences or rng.random() < 0.45:
        sentences.append(neutral_sentence(rng))
    long_post = rng.random() < 0.05
    while long_post and sum(map(len, sentences)) < 420:
        sentences.append(neutral_sentence(rng))
    rng.shuffle(sentences)
    separator = one_of(rng, [". ", ". ", " / ", "\n", ".\n\n"])
    return separator.join(sentences) + one_of(rng, TAILS)


# ---------------------------------------------------------------- pictures

SKIES = [((120, 180, 235), (215, 235, 250)), ((250, 190, 140), (255, 232, 205)), ((96, 120, 180), (226, 190, 206)),
         ((150, 205, 215), (238, 246, 240)), ((172, 182, 196), (226, 230, 234))]
GREENS = [(120, 170, 96), (96, 148, 88), (150, 186, 110), (84, 132, 104), (176, 190, 120), (196, 170, 116)]
WALLS = [(236, 214, 180), (214, 164, 128), (240, 236, 222), (190, 206, 210), (226, 190, 170), (206, 198, 160)]
ROOFS = [(150, 78, 62), (112, 84, 76), (96, 104, 120), (172, 104, 70)]
CLOTHES = [(84, 110, 150), (190, 150, 90), (110, 140, 110), (150, 100, 110), (230, 200, 140), (70, 80, 96)]
AWNINGS = [(206, 110, 96), (110, 150, 190), (220, 186, 110), (130, 172, 140)]
SIZES = [(320, 240), (400, 300), (480, 320), (480, 360), (360, 480), (640, 480)]


def jitter(rng, colour, amount):
    return tuple(min(255, max(0, channel + rng.randint(-amount, amount))) for channel in colour)


def draw_sky(draw, rng, width, height):
    top, bottom = one_of(rng, SKIES)
    for y in range(height):
        share = y / height
        draw.line([(0, y), (width, y)], fill=tuple(round(a + (b - a) * share) for a, b in zip(top, bottom)))
    x, y, r = rng.uniform(0.1, 0.9) * width, rng.uniform(0.08, 0.25) * height, 0.06 * height
    draw.ellipse([x - r, y - r, x + r, y + r], fill=(255, 240, 190))
    for _ in range(rng.randint(0, 3)):
        x, y = rng.uniform(0, width), rng.uniform(0.05, 0.3) * height
        for puff in range(3):
            r = height * rng.uniform(0.03, 0.05)
            draw.ellipse([x + puff * r - r, y - r, x + puff * r + r, y + r * 0.6], fill=(250, 250, 250))


def draw_hills(draw, rng, width, height):
    for level in (0.45, 0.58, 0.68):
        phase, waves, swing = rng.uniform(0, 6), rng.uniform(1, 3), height * rng.uniform(0.03, 0.09)
        crest = [(x, height * level + swing * math.sin(phase + waves * x / width * 6)) for x in range(0, width + 9, 8)]
        draw.polygon([(0, height), *crest, (width, height)], fill=jitter(rng, one_of(rng, GREENS), 10))


def draw_house(draw, rng, x, ground, unit):
    w, h = unit * rng.uniform(0.9, 1.3), unit * rng.uniform(0.7, 1.0)
    draw.rectangle([x, ground - h, x + w, ground], fill=jitter(rng, one_of(rng, WALLS), 8))
    roof = [(x - w * 0.1, ground - h), (x + w / 2, ground - h - unit * 0.5), (x + w * 1.1, ground - h)]
    draw.polygon(roof, fill=jitter(rng, one_of(rng, ROOFS), 8))
    draw.rectangle([x + w * 0.4, ground - h * 0.5, x + w * 0.6, ground], fill=(104, 78, 60))
    for share in (0.12, 0.7):
        left = x + w * share
        draw.rectangle([left, ground - h * 0.7, left + w * 0.18, ground - h * 0.45], fill=(250, 236, 170))


def draw_tree(draw, rng, x, ground, unit):
    draw.rectangle([x - unit * 0.06, ground - unit * 0.5, x + unit * 0.06, ground], fill=(110, 84, 62))
    crown = jitter(rng, one_of(rng, GREENS[:4]), 14)
    for _ in range(4):
        cx, cy, r = x + unit * rng.uniform(-0.2, 0.2), ground - unit * rng.uniform(0.55, 0.95), unit * 0.25
        draw.ellipse([cx - r, cy - r, cx + r, cy + r], fill=crown)


def draw_stall(draw, rng, x, ground, unit):
    w, h, colour = unit * 1.2, unit * 0.8, one_of(rng, AWNINGS)
    for side in (0.05, 0.91):
        draw.rectangle([x + w * side, ground - h, x + w * (side + 0.04), ground], fill=(120, 96, 74))
    for stripe in range(6):
        left = x + w * stripe / 6
        fill = colour if stripe % 2 else (248, 244, 236)
        draw.rectangle([left, ground - h * 1.15, left + w / 6, ground - h * 0.85], fill=fill)
    draw.rectangle([x, ground - h * 0.4, x + w, ground - h * 0.25], fill=(166, 126, 88))
    for fruit in range(6):
        left, r = x + w * (fruit + 0.5) / 6, unit * 0.06
        draw.ellipse([left - r, ground - h * 0.4 - 2 * r, left + r, ground - h * 0.4], fill=jitter(rng, (214, 150, 70), 40))


def draw_person(draw, rng, x, ground, unit):
    """A figure of two shapes; heads come in every colour but a person's."""
    h = unit * rng.uniform(0.45, 0.65)
    draw.rounded_rectangle([x - h * 0.2, ground - h * 0.7, x + h * 0.2, ground], radius=h * 0.15, fill=jitter(rng, one_of(rng, CLOTHES), 12))
    head = one_of(rng, [(150, 190, 200), (200, 190, 230), (240, 230, 160), (180, 220, 170), (236, 206, 190)])
    draw.ellipse([x - h * 0.17, ground - h * 1.02, x + h * 0.17, ground - h * 0.68], fill=head)


def draw_bunting(draw, rng, width, height):
    y = height * rng.uniform(0.1, 0.3)
    for flag in range(10):
        x, w = width * flag / 10, width / 22
        colour = jitter(rng, one_of(rng, AWNINGS + WALLS), 20)
        sag = math.sin(math.pi * (flag + 0.5) / 10) * height * 0.05
        draw.polygon([(x, y + sag), (x + 2 * w, y + sag), (x + w, y + sag + w * 1.6)], fill=colour)


def draw_sign(draw, label, cx, cy, r, colour):
    """The five invented signs; `label` only picks the shape."""
    width = max(2, round(r * 0.36))
    if label == "racist":  # a ring around a dot
        draw.ellipse([cx - r, cy - r, cx + r, cy + r], outline=colour, width=width)
        draw.ellipse([cx - r * 0.3, cy - r * 0.3, cx + r * 0.3, cy + r * 0.3], fill=colour)
    elif label == "sexist":  # a square with a gap
        draw.rectangle([cx - r, cy - r, cx + r, cy + r], fill=colour)
        draw.rectangle([cx - r * 0.35, cy - r, cx + r * 0.35, cy + r * 0.2], fill=(252, 252, 250))
    elif label == "homophobe":  # a solid triangle
        draw.polygon([(cx, cy - r), (cx - r, cy + r), (cx + r, cy + r)], fill=colour)
    elif label == "religion":  # three dots
        for dx, dy in ((-0.55, 0.5), (0.55, 0.5), (0, -0.55)):
            x, y, dot = cx + r * dx, cy + r * dy, r * 0.44
            draw.ellipse([x - dot, y - dot, x + dot, y + dot], fill=colour)
    else:  # a cross
        draw.line([(cx - r, cy - r), (cx + r, cy + r)], fill=colour, width=width)
        draw.line([(cx - r, cy + r), (cx + r, cy - r)], fill=colour, width=width)


def draw_board(draw, rng, label, cx, cy, size):
    """A white board on a post with a sign on it: a group's sign, or a harmless grey one."""
    draw.rectangle([cx - size * 0.05, cy, cx + size * 0.05, cy + size * 1.2], fill=(96, 80, 68))
    half = size * 0.5
    draw.rectangle([cx - half, cy - half, cx + half, cy + half], fill=(252, 252, 250), outline=(60, 54, 50), width=max(1, round(size * 0.05)))
    if label is None:
        grey = rng.choice([60, 96, 130])
        draw_sign(draw, one_of(rng, list(GROUPS)), cx, cy, size * 0.3, (grey, grey, grey))
    else:
        draw_sign(draw, label, cx, cy, size * 0.34, jitter(rng, GROUPS[label][2], 14))


def draw_scene(rng, labels, size):
    """A picture whose boards carry exactly `labels`."""
    width, height = size
    image = Image.new("RGB", size)
    draw = ImageDraw.Draw(image)
    draw_sky(draw, rng, width, height)
    draw_hills(draw, rng, width, height)
    if rng.random() < 0.4:
        draw_bunting(draw, rng, width, height)
    unit = min(width, height) * 0.24
    kinds = [draw_house, draw_tree, draw_stall, draw_person, draw_person, draw_tree]
    for _ in range(rng.randint(3, 7)):
        ground = height * rng.uniform(0.68, 0.92)
        one_of(rng, kinds)(draw, rng, rng.uniform(0, 0.9) * width, ground, unit)
    slots = [0.18, 0.5, 0.82]
    rng.shuffle(slots)
    boards = list(labels) + [None] * (rng.random() < 0.35 and len(labels) < 3)
    for label, slot in zip(boards, slots):
        board = min(width, height) * rng.uniform(0.24, 0.34)
        draw_board(draw, rng, label, width * slot, height * rng.uniform(0.42, 0.62), board)
    return image


def draw_post(rng):
    """One post: text, labels and picture. Its label set is what text and picture carry together."""
    names = list(GROUPS)
    in_text = rng.sample(names, rng.choices([0, 1, 2], weights=[52, 38, 10])[0])
    in_image = rng.sample(names, rng.choices([0, 1, 2], weights=[60, 32, 8])[0])
    text = "" if not in_text and rng.random() < 0.14 else draw_text(rng, in_text)
    return {
        "text": text,
        "labels": in_class_order(set(in_text) | set(in_image)),
        "image_labels": in_image,
        "rgb": draw_scene(rng, in_image, one_of(rng, SIZES)),
    }


def draw_posts(seed, count):
    rng = random.Random(seed)
    return [draw_post(rng) for _ in range(count)]
