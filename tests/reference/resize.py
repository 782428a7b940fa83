"""What PIL's resampling makes of small pictures of noise.

    python resize.py OUT.json

A row a case: filter, size before and after, and `rgb_hex`. The pictures are not stored: byte k of a picture is
the top byte of the k-th state of a 32-bit linear congruential generator (see `noise`).
"""

import argparse
import json
from pathlib import Path

import numpy
from PIL import Image

# Shrinking, growing, one side only, one pixel, odd proportions, and both sides of the rule by which Pillow 13
# begins with the vertical pass (the height loses more than twice as many pixels as the width).
CASES = [
    ((40, 27), (14, 14)),
    ((100, 60), (9, 7)),
    ((13, 9), (28, 28)),
    ((5, 4), (17, 3)),
    ((3, 50), (6, 8)),
    ((30, 12), (30, 5)),
    ((30, 12), (7, 12)),
    ((1, 1), (4, 3)),
    ((2, 90), (1, 1)),
    ((12, 20), (9, 13)),
    ((12, 21), (9, 15)),
]
FILTERS = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


def noise(width, height):
    """Bytes of extremes and of middling values in turn, so that sums leave 0..255 and are clipped."""
    state, values = 1, []
    for _ in range(width * height * 3):
        state = (state * 1664525 + 1013904223) % 2**32
        byte = state >> 24
        values.append((0, 255, byte, byte)[state >> 8 & 3])
    return Image.fromarray(numpy.array(values, numpy.uint8).reshape(height, width, 3))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    rows = []
    for before, after in CASES:
        for name, resample in FILTERS.items():
            resized = noise(*before).resize(after, resample)
            rows.append({"filter": name, "before": before, "after": after, "rgb_hex": resized.tobytes().hex()})
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n")


if __name__ == "__main__":
    main()
