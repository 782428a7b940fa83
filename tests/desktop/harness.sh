# Shared by the scripts of this folder: a virtual display, the program on it, keys, pictures.
# Expects $program; gives $work (a temporary folder) and $session (the session file in it).
# shellcheck shell=bash

work=$(mktemp -d)
session=$work/demo.overrule
export OVERRULE_DATA_DIR=$work/data OVERRULE_CONFIG_DIR=$work/config OVERRULE_CACHE_DIR=$work/cache LIBGL_ALWAYS_SOFTWARE=1
unset WAYLAND_DISPLAY

# A free display: Xvfb picks the number and tells it.
exec 3> >(cat > "$work/display")
# Without -noreset the display starts anew when its last client goes, and refuses the next one meanwhile.
Xvfb -displayfd 3 -screen 0 1920x1080x24 -nolisten tcp -noreset >"$work/xvfb.log" 2>&1 &
xvfb=$!
app=
finish() {
  status=$?
  if [ -n "$app" ]; then kill -9 "$app" 2>/dev/null || true; fi
  kill "$xvfb" 2>/dev/null || true
  if ((status)); then
    echo "desktop test failed; the program said:"
    cat "$work/app.log" 2>/dev/null || true
  fi
  rm -rf "$work"
}
trap finish EXIT

# Tries a command five times a second until it succeeds, for three minutes at most; `tries=N until_true …` tries N times.
until_true() {
  local what=$1 tries=${tries:-900}
  shift
  until "$@" >/dev/null 2>&1; do
    ((tries--)) || { echo "gave up waiting: $what"; return 1; }
    [ -z "$app" ] || kill -0 "$app" 2>/dev/null || { echo "the program ended while waiting: $what"; return 1; }
    read -rt 0.2 <> <(:) || true
  done
}
sql() { sqlite3 -readonly "file:$session?mode=ro" "$1"; }
count_is() { [ "$(sql "$1")" -ge "$2" ]; }

start() { # start WIDTH HEIGHT [OPTIONS]: the window, focused, of that size
  "$program" --session "$session" "${@:3}" >"$work/app.log" 2>&1 &
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

pause() { read -rt "$1" <> <(:) || true; } # for what shows nowhere but on the screen, such as a toast that fades

# Pictures are compared in 64 × 40 tiles, each of the colour that its pixels have together: how a Mesa draws the edges of
# letters is lost in that, while a panel, a row or a button that is not there changes many tiles.
# A tile is another one from this share of the range of colours on, and so many of the 2,560 may be.
fuzz=5% allowed=20

tiles() { convert "$1" -filter box -resize '64x40!' "$2"; }
differing() { # differing A B: how many tiles
  tiles "$1" "$work/a.ppm"
  tiles "$2" "$work/b.ppm"
  compare -metric AE -fuzz "$fuzz" "$work/a.ppm" "$work/b.ppm" null: 2>&1 | awk '{print int($1)}' || true
}
take() { import -window root -crop "${size}+0+0" +repage "$work/$1.ppm"; } # $size is the window's, as WIDTHxHEIGHT
fits() { # fits NAME: what is on screen, beside the picture kept in $kept
  take "$1"
  (($(differing "$work/$1.ppm" "$kept/$1.png") <= allowed))
}
has_changed() { # has_changed BEFORE
  take now
  (($(differing "$work/now.ppm" "$work/$1.ppm") > allowed))
}
rests() { # nothing moves any more, and no message is on its way out
  local before
  take "$1"
  for _ in 1 2 3 4; do
    before=$(cksum <"$work/$1.ppm")
    pause 1.5
    take "$1"
    [ "$before" = "$(cksum <"$work/$1.ppm")" ] || return 1
  done
}
opens() { # opens X Y BEFORE: a click there shows something else
  xdotool mousemove "$1" "$2"
  pause 0.3
  xdotool click 1
  for _ in 1 2 3 4 5 6; do
    pause 0.5
    if has_changed "$3"; then return 0; fi
  done
  return 1
}
theme() { # theme NAME [MORE SETTINGS]
  mkdir -p "$OVERRULE_CONFIG_DIR"
  echo "{\"theme\": \"$1\" ${2:-}}" > "$OVERRULE_CONFIG_DIR/settings.json"
}
quit() { # by the key; the program must end by itself, within a minute, and content
  xdotool key ctrl+q
  (pause 60 && kill -9 "$app" 2>/dev/null) &
  local guard=$!
  wait "$app" || { echo "the program ended with $?"; exit 1; }
  kill "$guard" 2>/dev/null || true
  app=
}
