#!/usr/bin/env bash
# Measures KvmBackup and comparable programs on a guest of the lab: backups and restores.
#
#   run.sh [--rounds N] [--disks LIST] [--codecs LIST] [--contenders LIST] [--back yes|no]
#
# Lists are comma-separated. Disks: system, half, sparse, data (see disks.sh). Codecs: those of KvmBackup, which always
# runs. Contenders: pigz, zstd, tar-pigz, copy-tar-pigz (like kvmBackup), virtnbdbackup, virtnbdbackup-lz4, qemu-img,
# and for restores tar and tar-zstd.
#
# Without lists three rounds take less than half an hour on two idle processors. Some combinations are then omitted,
# because they take long and the system disk shows the same: igzip and bzip2 on all other disks; tar-pigz,
# copy-tar-pigz, virtnbdbackup-lz4 and qemu-img on half; on sparse all that read its 100 GiB (pigz, zstd, copy-tar-pigz,
# virtnbdbackup); on data all except KvmBackup.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source-path=SCRIPTDIR source=disks.sh
. "$bench/disks.sh"

rounds=3 disks=system,half,sparse,data codecs='' contenders=all back=yes
read_options "rounds disks codecs contenders back" "$@"

is_inside || {
  need pigz pigz zstd zstd
  ! wanted virtnbdbackup "$contenders" || need virtnbdbackup virtnbdbackup
  enter_lab "$bench/run.sh" "$@"
  exit
}

# codecs_on DISK: prints the requested codecs, or the default ones.
codecs_on() {
  case $codecs:$1 in
    :system) echo pigz gzip zstd igzip bzip2 none ;;
    :*) echo pigz gzip zstd none ;;
    *) echo "${codecs//,/ }" ;;
  esac
}

# takes CONTENDER DISK: whether the contender runs on that disk.
takes() {
  case $contenders:$2:$1 in
    all:data:*) return 1 ;;
    all:half:tar-pigz | all:half:copy-tar-pigz | all:half:virtnbdbackup-lz4 | all:half:qemu-img) return 1 ;;
    all:sparse:pigz | all:sparse:zstd | all:sparse:copy-tar-pigz | all:sparse:virtnbd*) return 1 ;;
    *) wanted "$1" "$contenders" ;;
  esac
}

configure() {
  mkdir -p "$work/target-$1"
  cat >"$work/$1.yml" <<YAML
lab1:
  backupdir: $work/target-$1
  statedir: $work/state-$1
  domains:
    bench: {day_of_week: daily, rotate: 1, compression: $1, disks: {exclude: [vda]}}
YAML
}

ours() { measure "$KVMBACKUP_BENCH_PROGRAM" --quiet --config "$work/$1.yml" "${@:2}"; }

archive_of() { find "$work/target-$1/bench" -name 'bench.tar*' ! -name '*.index'; }

has_archive() { [[ " $(codecs_on "$disk") " = *" $1 "* ]]; }

frozen_of() { sed -n 's/.*"frozen_for_seconds": *\([0-9.]*\).*/\1/p' "$work/target-$1"/bench/*/manifest.json; }

backup_ours() {
  local codec
  for codec in $(codecs_on "$disk"); do
    begin_watch
    ours "$codec" backup bench
    end_watch
    record "$group" "kvmbackup $codec" "$(stat -c %s "$(archive_of "$codec")")" \
      "$(<"$work/overlay")" "$(frozen_of "$codec")"
  done
}

# peer NAME COMMANDS: measures commands that write the file "out", which is flushed like KvmBackup's archives.
peer() {
  takes "$1" "$disk" || return 0
  measure bash -o pipefail -e -c "$2
    sync $work/out"
  record "$group" "$1" "$(stat -c %s "$work/out")"
  rm "$work/out"
}

# The sequence of kvmBackup: everything is copied, and the copies put into a tar, while the guest is on its overlays;
# the tar is compressed afterwards. Only the archive is flushed, like KvmBackup's.
write_predecessor() {
  cat >"$work/predecessor" <<BASH
set -euo pipefail
virsh --quiet snapshot-create-as bench --no-metadata --disk-only --atomic --quiesce \\
  --diskspec vda,snapshot=no --diskspec vdb,file=$KVMBACKUP_LAB_IMAGES/bench.overlay >/dev/null
mkdir $work/copy
cp $source $work/copy/
tar -C $work -cf $work/out.tar copy
rm -r $work/copy
virsh --quiet blockcommit bench vdb --active --pivot --wait >/dev/null
rm $KVMBACKUP_LAB_IMAGES/bench.overlay
pigz --best $work/out.tar
sync $work/out.tar.gz
BASH
}

backup_predecessor() {
  takes copy-tar-pigz "$disk" || return 0
  write_predecessor
  begin_watch
  measure bash "$work/predecessor"
  end_watch
  record "$group" copy-tar-pigz "$(stat -c %s "$work/out.tar.gz")" "$(<"$work/overlay")"
  rm "$work/out.tar.gz"
}

# backup_virtnbd NAME [OPTION..]: level "copy" is a full backup without a checkpoint that must be removed.
backup_virtnbd() {
  takes "$1" "$disk" || return 0
  rm -rf "${work:?}/$1"
  measure bash -c "virtnbdbackup -d bench -l copy --raw -i vdb -n ${*:2} -o $work/$1 &&
    find $work/$1 -type f -exec sync {} +"
  record "$group" "$1" "$(bytes_below "$work/$1")"
}

backup_all() {
  group="backup of $disk"
  backup_ours
  peer pigz "pigz -6 <$source >$work/out"
  peer zstd "zstd -q -3 -T0 <$source >$work/out"
  peer tar-pigz "tar -C ${source%/*} -cSf - ${source##*/} | pigz >$work/out"
  backup_predecessor
  backup_virtnbd virtnbdbackup
  backup_virtnbd virtnbdbackup-lz4 -z
  peer qemu-img "qemu-img convert -U -c -f $(format_of "$disk") -O qcow2 $source $work/out"
}

# returned NAME COMMANDS: measures commands that unpack into the directory "back", which is flushed.
returned() {
  mkdir "$work/back"
  measure bash -o pipefail -e -c "$2
    find $work/back -type f -exec sync {} +"
  record "$group" "$1" "$(du -sB1 "$work/back" | cut -f1)"
  check_content "$1"
  rm -r "$work/back"
}

# The guest is off, so the disk equals the backup; the format may differ, but not the content.
check_content() {
  local restored
  [[ $round = 1 ]] || return 0
  restored=$(find "$work/back" -type f -printf '%s %p\n' | sort -n | tail -1 | cut -d' ' -f2-)
  qemu-img compare -q -U "$source" "$restored" || fail "$1: the restored disk differs from the backed up one"
}

back_ours() {
  local codec
  for codec in $(codecs_on "$disk"); do
    mkdir "$work/back"
    ours "$codec" restore bench --to "$work/back"
    record "$group" "restore $codec" "$(du -sB1 "$work/back" | cut -f1)"
    check_content "restore $codec"
    rm -r "$work/back"
    ours "$codec" verify bench
    record "$group" "verify $codec" -
  done
}

# It writes through a qemu-nbd that is no child process: the cost of that is not in the table.
back_virtnbd() {
  takes "$1" "$disk" || return 0
  returned "virtnbdrestore${1#virtnbdbackup}" \
    "virtnbdrestore --raw -n -i $work/$1 -o $work/back -d vdb -L $work/virtnbdrestore.log"
}

back_all() {
  group="way back of $disk"
  back_ours
  if takes tar "$disk" && has_archive pigz; then
    returned "tar xzf" "tar -C $work/back -xzf $(archive_of pigz)"
  fi
  if takes tar-zstd "$disk" && has_archive zstd; then
    returned "tar -I zstd" "tar -C $work/back -I zstd -xf $(archive_of zstd)"
  fi
  back_virtnbd virtnbdbackup
  back_virtnbd virtnbdbackup-lz4
}

work=$KVMBACKUP_LAB_DIR/bench
mkdir "$work"
start_results
make_bench_guest
for disk in ${disks//,/ }; do
  say "creating the disk $disk"
  for codec in $(codecs_on "$disk"); do
    configure "$codec"
  done
  make_disk "$disk"
  source=$(disk_of "$disk")
  for (( round = 1; round <= rounds; round++ )); do
    start_with "$disk"
    backup_all
    stop_guest
    [[ $back = no ]] || back_all
  done
  rm -rf "$source" "$work"/target-*/bench "$work"/virtnbd*
  first=$(codecs_on "$disk")
  first=${first%% *}
  table "backup of $disk" "kvmbackup $first"
  [[ $back = no ]] || table "way back of $disk" "restore $first"
done
machine "$rounds"
