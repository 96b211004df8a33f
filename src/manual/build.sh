#!/usr/bin/env bash
# Renders the manuals with Debian's pandoc.
#
#   src/manual/build.sh OUTPUT_DIR      writes kvmbackup.8, kvmbackup.yml.5 and kvmbackup-format.5
set -euo pipefail

(( $# == 1 )) || { sed -n '2,/^set -e/s/^#\( \|$\)//p' "${BASH_SOURCE[0]}" >&2; exit 2; }
command -v pandoc >/dev/null || { echo "pandoc is missing: apt-get install pandoc" >&2; exit 1; }
source=$(dirname "${BASH_SOURCE[0]}")
mkdir -p "$1"
for page in kvmbackup.8 kvmbackup.yml.5 kvmbackup-format.5; do
  # Without "smart", which turns -- into a dash. The font C of code exists on paper only; names are not hyphenated.
  pandoc --standalone --from markdown-smart-raw_html-implicit_header_references --to man "$source/$page.md" |
    sed 's/\\f\[C\]/\\f[B]/g; s/^\.hy$/.nh/' >"$1/$page"
done
