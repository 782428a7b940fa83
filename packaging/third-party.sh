#!/usr/bin/env bash
# Writes the notices of what is built into the program: every crate that Cargo.lock names for a system, with its licence and the
# texts that come with it, each text once.
#
#   packaging/third-party.sh [TARGET] > THIRD-PARTY.txt
#
# The texts are those of the sources that cargo has fetched. Where a crate offers several licences and MIT is one, MIT is taken.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
target=${1:-$(rustc -vV | sed -n 's/^host: //p')}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cargo metadata --locked --format-version 1 --filter-platform "$target" --manifest-path "$root/Cargo.toml" > "$work/metadata"
grep -o '"manifest_path":"[^"]*"' "$work/metadata" | sed 's/.*:"//; s/"$//; s/\\\\/\//g' | LC_ALL=C sort > "$work/manifests"

# A line a crate: its folder, name, licence and authors, as the manifest that the registry keeps has them.
LC_ALL=C awk -v own="$root/Cargo.toml" '
  $0 == own { next }
  {
    manifest = $0; name = version = licence = people = ""; is_authors = 0
    while ((getline line < manifest) > 0) {
      if (line ~ /^\[/ && line != "[package]") break
      if (split(line, part, "\"") >= 2) {
        if (line ~ /^name = / && name == "") name = part[2]
        if (line ~ /^version = / && version == "") version = part[2]
        if (line ~ /^license = /) licence = part[2]
      }
      if (line ~ /^authors = /) is_authors = 1
      if (is_authors) {
        n = split(line, part, "\"")
        for (i = 2; i <= n; i += 2) { sub(/ *<[^>]*>/, "", part[i]); people = people (people == "" ? "" : ", ") part[i] }
        if (line ~ /\]/) is_authors = 0
      }
    }
    close(manifest)
    folder = manifest; sub(/\/Cargo.toml$/, "", folder)
    print folder "\t" name " " version "\t" (licence == "" ? "see its text" : licence) "\t" (people == "" ? "its authors" : people)
  }' "$work/manifests" > "$work/crates"

cut -f 1 "$work/crates" | tr '\n' '\0' | xargs -0 sh -c 'find "$@" -type f \( -iname "*licen[sc]e*" \
  -o -iname "copying*" -o -iname "*notice*" -o -iname "copyright*" -o -iname "ofl*.txt" -o -iname "ufl.txt" \
  -o -iname "hack-regular.txt" -o -iname "readme.ijg" \)' find | LC_ALL=C sort > "$work/files"

# The texts that must be kept, each once, below the crates that bring it; then the crates that bring none.
LC_ALL=C awk -F '\t' '
  function rule() { printf "\n================================================================================\n\n" }
  NR == FNR { folders[$1] = $2; licences[$1] = $3; people[$1] = $4; order[++crates] = $1; next }
  { all[++files] = $0; is_there[toupper($0)] = 1 }
  END {
    for (i = 1; i <= files; i++) {
      file = all[i]; folder = file
      do { sub(/\/[^\/]*$/, "", folder) } while (!(folder in folders) && folder != "")
      rest = substr(file, length(folder) + 1); base = toupper(file); sub(/.*\//, "", base)
      if (rest ~ /^\/(tests|examples)\// || rest ~ /\/sqlcipher\// || base ~ /\.(RS|PY|JSON|TOML)$/) continue
      licence = licences[folder]
      if (licence !~ /AND/ && licence ~ /MIT/ && base ~ /APACHE|ZLIB|UNLICENSE|BSL|BOOST|GPL|CC0|0BSD/) {
        mit = toupper(file); sub(/APACHE(-2\.0|_2\.0|2)?|ZLIB|UNLICENSE|BSL(-1\.0)?|BOOST|GPL.*|CC0|0BSD/, "MIT", mit)
        if (base ~ /^UNLICENSE/ || mit in is_there) continue
      }
      text = key = ""
      while ((getline line < file) > 0) { sub(/\r$/, "", line); text = text line "\n"; gsub(/[ \t]+/, " ", line); sub(/^ /, "", line); key = key line " " }
      close(file); gsub(/ +/, " ", key)
      has_text[folder] = 1
      if (!(key in number)) { number[key] = ++texts; body[texts] = text }
      n = number[key]
      if (by[n, folder]++ == 0) users[n] = users[n] (users[n] == "" ? "" : ", ") folders[folder]
    }
    for (n = 1; n <= texts; n++) { rule(); print users[n] "\n"; printf "%s", body[n] }
    rule()
    print "The crates below come without a text of their licence. Where MIT is among their licences, it is taken, with their authors as"
    print "the holders of the copyright; the text of the Apache License 2.0 stands above.\n"
    for (i = 1; i <= crates; i++) if (!(order[i] in has_text)) print folders[order[i]] " (" licences[order[i]] "), by " people[order[i]]
  }' "$work/crates" "$work/files" > "$work/texts"

rule() { printf '\n%s\n' '================================================================================'; }
cat << 'END'
What Overrule is built of, besides its own code (MIT, LICENSE)

This software is based in part on the work of the Independent JPEG Group.
It contains SQLite, which its authors gave to the public domain.
Its typefaces are Inter and the Hangul of Noto Sans KR (SIL Open Font License 1.1, below), Material Symbols (Apache License 2.0,
below, by Google) and those that egui brings: Ubuntu Light, Hack, Noto Emoji and emoji-icon-font (texts below).
The certificates of the web's authorities come from Mozilla's list (webpki-roots, CDLA-Permissive-2.0).
The source of the crates under the Mozilla Public License 2.0 is where the registry of Rust's crates keeps it, unchanged.

The crates that it is built with and tested with, and their licences:

END
awk -F '\t' '{ print $2 ": " $3 }' "$work/crates"
rule
printf '\nThe typefaces Inter and Noto Sans KR\n\n'
cat "$root/assets/fonts/OFL.txt" "$work/texts"
cat << 'END'

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files
(the "Software"), to deal in the Software without restriction, including without limitation the rights to use, copy, modify,
merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF
MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE
FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN
CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
END
