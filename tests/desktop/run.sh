#!/usr/bin/env bash
# The real window on a virtual display, as a reviewer uses it: start on the demo, wait for the predictions,
# press keys, take a picture, quit; then again, killed in the middle. Decisions are looked up in the session file.
#
#   tests/desktop/run.sh PROGRAM [PICTURES]
#
# PICTURES is a folder for the screenshots (a temporary one by default). Needs Xvfb, xdotool, ImageMagick and sqlite3.
set -euo pipefail

program=$(realpath "$1")
here=$(dirname "$(realpath "$0")")
# shellcheck source=harness.sh
source "$here/harness.sh"
pictures=${2:-$work}
mkdir -p "$pictures"

start 1280 800
until_true "a session file" test -s "$session"
posts=$(($(grep -c . <<<"$(sqlite3 :memory: '.mode csv' ".import $here/../../data/demo/posts.csv t" 'select rowid from t')")))
until_true "$posts predictions" count_is "select count(*) from predictions" "$posts"
echo "predictions: $(sql 'select count(*) from predictions') of $posts posts"

first=$(sql "select lower(hex(value)) from state where key = 'cursor'" || true)
# Toggle and confirm, say that none applies and confirm, accept the model's answer, flag; as slowly as a person, since a key for a
# post that nobody can have seen yet does nothing.
xdotool key --delay 1000 1 Return 0 Return a f
until_true "the decisions on disk" count_is "select count(*) from decisions" 5
picture window-1280x800 1280 800
xdotool key ctrl+z
until_true "the undo on disk" count_is "select count(*) from decisions where refers_to is not null" 1
confirmed=$(sql "select count(*) from decisions where action = 'confirm'")
((confirmed >= 3)) || { echo "3 posts were confirmed, $confirmed are in the session file"; exit 1; }

quit

# Again, and killed without warning behind an acknowledged decision.
before=$(sql "select count(*) from decisions")
start 1920 1080
until_true "the window to read keys" bash -c "xdotool key --window $window 2 && [ \$(sqlite3 -readonly 'file:$session?mode=ro' 'select count(*) from decisions') -gt $before ]"
picture window-1920x1080 1920 1080
after=$(sql "select count(*) from decisions")
kill -9 "$app"
wait "$app" 2>/dev/null || true
app=
[ "$(sqlite3 "$session" 'pragma integrity_check')" = ok ]
[ "$(sqlite3 "$session" 'select count(*) from decisions')" -ge "$after" ]
[ "$first" != "$(sqlite3 "$session" "select lower(hex(value)) from state where key = 'cursor'")" ]

echo "decisions in the session file after kill -9: $(sqlite3 "$session" 'select count(*) from decisions')"
echo "the real window: ok"
