#!/usr/bin/env bash
# Renders the manuals and reads them with man: one test, which fails on any warning.
#
#   tests/manual.sh      the exit code is 0 when all pages render without a warning, 77 when a program is missing
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

for program in pandoc man; do
  command -v "$program" >/dev/null || { echo "manual: $program is missing: apt-get install pandoc man-db" >&2; exit 77; }
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
src/manual/build.sh "$work"
status=0
for page in "$work"/*.[58]; do
  # Fixed, so that the result does not depend on the terminal.
  if ! LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings=w --local-file "$page" >"$page.txt" 2>"$page.warnings"; then
    echo "man cannot read ${page##*/}" >>"$page.warnings"
  fi
  [[ -s $page.warnings ]] || [[ $(grep -c . "$page.txt") -lt 50 ]] || continue
  sed "s|^|manual: ${page##*/}: |" "$page.warnings" >&2
  (( $(grep -c . "$page.txt") >= 50 )) || echo "manual: ${page##*/}: the page is empty" >&2
  status=1
done
exit "$status"
