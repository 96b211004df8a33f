using System.Text.Json;
using KvmBackup.Persisting;

namespace KvmBackup.Journaling;

/// <summary>
/// Records on this host the snapshots whose deletion is not confirmed: the cluster did not answer, or may still
/// execute an
/// earlier request. No guest depends on them; they are deleted when the cluster answers.
/// </summary>
public sealed class PendingSnapshotDeletions
{
    private const string FolderName = "owed";
    private static readonly JournalJson Json = new(StrictJson.CreateOptions());
    private readonly string directoryPath;

    internal PendingSnapshotDeletions(string stateDirectory) =>
        directoryPath = Path.Combine(stateDirectory, FolderName);

    /// <summary>Records a snapshot durably.</summary>
    /// <exception cref="JournalingException">It cannot be written.</exception>
    public void Add(JournalImage image) => JournalDisk.Guard(directoryPath, () =>
    {
        _ = DurableFile.TryMakeDirectory(directoryPath);
        DurableFile.Replace(PathOf(image), JsonSerializer.SerializeToUtf8Bytes(image, Json.JournalImage));
    });

    /// <summary>Removes the record of a deleted snapshot.</summary>
    /// <exception cref="JournalingException">It cannot be removed.</exception>
    public void Remove(JournalImage image) =>
        JournalDisk.Guard(directoryPath, () => DurableFile.Delete(PathOf(image)));

    /// <summary>All records; invalid files are ignored.</summary>
    /// <exception cref="JournalingException">They cannot be read.</exception>
    public IReadOnlyList<JournalImage> List() => JournalDisk.Guard(directoryPath, () =>
        Directory.Exists(directoryPath)
            ? Directory.EnumerateFiles(directoryPath, "*.json").Order(StringComparer.Ordinal).Select(Read)
                .OfType<JournalImage>().ToList()
            : []);

    private JournalImage? Read(string filePath)
    {
        try
        {
            JournalImage? image = JsonSerializer.Deserialize(File.ReadAllBytes(filePath), Json.JournalImage);

            // A file whose name does not match its content is not ours.
            return image is not null && PathOf(image) == filePath ? image : null;
        }
        catch (Exception failure) when (failure is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private string PathOf(JournalImage image) =>
        Path.Combine(directoryPath, $"{Uri.EscapeDataString(image.SnapshotName)}.json");
}
