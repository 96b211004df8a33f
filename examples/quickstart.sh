#!/usr/bin/env bash
# Shows KvmBackup on a real guest: in a private lab (a libvirt of its own, invisible to this host's) a guest boots, is
# backed up while it writes, is destroyed and restored.
#
# Needs Debian 12 or a derivative, root, and the .NET SDK 10. It installs missing packages. Nothing else stays on this
# host: all other files are in one temporary directory, and the lab's processes and mounts end with the script.
set -euo pipefail

self=$(readlink -f "${BASH_SOURCE[0]}")
repository=$(dirname "$(dirname "$self")")
lab=$repository/tests/KvmBackup.Lab/lab.sh
heading='start'

# --- output ------------------------------------------------------------------------------------------------

step() {
  heading=$1
  printf '\n\n=== %s\n' "$heading"
  shift
  (( $# == 0 )) || printf '    %s\n' "$@"
  echo
}

# Prints a command as typed, and runs it.
try() {
  printf '$'
  local word
  for word in "$@"; do
    case $word in
      *[!A-Za-z0-9_./:=,+@%-]* | '') printf " '%s'" "${word//\'/\'\\\'\'}" ;;
      *) printf ' %s' "$word" ;;
    esac
  done
  echo
  attend "$@"
}

# Runs a command in the background, so that the shell handles signals at once and not after its end.
attend() {
  local status=0
  env --default-signal=INT,QUIT "$@" <&0 &
  child=$!
  while kill -0 "$child" 2>/dev/null; do
    wait "$child" && status=0 || status=$?
  done
  child=
  (( interrupted == 0 )) || exit "$interrupted"
  return "$status"
}

interrupted=0
child=
interrupt() {
  interrupted=$2
  [[ -z $child ]] || kill -s "$1" "$child" 2>/dev/null || true
}
trap 'interrupt INT 130' INT
trap 'interrupt TERM 143' TERM HUP

# --- outside the lab: install, build, enter, clean up --------------------------------------------------------------

outside() {
  trap 'conclude $?' EXIT
  command -v dotnet >/dev/null || {
    echo "The .NET SDK 10 is not on the PATH: see https://dot.net/download" >&2
    exit 1
  }
  work=$(mktemp -d)

  step 'Install missing packages' \
    'Packages: libvirt, QEMU, pigz and a few tools. The guest gets a kernel, busybox and the real guest agent.'
  try "$lab" install --without-ceph
  echo '(All packages are installed.)'

  # Temporary files of dotnet are removed with it.
  mkdir "$work/tmp"
  export TMPDIR=$work/tmp
  step 'Build the program' 'Into a temporary directory, not into this clone.'
  try dotnet publish "$repository/src/KvmBackup" --configuration Release --output "$work/program" \
    --artifacts-path "$work/build" --disable-build-servers --nologo --verbosity quiet
  # The program finds its runtime where the SDK is, wherever that is.
  DOTNET_ROOT=${DOTNET_ROOT:-$(dirname "$(readlink -f "$(command -v dotnet)")")}
  PATH=$work/program:$(dirname "$lab"):$PATH
  export DOTNET_ROOT PATH

  step 'Start the lab' \
    'From here on everything happens in namespaces of its own: another host name, another /etc, another libvirt.'
  try lab.sh run "$self" --inside
}

conclude() {
  [[ -z ${work:-} ]] || rm -rf "$work"
  if (( $1 == 0 )); then
    printf '\n\nIT WORKED, in %d seconds. Only the packages and %s stay.\n' "$SECONDS" \
      'the caches of the lab and of NuGet'
  elif (( interrupted != 0 )); then
    printf '\n\nInterrupted. Only installed packages and caches stay.\n' >&2
  else
    printf '\n\nIT FAILED: exit code %d, at the step "%s". The reason is above.\n' "$1" "$heading" >&2
  fi
}

# --- inside the lab --------------------------------------------------------------------------------------------------

inside() {
  trap 'status=$?; (( status == 0 )) || printf "\nFAILED at the step: %s\n" "$heading" >&2' EXIT
  local output=$KVMBACKUP_LAB_DIR/output before after

  step 'Boot a guest' 'A small Linux with one disk, which writes to its disk all the time.'
  try lab.sh guest web1
  try lab.sh await web1
  try virsh list --all

  step 'Create a file in the guest'
  try lab.sh exec web1 'head -c 3000000 /dev/urandom >/data/photo; sync; sha256sum /data/photo' | tee "$output"
  before=$(<"$output")
  try lab.sh exec web1 'ls -l /data/'
  echo
  echo '(pair.a and pair.b: the guest writes a number to one, then the same to the other, in a loop.)'

  step 'Configure: what is backed up, when, and how many backups are kept' \
    "'$(hostname -s)' is the host's name. config.yml.sample has every key."
  mkdir -p /etc/kvmbackup /var/lib/backup
  cat >/etc/kvmbackup/config.yml <<YAML
$(hostname -s):
  backupdir: /var/lib/backup
  domains:
    web1:
      day_of_week: daily
      rotate: 4
YAML
  try cat /etc/kvmbackup/config.yml
  try kvmbackup check

  step 'Back up: the command for cron' \
    'Freeze, create an overlay, thaw; read the disk; commit the overlay.'
  try kvmbackup run
  try virsh domblklist web1
  echo
  echo '(The guest kept running, and is on its own disk again.)'

  step 'List the backups'
  try kvmbackup list
  try kvmbackup show web1

  step 'Verify every byte' 'The second command needs nothing but coreutils.'
  try kvmbackup verify web1
  cd /var/lib/backup/web1/*-full
  printf '$ cd %s\n' "$PWD"
  try sha256sum --check SHA256SUMS

  step 'A backup is a directory with an ordinary archive' \
    'RESTORE.md in it explains how to restore this guest with tar alone.'
  try ls -l
  try tar tvf web1.tar.gz
  cd /

  step 'Destroy the guest, its definition and its disk'
  try virsh destroy web1
  try virsh undefine web1
  try rm -r /var/lib/libvirt/images/web1
  try virsh list --all

  step 'Restore'
  try kvmbackup restore web1 --start
  try lab.sh await web1
  try virsh list --all

  step 'Compare'
  try lab.sh exec web1 'sha256sum /data/photo' | tee "$output"
  after=$(<"$output")
  if [[ ${before##*$'\n'} != "${after##*$'\n'}" ]]; then
    echo "The file in the guest differs from what was written before the backup: $before" >&2
    exit 1
  fi
  try lab.sh exec web1 'cd /run/lab; grep . found.a found.b' | tee "$output"
  [[ $(grep -o '[0-9]*$' "$output" | sort -u | wc -l) = 1 ]] || {
    echo 'The pair differs: the guest was not frozen.' >&2
    exit 1
  }
  echo
  echo '(The file is the same, and so are the numbers of the pair that the guest found when it booted: it was frozen'
  echo 'between two pairs.)'
}

case ${1:-} in
  --inside) inside ;;
  '') outside ;;
  *) sed -n '2,/^set -e/s/^#\( \|$\)//p' "$self"; exit 2 ;;
esac
