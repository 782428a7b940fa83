#!/usr/bin/env bash
# README's pictures of the real window, in dark and in light.
#
#   tests/desktop/screenshots.sh PROGRAM            compares: does the window still look as in docs/images/?
#   tests/desktop/screenshots.sh PROGRAM --update   makes the pictures again; look at them before you commit them
#
# What README says of a picture is checked on the way, in the session file and on the screen.
# DIFFERENCES may name a folder for the pictures that did not fit.
set -euo pipefail

program=$(realpath "$1")
update=${2:-}
here=$(dirname "$(realpath "$0")")
# shellcheck source=harness.sh
source "$here/harness.sh"
kept=$(realpath "$here/../../docs/images")
demo=$(realpath "$here/../../data/demo")
export HF_HOME=$work/nothing HF_HUB_OFFLINE=1

# A post with a picture and a text, of which the model says something else than the dataset.
post=13

of_dataset() { sqlite3 :memory: '.mode csv' ".import $demo/posts.csv posts" "select $1 from posts where rowid = $post"; }
of_model() { # what the run that was made last says
  sql "select group_concat(value) from predictions, json_each(labels) where post_index = $post - 1 and run_id = (select max(id) from runs)"
}
is_on_screen() {
  [ "$(sql "select distinct post_index + 1 from predictions where post_id = (select value from state where key = 'cursor')")" = "$1" ]
}
go_to_post() { # go_to_post FROM TURNS: from that post on; then the queue from its beginning so many turns of the wheel down
  local at
  for ((at = $1 + 1; at <= post; at++)); do
    xdotool key Right
    until_true "post $at on screen" is_on_screen "$at"
  done
  # How far the queue followed depends on how fast frames come.
  xdotool mousemove 140 500 click --repeat 20 --delay 50 4
  until_true "the queue to come to rest" rests queue
  (($2 == 0)) || xdotool click --repeat "$2" --delay 100 5
  until_true "the queue to come to rest" rests queue
  xdotool mousemove 640 "$((${size#*x} - 2))"
}
colour() { import -window root -crop "1x1+$1+$2" +repage txt:- | grep -o '#[0-9A-F]*'; }
is_colour() { [ "$(colour "$1" "$2")" = "$3" ]; }
is_as_before() { ! has_changed "$1"; }
shot() {
  until_true "$1 to come to rest" rests "$1"
  if [ "$update" = --update ]; then
    convert "$work/$1.ppm" +dither -colors 255 "PNG8:$kept/$1.png"
    echo "$1.png: $(stat -c %s "$kept/$1.png") bytes"
  elif ! tries=60 until_true "$1 to look as in $kept/$1.png" fits "$1"; then
    echo "$(differing "$work/$1.ppm" "$kept/$1.png") of 2560 tiles differ, $allowed may"
    if [ -n "${DIFFERENCES:-}" ]; then convert "$work/$1.ppm" "$DIFFERENCES/$1.png"; fi
    return 1
  fi
}
begin() { # begin HEIGHT [OPTIONS]: the demo, which the window must find by itself
  size=1280x$1
  start 1280 "$@"
  xdotool mousemove 640 $(($1 - 2))
}

for theme in dark light; do
  rm -rf "$OVERRULE_CONFIG_DIR" "$session"*
  theme "$theme"
  begin 800
  until_true "a session file" test -s "$session"
  until_true "predictions" count_is "select count(*) from predictions" 96
  # Some work done, as slowly as a person does it (a key for a post that nobody can have seen yet does nothing), then the post, its
  # picture shown while Space is held.
  xdotool key --delay 1000 Return Return Return f Return
  until_true "decisions on disk" count_is "select count(*) from decisions where action = 'confirm'" 4
  go_to_post 5 3
  [ -n "$(of_dataset text)" ] || { echo "post $post has no text"; exit 1; }
  [ "$(of_model)" != "$(of_dataset labels)" ] || { echo "the model is right about post $post"; exit 1; }
  until_true "the covered post to come to rest" rests covered
  xdotool keydown space
  until_true "the picture" has_changed covered
  shot "window-$theme"
  xdotool keyup space
  until_true "the picture to be covered" is_as_before covered
  xdotool key j
  until_true "the answer" has_changed covered
  shot "answer-$theme"
  xdotool key m
  until_true "the figures to come to rest" rests figures
  marked=$(colour 372 113) # beside “Scores”, the page that is shown first
  ! is_colour 481 113 "$marked" || { echo "which page is shown cannot be told"; exit 1; }
  until_true "another page" opens 516 113 figures
  xdotool mousemove 640 798
  until_true "the page “Thresholds”" is_colour 481 113 "$marked"
  shot "figures-$theme"
  quit
done

# Two runs compared: what the base says, beside what the adapter makes of it.
rm -rf "$OVERRULE_CONFIG_DIR" "$session"*
theme dark
begin 1040 --model demo --no-adapter
until_true "predictions of the base" count_is "select count(*) from predictions" 96
quit
begin 1040
until_true "predictions with the adapter" count_is "select count(*) from predictions" 192
go_to_post 1 0
until_true "the post to come to rest" rests post
xdotool key c
until_true "the runs" has_changed post
until_true "the runs to come to rest" rests runs
until_true "two runs compared" opens 1152 671 runs # “Compare”, beside the base
for _ in 1 2; do # down to where they agree
  xdotool mousemove 1090 760 click 5
  until_true "the list to come to rest" rests runs
done
xdotool mousemove 600 1038
shot runs-dark
quit
echo "README's pictures: ok"
