"""Odd little pictures, and the RGB bytes that PIL makes of them.

    python edge_images.py OUT

OUT/expected.json has a row a file: mode, format, size and `rgb_hex` of `Image.open(p).convert("RGB")` (what a
model sees), and the same after `ImageOps.exif_transpose` (what a person should see; null where nothing turns).
"""

import argparse
import json
from pathlib import Path

import numpy
from PIL import Image, ImageOps

WIDTH, HEIGHT = 13, 9


def with_orientation(value):
    exif = Image.Exif()
    exif[0x0112] = value
    return exif


def pictures():
    """(file name, picture, save options) of every case."""
    y, x = numpy.mgrid[0:HEIGHT, 0:WIDTH]
    red, green, blue = x * 19 % 256, y * 28 % 256, x * y * 7 % 256
    rgb = numpy.stack([red, green, blue], -1).astype(numpy.uint8)
    image = Image.fromarray(rgb)
    palette = image.convert("P", palette=Image.Palette.ADAPTIVE, colors=16)
    yield "rgb.png", image, {}
    yield "rgba.png", Image.fromarray(numpy.dstack([rgb, (x * 20 % 256).astype(numpy.uint8)])), {}
    yield "la.png", Image.fromarray(numpy.dstack([rgb[..., 0], rgb[..., 1]]), "LA"), {}
    yield "l.png", image.convert("L"), {}
    yield "one.png", image.convert("1"), {}
    yield "p.png", palette, {}
    yield "p_trns.png", palette, {"transparency": 3}
    yield "rgb_trns.png", image, {"transparency": (0, 0, 0)}
    yield "i16.png", Image.fromarray((x * 5000 + y * 300).astype(numpy.uint16)), {}
    yield "gif.gif", palette, {}
    yield "gif_anim.gif", palette, {"save_all": True, "append_images": [palette.rotate(180)]}
    yield "bmp.bmp", image, {}
    yield "webp_lossless.webp", image, {"lossless": True}
    yield "tiff.tiff", image, {}

    larger = image.resize((40, 27), Image.Resampling.BICUBIC)
    for quality, subsampling in ((90, 0), (90, 2), (75, 1)):
        options = {"quality": quality, "subsampling": subsampling}
        yield f"jpeg_q{quality}_s{subsampling}.jpg", larger, options
    yield "jpeg_prog.jpg", larger, {"quality": 85, "progressive": True}
    yield "jpeg_gray.jpg", larger.convert("L"), {"quality": 90}
    yield "jpeg_cmyk.jpg", larger.convert("CMYK"), {"quality": 95}
    for value in range(1, 9):
        yield f"jpeg_exif{value}.jpg", larger, {"quality": 90, "exif": with_orientation(value)}
    yield "png_exif6.png", image, {"exif": with_orientation(6)}


def describe(path):
    opened = Image.open(path)
    seen = opened.convert("RGB")
    upright = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
    turned = upright.tobytes() != seen.tobytes()
    return {
        "file": path.name,
        "mode": opened.mode,
        "format": opened.format,
        "size_wh": list(seen.size),
        "rgb_hex": seen.tobytes().hex(),
        "exif_transposed_size_wh": list(upright.size),
        "exif_transposed_rgb_hex": upright.tobytes().hex() if turned else None,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    rows = []
    for name, picture, options in pictures():
        picture.save(out / name, **options)
        rows.append(describe(out / name))
    (out / "expected.json").write_text(json.dumps(rows), encoding="utf-8")
    print(f"{len(rows)} pictures")


if __name__ == "__main__":
    main()
