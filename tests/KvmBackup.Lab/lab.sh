#!/usr/bin/env bash
# The lab: a libvirt of its own, and guests that boot in seconds, for tests and for the curious.
#
#   lab.sh install [--without-ceph]
#                               install the Debian packages the lab needs, when any is missing; build the image
#   lab.sh image [DIR]          build the guest's kernel and initramfs (cached); copy them to DIR when given
#   lab.sh realistic [FILE]     build the qcow2 of an installed Debian (cached), 570 MB; copy it to FILE when given
#   lab.sh run COMMAND [ARG..]  run a command inside a fresh private lab; nothing of it is left afterwards
#   lab.sh guest NAME           inside a lab: make a guest with one disk of its own, define it and start it
#   lab.sh await DOMAIN         inside a lab: wait until the guest has booted and its agent answers
#   lab.sh exec DOMAIN COMMAND  inside a lab: run a shell command in the guest, through its agent
#   lab.sh stop-libvirtd        inside a lab: end its libvirtd; the guests go on
#   lab.sh start-libvirtd       inside a lab: start it again, and wait until it answers
#   lab.sh start-ceph           inside a lab: make and start its Ceph cluster, or start it again; nothing if it runs
#   lab.sh stop-ceph            inside a lab: end its daemons cleanly; the data stay
#   lab.sh pause-ceph           inside a lab: make the cluster hang, as a broken one does: clients wait for ever
#   lab.sh resume-ceph          inside a lab: let it go on
#
# Exit code 77 means "the lab cannot run here", with the reason on stderr. The cache is
# ${KVMBACKUP_LAB_CACHE:-~/.cache/kvmbackup-lab}; labs are made below ${KVMBACKUP_LAB_SCRATCH:-/var/tmp}.
# A command in a lab runs on a host named lab1, without network, and is told, in its environment:
#   KVMBACKUP_LAB_DIR           the lab's own directory on a real disk; TMPDIR lies in it too
#   KVMBACKUP_LAB_IMAGES        where disk images belong (/var/lib/libvirt/images, on that real disk)
#   KVMBACKUP_LAB_SCRIPT        this script
#   KVMBACKUP_LAB_REALISTIC     the disk of "lab.sh realistic"; it may not be there, and is not to be written to
#   KVMBACKUP_LAB_KERNEL, KVMBACKUP_LAB_INITRD, KVMBACKUP_LAB_DOMAIN_TYPE (qemu or kvm, whichever boots quicker)
#   KVMBACKUP_LAB_CEPH_SECRET   the UUID of libvirt's secret with the key of the Ceph user kvmbackup, after start-ceph
set -euo pipefail

# su without a dash leaves the user's PATH, in which mkfs and libvirtd are not.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${KVMBACKUP_LAB_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/kvmbackup-lab}
scratch=${KVMBACKUP_LAB_SCRATCH:-/var/tmp}
realistic=$cache/realistic.qcow2

say() { printf 'lab: %s\n' "$*" >&2; }
unable() { say "cannot run here: $*"; exit 77; }

# shellcheck source-path=SCRIPTDIR source=lab-image.sh
. "$here/lab-image.sh"
# shellcheck source-path=SCRIPTDIR source=lab-ceph.sh
. "$here/lab-ceph.sh"

# "program package", or "file package" where a package has no program: installed when that is missing. libvirt-daemon
# brings the daemons but, unlike libvirt-daemon-system, no units. Nothing is started or enabled on the host.
needs="
virsh libvirt-clients
libvirtd libvirt-daemon
qemu-system-x86_64 qemu-system-x86
qemu-img qemu-utils
pigz pigz
bsdtar libarchive-tools
python3 python3
igzip isal
zstd zstd
bzip2 bzip2
xxh128sum xxhash
xxd xxd
/usr/lib/*/libxxhash.so.0 libxxhash0
mkfs.ext4 e2fsprogs
debootstrap debootstrap
dbus-daemon dbus-daemon
busctl systemd
unshare util-linux
setpriv util-linux
mount mount
ip iproute2
flock util-linux
"
# For start-ceph only: 90 packages, 250 MB.
ceph_needs="
ceph-mon ceph-mon
ceph-mgr ceph-mgr
ceph-osd ceph-osd
rbd ceph-common
/usr/lib/*/qemu/block-rbd.so qemu-block-extra
"

require_root() {
  [[ $(id -u) = 0 ]] || unable "it needs root, for mounts and namespaces; you are $(id -un)."
}

# missing_packages TABLE..
missing_packages() {
  local program package
  while read -r program package; do
    [[ -z $program ]] || is_there "$program" || printf '%s\n' "$package"
  done < <(printf '%s\n' "$@") | sort -u
}

is_there() {
  if [[ $1 = /* ]]; then
    compgen -G "$1" >/dev/null
  else
    command -v "$1" >/dev/null
  fi
}

install() {
  require_root
  local packages tables=("$needs" "$ceph_needs")
  [[ ${1:-} != --without-ceph ]] || tables=("$needs")
  mapfile -t packages < <(missing_packages "${tables[@]}")
  if (( ${#packages[@]} > 0 )); then
    command -v apt-get >/dev/null ||
      unable "apt-get is not on this host; install by hand: ${packages[*]}"
    say "installing ${packages[*]}"
    apt_install "${packages[@]}" || unable "apt-get could not install ${packages[*]}"
  fi
  unshare --mount --pid --fork --net --uts --mount-proc true 2>/dev/null ||
    unable "this host does not allow new namespaces (unshare --mount --pid --net --uts failed)."
  build_image
}

apt_install() {
  # dpkg asks this script before a package may start a service; an administrator's own script stays in charge.
  local guard=/usr/sbin/policy-rc.d made=no status=0
  if [[ ! -e $guard ]]; then
    printf '#!/bin/sh\nexit 101\n' >"$guard"
    chmod 755 "$guard"
    made=yes
  fi
  local enabled
  enabled=$(started_at_boot)
  apt_quietly update &&
    apt_quietly install --yes --no-install-recommends "$@" || status=$?
  disable_new "$enabled"
  [[ $made = no ]] || rm -f "$guard"
  return "$status"
}

# The guard keeps packages from starting a service now; Ceph's, and what they depend on, would do it at the next boot.
started_at_boot() {
  find /etc/systemd/system /etc/rc[S2-5].d -type l \( -path '*/systemd/*' -o -name 'S*' \) 2>/dev/null | sort
}

# dpkg takes a unit without its link for one that the administrator has disabled, and leaves it so at an upgrade.
disable_new() {
  local link
  while read -r link; do
    case $link in
      /etc/rc*) link=${link##*/S[0-9][0-9]}; update-rc.d "$link" disable >/dev/null 2>&1 || true ;;
      /etc/*) rm -f "$link" ;;
    esac
  done < <(comm -13 <(printf '%s\n' "$1") <(started_at_boot))
}

apt_quietly() {
  local output
  output=$(DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 "$@" 2>&1 </dev/null) || {
    printf '%s\n' "$output" | tail -20 >&2
    return 1
  }
}

# --- outside: make the directory, enter the namespaces, clean up whatever happens ---------------------------------

run() {
  (( $# > 0 )) || { say "run: which command?"; exit 2; }
  require_root
  local missing
  missing=$(missing_packages "$needs" | tr '\n' ' ')
  [[ -z $missing ]] || unable "packages are missing: ${missing}- run '$0 install' first."
  build_image

  new_lab
  trap 'rm -rf --one-file-system "$lab"' EXIT
  trap 'pass_on TERM' TERM HUP
  trap 'pass_on INT' INT

  # With a process namespace of its own nothing can outlive the lab, and with a mount namespace no mount can;
  # --pdeathsig and --kill-child make that true even when this script is killed the hard way.
  # A background job of a script ignores ^C, which env undoes.
  env --default-signal=INT,QUIT setpriv --pdeathsig KILL \
    unshare --mount --propagation private --pid --fork --kill-child --mount-proc --net --uts \
    bash "$here/lab.sh" _inside "$lab" "$@" <&0 &
  child=$!
  local status=0
  while kill -0 "$child" 2>/dev/null; do
    wait "$child" && status=0 || status=$?
  done
  exit "$status"
}

# Sets `lab`, a new directory with a lock that lives as long as any process of the lab. Directories whose lock is free
# belonged to labs that were killed the hard way: they go.
new_lab() {
  local old
  exec 9>"$cache/lock"
  flock 9
  for old in "$scratch"/kvmbackup-lab.*; do
    [[ ! -e $old/lock ]] || flock --nonblock "$old/lock" rm -rf --one-file-system "$old" || true
  done
  lab=$(mktemp -d "$scratch/kvmbackup-lab.XXXXXX")
  exec 8>"$lab/lock"
  flock 8
  exec 9>&-
}

# unshare itself ignores signals: they are for its child, the first process inside.
pass_on() {
  local inner
  read -r inner <"/proc/$child/task/$child/children" || true
  [[ -z ${inner:-} ]] || kill -s "$1" "${inner%% *}" 2>/dev/null || true
}

# --- inside: hide the host's libvirt, start our own, run the command ----------------------------------------------

inside() {
  lab=$1
  shift
  trap leave EXIT
  trap 'stop_command TERM' TERM
  trap 'stop_command INT' INT
  hide_host
  start_libvirt

  export KVMBACKUP_LAB_SCRIPT=$here/lab.sh KVMBACKUP_LAB_DIR=$lab TMPDIR=$lab/tmp
  export KVMBACKUP_LAB_IMAGES=/var/lib/libvirt/images KVMBACKUP_LAB_REALISTIC=$realistic
  export KVMBACKUP_LAB_KERNEL=$image/vmlinuz KVMBACKUP_LAB_INITRD=$image/initrd
  KVMBACKUP_LAB_DOMAIN_TYPE=$(<"$image/domain-type")
  export KVMBACKUP_LAB_DOMAIN_TYPE LIBVIRT_DEFAULT_URI=qemu:///system KVMBACKUP_LAB_CEPH_SECRET=$ceph_secret
  env --default-signal=INT,QUIT "$@" <&0 &
  command=$!
  local status=0
  while kill -0 "$command" 2>/dev/null; do
    wait "$command" && status=0 || status=$?
  done
  exit "$status"
}

stop_command() {
  [[ -z ${command:-} ]] || kill -s "$1" "$command" 2>/dev/null || true
}

# Everything the lab or the program under test writes outside its directory lands on private mounts.
hide_host() {
  mkdir -p "$lab"/{tmp,images,shadow}
  ip link set lo up
  hostname lab1  # so that a configuration can have a section for it
  local directory
  for directory in /etc /var/lib /var/cache /var/log; do
    shadow "$directory"
  done
  mount -t tmpfs -o mode=755 tmpfs /run
  mkdir -p /run/lock /run/libvirt
  for directory in /etc/libvirt /var/lib/libvirt /var/cache/libvirt /var/log/libvirt \
    /etc/ceph /var/lib/ceph /var/log/ceph; do
    mkdir -p "$directory"
    mount -t tmpfs -o mode=755 tmpfs "$directory"
  done
  mkdir -p /var/log/libvirt/qemu /var/lib/libvirt/{images,qemu}
  mount --bind "$lab/images" /var/lib/libvirt/images
  # What the program has by default, and where an administrator mounts a target.
  mkdir -p "$lab/state" "$lab/var-tmp" /var/lib/kvmbackup
  mount --bind "$lab/state" /var/lib/kvmbackup
  is_needed /mnt || mount -t tmpfs -o mode=755 tmpfs /mnt
  is_needed /var/tmp || hide_var_tmp
  # libvirtd looks this user up before it reads that it shall use root; only libvirt-daemon-system would make it.
  getent group libvirt-qemu >/dev/null || echo 'libvirt-qemu:x:64055:' >>/etc/group
  getent passwd libvirt-qemu >/dev/null ||
    echo 'libvirt-qemu:x:64055:64055::/var/lib/libvirt:/usr/sbin/nologin' >>/etc/passwd
}

# Whether the clone or the cache is below a directory, which then cannot be hidden.
is_needed() { [[ $here/ = "$1"/* || $cache/ = "$1"/* ]]; }

# The lab's own directory is there by default, and keeps its path.
hide_var_tmp() {
  mkdir -p /run/lab-directory
  mount --bind "$lab" /run/lab-directory
  mount --bind "$lab/var-tmp" /var/tmp
  if [[ ! -d $lab ]]; then
    mkdir "$lab"
    mount --bind /run/lab-directory "$lab"
  fi
  umount /run/lab-directory
}

# Lays a tmpfs over a directory with each entry of the original bound in: what is made new in it stays private, and
# no empty mount point has to be made on the host, where another lab might be using it.
shadow() {
  local original=$1 copy entry
  copy=$lab/shadow/${original//\//_}
  mkdir -p "$copy"
  mount -t tmpfs -o mode=755 tmpfs "$copy"
  for entry in "$original"/* "$original"/.[!.]*; do
    if [[ -L $entry || ( -f $entry && $original = /etc ) ]]; then
      cp -a "$entry" "$copy/"
    elif [[ -d $entry ]]; then
      mkdir "$copy/${entry##*/}"
      mount --rbind "$entry" "$copy/${entry##*/}"
    elif [[ -f $entry ]]; then
      : >"$copy/${entry##*/}"
      mount --bind "$entry" "$copy/${entry##*/}"
    fi
  done
  mount --move "$copy" "$original"
}

start_libvirt() {
  # Root and no label: the lab is not a test of the host's AppArmor. No cgroups and no /dev for each guest: those
  # would be made on the host.
  cat >/etc/libvirt/qemu.conf <<'CONF'
user = "root"
group = "root"
security_driver = "none"
cgroup_controllers = []
namespaces = []
remember_owner = 0
# Without virtlogd, which would refuse a restored copy the serial log that its original has open.
stdio_handler = "file"
CONF
  cat >/etc/libvirt/libvirtd.conf <<CONF
auth_unix_rw = "none"
auth_unix_ro = "none"
log_outputs = "3:file:$lab/libvirtd.log"
CONF
  await_libvirt
}

await_libvirt() {
  local tries=0
  libvirtd --daemon --pid-file /run/libvirtd.pid
  until virsh --quiet --connect qemu:///system uri >/dev/null 2>&1; do
    if (( ++tries > 100 )); then
      tail -20 "${lab:-$KVMBACKUP_LAB_DIR}/libvirtd.log" >&2
      unable "libvirtd did not answer within 10 s."
    fi
    sleep 0.1
  done
}

# Its guests go on without it, and it finds them again when it is started.
stop_libvirt() {
  local daemon tries=0
  require_lab
  daemon=$(</run/libvirtd.pid)
  kill "$daemon"
  while kill -0 "$daemon" 2>/dev/null; do
    (( ++tries <= 300 )) || { say "libvirtd does not end"; exit 1; }
    sleep 0.1
  done
}

leave() {
  local status=$? domain
  trap - EXIT
  trap '' INT TERM
  if [[ -e /run/libvirtd.pid ]]; then
    timeout 10 virsh --quiet --connect qemu:///system list --uuid 2>/dev/null | while read -r domain; do
      [[ -z $domain ]] || timeout 10 virsh --quiet --connect qemu:///system destroy "$domain" >/dev/null 2>&1 || true
    done
  fi
  [[ ! -e /run/libvirtd.pid ]] || kill "$(</run/libvirtd.pid)" 2>/dev/null || true
  # The end of this process, the first of its namespace, ends every other in it and drops its mounts.
  exit "$status"
}

# --- a guest for people; the tests make theirs, with any disks, in C# (Support/LabDomainXml.cs) --------------------

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

# --- a command in a guest, by its agent ----------------------------------------------------------------------------

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

case ${1:-} in
  install) install "${2:-}" ;;
  image) require_root; build_image; [[ -z ${2:-} ]] || { mkdir -p "$2"; cp "$image"/{vmlinuz,initrd} "$2/"; } ;;
  realistic) require_root; build_realistic; [[ -z ${2:-} ]] || cp --sparse=always "$realistic" "$2" ;;
  run) shift; run "$@" ;;
  guest) make_guest "${2:?NAME}" ;;
  await) await_guest "${2:?DOMAIN}" ;;
  exec) guest_exec "${2:?DOMAIN}" "${3:?COMMAND}" ;;
  stop-libvirtd) stop_libvirt ;;
  start-libvirtd) require_lab; await_libvirt ;;
  start-ceph) start_ceph ;;
  stop-ceph) stop_ceph ;;
  pause-ceph) signal_osd STOP ;;
  resume-ceph) signal_osd CONT ;;
  _inside) shift; find_image; inside "$@" ;;
  *) sed -n '2,/^set -e/s/^#\( \|$\)//p' "${BASH_SOURCE[0]}"; exit 2 ;;
esac
