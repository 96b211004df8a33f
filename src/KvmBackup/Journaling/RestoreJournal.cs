using System.Text.Json;
using KvmBackup.Persisting;

namespace KvmBackup.Journaling;

/// <summary>
/// Remembers on this host the files that restores have begun, so that those of a killed one can be removed: these files and
/// no others.
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

    /// <summary>Removes what dead restores have left, and forgets them.</summary>
    /// <returns>What was done, for people.</returns>
    /// <exception cref="JournalingException">The journal cannot be read.</exception>
    public IReadOnlyList<string> RemoveLeft() => JournalDisk.Guard(DirectoryPath, () =>
    {
        List<string> actions = [];
        foreach (string filePath in Directory.Exists(DirectoryPath) ? Directory.GetFiles(DirectoryPath, "*.json") : [])
        {
            if (Read(filePath) is { } entry && !IsAlive(entry))
            {
                actions.AddRange(entry.Files.Select(file => Remove(entry, file)).OfType<string>());
                DurableFile.Delete(filePath);
            }
        }

        return actions;
    });

    private static bool IsAlive(RestoreEntry entry) =>
        entry.BootId == HostBoot.Id && ProcessStart.Of(entry.ProcessId) == entry.ProcessStart;

    private static string? Remove(RestoreEntry entry, RestoreEntryFile file) => StaleFile.TryRemove(file.FilePath, file.Identity)
        ? $"removed {file.FilePath}, which an interrupted restore of {entry.Subject} left" : null;

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
            // Closed since it was listed, or of another version: it is left alone.
            return null;
        }
    }

    // Whatever the file says, nothing else is ever removed.
    private static bool IsTemporary(string path) =>
        path.StartsWith('/') && path.EndsWith(OpenRestore.TemporaryExtension, StringComparison.Ordinal)
        && !path.Split('/').Any(part => part is "." or "..");

    private static byte[] Format(RestoreEntry entry) => JsonSerializer.SerializeToUtf8Bytes(entry, Json.RestoreEntry);

    private string PathOf(RestoreEntry entry) => Path.Combine(DirectoryPath, $"{entry.RestoreId:D}.json");
}

/// <summary>What a restore that is at work has made and not given its name yet.</summary>
/// <param name="FormatVersion">The version of this record; a reader refuses a newer one.</param>
/// <param name="RestoreId">Its own; also the name of its file.</param>
/// <param name="Subject">What is restored, for people.</param>
/// <param name="ProcessId">The restore.</param>
/// <param name="ProcessStart">When that process began, in the kernel's ticks since boot: a process ID comes again.</param>
/// <param name="BootId">The boot that it lives in.</param>
/// <param name="Files">The files under their temporary names.</param>
public sealed record RestoreEntry(
    int FormatVersion, Guid RestoreId, string Subject, int ProcessId, long ProcessStart, string BootId,
    IReadOnlyList<RestoreEntryFile> Files)
{
    public const int CurrentFormatVersion = 1;
}

/// <summary>One file of a restore.</summary>
/// <param name="FilePath">Its temporary name.</param>
/// <param name="Identity">Which file it is; null until it was made, and it is empty until then.</param>
public sealed record RestoreEntryFile(string FilePath, FileIdentity? Identity);
