#!/usr/bin/env bash
# Builds the program and runs every test: the unit tests anywhere, the lab tests where root and apt allow a lab.
# The last line is always "N passed, N failed" or "N passed, N failed, N skipped"; the exit code is 0 only when
# something ran and nothing failed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

lab=tests/KvmBackup.Lab/lab.sh
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
failed_parts=()

heading() { printf '\n=== %s\n' "$*"; }

# Adds up one attribute of the counters in all result files.
count() {
  local total=0 number
  while read -r number; do
    total=$(( total + number ))
  done < <(grep -ho "<Counters [^>]*" "$results"/*.trx 2>/dev/null | grep -o " $1=\"[0-9]*\"" | grep -o '[0-9]*')
  echo "$total"
}

# The verdict comes from the result files and the exit codes of every part: a part that died without counting its tests
# counts as one failure, so that a crash can never look like a pass.
finish() {
  local total passed executed failed skipped part
  total=$(count total) passed=$(count passed) executed=$(count executed)
  failed=$(( executed - passed )) skipped=$(( total - executed ))
  for part in ${failed_parts[@]+"${failed_parts[@]}"}; do
    printf 'FAILED: %s\n' "$part"
  done
  if (( ${#failed_parts[@]} > 0 && failed == 0 )); then
    failed=${#failed_parts[@]}
  fi
  if (( passed + failed == 0 )); then
    echo "FAILED: no test ran"
    failed=1
  fi
  if (( skipped > 0 )); then
    printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
  else
    printf '%d passed, %d failed\n' "$passed" "$failed"
  fi
  (( failed == 0 ))
}

# test_project NAME [WRAPPER..]
test_project() {
  local name=$1
  shift
  "$@" dotnet test "tests/$name" --configuration Release --no-build --nologo --logger "console;verbosity=minimal" \
    --logger "trx;LogFileName=$name.trx" --results-directory "$results" || failed_parts+=("$name")
}

command -v dotnet >/dev/null || {
  echo "The .NET SDK 10.0 is not on the PATH; see https://dot.net/download" >&2
  failed_parts+=("the .NET SDK is missing")
  finish || exit 1
}

heading "build"
dotnet build KvmBackup.sln --configuration Release --nologo --verbosity quiet || {
  failed_parts+=("build")
  finish || exit 1
}

# Before the unit tests, for they ask real programs too.
heading "packages"
lab_status=0
"$lab" install || lab_status=$?

heading "unit tests"
test_project KvmBackup.Tests

heading "lab tests"
if (( lab_status == 0 )); then
  # Without it the tests that measure are skipped, and counted.
  "$lab" realistic || echo "*** The disk to measure with could not be built: the reason stands above."
  test_project KvmBackup.Lab "$lab" run
elif (( lab_status == 77 )); then
  # Outside a lab each lab test skips itself, and so is counted.
  printf '\n*** THE LAB TESTS ARE SKIPPED: no real guest is backed up. The reason stands above.\n\n'
  test_project KvmBackup.Lab
else
  failed_parts+=("lab.sh install")
fi

heading "result"
finish
