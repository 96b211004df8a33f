namespace KvmBackup.Tests.Architecture;

/// <summary>Each advised command, with the lab test that runs it in the state in which it is advised.</summary>
/// <remarks>A test with a path is a unit test, where the lab cannot produce the state.</remarks>
public static class AdviceTable
{
    private const string Guest = "AdviceTests.The_advised_commands_put_a_guest_back_on_its_own_disks";
    private const string State = "AdviceStateTests.The_advice_about_files_and_definitions_makes_the_next_run_succeed";
    private const string Agent = "AgentTests.A_stuck_freeze_is_reported_and_thawed_by_recover_when_it_completes_late";
    private const string Paused =
        "InputOutputErrorTests.A_write_error_of_an_overlay_pauses_the_guest_which_is_reported_and_loses_no_data";
    private const string Job = "RefusalTests.A_block_job_of_another_program_is_not_touched";
    private const string Saved = "SavedMemoryTests.A_replaced_guest_has_the_definition_of_the_backup_and_its_autostart";
    private const string Ways = "RbdCareTests.A_wrong_connection_to_the_cluster_is_reported_with_its_cause";
    private const string Full = "RbdCareTests.A_full_pool_and_a_reached_snapshot_limit_are_reported";
    private const string Left = "RbdCareTests.A_snapshot_left_in_the_cluster_is_removed_by_the_advised_command";
    private const string Shapes = "RbdCareTests.An_image_can_be_resized_and_renamed_between_the_backups_of_a_chain";
    private const string Map = "RbdCareTests.An_invalid_object_map_is_reported_with_a_fix_and_the_content_is_right";
    private const string Over = "RbdRestoreTests.An_existing_image_is_replaced_only_when_it_is_named_and_unused";
    private const string Moment =
        "RbdMomentTests.A_restore_killed_during_a_replacement_loses_no_image_and_the_next_one_reports_the_commands";

    // What waits two minutes for the end of a job of libvirt, in the snapshot and in the recovery, only in the full
    // matrix.
    private const string Jobs = "AdviceJobTests.The_advice_about_jobs_and_overlays_makes_the_next_run_succeed";
    private const string Memory = "SavedMemoryTests.Saved_memory_is_reported_and_never_resumed_on_a_restored_disk";
    private const string Mapped =
        "RbdMappedTests.A_guest_on_a_file_and_a_mapped_image_is_backed_up_from_the_cluster_and_restored";
    private const string Spaces =
        "RbdImagesTests.An_image_created_again_in_a_namespace_starts_a_new_chain_and_keeps_old_backups";

    // With Ceph 16.2 every write to a full pool blocks until the time limit, for which another message advises this.
    private const string NoSpace = "Ceph/RbdDoubtTests.A_pool_without_space_is_reported_with_the_command_that_shows_it";

    private const string Host =
        "OtherHostTests.The_advice_about_networks_pools_and_a_failed_start_helps";

    // The lab has its own libvirtd, which no systemd starts: `systemctl` there would start the one of the host.
    private const string NoSystemd =
        "Hypervisor/VirshTests.A_libvirt_that_does_not_answer_is_reported_with_a_hint";

    /// <summary>By the file that composes it; <c>…</c> stands for each inserted value.</summary>
    public static readonly IReadOnlyDictionary<(string FilePath, string Command), string> Tests =
        new Dictionary<(string, string), string>
        {
            [("Disks/OverlayFile.cs", "qemu-img info -U …")] = Jobs,
            [("Disks/ImageLock.cs", "fuser -v …")] = State,
            [("Disks/QemuImage.cs", "fuser -v …")] = State,
            [("Ceph/RbdAdvice.cs", "ceph df")] = Full,
            [("Ceph/RbdAdvice.cs", "ceph health detail")] = Ways,
            [("Ceph/RbdFailure.cs", "ceph auth caps … mon 'profile rbd' osd …")] = Ways,
            [("Ceph/RbdFailure.cs", "ceph auth get …")] = Ways,
            [("Ceph/RbdFailure.cs", "ceph df")] = NoSpace,
            [("Ceph/RbdFailure.cs", "ceph osd pool ls")] = Over,
            [("Ceph/RbdFailure.cs", "rbd info …")] = Left,
            [("Ceph/RbdFailure.cs", "rbd ls -l …")] = Shapes,
            [("Ceph/RbdFailure.cs", "rbd namespace ls …")] = Spaces,
            [("Ceph/RbdFailure.cs", "rbd snap limit clear …")] = Full,
            [("Ceph/RbdJson.cs", "rbd --version")] =
                "RbdCareTests.A_backup_whose_snapshot_was_removed_during_the_read_fails",
            [("Hypervisor/GuestAgent.cs", "…")] = Agent,
            [("Hypervisor/OverlayCommit.cs", "…")] = Jobs,
            [("Hypervisor/OverlayCommit.cs", "… shutdown …")] = State,
            [("Hypervisor/OverlayCommit.cs", "… start …")] = State,
            [("Hypervisor/Virsh.cs", "systemctl start libvirtd")] = NoSystemd,
            [("Hypervisor/Virsh.cs", "systemctl start virtqemud")] = NoSystemd,
            [("Planning/DomainPlanner.cs", "… blockjob … … --info")] = Job,
            [("Planning/DomainPlanner.cs", "… blockjob … … --pivot")] = Jobs,
            [("Planning/DomainPlanner.cs", "… domjobinfo …")] = Jobs,
            [("Planning/DomainPlanner.cs", "…… blockcommit … … --shallow --active --pivot --verbose")] = Guest,
            [("Planning/DomainPlanner.cs", "… edit …")] = State,
            [("Planning/DomainPlanner.cs", "… shutdown …")] = State,
            [("Planning/DomainPlanner.cs", "… start …")] = State,
            [("Reporting/TextReports.cs", "…")] = Saved,
            [("Runs/Recover/DomainRecovery.cs", "… domfsthaw …")] = Jobs,
            [("Runs/Recover/DomainRecovery.cs", "… domjobinfo …")] = Jobs,
            [("Runs/Guests/GuestFreeze.cs", "… domfsthaw …")] = Guest,
            [("Runs/Clusters/ImagePreflight.cs", "rbd device list")] =
                "RbdMappedTests.An_image_of_another_ID_is_not_taken_for_the_mapped_one",
            [("Runs/Restore/HostCheck.cs", "tar -xOf … … | … …-define /dev/stdin")] = Host,
            [("Runs/Restore/HostCheck.cs", "… net-start --network …")] = Host,
            [("Runs/Restore/HostCheck.cs", "… pool-start --pool …")] = Host,
            [("Runs/Restore/MappedRestore.cs", "… start …")] = Mapped,
            [("Runs/Archives/BackupReader.cs", "tar -xSf …")] =
                "DamageTests.A_backup_with_a_damaged_manifest_is_restored_manually_as_advised",
            [("Runs/Guests/PauseCheck.cs", "… domblkerror …")] = Paused,
            [("Runs/Guests/PauseCheck.cs", "… resume …")] = Paused,
            [("Runs/Guests/PinnedDomain.cs", "… domjobinfo …")] = Jobs,
            [("Runs/Recover/RecoverRun.cs", "rm …")] = Guest,
            [("Runs/Recover/RecoverRun.cs", "… domblklist …")] = Guest,
            [("Runs/Restore/ReplacedDomain.cs", "… checkpoint-delete --metadata --domain … --checkpointname …")] =
                Saved,
            [("Runs/Restore/ReplacedDomain.cs", "… snapshot-delete --metadata --domain … --snapshotname …")] = Saved,
            [("Runs/Restore/RestorePreflight.cs", "… resume … && … shutdown …")] = Saved,
            [("Runs/Restore/RestorePreflight.cs", "… shutdown …")] = Saved,
            [("Runs/Restore/RestoreRun.cs", "tar -xOf … …")] = Saved,
            [("Runs/Restore/RestoredDefinition.cs", "…")] =
                "VolumeTests.A_pool_that_is_inactive_or_elsewhere_is_reported_with_the_command_or_a_way_out",
            [("Runs/Restore/RestoredDefinition.cs", "… start …--domain …")] = Host,
            [("Runs/Restore/RestoredDefinition.cs", "… start --force-boot --domain …")] = Memory,
            [("Runs/Restore/RestoredDefinition.cs", "… start --force-boot --paused … && … destroy …")] = Memory,
            [("Runs/Guests/SavedRelease.cs", "…")] = State,
        };

    /// <summary>The first words of the commands that are <c>…</c> in <see cref="Tests"/>, by file.</summary>
    public static readonly IReadOnlyDictionary<string, IReadOnlyList<string>> PrintedCalls =
        new Dictionary<string, IReadOnlyList<string>>
        {
            ["Hypervisor/GuestAgent.cs"] = ["virsh qemu-agent-command", "virsh reset"],
            ["Hypervisor/OverlayCommit.cs"] = ["virsh blockjob --domain", "virsh blockjob"],
            ["Reporting/TextReports.cs"] = ["virsh start --domain"],
            ["Runs/Restore/RestoredDefinition.cs"] = ["virsh pool-refresh --pool"],
            ["Runs/Guests/SavedRelease.cs"] = ["virsh start --domain"],
        };

    /// <summary>By the member of <c>OverlayAdvice</c> or <c>RbdAdvice</c> that composes the command.</summary>
    public static readonly IReadOnlyDictionary<string, string> Composers = new Dictionary<string, string>
    {
        ["OverlayAdvice.Recover"] = Guest,
        ["OverlayAdvice.CommitActive"] = Guest,
        ["OverlayAdvice.CommitBelow"] = Guest,
        ["OverlayAdvice.OnOtherFile"] = Guest,
        ["OverlayAdvice.CommitOrDiscard"] = Guest,
        ["OverlayAdvice.DomainMissing"] = Guest,
        ["OverlayAdvice.KeepAsideOrDiscard"] = Guest,
        ["OverlayAdvice.ListDisks"] = Guest,
        ["OverlayAdvice.Discard"] = Guest,
        ["RbdAdvice.Health"] = Ways,
        ["RbdAdvice.Type"] = Left,
        ["RbdAdvice.Images"] =
            "RbdImagesTests.A_pattern_without_an_image_fails_and_excluded_or_unrequested_images_are_not_backed_up",

        // The lab has no driver in the kernel: the command reaches it, and the lab's simulation maps the image.
        ["RbdAdvice.Map"] = Mapped,
        ["RbdAdvice.Status"] = Over,
        ["RbdAdvice.Snapshots"] = Over,
        ["RbdAdvice.RemoveSnapshot"] = Left,
        ["RbdAdvice.RemoveSnapshots"] = Over,
        ["RbdAdvice.RebuildObjectMap"] = Map,
        ["RbdAdvice.Remove"] = Moment,
        ["RbdAdvice.Rename"] = Over,
    };

    /// <summary>The first words of advised commands; <c>…</c> is virsh with its options, or a printed call.</summary>
    public static readonly IReadOnlyList<string> Programs =
        ["…", "virsh", "kvmbackup", "qemu-img", "rbd", "ceph", "rm", "mv", "tar", "fuser", "systemctl"];
}
