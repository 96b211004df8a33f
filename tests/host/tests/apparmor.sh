# Guests and backups where AppArmor confines QEMU. libvirt before 12.1 generates, for a guest that is started while its disk
# is an overlay, a rule that denies writes to the base: without help that disk can never be committed while the guest runs.
# shellcheck shell=bash

test_a_backup_under_apparmor_is_whole_and_nothing_is_denied() {
  new_host_with_guest
  await_guest
  local report
  for _ in 1 2 3; do
    report=$(inside kvmbackup backup web1 --json) || fail "the backup ended with $?: $report"
    # On busy processors the guest in the emulated host may answer later than the program waits.
    ! grep -q "agent.*not respond\|agent.*does not answer" <<<"$report" || continue
    break
  done
  expect "report" "$report" '"consistency": "filesystem"'
  inside kvmbackup verify web1 || fail "the backup is not whole"
  expect_no_denial
  expect_guest_on_its_disk
}

test_a_guest_that_was_started_on_its_overlay_after_a_power_cut_is_recovered_while_it_runs() {
  new_host_with_guest idle
  hold_backup Pinned
  inside sync
  power_cut
  boot
  inside 'virsh -q start web1' || fail "the guest does not start on its overlay"
  expect "rules" "$(rules)" 'deny "/var/lib/libvirt/images/web1\.qcow2" w,'
  local process report
  process=$(guest_process)
  report=$(inside kvmbackup recover --json) || fail "recover ended with $?: $report"
  expect "report" "$report" 'the rule deny .*/var/lib/libvirt/images/web1\.qcow2.* was removed from the AppArmor profile'
  expect_guest_on_its_disk
  [[ $(guest_process) = "$process" ]] || fail "the guest was restarted"
  expect_not "rules" "$(rules)" 'deny "/var/lib/libvirt/images/web1\.qcow2" w,'
  inside kvmbackup backup web1 || fail "the next backup ended with $?"
  expect_guest_on_its_disk
}

test_a_guest_that_is_restarted_during_a_backup_is_brought_back_by_the_run_itself() {
  new_host_with_guest idle
  hold_backup Pinned
  restart_guest
  expect "rules" "$(rules)" 'deny "/var/lib/libvirt/images/web1\.qcow2" w,'
  local report
  report=$(end_backup)
  expect "exit status" "$report" '^STATUS 0$'
  expect "report" "$report" 'the rule deny .*/var/lib/libvirt/images/web1\.qcow2.* was removed from the AppArmor profile'
  expect_guest_on_its_disk
}

test_a_guest_is_saved_to_commit_its_overlay_where_its_profile_cannot_be_changed() {
  new_host_with_guest idle
  hold_backup Pinned
  restart_guest
  inside 'virsh -q suspend web1'
  # Not as libvirt generates it: this must not be edited.
  inside 'sed -i "1s/.*/# edited/" /etc/apparmor.d/libvirt/libvirt-*.files'
  local report
  report=$(end_backup)
  expect "exit status" "$report" '^STATUS 0$'
  expect "report" "$report" 'the guest was saved, the overlay was committed'
  expect_guest_on_its_disk paused
  expect_not "saved" "$(inside virsh -q list --all --with-managed-save)" web1
}

test_the_watcher_starts_a_guest_whose_backup_was_killed_while_it_was_saved() {
  new_host_with_guest idle
  hold_backup Pinned,Saved
  restart_guest
  inside 'sed -i "1s/.*/# edited/" /etc/apparmor.d/libvirt/libvirt-*.files'
  continue_backup
  await_hold
  expect "state" "$(inside virsh domstate web1)" '^shut off'
  kill_backup
  await_recovery
  expect_guest_on_its_disk
  expect_not "saved" "$(inside virsh -q list --all --with-managed-save)" web1
}

test_the_unit_for_the_boot_recovers_by_itself() {
  new_host_with_guest idle
  enable_recovery_at_boot
  hold_backup Pinned
  inside sync
  power_cut
  boot
  await_recovery_at_boot
  expect_guest_on_its_disk
}
