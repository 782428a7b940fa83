"""A small tokenizer with the layout of Gemma's: special tokens first, bytes, merged pieces, single characters.

It keeps what makes the real one awkward: runs of newlines are tokens of their own, `▁▁` merges before
anything else, unknown characters fall back to bytes, and PaliGemma's 1152 location and segment tokens
and `<image>` come last.
"""

import json
from collections import Counter
from pathlib import Path

from task import CARD_PROMPT, SYSTEM_PROMPT

# Labels stay in pieces, as they do in the real vocabulary, so that an answer takes several tokens.
LABEL_PIECES = ["rac", "ist", "sex", "homo", "phobe", "relig", "ion", "other", "hate", '["', '"]', '",', "[]"]

SPACE = "▁"
HEAD = (
    ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "<2mass>", "[@BOS@]"]
    + [f"<unused{i}>" for i in range(9)]
    + ["<start_of_turn>", "<end_of_turn>"]
)
NEWLINES = ["\n" * n for n in range(1, 9)]
SPACES = [SPACE * n for n in range(2, 5)]
BYTES = [f"<0x{value:02X}>" for value in range(256)]


def corpus(texts):
    """The given texts plus the prompts' own words (without the labels) and the labels in pieces."""
    frame = SYSTEM_PROMPT.format(allowed="")
    card = CARD_PROMPT.format(allowed="", text="")
    turns = ["User:\nAssistant:", "User:", "Assistant:", "You are a helpful assistant.", "system user assistant"]
    return list(texts) + [frame, card] * 60 + (LABEL_PIECES + [" ".join(LABEL_PIECES)]) * 40 + turns * 60


def commonest_characters(texts, count):
    """The alphabet to keep. Ties go by code point: left to the trainer, they fall differently in each run."""
    counts = Counter(character for text in texts for character in text.replace(" ", SPACE) if character != "\n")
    return sorted(counts, key=lambda character: (-counts[character], character))[:count]


def train_bpe(texts, vocab_size, alphabet):
    """(pieces in order of rank, merges) of a BPE over the texts, split before spaces, digits apart."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

    bpe = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True))
    bpe.normalizer = normalizers.Replace(" ", SPACE)
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split("\n", "removed"),
            pre_tokenizers.Split(Regex(r"\d"), "isolated"),
            pre_tokenizers.Split(SPACE, "merged_with_next"),
        ]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        limit_alphabet=alphabet,
        initial_alphabet=commonest_characters(texts, alphabet),
        show_progress=False,
        special_tokens=["<unk>"],
    )
    bpe.train_from_iterator(texts, trainer)
    trained = json.loads(bpe.to_str())["model"]
    pieces = sorted(trained["vocab"], key=trained["vocab"].get)
    return pieces, [tuple(pair) for pair in trained["merges"]]


def assemble(pieces, merges, **options):
    """A `GemmaTokenizer` of these pieces and merges, with Gemma's own special tokens."""
    from tokenizers import AddedToken
    from transformers import GemmaTokenizer

    vocab = {}
    for token in HEAD + NEWLINES + SPACES + BYTES:
        vocab[token] = len(vocab)
    new = [piece for piece in pieces if piece not in vocab]
    for piece in sorted(new, key=lambda piece: len(piece) == 1):  # merged pieces first, then characters
        vocab[piece] = len(vocab)
    vocab.setdefault(SPACE, len(vocab))
    doubled = [(SPACE, SPACE), (SPACE * 2, SPACE), (SPACE * 2, SPACE * 2)]

    options = {"padding_side": "left", "model_max_length": 10**30} | options
    made = GemmaTokenizer(vocab=vocab, merges=doubled + merges, **options)
    made.add_tokens([AddedToken(token, normalized=False, special=False) for token in NEWLINES])
    special = ["<2mass>", "[@BOS@]", "<start_of_turn>", "<end_of_turn>"]
    made.add_tokens([AddedToken(token, normalized=False, special=True) for token in special])
    return made


def build(texts, vocab_size, alphabet=88):
    """A `GemmaTokenizer` for PaliGemma over the corpus of `texts`."""
    from transformers.models.paligemma.processing_paligemma import EXTRA_TOKENS

    made = assemble(*train_bpe(corpus(texts), vocab_size, alphabet))
    made.add_tokens(EXTRA_TOKENS)
    return made


def compact(folder):
    """Rewrite tokenizer.json without indentation: the same content in half the bytes."""
    path = Path(folder) / "tokenizer.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(content, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")
