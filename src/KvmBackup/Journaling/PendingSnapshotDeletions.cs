using System.Text.Json;
using KvmBackup.Persisting;

namespace KvmBackup.Journaling;

/// <summary>
/// Remembers on this host the snapshots that a run has begun and could not prove to be gone: the cluster did not answer, or
/// may carry out later what it was asked before. No guest waits for them; each goes as soon as the cluster answers.
/// </summary>
public sealed class PendingSnapshotDeletions
{
    private const string FolderName = "owed";
    private static readonly JournalJson Json = new(StrictJson.CreateOptions());
    private readonly string directoryPath;

    internal PendingSnapshotDeletions(string stateDirectory) => directoryPath = Path.Combine(stateDirectory, FolderName);

    /// <summary>Remembers one, for good.</summary>
    /// <exception cref="JournalingException">It cannot be written.</exception>
    public void Add(JournalImage image) => JournalDisk.Guard(directoryPath, () =>
    {
        _ = DurableFile.TryMakeDirectory(directoryPath);
        DurableFile.Replace(PathOf(image), JsonSerializer.SerializeToUtf8Bytes(image, Json.JournalImage));
    });

    /// <summary>Forgets one: it is gone.</summary>
    /// <exception cref="JournalingException">It cannot be removed.</exception>
    public void Remove(JournalImage image) => JournalDisk.Guard(directoryPath, () => DurableFile.Delete(PathOf(image)));

    /// <summary>All of them; a file that cannot be understood is none.</summary>
    /// <exception cref="JournalingException">They cannot be read.</exception>
    public IReadOnlyList<JournalImage> List() => JournalDisk.Guard(directoryPath, () =>
        Directory.Exists(directoryPath)
            ? Directory.EnumerateFiles(directoryPath, "*.json").Order(StringComparer.Ordinal).Select(Read).OfType<JournalImage>().ToList()
            : []);

    private JournalImage? Read(string filePath)
    {
        try
        {
            JournalImage? image = JsonSerializer.Deserialize(File.ReadAllBytes(filePath), Json.JournalImage);

            // A name that would lead elsewhere is not ours, and its file is not removed for it.
            return image is not null && PathOf(image) == filePath ? image : null;
        }
        catch (Exception failure) when (failure is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private string PathOf(JournalImage image) => Path.Combine(directoryPath, $"{Uri.EscapeDataString(image.SnapshotName)}.json");
}
