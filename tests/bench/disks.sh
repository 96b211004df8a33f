# Sourced by run.sh: the measured disks, and the guest that has one of them as its second disk.
# shellcheck shell=bash disable=SC2034,SC2154 # the caller defines lab, work and servers.
mebibyte=1048576

disk_of() { printf '%s/bench.%s\n' "$KVMBACKUP_LAB_IMAGES" "$(format_of "$1")"; }

format_of() { [[ $1 = system ]] && echo qcow2 || echo raw; }

# make_disk NAME
#   system  an installed Debian, 560 MB of qcow2
#   half    4 GiB, alternating 16 MiB of random bytes and of written zeros
#   sparse  100 GiB with 200 MB of the installed system, spread over it
#   data    those 200 MB alone
make_disk() {
  local disk number
  disk=$(disk_of "$1")
  case $1 in
    system) cp "$KVMBACKUP_LAB_REALISTIC" "$disk" ;;
    half)
      for (( number = 0; number < 128; number++ )); do
        head -c $(( 16 * mebibyte )) /dev/urandom
        head -c $(( 16 * mebibyte )) /dev/zero
      done >"$disk"
      ;;
    sparse) truncate --size 100G "$disk"; put_data "$disk" 512 ;;
    data) put_data "$disk" 1 ;;
    *) fail "unknown disk '$1'" ;;
  esac
}

# put_data FILE STEP: 50 pieces of 4 MiB, one at every STEP pieces.
put_data() {
  local number
  for (( number = 0; number < 50; number++ )); do
    dd if="$KVMBACKUP_LAB_REALISTIC" of="$1" bs=$(( 4 * mebibyte )) skip="$number" seek=$(( number * $2 )) count=1 \
      conv=notrunc status=none
  done
}

# One guest for all, which writes nothing: a disk that changes between two contenders could not be compared, and an
# emulated guest would use a processor. Its kernel is not in the definition, because it would be backed up with each
# disk.
make_bench_guest() {
  "$lab" guest bench
  virsh --quiet destroy bench
  virsh dumpxml bench --inactive >"$work/bench.xml"
  sed -i -e '/<kernel>/d; /<initrd>/d; /<cmdline>/d' \
    -e "s|^<domain |<domain xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0' |" \
    -e "s|^</domain>|<qemu:commandline>$(as_arguments -kernel "$KVMBACKUP_LAB_KERNEL" -initrd "$KVMBACKUP_LAB_INITRD" \
      -append 'console=ttyS0 quiet lab.work=none')</qemu:commandline></domain>|" "$work/bench.xml"
  virsh --quiet define "$work/bench.xml"
}

as_arguments() { printf "<qemu:arg value='%s'/>" "$@"; }

# start_with DISK: the guest with this disk as vdb. Sets `servers`.
start_with() {
  virsh --quiet attach-disk bench --source "$(disk_of "$1")" --target vdb --subdriver "$(format_of "$1")" \
    --targetbus virtio --config
  virsh --quiet start bench
  "$lab" await bench
  # A disk with a file system is mounted, and a freeze would write to it.
  "$lab" exec bench '! grep -q /disk/vdb /proc/mounts || umount /disk/vdb' >/dev/null
  servers=("$(</run/libvirt/qemu/bench.pid)")
}

stop_guest() {
  virsh --quiet destroy bench
  virsh --quiet detach-disk bench vdb --config
  servers=()
}

# --- how long the guest writes to an overlay -----------------------------------------------------------------------

watch_overlay() {
  local began='' tick
  exec {tick}<> <(:)
  while [[ -e $work/watching ]]; do
    if compgen -G "$KVMBACKUP_LAB_IMAGES/*overlay*" >/dev/null ||
      compgen -G "$KVMBACKUP_LAB_IMAGES/kvmbackup.*" >/dev/null; then
      began=${began:-$EPOCHREALTIME}
    elif [[ -n $began ]]; then
      awk -v a="$began" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.3f", b - a }' >"$work/overlay"
      return
    fi
    # Sleep within the shell: a program for each poll would distort the measurement.
    read -rt 0.02 -u "$tick" || true
  done
}

begin_watch() {
  echo - >"$work/overlay"
  : >"$work/watching"
  watch_overlay &
  watcher=$!
}

end_watch() {
  rm "$work/watching"
  wait "$watcher"
}
