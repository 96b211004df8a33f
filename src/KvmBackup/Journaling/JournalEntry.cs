using KvmBackup.Model;

namespace KvmBackup.Journaling;

/// <summary>What is open on one domain right now, and who opened it.</summary>
/// <param name="FormatVersion">The version of this record; a reader refuses a newer one.</param>
/// <param name="DomainUuid">Who; it outlives a renaming.</param>
/// <param name="DomainName">How it was called then.</param>
/// <param name="BackupId">The backup that is being made.</param>
/// <param name="BackupDirectory">Its directory while it is not published.</param>
/// <param name="StartedAt">When the entry was opened.</param>
/// <param name="ProcessId">The run that opened it.</param>
/// <param name="BootId">The kernel's boot that the process lives in: after a reboot it is certainly dead.</param>
/// <param name="Step">The last step that was begun or reached.</param>
/// <param name="Freeze">Whether a thaw is owed.</param>
/// <param name="Pins">The disks that are changed; empty for a guest that is shut off.</param>
public sealed record JournalEntry(
    int FormatVersion,
    Guid DomainUuid,
    DomainName DomainName,
    BackupId BackupId,
    string BackupDirectory,
    DateTimeOffset StartedAt,
    int ProcessId,
    string BootId,
    JobStep Step,
    FreezeState Freeze,
    IReadOnlyList<JournalPin> Pins)
{
    public const int CurrentFormatVersion = 1;

    /// <summary>The images that get a snapshot.</summary>
    /// <remarks>The reader of JSON sets a property that the file does not have to null.</remarks>
    public IReadOnlyList<JournalImage> Images { get; init => field = value ?? []; } = [];

    /// <summary>The run was about to save the guest to commit an overlay, and may have: then it must be started again.</summary>
    public bool IsGuestSaved { get; init; }

    /// <summary>An entry before anything has changed; <see cref="Journal.OpenAsync"/> adds who and when.</summary>
    public static JournalEntry CreateIntent(
        Guid domainUuid,
        DomainName domain,
        BackupId backupId,
        string backupDirectory,
        IReadOnlyList<JournalPin> pins) =>
        new(
            CurrentFormatVersion,
            domainUuid,
            domain,
            backupId,
            backupDirectory,
            DateTimeOffset.UnixEpoch,
            ProcessId: 0,
            BootId: string.Empty,
            JobStep.Intent,
            FreezeState.None,
            pins);

    /// <summary>The entry with the pin of one disk in another state.</summary>
    public JournalEntry WithPin(DiskTarget target, PinState state) => this with
    {
        Pins = [.. Pins.Select(pin => pin.Target == target ? pin with { State = state } : pin)],
    };

    /// <summary>The entry with the times of bases that only the running guest has.</summary>
    public JournalEntry WithBaseTimes(IReadOnlyDictionary<DiskTarget, DateTime> times) => this with
    {
        Pins = [.. Pins.Select(pin => times.TryGetValue(pin.Target, out DateTime time) ? pin with { BaseWrittenAt = time } : pin)],
    };

    /// <summary>The entry with all pins seen in place.</summary>
    public JournalEntry WithOverlays(IReadOnlyDictionary<DiskTarget, FileIdentity> overlays) => this with
    {
        Pins = [.. Pins.Select(pin => pin with { Overlay = overlays[pin.Target], State = PinState.Pinned })],
    };
}
