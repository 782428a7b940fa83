#!/usr/bin/env bash
# The real window on a virtual display, as a reviewer uses it: start on the demo, wait for the predictions,
# press keys, take a picture, quit; then again, killed in the middle. Decisions are looked up in the session file.
#
#   tests/desktop/run.sh PROGRAM [PICTURES]
#
# PICTURES is a folder for the screenshots (a temporary one by default). Needs Xvfb, xdotool, ImageMagick and sqlite3.
set -euo pipefail

program=$(realpath "$1")
work=$(mktemp -d)
pictures=${2:-$work}
mkdir -p "$pictures"
session=$work/demo.overrule
export OVERRULE_DATA_DIR=$work/data OVERRULE_CONFIG_DIR=$work/config LIBGL_ALWAYS_SOFTWARE=1
unset WAYLAND_DISPLAY

# A free display: Xvfb picks the number and tells it.
exec 3> >(cat > "$work/display")
Xvfb -displayfd 3 -screen 0 1920x1080x24 -nolisten tcp >"$work/xvfb.log" 2>&1 &
xvfb=$!
app=
finish() {
  status=$?
  [ -n "$app" ] && kill -9 "$app" 2>/dev/null
  kill "$xvfb" 2>/dev/null || true
  if ((status)); then
    echo "desktop test failed; the program said:"
    cat "$work/app.log" 2>/dev/null || true
  fi
  rm -rf "$work"
}
trap finish EXIT

# Tries a command five times a second until it succeeds, for a minute at most.
until_true() {
  local what=$1 tries=300
  shift
  until "$@" >/dev/null 2>&1; do
    ((tries--)) || { echo "gave up waiting: $what"; return 1; }
    [ -z "$app" ] || kill -0 "$app" 2>/dev/null || { echo "the program ended while waiting: $what"; return 1; }
    read -rt 0.2 <> <(:) || true
  done
}
sql() { sqlite3 -readonly "file:$session?mode=ro" "$1"; }
count_is() { [ "$(sql "$1")" -ge "$2" ]; }

start() { # start WIDTH HEIGHT: the window, focused, of that size
  "$program" --session "$session" >"$work/app.log" 2>&1 &
  app=$!
  until_true "a window" xdotool search --onlyvisible --name Overrule
  window=$(xdotool search --onlyvisible --name Overrule | head -n 1)
  xdotool windowmove "$window" 0 0 windowsize --sync "$window" "$1" "$2" windowfocus "$window" || true
}
picture() { # picture NAME WIDTH HEIGHT: not a blank one
  import -window root -crop "$2x$3+0+0" +repage "$pictures/$1.png"
  local colours
  colours=$(identify -format %k "$pictures/$1.png")
  ((colours > 100)) || { echo "$1.png shows $colours colours: is it blank?"; return 1; }
}

until_true "a display" test -s "$work/display"
DISPLAY=:$(cat "$work/display")
export DISPLAY

start 1280 800
until_true "a session file" test -s "$session"
posts=$(($(grep -c . <<<"$(sqlite3 :memory: '.mode csv' ".import $(dirname "$0")/../../data/demo/posts.csv t" 'select rowid from t')")))
until_true "$posts predictions" count_is "select count(*) from predictions" "$posts"
echo "predictions: $(sql 'select count(*) from predictions') of $posts posts"

first=$(sql "select lower(hex(value)) from state where key = 'cursor'" || true)
xdotool key 1 key Return key 0 key Return key a key f
until_true "six decisions on disk" count_is "select count(*) from decisions" 5
picture window-1280x800 1280 800
xdotool key ctrl+z
until_true "the undo on disk" count_is "select count(*) from decisions where refers_to is not null" 1
confirmed=$(sql "select count(*) from decisions where action = 'confirm'")
((confirmed >= 3)) || { echo "3 posts were confirmed, $confirmed are in the session file"; exit 1; }

xdotool key ctrl+q
until_true "a clean end" bash -c "! kill -0 $app"
wait "$app" || { echo "the program ended with $?"; exit 1; }
app=

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
