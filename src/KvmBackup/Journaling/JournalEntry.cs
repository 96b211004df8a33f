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

/// <summary>Says of a failure of the disk below the journal what it is and what to do.</summary>
internal static class JournalDisk
{
    public static void Guard(string path, Action action) => _ = Guard(path, () =>
    {
        action();
        return true;
    });

    public static T Guard<T>(string path, Func<T> action)
    {
        try
        {
            return action();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new JournalingException(
                $"The journal '{path}' cannot be read or written: {failure.Message.TrimEnd('.')}. Without it nothing is"
                + " changed on any guest: run as root, make room, or set another state directory.",
                innerException: failure);
        }
    }
}

/// <summary>One RBD image and the snapshot that is made of it; enough to reach the cluster again and remove it.</summary>
/// <param name="Image">The image.</param>
/// <param name="Monitors">From the domain's XML.</param>
/// <param name="User">From the domain's XML.</param>
/// <param name="Secret">libvirt's, from the domain's XML.</param>
/// <param name="ConfigurationPath">From the configuration.</param>
/// <param name="ConfiguredUser">From the configuration.</param>
/// <param name="KeyringPath">From the configuration.</param>
/// <param name="SnapshotName">The snapshot.</param>
public sealed record JournalImage(
    RbdImage Image, IReadOnlyList<string> Monitors, string? User, Guid? Secret, string? ConfigurationPath,
    string? ConfiguredUser, string? KeyringPath, string SnapshotName);

/// <summary>One disk and the overlay that is put on it; proof enough to unlink that overlay later.</summary>
/// <param name="Target">The disk.</param>
/// <param name="BasePath">What the guest must be back on in the end.</param>
/// <param name="BaseFormat">qcow2 or raw.</param>
/// <param name="Base">Which file that is: the path may lead elsewhere by then.</param>
/// <param name="OverlayPath">The file that takes the guest's writes.</param>
/// <param name="Overlay">Which file that is; null until it was seen.</param>
/// <param name="State">How far it is.</param>
public sealed record JournalPin(
    DiskTarget Target, string BasePath, string BaseFormat, FileIdentity Base, string OverlayPath, FileIdentity? Overlay,
    PinState State)
{
    /// <summary>How base and overlay are encrypted; null when they are not.</summary>
    public DiskEncryption? Encryption { get; init; }

    /// <summary>When the base of a disk that only the running guest has was written last, seen after the snapshot; nothing
    /// in the definitions tells whether it was used since. Null for every other disk.</summary>
    public DateTime? BaseWrittenAt { get; init; }
}

/// <summary>Whether the guest's file systems may be frozen by us.</summary>
public enum FreezeState
{
    /// <summary>We never asked for it.</summary>
    None,

    /// <summary>We were about to ask, or have asked: thaw.</summary>
    Freezing,

    /// <summary>The agent said that they are thawed.</summary>
    Thawed,
}

/// <summary>A file of the journal that cannot be understood: something may be open, and a person must look.</summary>
public sealed record DamagedEntry(string FilePath, string Reason);
