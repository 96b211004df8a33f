#!/usr/bin/env bash
# The lab: a private libvirt with guests that boot in seconds, for tests and experiments.
#
#   lab.sh install [--without-ceph]
#                               install missing Debian packages that the lab requires; build the image
#   lab.sh image [DIR]          build the guest's kernel and initramfs (cached); copy them to DIR when given
#   lab.sh realistic [FILE]     build the qcow2 of an installed Debian (cached), 570 MB; copy it to FILE when given
#   lab.sh run COMMAND [ARG..]  run a command inside a new private lab, which is removed afterwards
#   lab.sh guest NAME           inside a lab: create a guest with one disk, define it and start it
#   lab.sh await DOMAIN         inside a lab: wait until the guest has booted and its agent answers
#   lab.sh exec DOMAIN COMMAND  inside a lab: run a shell command in the guest, through its agent
#   lab.sh stop-libvirtd        inside a lab: stop its libvirtd; the guests keep running
#   lab.sh start-libvirtd       inside a lab: start it again, and wait until it answers
#   lab.sh start-ceph           inside a lab: create and start its Ceph cluster, or start it again, unless it runs
#   lab.sh stop-ceph            inside a lab: stop its daemons cleanly; the data stay
#   lab.sh pause-ceph           inside a lab: make the cluster hang: clients wait until it resumes
#   lab.sh resume-ceph          inside a lab: resume it
#
# Exit code 77 means "the lab cannot run here", with the reason on stderr. The cache is
# ${KVMBACKUP_LAB_CACHE:-~/.cache/kvmbackup-lab}; labs are created below ${KVMBACKUP_LAB_SCRATCH:-/var/tmp}.
# A command in a lab runs on a host named lab1, without network, with these environment variables:
#   KVMBACKUP_LAB_DIR           the lab's own directory on a real disk, which also contains TMPDIR
#   KVMBACKUP_LAB_IMAGES        the directory of disk images (/var/lib/libvirt/images, on that real disk)
#   KVMBACKUP_LAB_SCRIPT        this script
#   KVMBACKUP_LAB_REALISTIC     the disk of "lab.sh realistic", if it exists; it must not be written to
#   KVMBACKUP_LAB_KERNEL, KVMBACKUP_LAB_INITRD, KVMBACKUP_LAB_DOMAIN_TYPE (qemu or kvm, depending on which is faster)
#   KVMBACKUP_LAB_EMULATOR      QEMU, which boots that kernel when a definition has a command line but no kernel
#   KVMBACKUP_LAB_CEPH_SECRET   the UUID of libvirt's secret with the key of the Ceph user kvmbackup, after start-ceph
set -euo pipefail

# su without a dash keeps the user's PATH, which does not contain mkfs and libvirtd.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${KVMBACKUP_LAB_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/kvmbackup-lab}
scratch=${KVMBACKUP_LAB_SCRATCH:-/var/tmp}
realistic=$cache/realistic.qcow2
emulator=/usr/local/sbin/qemu-lab

say() { printf 'lab: %s\n' "$*" >&2; }
unable() { say "cannot run here: $*"; exit 77; }

# shellcheck source-path=SCRIPTDIR source=lab-image.sh
. "$here/lab-image.sh"
# shellcheck source-path=SCRIPTDIR source=lab-ceph.sh
. "$here/lab-ceph.sh"
# shellcheck source-path=SCRIPTDIR source=lab-guest.sh
. "$here/lab-guest.sh"

# "program package", or "file package" for a package without a program: the package is installed when that is missing.
# libvirt-daemon contains the daemons but, unlike libvirt-daemon-system, no units. Nothing is started or enabled on the
# host.
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
/lib/*/libbz2.so.1 libbz2-1.0
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
# Required only by start-ceph: 90 packages, 250 MB.
ceph_needs="
ceph-mon ceph-mon
ceph-mgr ceph-mgr
ceph-osd ceph-osd
rbd ceph-common
/usr/lib/*/qemu/block-rbd.so qemu-block-extra
"
# Required only by the checks of tests/run.sh.
check_needs="
shellcheck shellcheck
pandoc pandoc
man man-db
"

require_root() {
  [[ $(id -u) = 0 ]] || unable "root is required for mounts and namespaces; the current user is $(id -un)."
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
  local packages tables=("$needs" "$ceph_needs" "$check_needs")
  [[ ${1:-} != --without-ceph ]] || tables=("$needs")
  mapfile -t packages < <(missing_packages "${tables[@]}")
  if (( ${#packages[@]} > 0 )); then
    command -v apt-get >/dev/null ||
      unable "apt-get is not on this host; install manually: ${packages[*]}"
    say "installing ${packages[*]}"
    apt_install "${packages[@]}" || unable "apt-get could not install ${packages[*]}"
  fi
  unshare --mount --pid --fork --net --uts --mount-proc true 2>/dev/null ||
    unable "this host does not allow new namespaces (unshare --mount --pid --net --uts failed)."
  build_image
}

apt_install() {
  # dpkg calls this script before a package starts a service; an existing script of the administrator is kept.
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

# The guard prevents the start of services now; those of Ceph and its dependencies would start at the next boot.
started_at_boot() {
  find /etc/systemd/system /etc/rc[S2-5].d -type l \( -path '*/systemd/*' -o -name 'S*' \) 2>/dev/null | sort
}

# dpkg treats a unit without its link as disabled by the administrator, also at an upgrade.
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

# --- outside: create the directory, enter the namespaces, always clean up -----------------------------------------

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

  # In a process namespace no process outlives the lab, and in a mount namespace no mount does; --pdeathsig and
  # --kill-child ensure this even when this script is killed. A background job of a script ignores ^C, which env
  # resets.
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

# Sets `lab`, a new directory with a lock that is held as long as any process of the lab exists. Directories whose lock
# is free belonged to killed labs and are removed.
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

# unshare itself ignores signals: they must be sent to its child, the first process inside.
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
  export KVMBACKUP_LAB_KERNEL=$image/vmlinuz KVMBACKUP_LAB_INITRD=$image/initrd KVMBACKUP_LAB_EMULATOR=$emulator
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

# All writes of the lab or the program under test outside its directory go to private mounts.
hide_host() {
  mkdir -p "$lab"/{tmp,images,shadow}
  ip link set lo up
  hostname lab1  # so that a configuration can have a section for it
  local directory
  for directory in /etc /var/lib /var/cache /var/log /usr/local/sbin; do
    shadow "$directory"
  done
  write_emulator
  mount -t tmpfs -o mode=755 tmpfs /run
  mkdir -p /run/lock /run/libvirt
  for directory in /etc/libvirt /var/lib/libvirt /var/cache/libvirt /var/log/libvirt \
    /etc/ceph /var/lib/ceph /var/log/ceph; do
    mkdir -p "$directory"
    mount -t tmpfs -o mode=755 tmpfs "$directory"
  done
  mkdir -p /var/log/libvirt/qemu /var/lib/libvirt/{images,qemu}
  mount --bind "$lab/images" /var/lib/libvirt/images
  # The default directories of the program, and the usual mount point of a target.
  mkdir -p "$lab/state" "$lab/var-tmp" /var/lib/kvmbackup
  mount --bind "$lab/state" /var/lib/kvmbackup
  is_needed /mnt || mount -t tmpfs -o mode=755 tmpfs /mnt
  is_needed /var/tmp || hide_var_tmp
  # libvirtd looks up this user before it reads its configuration to use root; only libvirt-daemon-system creates it.
  getent group libvirt-qemu >/dev/null || echo 'libvirt-qemu:x:64055:' >>/etc/group
  getent passwd libvirt-qemu >/dev/null ||
    echo 'libvirt-qemu:x:64055:64055::/var/lib/libvirt:/usr/sbin/nologin' >>/etc/passwd
}

# Kernel and initramfs of a guest that names them are part of its backups: 27 MB, which take longer than all else.
write_emulator() {
  cat >"$emulator" <<SCRIPT
#!/bin/sh
has_kernel=no has_command_line=no
for argument; do
  case \$argument in
    -kernel) has_kernel=yes ;;
    -append) has_command_line=yes ;;
  esac
done
if [ \$has_command_line = yes ] && [ \$has_kernel = no ]; then
  set -- "\$@" -kernel '$image/vmlinuz' -initrd '$image/initrd'
fi
exec qemu-system-x86_64 "\$@"
SCRIPT
  chmod 755 "$emulator"
}

# Whether the source tree or the cache is below a directory, which then cannot be hidden.
is_needed() { [[ $here/ = "$1"/* || $cache/ = "$1"/* ]]; }

# The lab's own directory is below it by default, and keeps its path.
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

# Mounts a tmpfs over a directory with each entry of the original bound into it: new entries stay private, and no empty
# mount point must be created on the host, where another lab might use it.
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
  # Root and no label: the lab does not test the host's AppArmor. No cgroups and no /dev for each guest, because those
  # would be created on the host.
  cat >/etc/libvirt/qemu.conf <<'CONF'
user = "root"
group = "root"
security_driver = "none"
cgroup_controllers = []
namespaces = []
remember_owner = 0
# Without virtlogd, which would refuse a restored copy the serial log that the original guest has open.
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

# Its guests keep running without it, and it finds them again when it is started.
stop_libvirt() {
  local daemon tries=0
  require_lab
  daemon=$(</run/libvirtd.pid)
  kill "$daemon"
  while kill -0 "$daemon" 2>/dev/null; do
    (( ++tries <= 300 )) || { say "libvirtd does not stop"; exit 1; }
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
  # The end of this process, the first of its namespace, ends all others in it and removes its mounts.
  exit "$status"
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
