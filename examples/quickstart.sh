#!/usr/bin/env bash
# Shows KvmBackup at work on a real guest, from nothing: in a private lab (a libvirt of its own, hidden from this host's)
# a guest boots, is backed up while it writes, is destroyed, and is brought back.
#
# Needs Debian 12 or a relative of it, root, and the .NET SDK 10; it installs the packages that are missing. Nothing else
# stays on this host: all other files are in one temporary directory, and the lab's processes and mounts end with it.
set -euo pipefail

self=$(readlink -f "${BASH_SOURCE[0]}")
repository=$(dirname "$(dirname "$self")")
lab=$repository/tests/KvmBackup.Lab/lab.sh
heading='the beginning'

# --- how it is shown ------------------------------------------------------------------------------------------------

step() {
  heading=$1
  printf '\n\n=== %s\n' "$heading"
  shift
  (( $# == 0 )) || printf '    %s\n' "$@"
  echo
}

# Prints a command as one would type it, and runs it.
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

# Runs a command that signals reach at once; a plain one would keep the shell from hearing them until its end.
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
  command -v dotnet >/dev/null || { echo "The .NET SDK 10 is not on the PATH: see https://dot.net/download" >&2; exit 1; }
  work=$(mktemp -d)

  step 'What is missing is installed' \
    'Packages: libvirt, QEMU, pigz and a few tools. The guest gets a kernel, busybox and the real guest agent.'
  try "$lab" install --without-ceph
  echo '(All is there.)'

  # What dotnet puts there goes with it.
  mkdir "$work/tmp"
  export TMPDIR=$work/tmp
  step 'The program is built' 'Into a temporary directory, not into this clone.'
  try dotnet publish "$repository/src/KvmBackup" --configuration Release --output "$work/program" \
    --artifacts-path "$work/build" --disable-build-servers --nologo --verbosity quiet
  # The program finds its runtime where the SDK is, wherever that is.
  DOTNET_ROOT=${DOTNET_ROOT:-$(dirname "$(readlink -f "$(command -v dotnet)")")}
  PATH=$work/program:$(dirname "$lab"):$PATH
  export DOTNET_ROOT PATH

  step 'The lab starts' \
    'From here on everything happens in namespaces of its own: another host name, another /etc, another libvirt.'
  try lab.sh run "$self" --inside
}

conclude() {
  [[ -z ${work:-} ]] || rm -rf "$work"
  if (( $1 == 0 )); then
    printf '\n\nIT WORKED, in %d seconds. Nothing of it is left but the packages and %s.\n' "$SECONDS" \
      'what the lab and NuGet have cached'
  elif (( interrupted != 0 )); then
    printf '\n\nInterrupted. Nothing of it is left but what was installed and cached.\n' >&2
  else
    printf '\n\nIT DID NOT WORK: exit code %d, at the step "%s". The reason stands above.\n' "$1" "$heading" >&2
  fi
}

# --- inside the lab --------------------------------------------------------------------------------------------------

inside() {
  trap 'status=$?; (( status == 0 )) || printf "\nFAILED at the step: %s\n" "$heading" >&2' EXIT
  local output=$KVMBACKUP_LAB_DIR/output before after

  step 'A guest boots' 'A small Linux with one disk, which writes to its disk all the time.'
  try lab.sh guest web1
  try lab.sh await web1
  try virsh list --all

  step 'Something of value is made in the guest'
  try lab.sh exec web1 'head -c 3000000 /dev/urandom >/data/photo; sync; sha256sum /data/photo' | tee "$output"
  before=$(<"$output")
  try lab.sh exec web1 'ls -l /data/'
  echo
  echo '(pair.a and pair.b: the guest writes a number to one, then the same to the other, for ever.)'

  step 'The configuration says what is backed up, when, and how long it stays' \
    "'$(hostname -s)' is the host's name. config.yml.sample explains every key."
  mkdir -p /etc/kvmbackup /var/lib/backup
  printf '%s:\n  backupdir: /var/lib/backup\n  domains:\n    web1:\n      day_of_week: daily\n      rotate: 4\n' "$(hostname -s)" \
    >/etc/kvmbackup/config.yml
  try cat /etc/kvmbackup/config.yml
  try kvmbackup check

  step 'The backup: what cron would run at night' \
    'The guest is frozen for a moment, put on an overlay, thawed; its disk is read; the overlay is committed.'
  try kvmbackup run
  try virsh domblklist web1
  echo
  echo '(The guest ran all the time, and is back on its own disk.)'

  step 'The backups there are'
  try kvmbackup list
  try kvmbackup show web1

  step 'Is it whole? Every byte is read' 'The second command needs nothing but coreutils.'
  try kvmbackup verify web1
  cd /var/lib/backup/web1/*-full
  printf '$ cd %s\n' "$PWD"
  try sha256sum --check SHA256SUMS

  step 'A backup is a directory, and the archive in it an ordinary one' 'RESTORE.md in it says how to get this guest back with tar alone.'
  try ls -l
  try tar tvf web1.tar.gz
  cd /

  step 'Disaster: the guest, its definition and its disk are gone'
  try virsh destroy web1
  try virsh undefine web1
  try rm -r /var/lib/libvirt/images/web1
  try virsh list --all

  step 'The restore'
  try kvmbackup restore web1 --start
  try lab.sh await web1
  try virsh list --all

  step 'Is it the same?'
  try lab.sh exec web1 'sha256sum /data/photo' | tee "$output"
  after=$(<"$output")
  if [[ ${before##*$'\n'} != "${after##*$'\n'}" ]]; then
    echo "The file in the guest differs from what was written before the backup: $before" >&2
    exit 1
  fi
  try lab.sh exec web1 'cd /run/lab; grep . found.a found.b' | tee "$output"
  [[ $(grep -o '[0-9]*$' "$output" | sort -u | wc -l) = 1 ]] || { echo 'The pair was torn: the guest was not frozen.' >&2; exit 1; }
  echo
  echo '(It is: the file is as it was before the backup, and the pair, as the guest found it when it booted, is whole: it was'
  echo 'frozen between two pairs.)'
}

case ${1:-} in
  --inside) inside ;;
  '') outside ;;
  *) sed -n '2,/^set -e/s/^#\( \|$\)//p' "$self"; exit 2 ;;
esac
