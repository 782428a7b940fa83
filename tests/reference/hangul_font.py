"""The Korean part of Noto Sans CJK that ships with Overrule, for systems without a Korean font.

    python hangul_font.py NotoSansCJK-Regular.ttc OUT.otf

Needs fonttools (4.68). Kept: all Hangul syllables, the letters they are made of, and the wide space, comma and full stop.
"""

import sys

from fontTools import subset
from fontTools.ttLib import TTCollection

FAMILY = "Noto Sans CJK KR"
KEPT = [*range(0xAC00, 0xD7A4), *range(0x3131, 0x3190), *range(0x3000, 0x3003)]
TABLES = ["vhea", "vmtx", "VORG", "BASE", "GPOS", "GSUB", "GDEF"]


def main():
    source, out = sys.argv[1:]
    font = next(font for font in TTCollection(source).fonts if font["name"].getDebugName(1) == FAMILY)
    options = subset.Options(layout_features=[], hinting=False, glyph_names=False, name_IDs=[0, 1, 2, 3, 4, 5, 6, 13, 14])
    options.drop_tables += TABLES
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=KEPT)
    subsetter.subset(font)
    subset.save_font(font, out, options)


if __name__ == "__main__":
    main()
