# Sourced by lab.sh: builds the kernel and initramfs of the lab's guests.
# shellcheck shell=bash disable=SC2154 # lab.sh defines here, cache and unable.
# The guest's kernel, busybox and agent are copied from the host when it has all three; otherwise they are downloaded
# and unpacked into the cache, because the host would boot a kernel that is installed on it.

guest_packages=(linux-image-cloud-amd64 busybox-static qemu-guest-agent)

# Sets `parts`, the root of the guest's programs.
find_parts() {
  parts=
  ! has_parts "" || return 0
  parts=$cache/parts
  has_parts "$parts" || download_parts
}

has_parts() {
  compgen -G "$1/boot/vmlinuz-*-cloud-amd64" >/dev/null && compgen -G "$1/lib/modules/*-cloud-amd64" >/dev/null &&
    [[ -x $1/usr/sbin/qemu-ga ]] && [[ -n $(busybox_of "$1") ]]
}

# Only the static busybox runs in an initramfs without a C library.
busybox_of() {
  local candidate
  for candidate in "$1/bin/busybox" "$1/usr/bin/busybox"; do
    if [[ -x $candidate ]] && ! ldd "$candidate" >/dev/null 2>&1; then
      printf '%s\n' "$candidate"
      return 0
    fi
  done
}

download_parts() {
  command -v apt-get >/dev/null || unable "apt-get is not on this host, so ${guest_packages[*]} cannot be fetched."
  say "downloading the guest's parts: ${guest_packages[*]}"
  local work=$cache/parts.$$ kernel
  rm -rf "$work"
  mkdir -p "$work/deb" "$work/root"
  [[ -n $(apt-cache policy linux-image-cloud-amd64 2>/dev/null) ]] || apt_quietly update || true
  kernel=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p' | head -1)
  ( cd "$work/deb" && apt_quietly download "${kernel:-linux-image-cloud-amd64}" busybox-static qemu-guest-agent ) ||
    unable "apt-get could not download ${guest_packages[*]}"
  local package
  for package in "$work"/deb/*.deb; do
    dpkg-deb --extract "$package" "$work/root"
  done
  rm -rf "$parts"
  mv "$work/root" "$parts"
  rm -rf "$work"
  has_parts "$parts" || unable "the downloaded packages contain no kernel, busybox or qemu-ga."
}

# Sets `image`, the directory of kernel and initramfs. Its name is a checksum of its sources, so a change creates a new
# one.
find_image() {
  find_parts
  local version
  version=$(cat "$here"/guest/* "$here/lab-image.sh" "$(busybox_of "$parts")" "$parts/usr/sbin/qemu-ga" | sha256sum)
  image=$cache/guest-$(basename "$(newest_kernel)")-${version:0:12}
}

newest_kernel() {
  printf '%s\n' "$parts"/lib/modules/*-cloud-amd64 | sort -V | tail -1
}

build_image() {
  mkdir -p "$cache"
  exec 9>"$cache/lock"
  flock 9
  find_image
  if [[ ! -e $image/domain-type ]]; then
    say "building the guest's kernel and initramfs"
    local work=$image.$$
    rm -rf "$work"
    mkdir -p "$work/root"
    fill_initramfs "$work/root"
    # Uncompressed, because without KVM decompression takes longer than the read.
    ( cd "$work/root" && find . | LC_ALL=C sort | "$(busybox_of "$parts")" cpio -o -H newc 2>/dev/null ) >"$work/initrd"
    rm -rf "$work/root"
    cp "$parts/boot/vmlinuz-$(basename "$(newest_kernel)")" "$work/vmlinuz"
    quicker_domain_type "$work" >"$work/domain-type"
    rm -rf "$image"
    mv "$work" "$image"
    # Images of older versions of these scripts; another lab may still use a recent one.
    find "$cache" -maxdepth 1 -name 'guest-*' -mtime +7 -exec rm -rf {} +
  fi
  exec 9>&-
}

fill_initramfs() {
  local root=$1 busybox applet module library
  busybox=$(busybox_of "$parts")
  mkdir -p "$root"/{bin,sbin,lib/modules,lib64,proc,sys,dev,run,lab,tmp,etc,var}
  ln -s ../run "$root/var/run"
  cp "$busybox" "$root/bin/busybox"
  for applet in $("$busybox" --list); do
    [[ $applet = busybox ]] || ln -s busybox "$root/bin/$applet"
  done
  # The agent's libraries are those of the host, where QEMU requires the same ones.
  cp "$parts/usr/sbin/qemu-ga" "$root/bin/qemu-ga"
  # Every Debian has perl; the permanent programs of the guest are written in it.
  mkdir "$root/etc/perl"
  cp "$(command -v perl)" "$root/bin/perl"
  cp "$(perl -Mstrict -e 'print $INC{"strict.pm"}')" "$root/etc/perl/"
  for library in $(ldd "$parts/usr/sbin/qemu-ga" "$root/bin/perl" |
    sed -n 's/.*=> \(\/[^ ]*\).*/\1/p; s/^\t\(\/[^ ]*\) .*/\1/p'); do
    cp -L "$library" "$root$([[ $library = /lib64/* ]] && echo /lib64 || echo /lib)/"
  done
  while read -r module; do
    find "$(newest_kernel)/kernel" -name "$module.ko*" -exec cp {} "$root/lib/modules/" \;
  done <"$here/guest/modules"
  ! compgen -G "$root/lib/modules/*.xz" >/dev/null || xz -d "$root"/lib/modules/*.xz
  cp "$here"/guest/{fsfreeze-hook,workload,control,power-button,modules} "$root/lab/"
  cp "$here/guest/shutdown" "$root/sbin/shutdown"
  cp "$here/guest/init" "$root/init"
  printf 'root:x:0:0:root:/:/bin/sh\n' >"$root/etc/passwd"
}

# /dev/kvm may exist but be unusable (nested, slower than emulation, or the guest never boots): boot once with each.
quicker_domain_type() {
  local emulated accelerated
  emulated=$(probe_boot "$1" tcg 120) || unable "the guest does not boot even in emulation; see $1/probe-tcg.log"
  if [[ -w /dev/kvm ]] && accelerated=$(probe_boot "$1" kvm $(( emulated / 1000 + 1 ))) &&
    (( accelerated < emulated )); then
    say "guests boot in $accelerated ms with KVM ($emulated ms emulated)"
    echo kvm
  else
    say "guests boot in $emulated ms, emulated; KVM is not faster here"
    echo qemu
  fi
}

# Prints the milliseconds from start to power-off; $3 is the limit in seconds.
probe_boot() {
  local start end
  start=$(date +%s%3N)
  timeout "$3" qemu-system-x86_64 -machine q35 -accel "$2" -m 256 -nodefaults \
    -display none -no-reboot -kernel "$1/vmlinuz" -initrd "$1/initrd" -append "console=ttyS0 quiet lab.probe" \
    -serial "file:$1/probe-$2.log" >/dev/null 2>&1 || return 1
  grep -q "LAB PROBE" "$1/probe-$2.log" || return 1
  end=$(date +%s%3N)
  echo $(( end - start ))
}

# Packages of a small server: the bare minimum would result in only 210 MB.
realistic_packages=linux-image-cloud-amd64,systemd-sysv,openssh-server,python3,git,vim,locales

# A disk with the size and content of a small real one, for measurements: a Debian by debootstrap, from this host's
# mirror.
build_realistic() {
  mkdir -p "$cache"
  exec 9>"$cache/realistic.lock"
  flock 9
  if [[ ! -e $realistic ]]; then
    local suite mirror work=$cache/realistic.$$
    suite=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
    # shellcheck disable=SC2016 # apt expands the names in it.
    mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(COMPONENT)' 'Created-By: Packages' |
      awk -v suite="$suite" '$2 == suite && $3 == "main" { print $1; exit }')
    [[ -n $mirror ]] || unable "apt has no mirror of Debian '$suite' for debootstrap."
    say "building a disk with Debian $suite (about two minutes)"
    rm -rf "$work"
    mkdir -p "$work/root"
    # debootstrap mounts in its target: in a separate namespace those mounts cannot stay.
    unshare --mount --propagation private --pid --fork --kill-child --mount-proc \
      debootstrap --variant=minbase --include="$realistic_packages" "$suite" "$work/root" "$mirror" \
      >"$work/debootstrap.log" 2>&1 ||
      { tail -5 "$work/debootstrap.log" >&2; unable "debootstrap failed; its log is $work/debootstrap.log"; }
    rm -f "$work"/root/var/cache/apt/archives/*.deb
    truncate --size 2G "$work/disk.raw"
    mkfs.ext4 -q -F -E lazy_itable_init=0,lazy_journal_init=0 -d "$work/root" "$work/disk.raw"
    qemu-img convert -O qcow2 "$work/disk.raw" "$work/disk.qcow2"
    mv "$work/disk.qcow2" "$realistic"
    rm -rf "$work"
  fi
  exec 9>&-
}
