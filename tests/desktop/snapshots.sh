#!/usr/bin/env bash
# The main states of the real window beside the pictures kept of them in snapshots/.
#
#   tests/desktop/snapshots.sh PROGRAM            compares, and proves on the way that a missing part would be noticed
#   tests/desktop/snapshots.sh PROGRAM --update   makes the kept pictures again; look at them before you commit them
#
# DIFFERENCES may name a folder for the pictures that did not fit.
set -euo pipefail

program=$(realpath "$1")
update=${2:-}
here=$(dirname "$(realpath "$0")")
# shellcheck source=harness.sh
source "$here/harness.sh"
kept=$here/snapshots
demo=$here/../../data/demo
mkdir -p "$kept"
export HF_HOME=$work/nothing HF_HUB_OFFLINE=1

snapshot() { # snapshot NAME PART...: each part as WIDTHxHEIGHT+X+Y
  local name=$1 part x y missed
  shift
  if [ "$update" = --update ]; then
    until_true "$name to come to rest" rests "$name"
    convert "$work/$name.ppm" -filter box -resize 640x400 +dither -colors 64 "PNG8:$kept/$name.png"
    echo "$name.png: $(stat -c %s "$kept/$name.png") bytes"
  elif ! tries=60 until_true "$name to look as in $kept/$name.png" fits "$name"; then
    echo "$(differing "$work/$name.ppm" "$kept/$name.png") of 2560 tiles differ, $allowed may"
    if [ -n "${DIFFERENCES:-}" ]; then convert "$work/$name.ppm" "$DIFFERENCES/$name.png"; fi
    return 1
  fi
  # Each part, painted over with the colour of its corner, must be missed.
  for part in "$@"; do
    IFS='x+' read -r _ _ x y <<<"$part"
    convert "$work/$name.ppm" \( +clone -crop "1x1+$x+$y" +repage -scale "${part%%+*}!" \) -geometry "+$x+$y" -composite "$work/without.ppm"
    missed=$(differing "$work/without.ppm" "$kept/$name.png")
    ((missed > allowed)) || { echo "$name without $part differs in $missed tiles only: the check would not notice"; return 1; }
  done
  echo "$name: fits"
}
show() { # show WIDTH HEIGHT DATASET [OPTIONS]
  size=$1x$2
  start "$1" "$2" "${@:3}"
  xdotool mousemove 640 $(($2 - 2))
}

# Twenty posts of the demo, each on one line and in letters that the program brings along.
LC_ALL=C awk 'NR == 1 || !/[^ -~]/ && gsub(/"/, "&") % 2 == 0 && /(test|unlabelled)$/ && n++ < 20' "$demo/posts.csv" > "$work/posts.csv"
cp "$demo/class_names.txt" "$demo/policy.md" "$work/"

theme dark
show 1280 800 "$work/posts.csv" --image-root "$demo" --model demo
until_true "predictions" count_is "select count(*) from predictions" 20
xdotool key --delay 1000 Return Return Return f
until_true "decisions on disk" count_is "select count(*) from decisions" 4
snapshot review 272x560+0+205 600x440+290+145 370x240+908+130 370x110+908+360 370x250+908+520
until_true "the menu" opens 72 149 review # “All posts”
xdotool mousemove 640 798
snapshot filters 220x400+12+170
xdotool key Escape
until_true "no menu" fits review
xdotool key m
snapshot figures 480x320+280+300 480x320+780+300
xdotool key m key ctrl+comma
snapshot settings 500x300+390+250
xdotool key Escape
quit

theme light ', "banner_dismissed": true'
show 1024 700 "$work/posts.csv" --image-root "$demo"
snapshot review-light-1024x700 272x460+0+205 300x300+300+145 300x240+700+130
quit

# No picture is where the dataset says, in a large window of few points; then a dataset that is not there.
session=$work/elsewhere.overrule
theme light ', "zoom": 2.0'
show 1280 800 "$work/posts.csv" --image-root /nowhere
snapshot missing-picture-zoomed 400x300+300+145
quit
show 1280 800 /nowhere/posts.csv
snapshot not-opened 500x120+390+230
quit
echo "the main states: ok"
