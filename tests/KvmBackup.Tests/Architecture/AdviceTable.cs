namespace KvmBackup.Tests.Architecture;

/// <summary>Each command in a message, with the lab test that runs it in the state in which it is advised.</summary>
public static class AdviceTable
{
    private const string Guest = "AdviceTests.What_is_advised_about_a_guest_brings_it_back_onto_its_own_disks";
    private const string State = "AdviceStateTests.What_is_advised_about_files_and_definitions_lets_the_next_run_go_on";
    private const string Internal = "AdviceTests.What_is_advised_about_an_internal_snapshot_lets_the_next_run_go_on";
    private const string Agent =
        "AgentTests.A_guest_whose_agent_is_stuck_in_a_freeze_is_called_out_and_thawed_by_recover_when_it_froze_late";
    private const string Paused =
        "InputOutputErrorTests.Overlays_that_cannot_be_written_pause_the_guest_which_is_told_and_loses_nothing";
    private const string Job = "RefusalTests.A_block_job_of_another_program_is_left_alone";
    private const string Saved =
        "SavedMemoryTests.A_replaced_guest_is_the_one_of_the_backup_and_starts_with_its_host_again";
    private const string Ways =
        "RbdCareTests.A_way_to_the_cluster_that_does_not_lead_there_is_told_by_what_is_wrong_with_it";
    private const string Full =
        "RbdCareTests.A_pool_that_is_full_and_an_image_that_may_have_no_more_snapshots_are_told_and_left";
    private const string Left =
        "RbdCareTests.A_snapshot_that_is_left_in_the_cluster_is_removed_by_the_command_that_is_advised";
    private const string Shapes =
        "RbdCareTests.An_image_may_grow_and_shrink_and_get_another_name_between_the_backups_of_a_chain";
    private const string Map =
        "RbdCareTests.An_object_map_that_counts_as_invalid_is_said_with_the_mend_and_the_content_is_right";
    private const string Over =
        "RbdRestoreTests.An_existing_image_is_never_overwritten_unless_it_is_named_and_nobody_needs_it";
    private const string Moment = "RbdMomentTests.";

    // No lab reaches the state: it is too short, or requires a kernel module or another libvirt. A unit test checks the
    // message.
    private const string NoLab = "";

    /// <summary>By the file that composes the command; <c>…</c> is a value.</summary>
    public static readonly IReadOnlyDictionary<(string FilePath, string Command), string> Tests =
        new Dictionary<(string, string), string>
    {
        [("Disks/OverlayFile.cs", "qemu-img info -U …")] = NoLab,
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
        [("Runs/Restore/ReplacedDomain.cs", "… checkpoint-delete --metadata --domain … --checkpointname …")] = NoLab,
        [("Runs/Restore/ReplacedDomain.cs", "… snapshot-delete --metadata --domain … --snapshotname …")] = Saved,
        [("Runs/Restore/RestorePreflight.cs", "… shutdown …")] = NoLab,
        [("Runs/Restore/RestoreRun.cs", "tar -xOf … …")] = NoLab,
        [("Runs/Restore/RestoredDefinition.cs", "… start --force-boot --domain …")] =
            "SavedMemoryTests.",
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

    /// <summary>The programs of advised commands; <c>…</c> is virsh with options, or a formatted call.</summary>
    public static readonly IReadOnlyList<string> Programs =
        ["…", "virsh", "kvmbackup", "qemu-img", "rbd", "ceph", "rm", "mv", "tar", "fuser", "systemctl"];
}
