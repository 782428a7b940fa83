#!/usr/bin/env bash
# Takes README's pictures of the real window, in dark and in light.
#
#   tests/desktop/screenshots.sh PROGRAM FOLDER
set -euo pipefail

program=$(realpath "$1")
pictures=$(realpath "$2")
here=$(dirname "$(realpath "$0")")
# shellcheck source=harness.sh
source "$here/harness.sh"

for theme in dark light; do
  rm -rf "$OVERRULE_CONFIG_DIR" "$session"*
  mkdir -p "$OVERRULE_CONFIG_DIR"
  echo "{\"theme\": \"$theme\"}" > "$OVERRULE_CONFIG_DIR/settings.json"
  start 1280 800
  until_true "a session file" test -s "$session"
  until_true "predictions" count_is "select count(*) from predictions" 96
  # Some work done, then a post that the model gets wrong, its picture shown while Space is held.
  xdotool key --delay 1000 Return Return Return f Return Right Right Right
  until_true "decisions on disk" count_is "select count(*) from decisions where action = 'confirm'" 4
  xdotool mousemove 640 790 keydown space
  pause 6
  picture "window-$theme" 1280 800
  xdotool keyup space key j
  pause 1
  picture "answer-$theme" 1280 800
  xdotool key m
  pause 1
  xdotool mousemove 516 116 click 1 mousemove 640 790 # “Thresholds”
  pause 2
  picture "figures-$theme" 1280 800
  quit
done

# Two runs compared: what the base says, beside what the adapter makes of it.
rm -rf "$OVERRULE_CONFIG_DIR" "$session"*
mkdir -p "$OVERRULE_CONFIG_DIR"
echo '{"theme": "dark"}' > "$OVERRULE_CONFIG_DIR/settings.json"
start 1280 1040 --model demo --no-adapter
until_true "predictions of the base" count_is "select count(*) from predictions" 96
quit
start 1280 1040
until_true "predictions with the adapter" count_is "select count(*) from predictions" 192
xdotool key c
pause 2
xdotool mousemove 1152 671 click 1 # “Compare”, beside the base
pause 3
xdotool mousemove 1090 760 click --repeat 3 5 mousemove 600 990
pause 2
picture runs-dark 1280 1040
quit
echo "pictures are in $pictures"
