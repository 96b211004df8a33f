using KvmBackup.Persisting;

namespace KvmBackup.Journaling;

/// <summary>Remembers on this host what is open right now, so that a crash can be undone.</summary>
/// <param name="stateDirectory">Of this host, on a disk that survives a reboot.</param>
/// <param name="time">The clock.</param>
public sealed class Journal(string stateDirectory, TimeProvider time)
{
    private const string FolderName = "journal";
    private const string BootIdFile = "/proc/sys/kernel/random/boot_id";

    /// <summary>What is left in clusters, and to be removed there.</summary>
    public PendingSnapshotDeletions PendingDeletions { get; } = new(Path.GetFullPath(stateDirectory));

    /// <summary>The files that restores have begun.</summary>
    public RestoreJournal Restores { get; } = new(stateDirectory);

    public string DirectoryPath { get; } = Path.Combine(Path.GetFullPath(stateDirectory), FolderName);

    /// <summary>Writes down what is about to be changed, with who and when. Only then may anything change.</summary>
    /// <exception cref="JournalingException">
    /// Something of that domain is open already, exit code 5; or it cannot be written.
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
                BootId = ReadBootId(),
            };
            DurableFile.Replace(filePath, JournalFile.Format(opened));
            return opened;
        });
        return Task.FromResult(new OpenEntry(filePath, entry));
    }

    /// <summary>Takes up an entry that a dead run has left, to undo what it tells.</summary>
    /// <exception cref="JournalingException">It is no longer there, or no longer says the same.</exception>
    public OpenEntry Resume(JournalEntry entry)
    {
        string filePath = PathOf(entry.DomainUuid);
        (JournalEntry? found, _) = JournalDisk.Guard(filePath, () => JournalFile.Read(filePath));
        return found is not null && found.BackupId == entry.BackupId
            ? new OpenEntry(filePath, found)
            : throw new JournalingException(
                $"The journal entry '{filePath}' is no longer that of backup {entry.BackupId} of '{entry.DomainName}'."
                + " Another run has been here: nothing was touched.");
    }

    /// <summary>What is open, the oldest first.</summary>
    /// <exception cref="JournalingException">The journal cannot be read.</exception>
    public IReadOnlyList<JournalEntry> ListOpen() =>
        [.. ReadAll().Select(read => read.Entry).OfType<JournalEntry>().OrderBy(entry => entry.StartedAt)];

    /// <summary>What may be open but cannot be understood.</summary>
    /// <exception cref="JournalingException">The journal cannot be read.</exception>
    public IReadOnlyList<DamagedEntry> ListDamaged() =>
        [.. ReadAll().Select(read => read.Damage).OfType<DamagedEntry>()];

    /// <summary>Whether the host still runs as it did then; if not, the process of the entry and its guest are certainly gone.</summary>
    public static bool IsFromThisBoot(JournalEntry entry) => entry.BootId == ReadBootId();

    private static string ReadBootId() => File.ReadAllText(BootIdFile).Trim();

    private static void DemandNoneOpen(string filePath, DomainName domain)
    {
        if (!Path.Exists(filePath))
        {
            return;
        }

        (JournalEntry? open, DamagedEntry? damage) = JournalFile.Read(filePath);
        string what = open is null
            ? $"is damaged: {damage!.Reason}"
            : $"tells of backup {open.BackupId}, begun {open.StartedAt:u} by process {open.ProcessId},"
                + $" which came as far as {open.Step}";
        throw new JournalingException(
            $"Something may still be open on '{domain}': the journal entry '{filePath}' {what}."
            + " Run kvmbackup recover: it mends that, or says what is left to type.",
            ExitCode.ManualActionRequired);
    }

    private string PathOf(Guid domainUuid) => Path.Combine(DirectoryPath, JournalFile.NameOf(domainUuid));

    private List<(JournalEntry? Entry, DamagedEntry? Damage)> ReadAll() => JournalDisk.Guard(DirectoryPath, () =>
    {
        List<(JournalEntry?, DamagedEntry?)> all = [];
        if (Directory.Exists(DirectoryPath))
        {
            // A file that was being written when its writer died has another ending; the one before it still holds.
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
            // Its run has closed it since we listed it.
            return (null, null);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // What cannot be read of one domain must not keep the others from being recovered.
            return (null, new DamagedEntry(filePath, failure.Message.TrimEnd('.')));
        }
    }
}
