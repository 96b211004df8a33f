#!/usr/bin/env bash
# Tests on a complete hypervisor: an emulated Debian host with systemd, libvirt and AppArmor as installed, whose power
# can be cut. It runs the published program, with the lab's guest.
#
#   run.sh [--suite bookworm|trixie] [--keep] [TEST..]    run all tests of tests/host/tests, or the named ones
#   run.sh [--suite ..] shell                             boot a host with a guest, and run each input line in it
#
# Not a part of tests/run.sh: the first run creates a disk with debootstrap (about four minutes, 2 GB in the cache), and
# each boot takes half a minute to two minutes. The last line is "N passed, N failed"; code 77: it cannot run here, with
# the reason on stderr. --keep keeps the folder of disks, consoles and logs.
#
# KVMBACKUP_HOST_PROGRAM names a folder with a published program; without it the program is published first.
# KVMBACKUP_LAB_SEED chooses the moments at which the power is cut, without it the day in UTC does; KVMBACKUP_HOST_MOMENTS
# is how many.
#
# Each test is a bash file of functions named test_*, in which these commands work (machine.sh, support.sh):
#   boot, inside, power_cut, end_host, expect, expect_not, make_guest, start_held ...
set -euo pipefail

PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repository=$(cd "$here/../.." && pwd)
lab=$repository/tests/KvmBackup.Lab/lab.sh
cache=${KVMBACKUP_LAB_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/kvmbackup-lab}
scratch=${KVMBACKUP_LAB_SCRATCH:-/var/tmp}
suite=bookworm keep=no
seed=${KVMBACKUP_LAB_SEED:-$(date -u +%Y%m%d)}

say() { printf 'host: %s\n' "$*" >&2; }
unable() { say "cannot run here: $*"; exit 77; }

# shellcheck source-path=SCRIPTDIR source=host-image.sh
. "$here/host-image.sh"
# shellcheck source-path=SCRIPTDIR source=machine.sh
. "$here/machine.sh"
# shellcheck source-path=SCRIPTDIR source=support.sh
. "$here/support.sh"

passed=0 failed=0

# run_test FILE FUNCTION: in a separate process with a new disk, so that a failure ends only that test and its host.
run_test() {
  local file=$1 name=$2 status
  printf '\n=== %s: %s (%s)\n' "$(basename "$file" .sh)" "$name" "$suite"
  # Not "( .. ) ||": within that no failure would end the test.
  set +e
  (
    set -euo pipefail
    # shellcheck source=/dev/null
    . "$file"
    new_machine "$work/$name"
    trap end_host EXIT
    "$name"
  )
  status=$?
  set -e
  if (( status == 0 )); then
    printf 'passed: %s\n' "$name"
    passed=$(( passed + 1 ))
    [[ $keep = yes ]] || rm -rf "${work:?}/$name"
  else
    printf 'FAILED: %s (status %d)\n' "$name" "$status"
    tail -n 15 "$work/$name/console.log" 2>/dev/null | cat -v || true
    failed=$(( failed + 1 ))
  fi
}

main() {
  local wanted=() file name
  while (( $# > 0 )); do
    case $1 in
      --suite) suite=${2:?--suite needs a name}; shift 2 ;;
      --keep) keep=yes; shift ;;
      -*) sed -n '2,/^set -e/s/^#\( \|$\)//p' "${BASH_SOURCE[0]}"; exit 2 ;;
      *) wanted+=("$1"); shift ;;
    esac
  done
  [[ $(id -u) = 0 ]] || unable "root is required for debootstrap."
  work=$(mktemp -d "$scratch/kvmbackup-host.XXXXXX")
  trap '[[ $keep = yes ]] && say "kept: $work" || rm -rf --one-file-system "$work"' EXIT
  "$lab" install --without-ceph || exit $?
  build_host_disk
  build_payload "$work/payload.raw"

  if [[ ${wanted[*]:-} = shell ]]; then
    new_machine "$work/shell"
    new_host_with_guest idle
    prompt
    end_host
    return
  fi

  for file in "$here"/tests/*.sh; do
    for name in $(sed -n 's/^\(test_[a-z0-9_]*\)() {.*/\1/p' "$file"); do
      if (( ${#wanted[@]} == 0 )) ||
        printf '%s\n' "${wanted[@]}" | grep -qxF -e "$name" -e "$(basename "$file" .sh)"; then
        run_test "$file" "$name"
      fi
    done
  done
  (( passed + failed > 0 )) || { echo "FAILED: no test of that name"; failed=1; }
  printf 'seed %s\n' "$seed"
  printf '%d passed, %d failed\n' "$passed" "$failed"
  (( failed == 0 ))
}

main "$@"
