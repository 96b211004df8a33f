# Sourced by run.sh: the commands of the tests.
# shellcheck shell=bash disable=SC2154 # machine.sh defines machine.

fail() {
  printf 'FAILED: %s\n' "$*"
  exit 1
}

# expect WHAT TEXT PATTERN: fails unless a line of the text matches an extended regular expression.
expect() {
  grep -qE -e "$3" <<<"$2" || fail "$1: no line matches '$3' in:"$'\n'"$2"
}

expect_not() {
  ! grep -qE -e "$3" <<<"$2" || fail "$1: a line matches '$3' in:"$'\n'"$2"
}

# new_host_with_guest [idle]: boots a new host with a configuration for one domain, web1, and starts a guest of that
# name. An idle one has no operating system, and uses no time of the emulated processors; for the other, see
# await_guest.
new_host_with_guest() {
  boot
  { echo "set -e -- '${1:-}'"; cat <<'SCRIPT'; } >"$machine/script"
mkdir -p /etc/kvmbackup /srv/backup /var/lib/libvirt/images/boot
cat >/etc/kvmbackup/config.yml <<'YAML'
defaults: {compression: {method: zstd, level: 1}, freeze_timeout: 5m, stall_timeout: 10m}
host1:
  backupdir: /srv/backup
  domains:
    web1: {rotate: 4, day_of_week: [Mon, Tue, Wed, Thu, Fri, Sat, Sun]}
YAML
cp /opt/payload/guest/* /var/lib/libvirt/images/boot/
truncate -s 64M /root/disk.raw
mkfs.ext4 -q -F /root/disk.raw
qemu-img convert -q -f raw -O qcow2 /root/disk.raw /var/lib/libvirt/images/web1.qcow2
rm /root/disk.raw
cat >/root/web1.xml <<'XML'
<domain type='qemu'>
  <name>web1</name>
  <memory unit='MiB'>192</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    <kernel>/var/lib/libvirt/images/boot/vmlinuz</kernel>
    <initrd>/var/lib/libvirt/images/boot/initrd</initrd>
    <cmdline>console=ttyS0 quiet lab.work=pair,log</cmdline>
  </os>
  <features><acpi/></features>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2'/>
      <source file='/var/lib/libvirt/images/web1.qcow2'/>
      <target dev='vda' bus='virtio'/>
    </disk>
    <serial type='pty'/>
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
    <channel type='unix'><target type='virtio' name='kvmbackup.lab.0'/></channel>
    <memballoon model='none'/>
  </devices>
</domain>
XML
[ "$1" != idle ] || sed -i "/<kernel>/d; /<initrd>/d; /<cmdline>/d" /root/web1.xml
virsh -q define /root/web1.xml
virsh -q start web1
# Later steps cut the power: flush everything.
sync
SCRIPT
  inside <"$machine/script" || fail "the guest could not be created"
  expect "AppArmor" "$(inside aa-enabled)" '^Yes'
  expect "profile of the guest" "$(inside 'cat /proc/*/attr/current 2>/dev/null | tr "\0" "\n"')" \
    '^libvirt-[0-9a-f-]+ \(enforce\)'
}

# Waits until the guest's agent answers.
await_guest() {
  inside <<'SCRIPT' || fail "the guest's agent did not answer"
for try in $(seq 600); do
  virsh -q qemu-agent-command web1 '{"execute":"guest-ping"}' >/dev/null 2>&1 && exit 0
  sleep 0.5
done
exit 1
SCRIPT
}

# hold_backup STEP[,STEP]: starts a backup that stops itself after that step (see FaultInjection); returns when it has.
hold_backup() {
  {
    echo "set -- '$1'"
    cat <<'SCRIPT'
rm -f /root/backup.status
KVMBACKUP_HOLD_AFTER=$1 setsid bash -c '
  (echo $BASHPID >/root/backup.pid; exec kvmbackup backup web1 --json) >/root/backup.json 2>/root/backup.log
  echo "STATUS $?" >/root/backup.status' &
SCRIPT
  } >"$machine/script"
  inside <"$machine/script"
  await_hold
}

# Returns when the backup has stopped itself.
await_hold() {
  inside <<'SCRIPT' || fail "the backup did not reach the step"
for try in $(seq 1200); do
  state=$(sed 's/.*) //; s/ .*//' "/proc/$(cat /root/backup.pid)/stat" 2>/dev/null)
  [ "$state" = T ] && exit 0
  [ ! -e /root/backup.status ] || break
  sleep 0.2
done
cat /root/backup.log /root/backup.json
exit 1
SCRIPT
}

# Continues a stopped backup up to its next stop or its end.
continue_backup() {
  inside 'kill -CONT "$(cat /root/backup.pid)"'
}

# Waits for the end of a backup, and prints its log, its report and STATUS with its exit status.
end_backup() {
  continue_backup
  inside <<'SCRIPT'
for try in $(seq 1200); do
  [ -e /root/backup.status ] && break
  sleep 0.2
done
cat /root/backup.log /root/backup.json /root/backup.status
SCRIPT
}

# shut_down poweroff|reboot: shuts the host down while a backup is stopped, which continues when the shutdown has begun.
shut_down() {
  inside "setsid sh -c 'sleep 1; kill -CONT \$(cat /root/backup.pid)' & systemctl --no-block $1" ||
    fail "the shutdown did not begin"
  await_end
}

# Kills a stopped backup; its watcher recovers.
kill_backup() {
  inside 'kill -KILL "$(cat /root/backup.pid)"'
}

# Waits until the journal is empty, so that the recovery is complete.
await_recovery() {
  inside <<'SCRIPT' || fail "there was no recovery"
for try in $(seq 600); do
  [ -z "$(ls -A /var/lib/kvmbackup/journal)" ] && exit 0
  sleep 0.5
done
cat /root/backup.log
exit 1
SCRIPT
}

# Installs the unit as the examples describe; the guest starts automatically, too.
enable_recovery_at_boot() {
  inside 'cp /opt/payload/examples/kvmbackup-recover.service /etc/systemd/system/ &&
    systemctl enable kvmbackup-recover.service && virsh -q autostart web1' || fail "the unit cannot be enabled"
}

# Waits until the host has booted completely, so that the unit for the boot has run and the guest runs.
await_recovery_at_boot() {
  inside <<'SCRIPT' || fail "the unit has not recovered"
for try in $(seq 900); do
  state=$(systemctl is-system-running)
  case $state in
    running|degraded) break ;;
  esac
  sleep 1
done
journalctl -b -u kvmbackup-recover.service
echo "system: $state"
[ -z "$(ls -A /var/lib/kvmbackup/journal)" ]
SCRIPT
}

# Prints the rules that libvirt has generated for the guest.
rules() {
  inside 'cat "/etc/apparmor.d/libvirt/libvirt-$(virsh domuuid web1 | head -1).files"'
}

guest_process() {
  inside 'cat /run/libvirt/qemu/web1.pid'
}

# Checks that AppArmor has denied the guest nothing, except the accesses that QEMU tries at each start.
expect_no_denial() {
  expect_not "denials" \
    "$(inside 'journalctl -k -b | grep apparmor=\"DENIED\" | grep -v "name=\"/proc/\|name=\"/sys/"')" DENIED
}

# Destroys the guest and starts it again: libvirt generates a new AppArmor profile for its current disk.
restart_guest() {
  inside 'virsh -q destroy web1 && virsh -q start web1' || fail "the guest could not be restarted"
}

# Checks that the guest runs on its own disk in both definitions, and that no overlay is left.
expect_guest_on_its_disk() {
  expect "state" "$(inside virsh domstate web1)" "^${1:-running}"
  expect "live disk" "$(inside virsh -q domblklist web1)" 'vda +/var/lib/libvirt/images/web1\.qcow2$'
  expect "inactive disk" "$(inside virsh -q domblklist web1 --inactive)" 'vda +/var/lib/libvirt/images/web1\.qcow2$'
  expect_not "overlays" "$(inside ls /var/lib/libvirt/images)" kvmbackup
  expect "journal" "$(inside 'ls /var/lib/kvmbackup/journal | wc -l')" '^0$'
}
