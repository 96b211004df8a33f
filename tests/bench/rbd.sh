#!/usr/bin/env bash
# Measures RBD: a full backup, an increment and a restore, compared with plain rbd, in a cluster of the lab.
#
#   rbd.sh [--rounds N] [--images five,half] [--codecs none,zstd,gzip,pigz]
#
# Prints one table for each image and operation. five: 10 GiB, 5 % used; half: 1 GiB, half used. The data are those of
# an installed system. The default is 5 rounds.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

rounds=5 images=five,half codecs=none,zstd,pigz
read_options "rounds images codecs" "$@"

piece=4194304 pieces=128 changes=64

is_inside || { enter_lab "$bench/rbd.sh" "$@"; exit; }

# make_image NAME GIB STEP: creates an image with one piece of data in every STEP pieces.
make_image() {
  local number
  truncate --size "$2G" "$work/$1.raw"
  for (( number = 0; number < pieces; number++ )); do
    dd if="$KVMBACKUP_LAB_REALISTIC" of="$work/$1.raw" bs="$piece" skip="$number" seek=$(( number * $3 )) count=1 \
      conv=notrunc status=none
  done
  rbd import --no-progress "$work/$1.raw" "rbd/$1"
}

# configure CODEC: writes the configuration, with a separate target for each codec.
configure() {
  mkdir -p "$work/target-$1"
  cat >"$work/$1.yml" <<YAML
lab1:
  backupdir: $work/target-$1
  statedir: $work/state-$1
  images:
    five: {pool: rbd, name: five, day_of_week: daily, rotate: 99, compression: $1, full_every: {points: 99}}
    half: {pool: rbd, name: half, day_of_week: daily, rotate: 99, compression: $1, full_every: {points: 99}}
YAML
}

# number64 N: prints a number as eight bytes, little-endian.
number64() {
  local digits pair
  printf -v digits '%016x' "$1"
  for pair in 14 12 10 8 6 4 2 0; do
    printf '%b' "\\x${digits:pair:2}"
  done
}

# change IMAGE ROUND: writes other data to half of the pieces of the first half GiB.
change() {
  local number
  {
    printf 'rbd diff v1\n'
    for (( number = 0; number < changes; number++ )); do
      printf 'w'
      number64 $(( number * 2 * piece ))
      number64 "$piece"
      dd if="$KVMBACKUP_LAB_REALISTIC" bs="$piece" skip=$(( (number * 7 + $2 * 31) % pieces )) count=1 status=none
    done
    printf 'e'
  } | rbd import-diff --no-progress - "rbd/$1"
}

# Each round begins with full backups of the same data, so nothing of the previous round may remain.
forget() {
  local codec
  for codec in ${codecs//,/ }; do
    rm -rf "${work:?}/target-$codec"/rbd* "${work:?}/state-$codec"
  done
  rbd snap purge --no-progress "rbd/$1"
  rbd rm --no-progress "rbd/$1"
  rbd import --no-progress "$work/$1.raw" "rbd/$1"
}

ours() { measure "$KVMBACKUP_BENCH_PROGRAM" --quiet --config "$work/$1.yml" "${@:2}"; }

# peer GROUP NAME COMMANDS: measures a pipeline that writes the file "out", flushed like KvmBackup's archives.
peer() {
  measure bash -o pipefail -e -c "$3
    sync $work/out"
  record "$1" "$2" "$(stat -c %s "$work/out")"
}

measure_full() {
  local group="full backup of $1" codec
  rbd snap create --no-progress "rbd/$1@plain"
  rbd snap create --no-progress "rbd/$1@pigz"
  peer "$group" "rbd export" "rbd export --no-progress rbd/$1@plain - >$work/out"
  peer "$group" "rbd export, pigz" "rbd export --no-progress rbd/$1@plain - | pigz >$work/out"
  peer "$group" "rbd export-diff" "rbd export-diff --no-progress rbd/$1@plain - >$work/out"
  peer "$group" "rbd export-diff, pigz" "rbd export-diff --no-progress rbd/$1@plain - | pigz >$work/out"
  for codec in ${codecs//,/ }; do
    ours "$codec" backup "$1"
    record "$group" "kvmbackup, $codec" "$(bytes_below "$work/target-$codec")"
  done
}

# The steps of a nightly script: a new snapshot, the difference, and the removal of the old snapshot.
night() {
  printf '%s\n' "rbd snap create --no-progress rbd/$1@new-$2" \
    "rbd export-diff --no-progress --from-snap $2 rbd/$1@new-$2 - $3 >$work/out" \
    "rbd snap rm --no-progress rbd/$1@$2"
}

measure_increment() {
  local group="increment of $1" codec before
  change "$1" "$2"
  peer "$group" "rbd export-diff" "$(night "$1" plain "")"
  peer "$group" "rbd export-diff, pigz" "$(night "$1" pigz "| pigz")"
  for codec in ${codecs//,/ }; do
    before=$(bytes_below "$work/target-$codec")
    ours "$codec" backup "$1"
    record "$group" "kvmbackup, $codec" $(( $(bytes_below "$work/target-$codec") - before ))
  done
}

# The size is the usage of the new image in the cluster.
restored() {
  record "$1" "$2" "$(rbd du --format json rbd/back | sed 's/.*"used_size":\([0-9]*\).*/\1/')"
  rbd rm --no-progress rbd/back
}

measure_restore() {
  local group="restore of $1" codec
  measure rbd import --no-progress "$work/$1.raw" rbd/back
  restored "$group" "rbd import"
  measure bash -o pipefail -c "pigz -dc $work/$1.raw.gz | rbd import --no-progress - rbd/back"
  restored "$group" "pigz -d, rbd import"
  for codec in ${codecs//,/ }; do
    ours "$codec" restore "rbd:rbd/$1" --to rbd:rbd/back
    if [[ $2 = 1 ]]; then
      rbd export --no-progress rbd/back - | cmp - "$work/$1.raw" || fail "$codec: the restored image differs"
    fi
    restored "$group" "kvmbackup, $codec"
  done
}

"$lab" start-ceph
work=$KVMBACKUP_LAB_DIR/rbd
mkdir "$work"
start_results
servers=("$(</run/ceph/osd.0.pid)")
for codec in ${codecs//,/ }; do
  configure "$codec"
done
! wanted five "$images" || make_image five 10 20
! wanted half "$images" || make_image half 1 2
for image in five half; do
  wanted "$image" "$images" || continue
  pigz -c "$work/$image.raw" >"$work/$image.raw.gz"
  for (( round = 1; round <= rounds; round++ )); do
    measure_full "$image"
    measure_restore "$image" "$round"
    measure_increment "$image" "$round"
    forget "$image"
  done
  rm "$work/$image".raw*
  table "full backup of $image" "rbd export"
  table "increment of $image" "rbd export-diff"
  table "restore of $image" "rbd import"
done
machine "$rounds"
