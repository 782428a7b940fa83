#!/bin/sh
# Installs this folder's Overrule for the present user, or below a prefix of your choice:
#   ./install.sh                 into ~/.local
#   ./install.sh /usr/local      for everybody
#   ./install.sh --remove [PREFIX]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
remove=
if [ "${1:-}" = --remove ]; then
  remove=yes
  shift
fi
prefix=${1:-$HOME/.local}
case $prefix in
  /*) ;;
  *) prefix=$PWD/$prefix ;;
esac
share=$prefix/share

refresh() {
  # These make the desktop look again; without them it does so at the next login.
  update-mime-database "$share/mime" 2>/dev/null || true
  update-desktop-database "$share/applications" 2>/dev/null || true
}

if [ -n "$remove" ]; then
  rm -rf "$share/overrule"
  rm -f "$prefix/bin/overrule" "$share/applications/overrule.desktop" "$share/metainfo/overrule.metainfo.xml" \
    "$share/mime/packages/overrule-mime.xml" "$share/icons/hicolor/scalable/apps/overrule.svg"
  refresh
  echo "Overrule was removed from $prefix; reviews and settings were left where they are"
  exit
fi

mkdir -p "$prefix/bin" "$share/overrule" "$share/applications" "$share/metainfo" "$share/mime/packages" \
  "$share/icons/hicolor/scalable/apps"
# Renamed into its place, so that one that runs at the moment is not disturbed.
cp "$here/overrule" "$prefix/bin/.overrule.new"
mv "$prefix/bin/.overrule.new" "$prefix/bin/overrule"
cp -R "$here/assets" "$here/data" "$here/LICENSE" "$here/THIRD-PARTY.txt" "$share/overrule/"
# With the whole path: what a desktop starts is looked for on a PATH that often knows nothing of the prefix.
PROGRAM=$prefix/bin/overrule awk '/^Exec=/ { print "Exec=\"" ENVIRON["PROGRAM"] "\" %f"; next } { print }' \
  "$here/desktop/overrule.desktop" > "$share/applications/overrule.desktop"
cp "$here/desktop/overrule.metainfo.xml" "$share/metainfo/"
cp "$here/desktop/overrule-mime.xml" "$share/mime/packages/"
cp "$here/desktop/overrule.svg" "$share/icons/hicolor/scalable/apps/"
refresh
echo "Overrule is in $prefix/bin/overrule"
case ":$PATH:" in
  *":$prefix/bin:"*) ;;
  *) echo "$prefix/bin is not on the PATH of this shell" ;;
esac
