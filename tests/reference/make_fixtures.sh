#!/usr/bin/env bash
# Makes the fixtures and the demo again, from nothing (but tests/fixtures/parquet and unsmile.tsv: see README.md):
#
#     tests/reference/make_fixtures.sh [VENV]
#
# VENV (default .venv) is created with the pinned packages unless it exists. Takes about forty minutes of one core.
set -euo pipefail
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)
venv=${1:-$root/.venv}
fixtures=$root/tests/fixtures
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT

if [ ! -x "$venv/bin/python" ]; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install --no-deps -r requirements.txt
fi
python=$venv/bin/python
export OMP_NUM_THREADS=1 TOKENIZERS_PARALLELISM=false HF_HUB_OFFLINE=1

# The drawn posts: only the test split is kept, the train split just trains.
"$python" posts.py --seed 11 --out "$build/posts"
mkdir -p "$fixtures/posts/images"
cp "$build/posts/test.csv" "$build/posts/class_names.txt" "$fixtures/posts/"
cp "$build"/posts/images/test_* "$fixtures/posts/images/"
"$python" edge_images.py "$fixtures/edge_images"
mkdir -p "$fixtures/resize"
"$python" resize.py "$fixtures/resize/expected.json"

# The sets of models and what transformers says of them.
test_posts=$fixtures/posts/test.csv
"$python" paligemma2.py first --posts "$build/posts" --out "$fixtures/paligemma2"
"$python" goldens.py "$fixtures/paligemma2" --posts "$test_posts" --answers
"$python" hub_layout.py hub "$fixtures/paligemma2"

"$python" paligemma2.py second --posts "$build/posts" --out "$fixtures/paligemma2_b"
"$python" goldens.py "$fixtures/paligemma2_b" --posts "$test_posts" --limit 12 --answers
"$python" hub_layout.py adapters "$fixtures/paligemma2_b"

"$python" paligemma2.py large --posts "$build/posts" --out "$fixtures/paligemma2_448"
"$python" goldens.py "$fixtures/paligemma2_448" --posts "$test_posts" --limit 3 --max-new-tokens 12

"$python" qwen2_vl.py --posts "$build/posts" --out "$fixtures/qwen2_vl"
"$python" goldens.py "$fixtures/qwen2_vl" --posts "$test_posts" --answers

"$python" bias_classifier.py --posts "$build/posts" --out "$fixtures/bias_classifier"
"$python" smolvlm.py --posts "$build/posts" --out "$fixtures/smolvlm"
"$python" goldens.py "$fixtures/smolvlm" --posts "$test_posts" --answers

# Comments without pictures, drawn by the script itself.
"$python" gemma2.py make --out "$fixtures/gemma2"
"$python" gemma2.py goldens "$fixtures/gemma2"

# The demo dataset, the demo model and its goldens.
"$python" demo.py data --root "$root"
"$python" demo.py model --root "$root"
"$python" demo.py check --root "$root"
