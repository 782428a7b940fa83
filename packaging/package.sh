#!/usr/bin/env bash
# Makes the release archive of this system: the program, the demo, and what a desktop needs to know of it.
#
#   packaging/package.sh [OUT]              builds with `cargo build --release`; OUT is target/package by default
#   PROGRAM=path packaging/package.sh OUT   takes a program that was built before, also for another system
#   TARGET=triple packaging/package.sh OUT  builds for another system, if its toolchain is installed
#
# Linux: .tar.gz with install.sh. macOS: .tar.gz with Overrule.app. Windows: .zip with associate.cmd. The system is that of
# TARGET, or this one. A checksum lies beside each archive. cargo must know the crates of that system, for their licences.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$root/Cargo.toml" | head -n 1)
target=${TARGET:-$(rustc -vV | sed -n 's/^host: //p')}
out=${1:-$root/target/package}
mkdir -p "$out"
out=$(cd "$out" && pwd)

program=${PROGRAM:-}
if [ -z "$program" ]; then
  cargo build --release --locked --manifest-path "$root/Cargo.toml" --target "$target"
  case $target in *windows*) ending=.exe ;; *) ending= ;; esac
  program=${CARGO_TARGET_DIR:-$root/target}/$target/release/overrule$ending
fi

name=overrule-$version-$target
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
folder=$work/$name
mkdir "$folder"

# What the program looks for beside itself. (Typefaces and icon are in it.)
resources() {
  mkdir -p "$1/assets" "$1/data"
  cp -R "$root/assets/demo-model" "$1/assets/"
  cp -R "$root/data/demo" "$1/data/"
}

case $target in
  *windows*)
    cp "$program" "$folder/overrule.exe"
    cp "$here/windows/associate.cmd" "$folder/"
    resources "$folder"
    ;;
  *apple*)
    contents=$folder/Overrule.app/Contents
    mkdir -p "$contents/MacOS" "$contents/Resources"
    cp "$program" "$contents/MacOS/overrule"
    sed "s/@VERSION@/$version/" "$here/macos/Info.plist" > "$contents/Info.plist"
    if command -v sips > /dev/null && command -v iconutil > /dev/null; then
      mkdir "$work/icon.iconset"
      for size in 16 32 128 256 512; do
        sips -z $size $size "$root/assets/icon.png" --out "$work/icon.iconset/icon_${size}x$size.png" > /dev/null
      done
      iconutil -c icns "$work/icon.iconset" -o "$contents/Resources/icon.icns"
    fi
    resources "$contents/MacOS"
    ;;
  *)
    cp "$program" "$folder/overrule"
    cp "$here/linux/install.sh" "$folder/"
    mkdir "$folder/desktop"
    cp "$here"/linux/overrule* "$folder/desktop/"
    cp "$root/assets/icon.svg" "$folder/desktop/overrule.svg"
    resources "$folder"
    ;;
esac
# README with all that it links to, and whose work is in the program.
mkdir "$folder/benches"
cp -R "$root/README.md" "$root/ARCHITECTURE.md" "$root/CHANGELOG.md" "$root/LICENSE" "$root/docs" "$folder/"
cp -R "$root/benches/results" "$folder/benches/"
"$here/third-party.sh" "$target" > "$folder/THIRD-PARTY.txt"

case $target in
  *windows*)
    archive=$name.zip
    (cd "$work" && rm -f "$out/$archive" && zip -qr "$out/$archive" "$name")
    ;;
  *)
    archive=$name.tar.gz
    # The same content gives the same archive, whoever makes it and when.
    if tar --version | grep -q GNU; then
      tar -C "$work" --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 -cf - "$name" | gzip -n > "$out/$archive"
    else
      tar -C "$work" -czf "$out/$archive" "$name"
    fi
    ;;
esac
(cd "$out" && { sha256sum "$archive" 2> /dev/null || shasum -a 256 "$archive"; } > "$archive.sha256")
echo "$out/$archive"
