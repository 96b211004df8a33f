#!/usr/bin/env bash
# Builds the program and runs its tests: the unit tests anywhere, the lab tests where root and apt allow a lab. The format of
# the code, the shell scripts and the manuals are checked too; each of these checks counts as one test.
#
#   tests/run.sh                    all unit tests and lab tests; of the crash and fault matrices a selection of the day
#   tests/run.sh --full             the same with the whole matrices (some hours)
#   tests/run.sh --filter TEXT      only the tests whose full name contains TEXT, in one lab
#   tests/run.sh --host [ARG..]     only the tests on an emulated hypervisor (tests/host/run.sh)
#   tests/run.sh --shards N         with N labs at a time (default: two for each core)
#
# The last line is always "N passed, N failed" or "N passed, N failed, N skipped"; the exit code is 0 only when something
# ran and nothing failed. KVMBACKUP_LAB_SEED repeats the selection of another day: the seed is printed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

lab=$PWD/tests/KvmBackup.Lab/lab.sh
shards=$(( 2 * $(nproc) ))
filter=
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed_parts=()

usage() { sed -n '2,/^set -e/s/^#\( \|$\)//p' "${BASH_SOURCE[0]}"; }
heading() { printf '\n=== %s\n' "$*"; }

# check NAME PROGRAM COMMAND..: one test, which fails when the command does; skipped without the program. It may run in the
# background; its output is printed when it fails.
check() {
  local name=$1 program=$2 result=$work/check-$1
  shift 2
  if ! command -v "$program" >/dev/null; then
    echo "$program is missing" >"$result.skipped"
  elif "$@" >"$result.log" 2>&1; then
    touch "$result.passed"
  else
    touch "$result.failed"
  fi
}

# print_checks: the results of all checks.
print_checks() {
  local result name
  for result in "$work"/check-*.{passed,failed,skipped}; do
    [[ -e $result ]] || continue
    name=$(basename "$result")
    printf '%s: %s\n' "${name#check-}" "$(cat "$result")" | sed 's/\.\(passed\|failed\|skipped\): */: \1 /'
    [[ $result != *.failed ]] || cat "${result%.failed}.log"
  done
}

# count_checks passed|failed|skipped
count_checks() { find "$work" -maxdepth 1 -name "check-*.$1" | wc -l; }

while (( $# > 0 )); do
  case $1 in
    --full) export KVMBACKUP_FULL_MATRIX=1 ;;
    --filter) filter=${2:?--filter TEXT}; shards=1; shift ;;
    --shards) shards=${2:?--shards N}; shift ;;
    --host) shift; exec tests/host/run.sh "$@" ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
  shift
done
export KVMBACKUP_LAB_SEED=${KVMBACKUP_LAB_SEED:-$(date --utc +%Y%m%d)}

# Adds up one attribute of the counters in the result files of a part: unit or lab.
count() {
  local total=0 number
  while read -r number; do
    total=$(( total + number ))
  done < <(grep -hos "<Counters [^>]*" "$work/$1"*.trx | grep -o " $2=\"[0-9]*\"" | grep -o '[0-9]*')
  echo "$total"
}

# The verdict comes from the result files and the exit codes of every part: a part that died without counting its tests
# counts as one failure, so that a crash can never look like a pass.
finish() {
  local total passed executed failed skipped part
  total=$(count "" total) passed=$(count "" passed) executed=$(count "" executed)
  failed=$(( executed - passed + $(count_checks failed) )) skipped=$(( total - executed + $(count_checks skipped) ))
  passed=$(( passed + $(count_checks passed) ))
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

give_up() {
  failed_parts+=("$1")
  heading "result"
  finish || exit 1
}

minutes() { printf '%d min %02d s' $(( $1 / 60 )) $(( $1 % 60 )); }

assembly() { printf 'tests/%s/bin/Release/net10.0/%s.dll' "$1" "$1"; }

# test_assembly PROJECT RESULT [WRAPPER..]: on the built assembly itself, without asking MSBuild again.
test_assembly() {
  local project=$1 result=$2
  shift 2
  "$@" dotnet test "$(assembly "$project")" --nologo --logger "console;verbosity=minimal" \
    --logger "trx;LogFileName=$result.trx" --results-directory "$work" \
    ${filter:+--filter "FullyQualifiedName~$filter"}
}

# Several labs at a time: most tests wait for a guest, and the others compute meanwhile. Each test is run by the lab that
# claims it first (Support/LabTestQueue.cs).
test_labs() {
  local number pids=() wanted ran
  export KVMBACKUP_LAB_QUEUE=$work/queue
  mkdir "$KVMBACKUP_LAB_QUEUE"
  for (( number = 1; number <= shards; number++ )); do
    test_shard "$number" &
    pids+=($!)
  done
  for number in "${!pids[@]}"; do
    wait "${pids[$number]}" || failed_parts+=("lab $(( number + 1 ))")
  done

  # A lab that dies takes the test with it that it had claimed.
  wanted=$(dotnet test "$(assembly KvmBackup.Lab)" --nologo --list-tests ${filter:+--filter "FullyQualifiedName~$filter"} |
    grep -c '^    KvmBackup\.' || true)
  ran=$(count lab total)
  (( ran == wanted )) || failed_parts+=("$ran of $wanted lab tests have a result")
}

test_shard() {
  local status=0 log=$work/shard-$1.log
  SECONDS=0
  KVMBACKUP_LAB_NUMBER=$1 test_assembly KvmBackup.Lab "lab-$1" "$lab" run >"$log" 2>&1 </dev/null || status=$?
  (( status == 0 )) || cat "$log"
  printf 'lab %d of %d: %d passed, %d failed in %s\n' "$1" "$shards" "$(count "lab-$1" passed)" \
    $(( $(count "lab-$1" executed) - $(count "lab-$1" passed) )) "$(minutes "$SECONDS")"
  return "$status"
}

publish() {
  dotnet publish src/KvmBackup --configuration Release --nologo --verbosity quiet --output "$work/program"
}

command -v dotnet >/dev/null || {
  echo "The .NET SDK 10.0 is not on the PATH; see https://dot.net/download" >&2
  give_up "the .NET SDK is missing"
}

# Before the unit tests, for they start real programs too.
heading "packages"
lab_status=0
"$lab" install || lab_status=$?
if (( lab_status == 0 )) && [[ -z $filter ]]; then
  "$lab" realistic >"$work/realistic.log" 2>&1 &
  realistic=$!
fi

heading "build"
dotnet build KvmBackup.sln --configuration Release --nologo --verbosity quiet || give_up "build"
publish || give_up "publish"
export KVMBACKUP_LAB_PROGRAM=$work/program/kvmbackup

heading "unit tests"
test_assembly KvmBackup.Tests unit || failed_parts+=("unit tests")

# They compute while the labs wait.
checks=()
if [[ -z $filter ]]; then
  # Scripts that are sourced are checked with those that source them.
  mapfile -t scripts < <(git ls-files '*.sh')
  check shellcheck shellcheck shellcheck --external-sources --severity=warning "${scripts[@]}" &
  checks+=($!)
  check manual pandoc tests/manual.sh &
  checks+=($!)
  check format dotnet dotnet format whitespace KvmBackup.sln --verify-no-changes --no-restore &
  checks+=($!)
fi

heading "lab tests"
if (( lab_status == 0 )); then
  # Without it the tests that measure are skipped, and counted.
  [[ -z ${realistic:-} ]] || wait "$realistic" || {
    cat "$work/realistic.log"
    echo "*** The disk to measure with could not be built: the reason is above."
  }
  echo "seed $KVMBACKUP_LAB_SEED, labs at a time: $shards"
  test_labs
elif (( lab_status == 77 )); then
  # Outside a lab each lab test skips itself, and so is counted.
  printf '\n*** THE LAB TESTS ARE SKIPPED: no real guest is backed up. The reason is above.\n\n'
  test_assembly KvmBackup.Lab lab || failed_parts+=("lab tests")
else
  failed_parts+=("lab.sh install")
fi

heading "checks"
(( ${#checks[@]} == 0 )) || wait "${checks[@]}"
print_checks

heading "result"
finish
