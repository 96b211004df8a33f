# Sourced by run.sh: builds the boot disk of the emulated host (cached), and the disk with the program under test.
# shellcheck shell=bash disable=SC2154 # run.sh defines here, cache, suite, repository, lab and unable.

host_packages=linux-image-cloud-amd64,systemd-sysv,udev,kmod,procps,dbus,libpam-systemd,apparmor,cron,e2fsprogs
host_packages+=,libvirt-daemon-system,libvirt-daemon-driver-qemu,libvirt-clients,qemu-system-x86,qemu-utils,pigz,zstd
host_packages+=,libxxhash0

# Sets `host`, the folder with root.raw, vmlinuz and initrd of the suite. Its name is a checksum of its sources.
build_host_disk() {
  local version
  version=$(cat "$here/host-image.sh" "$here"/inside/* | sha256sum)
  host=$cache/host-$suite-${version:0:12}
  mkdir -p "$cache"
  exec 9>"$cache/host-$suite.lock"
  flock 9
  if [[ ! -e $host/root.raw ]]; then
    debootstrap_root
    local new=$host.$$
    rm -rf "$new"
    mkdir -p "$new"
    configure_root "$new/root"
    truncate --size 6G "$new/root.raw"
    mkfs.ext4 -q -F -L host -E lazy_itable_init=0,lazy_journal_init=0 -d "$new/root" "$new/root.raw"
    cp "$new"/root/boot/vmlinuz-* "$new/vmlinuz"
    cp "$new"/root/boot/initrd.img-* "$new/initrd"
    rm -rf "$new/root"
    # Files of older versions of these scripts: other runs of the same suite wait for the lock.
    find "$cache" -maxdepth 1 -name "host-$suite-*" ! -name '*.lock' ! -path "$new" -exec rm -rf {} +
    mv "$new" "$host"
  fi
  exec 9>&-
}

# The packages without configuration, as a tar: a change of the configuration does not require the mirror again.
debootstrap_root() {
  local packages root_version mirror
  root_version=$(printf '%s' "$host_packages" | sha256sum)
  root_tar=$cache/hostroot-$suite-${root_version:0:12}.tar
  [[ ! -e $root_tar ]] || return 0
  command -v debootstrap >/dev/null || unable "debootstrap is not on this host."
  # shellcheck disable=SC2016 # apt expands the names in it.
  mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(COMPONENT)' 'Created-By: Packages' |
    awk -v suite="$(. /etc/os-release && echo "${VERSION_CODENAME:-}")" \
      '$2 == suite && $3 == "main" { print $1; exit }')
  [[ -n $mirror ]] || unable "apt has no mirror of Debian '$suite' for debootstrap."
  say "building a host with Debian $suite (about four minutes)"
  packages=$cache/hostroot-$suite.$$
  rm -rf "$packages"
  mkdir -p "$packages/root"
  # debootstrap mounts in its target: in a separate namespace those mounts cannot stay.
  unshare --mount --propagation private --pid --fork --kill-child --mount-proc \
    debootstrap --variant=minbase --include="$host_packages" "$suite" "$packages/root" "$mirror" \
    >"$packages/debootstrap.log" 2>&1 ||
    { tail -5 "$packages/debootstrap.log" >&2; unable "debootstrap failed; its log is $packages/debootstrap.log"; }
  rm -f "$packages"/root/var/cache/apt/archives/*.deb
  tar --xattrs --numeric-owner -cf "$root_tar.$$" -C "$packages/root" .
  mv "$root_tar.$$" "$root_tar"
  rm -rf "$packages"
}

configure_root() {
  local root=$1
  mkdir -p "$root"
  tar --xattrs --numeric-owner -xf "$root_tar" -C "$root"
  echo host1 >"$root/etc/hostname"
  printf '127.0.0.1 localhost host1\n' >"$root/etc/hosts"
  printf '/dev/vda / ext4 defaults 0 1\n/dev/vdb /opt/payload ext4 ro,nofail 0 0\n' >"$root/etc/fstab"
  mkdir -p "$root/opt/payload" "$root/var/log/journal"
  # A getty on the console would disconnect programs that write to it.
  ln -sf /dev/null "$root/etc/systemd/system/serial-getty@ttyS0.service"
  install -m 755 "$here/inside/channel" "$root/usr/local/sbin/host-channel"
  install -m 644 "$here/inside/host-channel.service" "$root/etc/systemd/system/"
  mkdir -p "$root/etc/systemd/system/multi-user.target.wants"
  ln -sf ../host-channel.service "$root/etc/systemd/system/multi-user.target.wants/"
  ln -sf /opt/payload/kvmbackup/kvmbackup "$root/usr/local/sbin/kvmbackup"
}

# build_payload FILE: creates a disk with the published program, the lab's guest, and the examples.
build_payload() {
  local folder=$1.d
  mkdir -p "$folder"
  if [[ -n ${KVMBACKUP_HOST_PROGRAM:-} ]]; then
    cp -r "$KVMBACKUP_HOST_PROGRAM" "$folder/kvmbackup"
  else
    say "publishing the program"
    dotnet publish "$repository/src/KvmBackup" --configuration Release --output "$folder/kvmbackup" \
      --nologo --verbosity quiet >&2
  fi
  "$lab" image "$folder/guest"
  cp -r "$repository/examples" "$folder/examples"
  mkfs.ext4 -q -q -F -L payload -d "$folder" "$1" 400M
  rm -rf "$folder"
}
