# Power cuts at chosen moments of a backup: the host recovers at boot without manual action.
# shellcheck shell=bash disable=SC2154 # seed is run.sh's.

# Steps of a backup of an idle guest with one disk (Model/JobStep).
moments=(Intent Freezing Snapshotted Pinned Read Releasing Committing Ready Pivoted OnBase Released Completed Published
  Closed Retained)

# chosen_moments COUNT: a selection by the seed; each step with 1 if a sync precedes the cut, else 0.
chosen_moments() {
  local left=("${moments[@]}") at
  RANDOM=$(( $(cksum <<<"$seed" | cut -d ' ' -f 1) % 32768 ))
  for (( i = 0; i < $1; i++ )); do
    at=$(( RANDOM % ${#left[@]} ))
    echo "${left[at]} $(( RANDOM % 2 ))"
    left=("${left[@]:0:at}" "${left[@]:at + 1}")
  done
}

# Prints the folders of web1's backups, without unfinished ones.
published() {
  inside 'ls /srv/backup/web1 | grep -v "\.partial$\|\.deleting$"'
}

test_the_power_may_be_cut_at_any_moment_of_a_backup() {
  local step is_written before after content
  new_host_with_guest idle
  enable_recovery_at_boot
  inside kvmbackup backup web1 || fail "the first backup ended with $?"
  content=$(content_of_disk)
  inside sync
  while read -r step is_written <&4; do
    printf -- '--- %s, %s\n' "$step" "$( (( is_written )) && echo 'synced' || echo 'not synced')"
    before=$(published)
    hold_backup "$step"
    (( ! is_written )) || inside sync
    power_cut
    boot
    await_recovery_at_boot
    expect_guest_on_its_disk
    [[ $(content_of_disk) = "$content" ]] || fail "$step: the guest's disk has changed"
    after=$(published)
    expect_published "$step" "$before" "$after"
    inside kvmbackup verify --all || fail "$step: verify ended with $?"
  done 4< <(chosen_moments "${KVMBACKUP_HOST_MOMENTS:-3}")
  before=$(published)
  inside kvmbackup backup web1 || fail "the last backup ended with $?"
  inside kvmbackup verify --all || fail "verify ended with $?"
  (( $(published | wc -l) == $(wc -l <<<"$before") + 1 )) || fail "the last backup is not published"
  expect_not "leftovers" "$(inside ls -A /srv/backup/web1)" 'partial|deleting'
}

content_of_disk() {
  inside 'qemu-img check -q -U /var/lib/libvirt/images/web1.qcow2 || echo broken
    qemu-img convert -U -O raw /var/lib/libvirt/images/web1.qcow2 /root/content.raw
    sha256sum </root/content.raw; rm /root/content.raw'
}

# expect_published STEP BEFORE AFTER: checks that the former backups exist, and one more after the publication.
expect_published() {
  local more=0
  case $1 in Published|Closed|Retained) more=1 ;; esac
  [[ $(head -n "$(wc -l <<<"$2")" <<<"$3") = "$2" ]] || fail "$1: backups are missing. Before:"$'\n'"$2"$'\n'"after:"$'\n'"$3"
  (( $(wc -l <<<"$3") == $(wc -l <<<"$2") + more )) || fail "$1: $more more should be published. Now:"$'\n'"$3"
}
