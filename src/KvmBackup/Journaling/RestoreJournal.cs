using System.Text.Json;
using KvmBackup.Persisting;

namespace KvmBackup.Journaling;

/// <summary>
/// Records on this host the unfinished files of restores, so that exactly these files are removed after a crash.
/// </summary>
public sealed class RestoreJournal
{
    private const string FolderName = "restores";
    private const long LargestSizeBytes = 1 << 20;
    private static readonly JournalJson Json = new(StrictJson.CreateOptions());
    private readonly string stateDirectory;

    public RestoreJournal(string stateDirectory) => this.stateDirectory = Path.GetFullPath(stateDirectory);

    private string DirectoryPath => Path.Combine(stateDirectory, FolderName);

    /// <summary>Opens the entry of a restore of this process.</summary>
    /// <exception cref="JournalingException">It cannot be written.</exception>
    public OpenRestore Open(string subject) => JournalDisk.Guard(DirectoryPath, () =>
    {
        _ = Directory.CreateDirectory(stateDirectory, DurableFile.DirectoryMode);
        _ = DurableFile.TryMakeDirectory(DirectoryPath);
        RestoreEntry entry = new(
            RestoreEntry.CurrentFormatVersion, Guid.NewGuid(), subject, Environment.ProcessId,
            ProcessStart.Of(Environment.ProcessId) ?? 0, HostBoot.Id, []);
        string filePath = PathOf(entry);
        DurableFile.Replace(filePath, Format(entry));
        return new OpenRestore(filePath, entry, Format);
    });

    /// <summary>Removes the unfinished files of dead restores, and their entries.</summary>
    /// <returns>The actions, for messages.</returns>
    /// <exception cref="JournalingException">The journal cannot be read.</exception>
    public IReadOnlyList<string> RemoveLeftovers() => JournalDisk.Guard(DirectoryPath, () =>
    {
        List<string> actions = [];
        foreach ((string filePath, RestoreEntry entry) in ListDead())
        {
            actions.AddRange(entry.Files.Select(file => Remove(entry, file)).OfType<string>());
            DurableFile.Delete(filePath);
        }

        return actions;
    });

    /// <summary>The folders in which dead restores were writing. <see cref="RemoveLeftovers"/> deletes their
    /// record.</summary>
    /// <exception cref="JournalingException">The journal cannot be read.</exception>
    public IReadOnlyList<string> LeftoverFolders() => JournalDisk.Guard(DirectoryPath, () => (IReadOnlyList<string>)
        [
            .. ListDead().SelectMany(dead => dead.Entry.Files).Select(file => Path.GetDirectoryName(file.FilePath)!)
                .Distinct(),
        ]);

    private List<(string FilePath, RestoreEntry Entry)> ListDead()
    {
        List<(string, RestoreEntry)> dead = [];
        foreach (string filePath in Directory.Exists(DirectoryPath) ? Directory.GetFiles(DirectoryPath, "*.json") : [])
        {
            if (Read(filePath) is { } entry && !IsAlive(entry))
            {
                dead.Add((filePath, entry));
            }
        }

        return dead;
    }

    private static bool IsAlive(RestoreEntry entry) =>
        entry.BootId == HostBoot.Id && ProcessStart.Of(entry.ProcessId) == entry.ProcessStart;

    private static string? Remove(RestoreEntry entry, RestoreEntryFile file) =>
        StaleFile.TryRemove(file.FilePath, file.Identity)
            ? $"removed {file.FilePath}, a leftover of an interrupted restore of {entry.Subject}" : null;

    private RestoreEntry? Read(string filePath)
    {
        try
        {
            if (new FileInfo(filePath).Length > LargestSizeBytes)
            {
                return null;
            }

            RestoreEntry? entry = JsonSerializer.Deserialize(File.ReadAllBytes(filePath), Json.RestoreEntry);
            bool isOurs = entry is { FormatVersion: RestoreEntry.CurrentFormatVersion } && PathOf(entry) == filePath
                && entry.Files.All(file => file is not null && IsTemporary(file.FilePath));
            return isOurs ? entry : null;
        }
        catch (Exception failure) when (failure is JsonException or InvalidOperationException or FileNotFoundException)
        {
            // Closed after the listing, or of another version: left unchanged.
            return null;
        }
    }

    // Whatever the entry contains, other files are never removed.
    private static bool IsTemporary(string path) =>
        path.StartsWith('/') && path.EndsWith(OpenRestore.TemporaryExtension, StringComparison.Ordinal)
        && !path.Split('/').Any(part => part is "." or "..");

    private static byte[] Format(RestoreEntry entry) => JsonSerializer.SerializeToUtf8Bytes(entry, Json.RestoreEntry);

    private string PathOf(RestoreEntry entry) => Path.Combine(DirectoryPath, $"{entry.RestoreId:D}.json");
}

/// <summary>The unfinished files of a restore in progress.</summary>
/// <param name="FormatVersion">The version of this record; a reader refuses a newer one.</param>
/// <param name="RestoreId">A unique ID; also the name of the entry's file.</param>
/// <param name="Subject">The restored backup, for messages.</param>
/// <param name="ProcessId">The process of the restore.</param>
/// <param name="ProcessStart">Its start time in the kernel's ticks since boot, because process IDs are reused.</param>
/// <param name="BootId">The boot of the process.</param>
/// <param name="Files">The files, by their temporary names.</param>
public sealed record RestoreEntry(
    int FormatVersion, Guid RestoreId, string Subject, int ProcessId, long ProcessStart, string BootId,
    IReadOnlyList<RestoreEntryFile> Files)
{
    public const int CurrentFormatVersion = 1;
}

/// <summary>One file of a restore.</summary>
/// <param name="FilePath">Its temporary name.</param>
/// <param name="Identity">Its identity; null until it is created, and it is empty until then.</param>
public sealed record RestoreEntryFile(string FilePath, FileIdentity? Identity);
