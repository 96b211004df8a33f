# Sourced by lab.sh: a guest for interactive use, and commands in it.
# shellcheck shell=bash disable=SC2154 # lab.sh defines say.

# A guest for experiments; the tests define their guests, with any disks, in C# (Support/LabDomainXml.cs).
make_guest() {
  local name=$1 directory disk xml
  require_lab
  [[ $name != */* && $name != .* ]] || { say "guest: '$name' cannot be the name of a directory"; exit 2; }
  directory=$KVMBACKUP_LAB_IMAGES/$name disk=$directory/vda.qcow2
  mkdir "$directory"
  truncate --size 64M "$disk.new"
  mkfs.ext4 -q -F -E lazy_itable_init=0,lazy_journal_init=0 "$disk.new"
  qemu-img convert -q -f raw -O qcow2 "$disk.new" "$disk"
  rm "$disk.new"
  xml=$(mktemp)
  write_guest_xml "$(escape_xml "$name")" "$(escape_xml "$disk")" >"$xml"
  virsh --quiet define "$xml"
  rm "$xml"
  virsh --quiet start --domain "$name"
}

require_lab() {
  [[ -n ${KVMBACKUP_LAB_DIR:-} ]] || { say "this works inside a lab only: lab.sh run COMMAND"; exit 2; }
}

escape_xml() { sed -e 's/&/\&amp;/g; s/</\&lt;/g; s/"/\&quot;/g' <<<"$1"; }

write_guest_xml() {
  cat <<XML
<domain type='$KVMBACKUP_LAB_DOMAIN_TYPE'>
  <name>$1</name>
  <memory unit='MiB'>192</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    <kernel>$KVMBACKUP_LAB_KERNEL</kernel>
    <initrd>$KVMBACKUP_LAB_INITRD</initrd>
    <cmdline>console=ttyS0 quiet</cmdline>
  </os>
  <features><acpi/></features>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2'/>
      <source file="$2"/>
      <target dev='vda' bus='virtio'/>
    </disk>
    <serial type='file'><source path='$KVMBACKUP_LAB_DIR/serial.log' append='on'/></serial>
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
    <channel type='unix'><target type='virtio' name='kvmbackup.lab.0'/></channel>
    <memballoon model='none'/>
  </devices>
</domain>
XML
}

await_guest() {
  local tries=0
  require_lab
  until virsh --quiet qemu-agent-command "$1" '{"execute":"guest-ping"}' >/dev/null 2>"$KVMBACKUP_LAB_DIR/await.log"; do
    if (( ++tries > 450 )); then
      say "'$1' did not boot within 90 s: $(<"$KVMBACKUP_LAB_DIR/await.log")"
      exit 1
    fi
    sleep 0.2
  done
}

# Runs a command in a guest, through its agent.
guest_exec() {
  local domain=$1 request answer pid encoded
  encoded=$(printf '%s' "$2" | base64 -w0)
  request='{"execute":"guest-exec","arguments":{"path":"/bin/sh","capture-output":true,"arg":["-c",'
  request+='"echo '"$encoded"' | base64 -d >/run/lab/exec; exec sh /run/lab/exec 2>&1"]}}'
  answer=$(virsh qemu-agent-command "$domain" "$request")
  pid=$(sed -n 's/.*"pid":\([0-9]*\).*/\1/p' <<<"$answer")
  request='{"execute":"guest-exec-status","arguments":{"pid":'"$pid"'}}'
  for (( tries = 0; tries < 300; tries++ )); do
    answer=$(virsh qemu-agent-command "$domain" "$request")
    [[ $answer != *'"exited":true'* ]] || break
    sleep 0.1
  done
  sed -n 's/.*"out-data":"\([^"]*\)".*/\1/p' <<<"$answer" | base64 -d
  exit "$(sed -n 's/.*"exitcode":\([0-9]*\).*/\1/p' <<<"$answer")"
}
