# Sourced by lab.sh: a Ceph cluster of one monitor, one manager and one OSD on 127.0.0.1.
# shellcheck shell=bash disable=SC2154 # lab.sh defines ceph_needs, say, unable, require_lab and missing_packages.
# Its data are in $KVMBACKUP_LAB_DIR/ceph, in memory where the kernel can; its configuration and keyrings in the lab's
# own /etc/ceph, the default place. Its daemons end with the lab.

ceph_daemons=(mon.a mgr.x osd.0)
ceph_secret=5b4f6f0e-6a2f-4a53-9f0e-0000000cefab
ceph_user=kvmbackup

# Silent and fast when the cluster is already running.
start_ceph() {
  require_lab
  ceph_dir=$KVMBACKUP_LAB_DIR/ceph
  exec 9>"$KVMBACKUP_LAB_DIR/ceph.lock"
  flock 9
  local daemon missing
  missing=$(missing_packages "$ceph_needs" | tr '\n' ' ')
  [[ -z $missing ]] || unable "packages are missing: ${missing}- run '$0 install' first."
  [[ -e $ceph_dir/made ]] || make_ceph
  for daemon in "${ceph_daemons[@]}"; do
    is_running "$daemon" || start_daemon "$daemon"
  done
  # It answers when the placement groups are active again.
  bounded osd.0 60 rbd ls rbd >/dev/null
  exec 9>&-
}

# Cleanly, clients first: a manager or an OSD would wait for a stopped monitor.
stop_ceph() {
  require_lab
  local daemon
  for daemon in osd.0 mgr.x mon.a; do
    ! is_running "$daemon" || stop_daemon "$daemon"
  done
}

# signal_osd STOP makes the cluster hang: its clients wait without an error until CONT.
signal_osd() {
  require_lab
  is_running osd.0 || { say "Ceph does not run"; exit 1; }
  kill -s "$1" "$(<"$(pid_file osd.0)")"
}

pid_file() { printf '/run/ceph/%s.pid\n' "$1"; }

# By its name, too, because another process may have the PID of a killed one.
is_running() {
  local daemon=ceph-${1%.*} pid
  pid=$(cat "$(pid_file "$1")" 2>/dev/null) && [[ $(cat "/proc/$pid/comm" 2>/dev/null) = "$daemon" ]]
}

start_daemon() {
  bounded "$1" 30 "ceph-${1%.*}" --id "${1#*.}" </dev/null
}

stop_daemon() {
  local pid tries=0
  pid=$(<"$(pid_file "$1")")
  # A daemon that signal_osd has stopped could not exit.
  kill "$pid"
  kill -s CONT "$pid"
  while is_running "$1"; do
    (( ++tries <= 300 )) || { say "$1 does not end within 30 s"; exit 1; }
    sleep 0.1
  done
}

# bounded DAEMON SECONDS COMMAND [ARG..]: on failure prints the end of the daemon's log. No daemon may hold the lock or
# the pipes of a test that starts the cluster.
bounded() {
  local daemon=$1 limit=$2 status=0
  shift 2
  timeout "$limit" "$@" 2>"$ceph_dir/output" 9>&- || status=$?
  (( status != 0 )) || return 0
  say "'$*' ended with $status (124: not within $limit s)"
  tail -n 20 "$ceph_dir/output" "$ceph_dir/$daemon.log" >&2
  exit 1
}

make_ceph() {
  local fsid osd
  fsid=$(uuidgen) osd=$(uuidgen)
  stop_ceph  # the daemons of a failed start
  ! mountpoint --quiet "$ceph_dir" || umount "$ceph_dir"
  rm -rf "$ceph_dir"
  mkdir -p "$ceph_dir"
  prefer_memory
  mkdir -p "$ceph_dir"/{mon.a,mgr.x,osd.0} /etc/ceph /run/ceph
  write_ceph_conf "$fsid"
  make_keyrings
  monmaptool --create --fsid "$fsid" --addv a '[v2:127.0.0.1:3300,v1:127.0.0.1:6789]' "$ceph_dir/monmap" >/dev/null
  bounded mon.a 30 ceph-mon --mkfs --id a --monmap "$ceph_dir/monmap" --keyring "$ceph_dir/keyring"
  start_daemon mon.a
  # Otherwise the manager would create a pool at an arbitrary time.
  bounded mon.a 30 ceph config set mgr mgr/devicehealth/enable_monitoring false --force
  start_daemon mgr.x
  bounded mon.a 30 ceph osd new "$osd" >/dev/null
  bounded osd.0 60 ceph-osd --mkfs --id 0 --osd-uuid "$osd" --monmap "$ceph_dir/monmap"
  start_daemon osd.0
  bounded mon.a 30 ceph osd pool create rbd 8 >/dev/null
  bounded osd.0 60 rbd pool init rbd
  define_ceph_secret
  : >"$ceph_dir/made"
}

# Several labs that share a disk with everything else on it keep a cluster waiting for minutes. An OSD requires direct
# I/O, which tmpfs has since Linux 6.6.
prefer_memory() {
  mount -t tmpfs -o size=4g,mode=755 tmpfs "$ceph_dir"
  if ! dd if=/dev/zero of="$ceph_dir/direct" bs=4k count=1 oflag=direct status=none 2>/dev/null; then
    umount "$ceph_dir"
  fi
  rm -f "$ceph_dir/direct"
}

# One disk, so one copy; the rest is as in a real cluster, except for short timeouts of a monitor without peers.
# osd_heartbeat_grace: an OSD that signal_osd has stopped for longer than four fifths of it marks placement groups as
# "laggy" when it continues, and with one copy nothing ends that: some images then hang until the OSD is restarted.
write_ceph_conf() {
  cat >/etc/ceph/ceph.conf <<CONF
[global]
fsid = $1
mon_host = [v2:127.0.0.1:3300,v1:127.0.0.1:6789]
auth_cluster_required = cephx
auth_service_required = cephx
auth_client_required = cephx
auth_allow_insecure_global_id_reclaim = false
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_allow_pool_delete = true
mon_warn_on_pool_no_redundancy = false
osd_heartbeat_grace = 600
mon_data_avail_warn = 1
mon_data_avail_crit = 1
paxos_propose_interval = 0.1
paxos_min_wait = 0.01
log_file = $ceph_dir/\$name.log
[mon]
mon_data = $ceph_dir/mon.a
[mgr]
mgr_data = $ceph_dir/mgr.x
keyring = $ceph_dir/mgr.x/keyring
[osd]
osd_data = $ceph_dir/osd.0
keyring = $ceph_dir/osd.0/keyring
bluestore_block_size = 8589934592
osd_memory_target = 939524096
[client]
log_file =
CONF
  local section
  for section in mon mgr osd; do
    sed -i "/^\[$section\]/a pid_file = /run/ceph/\$name.pid\nadmin_socket = /run/ceph/\$name.asok" /etc/ceph/ceph.conf
  done
}

# Every key is put into the monitor's store at its creation, so that no daemon must be queried for one later.
make_keyrings() {
  local all=$ceph_dir/keyring
  add_key "$all" mon. --cap mon 'allow *'
  add_key "$ceph_dir/mgr.x/keyring" mgr.x --cap mon 'allow profile mgr' --cap osd 'allow *' --cap mds 'allow *'
  add_key "$ceph_dir/osd.0/keyring" osd.0 \
    --cap mon 'allow profile osd' --cap mgr 'allow profile osd' --cap osd 'allow *'
  add_key /etc/ceph/ceph.client.admin.keyring client.admin \
    --cap mon 'allow *' --cap mgr 'allow *' --cap osd 'allow *' --cap mds 'allow *'
  add_key "/etc/ceph/ceph.client.$ceph_user.keyring" "client.$ceph_user" --cap mon 'profile rbd' --cap osd 'profile rbd'
  local keyring
  for keyring in "$ceph_dir"/{mgr.x,osd.0}/keyring /etc/ceph/*.keyring; do
    ceph-authtool "$all" --import-keyring "$keyring" >/dev/null
  done
}

add_key() {
  local keyring=$1 name=$2
  shift 2
  ceph-authtool --create-keyring "$keyring" --gen-key --name "$name" "$@" >/dev/null
  chmod 600 "$keyring"
}

# For a domain's <auth username='kvmbackup'><secret type='ceph' uuid='...'/></auth>.
define_ceph_secret() {
  local work
  work=$(mktemp -d)
  cat >"$work/secret.xml" <<XML
<secret ephemeral='no' private='no'>
  <uuid>$ceph_secret</uuid>
  <usage type='ceph'><name>client.$ceph_user secret</name></usage>
</secret>
XML
  ceph-authtool --print-key --name "client.$ceph_user" "/etc/ceph/ceph.client.$ceph_user.keyring" |
    tr -d '\n' >"$work/key"
  virsh --quiet secret-define --file "$work/secret.xml" >/dev/null
  virsh --quiet secret-set-value --secret "$ceph_secret" --file "$work/key"
  rm -r "$work"
}
