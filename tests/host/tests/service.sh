# The services of the host around a backup: logind, libvirt-guests and libvirtd.
# shellcheck shell=bash

test_a_shutdown_of_the_host_loses_neither_guest_nor_backups() {
  new_host_with_guest idle
  enable_recovery_at_boot
  # The idle guest ignores the power button.
  inside 'printf "ON_SHUTDOWN=shutdown\nSHUTDOWN_TIMEOUT=5\n" >/etc/default/libvirt-guests'
  inside kvmbackup backup web1 || fail "the first backup ended with $?"
  hold_backup Pinned
  shut_down poweroff
  boot
  await_recovery_at_boot
  expect_guest_on_its_disk
  inside kvmbackup verify --all || fail "verify ended with $?"
  expect "backups" "$(inside 'ls /srv/backup/web1 | wc -l')" '^1$'
  inside kvmbackup backup web1 || fail "the next backup ended with $?"
}

# libvirt-guests saves the guests at a shutdown and resumes them at the next boot.
test_a_reboot_that_saves_the_guest_in_the_middle_of_a_backup_resumes_it_on_its_own_disk() {
  new_host_with_guest idle
  enable_recovery_at_boot
  inside 'printf "ON_BOOT=start\nON_SHUTDOWN=suspend\n" >/etc/default/libvirt-guests
    systemctl enable libvirt-guests && systemctl restart libvirt-guests' || fail "libvirt-guests is not usable"
  hold_backup Pinned
  shut_down reboot
  boot
  await_recovery_at_boot
  expect_guest_on_its_disk
  expect_not "saved" "$(inside virsh -q list --all --with-managed-save)" web1
  inside kvmbackup backup web1 || fail "the next backup ended with $?"
  inside kvmbackup verify --all || fail "verify ended with $?"
}

# An upgrade of libvirt restarts its daemon.
test_a_restart_of_libvirtd_does_not_end_a_backup() {
  new_host_with_guest idle
  hold_backup Snapshotted,Committing
  inside 'systemctl restart libvirtd' || fail "libvirtd did not restart"
  continue_backup
  await_hold
  inside 'systemctl restart libvirtd' || fail "libvirtd did not restart"
  local report
  report=$(end_backup)
  expect "exit status" "$report" '^STATUS 0$'
  expect_guest_on_its_disk
}
