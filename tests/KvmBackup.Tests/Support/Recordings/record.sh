#!/usr/bin/env bash
# Records what virsh and qemu-img really say, for the unit tests to replay. Run it inside a lab:
#   tests/KvmBackup.Lab/lab.sh run bash tests/KvmBackup.Tests/Support/Recordings/record.sh DIR
# Each file holds the call, its standard output, its complaints and its exit status.
set -euo pipefail

to=${1:?DIR}
images=$KVMBACKUP_LAB_IMAGES
uuid=5b4f6f0e-6a2f-4a53-9f0e-0123456789ab
id=20261120T020000Z
mkdir -p "$to"

# rec FILE PROGRAM [ARG..]
rec() {
  local file=$to/$1.txt status=0
  shift
  mkdir -p "$(dirname "$file")"
  LC_ALL=C "$@" >"$to/out" 2>"$to/err" || status=$?
  {
    printf '$ %s\n' "$*"
    cat "$to/out"
    printf '=== stderr\n'
    cat "$to/err"
    printf '=== exit %s\n' "$status"
  } | sed -e "s|$KVMBACKUP_LAB_KERNEL|/var/lib/libvirt/boot/vmlinuz|g" \
    -e "s|$KVMBACKUP_LAB_INITRD|/var/lib/libvirt/boot/initrd|g" \
    -e "s|$KVMBACKUP_LAB_DIR/tmp|/var/tmp|g" -e "s|$KVMBACKUP_LAB_DIR|/var/tmp|g" >"$file"
  rm -f "$to/out" "$to/err"
}

vir() { LC_ALL=C virsh --quiet "$@" >&2; }
agent() { printf '%s' "{\"execute\":\"guest-$1\"}"; }
ask() { rec "$1" virsh qemu-agent-command --domain "$uuid" --timeout "$3" "$(agent "$2")"; }

dumps() {
  rec "$1/dumpxml" virsh dumpxml --domain "$uuid"
  rec "$1/dumpxml-inactive" virsh dumpxml --inactive --domain "$uuid"
}

facts() {
  rec "$1/domstate" virsh domstate --domain "$uuid"
  rec "$1/domstate-reason" virsh domstate --reason --domain "$uuid"
  rec "$1/dumpxml-security" virsh dumpxml --security-info --domain "$uuid"
  rec "$1/dumpxml-security-inactive" virsh dumpxml --security-info --inactive --domain "$uuid"
  rec "$1/dumpxml-security-migratable" virsh dumpxml --security-info --migratable --domain "$uuid"
  rec "$1/snapshot-list" virsh snapshot-list --name --domain "$uuid"
  rec "$1/checkpoint-list" virsh checkpoint-list --name --domain "$uuid"
  rec "$1/domjobinfo" virsh domjobinfo --domain "$uuid"
}

# define AGENT [CHANNEL]: web1 with a qcow2, a raw disk and an empty drive
define() {
  local channel=
  [[ ${2:-yes} = no ]] || channel='<channel type="unix"><target type="virtio" name="org.qemu.guest_agent.0"/></channel>'
  cat >"$TMPDIR/web1.xml" <<XML
<domain type="$KVMBACKUP_LAB_DOMAIN_TYPE"><name>web1</name><uuid>$uuid</uuid>
<memory unit="MiB">256</memory><vcpu>1</vcpu>
<os><type arch="x86_64" machine="q35">hvm</type><kernel>$KVMBACKUP_LAB_KERNEL</kernel>
<initrd>$KVMBACKUP_LAB_INITRD</initrd><cmdline>console=ttyS0 quiet lab.agent=$1 lab.work=log</cmdline></os>
<features><acpi/></features>
<devices>
<disk type="file" device="disk"><driver name="qemu" type="qcow2"/><source file="$images/web1.qcow2"/>
<target dev="vda" bus="virtio"/></disk>
<disk type="file" device="disk"><driver name="qemu" type="raw"/><source file="$images/web1-data.img"/>
<target dev="vdb" bus="virtio"/></disk>
<disk type="file" device="cdrom"><target dev="sda" bus="sata"/><readonly/></disk>
<interface type="user"><mac address="52:54:00:11:22:33"/><model type="virtio"/></interface>
$channel
<channel type="unix"><target type="virtio" name="kvmbackup.lab.0"/></channel>
<graphics type="vnc" port="-1" autoport="yes" passwd="secret"/>
<memballoon model="none"/>
</devices></domain>
XML
  vir define "$TMPDIR/web1.xml"
}

boot() {
  vir start web1
  local tries=0
  until virsh qemu-agent-command web1 "$(agent ping)" >/dev/null 2>&1 || (( ++tries > ${1:-600} )); do sleep 0.2; done
}

snapshot() {
  rec "$1" virsh snapshot-create-as --domain "$uuid" --name "kvmbackup-$id" --disk-only --atomic --no-metadata \
    --diskspec "vda,snapshot=external,driver=qcow2,stype=file,file=$images/kvmbackup.$uuid.vda.$id.0000000a.qcow2" \
    --diskspec "vdb,snapshot=external,driver=qcow2,stype=file,file=$images/kvmbackup.$uuid.vdb.$id.0000000b.qcow2" \
    --diskspec "sda,snapshot=no"
}

commit() {
  local base=web1.qcow2 mark=a
  [[ $2 = vda ]] || { base=web1-data.img; mark=b; }
  rec "$1" virsh blockcommit --domain "$uuid" --path "$2" --base "$images/$base" \
    --top "$images/kvmbackup.$uuid.$2.$id.0000000$mark.qcow2" --active
}

wait_ready() {
  until virsh dumpxml web1 | grep -A3 '<mirror' | grep -q "ready='yes'"; do sleep 0.1; done
}

truncate -s 64M "$TMPDIR/disk"
mkfs.ext4 -q -F -E lazy_itable_init=0,lazy_journal_init=0 "$TMPDIR/disk"
qemu-img convert -q -O qcow2 "$TMPDIR/disk" "$images/web1.qcow2"
cp --sparse=always "$TMPDIR/disk" "$images/web1-data.img"

echo images
truncate -s 1M "$images/raw.img"
qemu-img create -q -f qcow2 "$images/template.qcow2" 1M
qemu-img create -q -f qcow2 -b "$images/template.qcow2" -F qcow2 "$images/clone.qcow2"
qemu-img create -q -f qcow2 -b template.qcow2 -F qcow2 "$images/relative.qcow2"
qemu-img create -q -f qcow2 -b "$images/raw.img" -F raw "$images/on-raw.qcow2"
qemu-img create -q -f qcow2 -u -b "$images/gone.qcow2" -F qcow2 "$images/orphan.qcow2" 1M
qemu-img create -q -f qcow2 -o data_file="$images/external.data,data_file_raw=on" "$images/external.qcow2" 1M
echo nonsense >"$images/nonsense.qcow2"
for image in template clone relative on-raw orphan external nonsense absent; do
  rec "images/$image" qemu-img info -U --backing-chain --output=json -f qcow2 "$images/$image.qcow2"
done
rec images/raw qemu-img info -U --backing-chain --output=json -f raw "$images/raw.img"
rec images/version qemu-img --version
rec images/check qemu-img check -f qcow2 "$images/clone.qcow2"
rec images/check-nonsense qemu-img check -f qcow2 "$images/nonsense.qcow2"
qemu-nbd --fork --persistent --socket "$TMPDIR/nbd" -f raw --pid-file "$TMPDIR/nbd.pid" "$images/raw.img"
qemu-img create -q -f qcow2 -b "nbd+unix:///?socket=$TMPDIR/nbd" -F raw "$images/on-network.qcow2"
rec images/on-network qemu-img info -U --backing-chain --output=json -f qcow2 "$images/on-network.qcow2"
kill "$(<"$TMPDIR/nbd.pid")"

echo shut off
define ok
rec host/version virsh version
rec host/list virsh --quiet list --all --uuid --name
rec host/list-transient virsh --quiet list --transient --uuid
rec host/list-autostart virsh --quiet list --autostart --all --uuid
rec host/absent virsh dominfo --domain 00000000-0000-0000-0000-000000000001
rec host/unreachable virsh --connect qemu+unix:///system?socket=/var/run/no-such-socket list
rec host/define-nonsense virsh define "$images/raw.img"
facts shut-off
dumps shut-off
rec shut-off/managedsave-dumpxml virsh managedsave-dumpxml --security-info --domain "$uuid"
commit shut-off/blockcommit vda
ask shut-off/agent-status fsfreeze-status 5

echo running
boot
rec running/list virsh --quiet list --all --uuid --name
facts running
dumps running
ask agent/thawed fsfreeze-status 5
ask agent/osinfo get-osinfo 5
ask agent/freeze fsfreeze-freeze 10
ask agent/frozen fsfreeze-status 5
ask agent/freeze-again fsfreeze-freeze 10
ask agent/thaw fsfreeze-thaw 10
ask agent/thaw-again fsfreeze-thaw 10
rec running/pivot-without-job virsh blockjob --domain "$uuid" --path vda --pivot
commit running/blockcommit-on-base vda
snapshot running/snapshot

echo pinned
dumps pinned
rec pinned/vda-locked qemu-img info -f qcow2 "$images/kvmbackup.$uuid.vda.$id.0000000a.qcow2"
snapshot pinned/snapshot-again
bash "$KVMBACKUP_LAB_SCRIPT" exec web1 'dd if=/dev/urandom of=/disk/vda/much bs=1M count=24 && sync' || true
rec pinned/vda-map qemu-img map -U --output=json -f qcow2 "$images/kvmbackup.$uuid.vda.$id.0000000a.qcow2"
rec pinned/vdb-map qemu-img map -U --output=json -f qcow2 "$images/kvmbackup.$uuid.vdb.$id.0000000b.qcow2"
rec committing/blockcommit-slowly virsh blockcommit --domain "$uuid" --path vda --base "$images/web1.qcow2" \
  --top "$images/kvmbackup.$uuid.vda.$id.0000000a.qcow2" --active --bandwidth 1
dumps committing
rec committing/domjobinfo virsh domjobinfo --domain "$uuid"
rec committing/pivot-too-early virsh blockjob --domain "$uuid" --path vda --pivot
commit committing/blockcommit-again vda
vir blockjob web1 vda --bandwidth 0
wait_ready
dumps ready
rec ready/pivot virsh blockjob --domain "$uuid" --path vda --pivot
dumps half-released
commit half-released/blockcommit vdb
wait_ready
dumps half-ready
vir blockjob web1 vdb --pivot
sleep 0.5
dumps released
rec released/vda-unused qemu-img info -f qcow2 "$images/kvmbackup.$uuid.vda.$id.0000000a.qcow2"
rec released/vdb-unused qemu-img info -f qcow2 "$images/kvmbackup.$uuid.vdb.$id.0000000b.qcow2"

echo the second disk first
rm "$images/kvmbackup."*
snapshot running/snapshot
commit pinned/blockcommit-vdb vdb
wait_ready
dumps vdb-ready
vir blockjob web1 vdb --pivot
sleep 0.5
dumps vdb-released
vir blockcommit web1 vda --shallow --active --pivot --wait

echo foreign
vir blockcopy web1 vda "$images/copy.qcow2" --format qcow2 --transient-job
dumps foreign-job
vir blockjob web1 vda --abort
vir checkpoint-create-as web1 other-checkpoint --diskspec vda --diskspec vdb,checkpoint=no
rec foreign/checkpoint-list virsh checkpoint-list --name --domain "$uuid"
vir checkpoint-delete web1 other-checkpoint
vir snapshot-create-as web1 other-snapshot --disk-only --diskspec "vda,file=$images/other.qcow2" --diskspec vdb,snapshot=no
rec foreign/snapshot-list virsh snapshot-list --name --domain "$uuid"
rec foreign/snapshot-current virsh snapshot-current --name --domain "$uuid"
rec foreign/snapshot-dumpxml virsh snapshot-dumpxml --security-info --snapshotname other-snapshot --domain "$uuid"
vir suspend web1
rec paused/domstate virsh domstate --domain "$uuid"
rec paused/domstate-reason virsh domstate --reason --domain "$uuid"
ask paused/agent-status fsfreeze-status 5
vir destroy web1
vir undefine web1 --snapshots-metadata

echo agents
cp --sparse=always "$TMPDIR/disk" "$images/web1-data.img"
rm "$images/web1.qcow2"
qemu-img convert -q -O qcow2 "$TMPDIR/disk" "$images/web1.qcow2"
define none no
boot 1
ask agent/not-configured fsfreeze-status 5
vir destroy web1
define none
boot 1
ask agent/not-connected fsfreeze-status 5
vir destroy web1
define refuse
boot
ask agent/refused fsfreeze-freeze 10
vir destroy web1
define stall
boot
ask agent/freeze-timed-out fsfreeze-freeze 2
ask agent/status-after-timeout fsfreeze-status 2
vir destroy web1
define hang
boot 60
ask agent/hung fsfreeze-status 3
vir destroy web1
echo recorded
