namespace KvmBackup.Tests.Architecture;

/// <summary>Each advised command, with the lab test that runs it in the state in which it is advised.</summary>
public static class AdviceTable
{
    private const string Guest = "AdviceTests.The_advised_commands_put_a_guest_back_on_its_own_disks";
    private const string State = "AdviceStateTests.The_advice_about_files_and_definitions_makes_the_next_run_succeed";
    private const string Internal = "AdviceTests.The_advice_about_an_internal_snapshot_makes_the_next_run_succeed";
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
    private const string Moment = "RbdMomentTests.";

    // States that the lab cannot produce: too short, or in need of a kernel module or another libvirt. Unit tests check
    // their messages.
    private const string NoLab = "";

    /// <summary>By the file that composes it; <c>…</c> stands for each inserted value.</summary>
    public static readonly IReadOnlyDictionary<(string FilePath, string Command), string> Tests =
        new Dictionary<(string, string), string>
        {
            [("Disks/OverlayFile.cs", "qemu-img info -U …")] = NoLab,
            [("Disks/ImageLock.cs", "fuser -v …")] = State,
            [("Disks/QemuImage.cs", "fuser -v …")] = State,
            [("Ceph/RbdAdvice.cs", "ceph df")] = Full,
            [("Ceph/RbdAdvice.cs", "ceph health detail")] = Ways,
            [("Ceph/RbdFailure.cs", "ceph auth caps … mon 'profile rbd' osd …")] = Ways,
            [("Ceph/RbdFailure.cs", "ceph auth get …")] = Ways,
            [("Ceph/RbdFailure.cs", "ceph df")] = Full,
            [("Ceph/RbdFailure.cs", "ceph osd pool ls")] = Over,
            [("Ceph/RbdFailure.cs", "rbd info …")] = Left,
            [("Ceph/RbdFailure.cs", "rbd ls -l …")] = Shapes,
            [("Ceph/RbdFailure.cs", "rbd namespace ls …")] = Over,
            [("Ceph/RbdFailure.cs", "rbd snap limit clear …")] = Full,
            [("Ceph/RbdJson.cs", "rbd --version")] = NoLab,
            [("Hypervisor/GuestAgent.cs", "…")] = Agent,
            [("Hypervisor/OverlayCommit.cs", "…")] = Job,
            [("Hypervisor/OverlayCommit.cs", "… shutdown …")] = State,
            [("Hypervisor/OverlayCommit.cs", "… start …")] = State,
            [("Hypervisor/Virsh.cs", "systemctl start libvirtd")] = NoLab,
            [("Hypervisor/Virsh.cs", "systemctl start virtqemud")] = NoLab,
            [("Planning/DomainPlanner.cs", "…")] = Internal,
            [("Planning/DomainPlanner.cs", "… blockjob … … --info")] = Job,
            [("Planning/DomainPlanner.cs", "… blockjob … … --pivot")] = NoLab,
            [("Planning/DomainPlanner.cs", "… domjobinfo …")] = NoLab,
            [("Planning/DomainPlanner.cs", "…… blockcommit … … --shallow --active --pivot --verbose")] = Guest,
            [("Planning/DomainPlanner.cs", "… edit …")] = State,
            [("Planning/DomainPlanner.cs", "… shutdown …")] = State,
            [("Planning/DomainPlanner.cs", "… start …")] = State,
            [("Planning/ImageChooser.cs", "rbd ls …")] = NoLab,
            [("Reporting/TextReports.cs", "…")] = Saved,
            [("Runs/Recover/DomainRecovery.cs", "… domfsthaw …")] = NoLab,
            [("Runs/Recover/DomainRecovery.cs", "… domjobinfo …")] = NoLab,
            [("Runs/Guests/GuestFreeze.cs", "… domfsthaw …")] = Guest,
            [("Runs/Clusters/ImagePreflight.cs", "rbd device list")] = NoLab,
            [("Runs/Restore/MappedRestore.cs", "rbd map …")] = NoLab,
            [("Runs/Restore/MappedRestore.cs", "… start …")] = NoLab,
            [("Runs/Archives/BackupReader.cs", "tar -xSf …")] = NoLab,
            [("Runs/Guests/PauseCheck.cs", "… domblkerror …")] = Paused,
            [("Runs/Guests/PauseCheck.cs", "… resume …")] = Paused,
            [("Runs/Guests/PinnedDomain.cs", "… domjobinfo …")] = NoLab,
            [("Runs/Recover/RecoverRun.cs", "rm …")] = Guest,
            [("Runs/Recover/RecoverRun.cs", "… domblklist …")] = Guest,
            [("Runs/Restore/ReplacedDomain.cs", "… checkpoint-delete --metadata --domain … --checkpointname …")] =
                NoLab,
            [("Runs/Restore/ReplacedDomain.cs", "… snapshot-delete --metadata --domain … --snapshotname …")] = Saved,
            [("Runs/Restore/RestorePreflight.cs", "… shutdown …")] = NoLab,
            [("Runs/Restore/RestoreRun.cs", "tar -xOf … …")] = NoLab,
            [("Runs/Restore/RestoredDefinition.cs", "… start --force-boot --domain …")] = "SavedMemoryTests.",
            [("Runs/Restore/RestoredDefinition.cs", "… start --force-boot --paused … && … destroy …")] = NoLab,
            [("Runs/Guests/SavedRelease.cs", "…")] = NoLab,
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
