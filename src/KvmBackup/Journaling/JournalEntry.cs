namespace KvmBackup.Journaling;

/// <summary>The changes in progress on one domain, and the run that makes them.</summary>
/// <param name="FormatVersion">The version of this record; a reader refuses a newer one.</param>
/// <param name="DomainUuid">The domain's UUID, which survives a renaming.</param>
/// <param name="DomainName">The domain's name at that time.</param>
/// <param name="BackupId">The backup that is being made.</param>
/// <param name="BackupDirectory">Its directory before it is published.</param>
/// <param name="StartedAt">When the entry was opened.</param>
/// <param name="ProcessId">The run that opened it.</param>
/// <param name="BootId">The boot of the process: after a reboot the process is certainly dead.</param>
/// <param name="Step">The last step that was started or completed.</param>
/// <param name="Freeze">Whether a thaw is pending.</param>
/// <param name="Pins">The disks with overlays; empty for a guest that is shut off.</param>
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
    /// <remarks>The JSON reader sets a missing property to null.</remarks>
    public IReadOnlyList<JournalImage> Images { get; init => field = value ?? []; } = [];

    /// <summary>The run was about to save the guest to commit an overlay, or has saved it: the guest must be started
    /// again.</summary>
    public bool IsGuestSaved { get; init; }

    /// <summary>Creates an entry before any change; <see cref="Journal.OpenAsync"/> adds process and time.</summary>
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

    /// <summary>The entry with a new state of one disk.</summary>
    public JournalEntry WithPin(DiskTarget target, PinState state) => this with
    {
        Pins = [.. Pins.Select(pin => pin.Target == target ? pin with { State = state } : pin)],
    };

    /// <summary>The entry with the times of bases that only the running guest has.</summary>
    public JournalEntry WithBaseTimes(IReadOnlyDictionary<DiskTarget, DateTime> times) => this with
    {
        Pins = [.. Pins.Select(
            pin => times.TryGetValue(pin.Target, out DateTime time) ? pin with { BaseWrittenAt = time } : pin)],
    };

    /// <summary>The entry with all overlays confirmed.</summary>
    public JournalEntry WithOverlays(IReadOnlyDictionary<DiskTarget, FileIdentity> overlays) => this with
    {
        Pins = [.. Pins.Select(pin => pin with { Overlay = overlays[pin.Target], State = PinState.Pinned })],
    };
}

/// <summary>Converts I/O failures of the journal to messages with advice.</summary>
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
                $"The journal '{path}' cannot be read or written: {failure.Message.TrimEnd('.')}. Without it no guest "
                + "is changed: run as root, free space, or set another state directory.",
                innerException: failure);
        }
    }
}

/// <summary>One RBD image and its snapshot, with the data to reach the cluster again and remove the snapshot.</summary>
/// <param name="Image">The image.</param>
/// <param name="Monitors">From the domain's XML.</param>
/// <param name="User">From the domain's XML.</param>
/// <param name="Secret">UUID of libvirt's secret, from the domain's XML.</param>
public sealed record JournalImage(
    RbdImage Image, IReadOnlyList<string> Monitors, string? User, Guid? Secret, string? ConfigurationPath,
    string? ConfiguredUser, string? KeyringPath, string SnapshotName);

/// <summary>One disk and its overlay, with the proof that is required to remove the overlay later.</summary>
/// <param name="Target">The disk.</param>
/// <param name="BasePath">The file or device to which the guest must return.</param>
/// <param name="BaseFormat">The format of the base.</param>
/// <param name="Base">Identity of the base: another file may have its path later.</param>
/// <param name="OverlayPath">The file that receives the guest's writes.</param>
/// <param name="Overlay">Identity of the overlay; null until it is confirmed.</param>
/// <param name="State">State of the disk.</param>
public sealed record JournalPin(
    DiskTarget Target, string BasePath, string BaseFormat, FileIdentity Base, string OverlayPath, FileIdentity? Overlay,
    PinState State)
{
    /// <summary>Encryption of base and overlay; null when they are not encrypted.</summary>
    public DiskEncryption? Encryption { get; init; }

    /// <summary>The volume that the definition for the next start names in place of the base; null for a
    /// path.</summary>
    public PoolVolume? Volume { get; init; }

    /// <summary>
    /// Last write to the base of a disk that only the running guest has, read after the snapshot. The definitions do
    /// not show
    /// whether such a base was used since. Null for every other disk.
    /// </summary>
    public DateTime? BaseWrittenAt { get; init; }
}

/// <summary>Whether this program may have frozen the guest's file systems.</summary>
public enum FreezeState
{
    /// <summary>No freeze was requested.</summary>
    None,

    /// <summary>A freeze comes next or was requested: a thaw is pending.</summary>
    Freezing,

    /// <summary>The agent confirmed the thaw.</summary>
    Thawed,
}

/// <summary>A journal entry that cannot be read: a change may be incomplete, manual action required.</summary>
public sealed record DamagedEntry(string FilePath, string Reason);
