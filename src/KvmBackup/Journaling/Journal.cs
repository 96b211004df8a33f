using KvmBackup.Persisting;

namespace KvmBackup.Journaling;

/// <summary>Records on this host the changes that are in progress, so that they can be undone after a crash.</summary>
/// <param name="stateDirectory">The state directory of this host, on a disk that survives a reboot.</param>
/// <param name="time">The clock.</param>
public sealed class Journal(string stateDirectory, TimeProvider time)
{
    private const string FolderName = "journal";

    /// <summary>Snapshots in clusters that are still to be deleted.</summary>
    public PendingSnapshotDeletions PendingDeletions { get; } = new(Path.GetFullPath(stateDirectory));

    /// <summary>The unfinished files of restores.</summary>
    public RestoreJournal Restores { get; } = new(stateDirectory);

    public string DirectoryPath { get; } = Path.Combine(Path.GetFullPath(stateDirectory), FolderName);

    /// <summary>Records the intended change with process and time. Only then may anything change.</summary>
    /// <exception cref="JournalingException">
    /// An entry of that domain is already open, exit code 5; or it cannot be written.
    /// </exception>
    public Task<OpenEntry> OpenAsync(JournalEntry intent, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        string filePath = PathOf(intent.DomainUuid);
        JournalEntry entry = JournalDisk.Guard(filePath, () =>
        {
            _ = Directory.CreateDirectory(Path.GetDirectoryName(DirectoryPath)!, DurableFile.DirectoryMode);
            _ = DurableFile.TryMakeDirectory(DirectoryPath);
            DemandNoneOpen(filePath, intent.DomainName);
            JournalEntry opened = intent with
            {
                StartedAt = time.GetUtcNow(),
                ProcessId = Environment.ProcessId,
                BootId = HostBoot.Id,
            };
            DurableFile.Replace(filePath, JournalFile.Format(opened));
            return opened;
        });
        return Task.FromResult(new OpenEntry(filePath, entry));
    }

    /// <summary>Opens the entry of a dead run, to undo its changes.</summary>
    /// <exception cref="JournalingException">The entry is missing or has changed.</exception>
    public OpenEntry Resume(JournalEntry entry)
    {
        string filePath = PathOf(entry.DomainUuid);
        (JournalEntry? found, _) = JournalDisk.Guard(filePath, () => JournalFile.Read(filePath));
        return found is not null && found.BackupId == entry.BackupId
            ? new OpenEntry(filePath, found)
            : throw new JournalingException(
                $"The journal entry '{filePath}' is no longer that of backup {entry.BackupId} of '{entry.DomainName}'."
                + " Another run has changed it: nothing was done.");
    }

    /// <summary>The open entries, the oldest first.</summary>
    /// <exception cref="JournalingException">The journal cannot be read.</exception>
    public IReadOnlyList<JournalEntry> ListOpen() =>
        [.. ReadAll().Select(read => read.Entry).OfType<JournalEntry>().OrderBy(entry => entry.StartedAt)];

    /// <summary>The entries that cannot be read.</summary>
    /// <exception cref="JournalingException">The journal cannot be read.</exception>
    public IReadOnlyList<DamagedEntry> ListDamaged() =>
        [.. ReadAll().Select(read => read.Damage).OfType<DamagedEntry>()];

    /// <summary>Whether the entry is of the current boot; otherwise its process and its guest have certainly
    /// ended.</summary>
    public static bool IsFromThisBoot(JournalEntry entry) => entry.BootId == HostBoot.Id;

    private static void DemandNoneOpen(string filePath, DomainName domain)
    {
        if (!Path.Exists(filePath))
        {
            return;
        }

        (JournalEntry? open, DamagedEntry? damage) = JournalFile.Read(filePath);
        string state = open is null
            ? $"is damaged: {damage!.Reason}"
            : $"records backup {open.BackupId}, started {open.StartedAt:u} by process {open.ProcessId},"
                + $" last step {open.Step}";
        throw new JournalingException(
            $"A change of '{domain}' may be incomplete: the journal entry '{filePath}' {state}."
            + $" Run {OverlayAdvice.Recover} : it repairs the guest, or prints the commands for manual action.",
            ExitCode.ManualActionRequired);
    }

    private string PathOf(Guid domainUuid) => Path.Combine(DirectoryPath, JournalFile.NameOf(domainUuid));

    private List<(JournalEntry? Entry, DamagedEntry? Damage)> ReadAll() => JournalDisk.Guard(DirectoryPath, () =>
    {
        List<(JournalEntry?, DamagedEntry?)> all = [];
        if (Directory.Exists(DirectoryPath))
        {
            // A file that was incomplete when its writer died has another extension; the previous one is still valid.
            foreach (string filePath in Directory.EnumerateFiles(DirectoryPath, "*.json").Order(StringComparer.Ordinal))
            {
                all.Add(ReadOrNone(filePath));
            }
        }

        return all;
    });

    private static (JournalEntry? Entry, DamagedEntry? Damage) ReadOrNone(string filePath)
    {
        try
        {
            return JournalFile.Read(filePath);
        }
        catch (FileNotFoundException)
        {
            // Its run closed it after the listing.
            return (null, null);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // An unreadable entry of one domain must not prevent the recovery of the others.
            return (null, new DamagedEntry(filePath, failure.Message.TrimEnd('.')));
        }
    }
}
