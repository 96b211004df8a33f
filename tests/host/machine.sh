# Sourced by run.sh: one emulated host: its disk, its power, and commands in it.
# shellcheck shell=bash disable=SC2154 # run.sh defines host, work and say.

# Seconds. A boot takes 20 to 60 without KVM on processors that have nothing else to do; on busy ones many times that.
boot_limit=900
inside_limit=1200
request=0

# new_machine DIR: creates a host that was never booted.
new_machine() {
  machine=$1 emulator=
  mkdir -p "$machine"
  cp --sparse=always --reflink=auto "$host/root.raw" "$machine/root.raw"
  mkfifo "$machine/channel.in" "$machine/channel.out"
}

# Switches the host on, and returns when it runs commands.
boot() {
  local line=
  # With the UUID the program recognizes the host after a power cut, as by the firmware of a physical host.
  # Without cx16, with which a kernel 6.12 panics under the emulation of QEMU 7.2.
  # cache=unsafe: a kill of QEMU loses unwritten data of the host inside, like a power cut; written data are in the
  # memory of this machine, which keeps running.
  setpriv --pdeathsig KILL qemu-system-x86_64 -machine q35 -accel tcg,thread=multi -cpu max,cx16=off -smp 2 -m 2500 \
    -uuid 4c4c4544-0042-3510-8054-b3c04f4e3232 -nodefaults -display none -no-reboot -kernel "$host/vmlinuz" -initrd "$host/initrd" \
    -append "root=/dev/vda rw console=ttyS0 panic=-1" -serial "file:$machine/console.log" \
    -drive "file=$machine/root.raw,format=raw,if=virtio,cache=unsafe" \
    -drive "file=$work/payload.raw,format=raw,if=virtio,readonly=on" \
    -device virtio-serial-pci -chardev "pipe,id=channel,path=$machine/channel" \
    -device virtserialport,chardev=channel,name=kvmbackup.host >"$machine/qemu.log" 2>&1 &
  emulator=$!
  exec 5<>"$machine/channel.in" 6<>"$machine/channel.out"
  # The rest of a line from before a power cut may come first.
  while [[ $line != *READY ]]; do
    read -r -t "$boot_limit" -u 6 line || { say "the host did not boot within $boot_limit s"; return 1; }
  done
}

# Runs a script inside, from the arguments or standard input; prints its output and returns its exit status.
inside() {
  local word number status data script
  if (( $# > 0 )); then script=$*; else script=$(cat); fi
  request=$(( request + 1 ))
  printf '%s %s\n' "$request" "$(base64 -w0 <<<"$script")" >&5
  while true; do
    read -r -t "$inside_limit" -u 6 word number status data ||
      { say "no answer within $inside_limit s to: $script"; return 124; }
    [[ $word = END && $number = "$request" ]] && break
  done
  base64 -d <<<"$data"
  return "$status"
}

# Waits until the host has shut down by itself.
await_end() {
  local tries
  for (( tries = 0; tries < inside_limit; tries++ )); do
    kill -0 "$emulator" 2>/dev/null || break
    sleep 1
  done
  (( tries < inside_limit )) || say "the host did not shut down within $inside_limit s"
  power_cut
}

# Unwritten data of the kernel inside are lost.
power_cut() {
  kill -KILL "$emulator" 2>/dev/null || true
  wait "$emulator" 2>/dev/null || true
  emulator=
  exec 5>&- 6>&-
  rm -f "$machine/channel.in" "$machine/channel.out"
  mkfifo "$machine/channel.in" "$machine/channel.out"
}

end_host() {
  [[ -z ${emulator:-} ]] || power_cut
}

# Interactive commands, one per line, until an empty line.
prompt() {
  local line
  while read -r -e -p 'host1# ' line && [[ -n $line ]]; do
    inside "$line" || echo "status $?"
  done
}
