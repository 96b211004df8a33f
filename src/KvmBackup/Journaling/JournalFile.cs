using System.Text.Json;
using System.Text.Json.Serialization;
using KvmBackup.Persisting;

namespace KvmBackup.Journaling;

/// <summary>Writes an entry to a file, and reads only valid ones.</summary>
internal static class JournalFile
{
    private const long LargestSizeBytes = 1 << 20;

    private static readonly JournalJson Json = new(StrictJson.CreateOptions(
        new WordConverter<JobStep>(), new WordConverter<PinState>(), new WordConverter<FreezeState>()));

    public static byte[] Format(JournalEntry entry) =>
        FindProblem(entry) is { } problem
            ? throw new JournalingException($"The journal entry of '{entry.DomainName}' cannot be written: {problem}.")
            : JsonSerializer.SerializeToUtf8Bytes(entry, Json.JournalEntry);

    /// <exception cref="IOException">The file does not exist or cannot be read.</exception>
    public static (JournalEntry? Entry, DamagedEntry? Damage) Read(string filePath)
    {
        if (new FileInfo(filePath).Length > LargestSizeBytes)
        {
            return (null, new DamagedEntry(filePath, $"it is larger than {LargestSizeBytes} bytes"));
        }

        (JournalEntry? entry, string? problem) = Parse(File.ReadAllBytes(filePath));
        if (entry is not null && Path.GetFileName(filePath) != NameOf(entry.DomainUuid))
        {
            problem = $"it is of domain {entry.DomainUuid}";
        }

        return problem is null ? (entry, null) : (null, new DamagedEntry(filePath, problem));
    }

    /// <returns>The entry, or its problem.</returns>
    public static (JournalEntry? Entry, string? Problem) Parse(ReadOnlySpan<byte> json)
    {
        try
        {
            int version = StrictJson.ReadFormatVersion(json);
            if (version > JournalEntry.CurrentFormatVersion)
            {
                return (null, $"it was written by a newer kvmbackup (format {version}); this one reads up to"
                    + $" {JournalEntry.CurrentFormatVersion}: upgrade kvmbackup on this host");
            }

            JournalEntry entry = JsonSerializer.Deserialize(json, Json.JournalEntry)
                ?? throw new JsonException("it is empty");
            return FindProblem(entry) is { } problem ? (null, problem) : (entry, null);
        }
        catch (Exception failure) when (failure is JsonException or InvalidOperationException)
        {
            // Invalid escapes (half a surrogate pair) cause an InvalidOperationException.
            return (null, failure.Message.TrimEnd('.'));
        }
    }

    public static string NameOf(Guid domainUuid) => $"{domainUuid:D}.json";

    private static string? FindProblem(JournalEntry entry)
    {
        if (entry.FormatVersion is < 1 or > JournalEntry.CurrentFormatVersion || entry.DomainUuid == Guid.Empty)
        {
            return "its version or its domain's UUID is not valid";
        }

        if (entry.ProcessId <= 0 || entry.BootId.Length == 0 || !IsFullPath(entry.BackupDirectory))
        {
            return "its process, boot ID or backup directory is not valid";
        }

        foreach (JournalPin? pin in entry.Pins)
        {
            // Recovery deletes these files, so relative paths, parent directories and the base itself are refused.
            if (pin is null || !IsFullPath(pin.BasePath) || !IsFullPath(pin.OverlayPath)
                || pin.BasePath == pin.OverlayPath)
            {
                return $"the paths of its disk '{pin?.Target}' are not two different full paths";
            }
        }

        if (entry.Images.Any(image => image is null || image.SnapshotName.Length == 0))
        {
            return "one of its images has no snapshot";
        }

        return entry.Pins.Select(pin => pin.Target).Distinct().Count() == entry.Pins.Count
            ? null
            : "it names a disk twice";
    }

    private static bool IsFullPath(string path) =>
        path.StartsWith('/') && !path.Contains('\0', StringComparison.Ordinal)
        && !path.Split('/').Any(part => part is "." or "..");
}

/// <summary>The generated serializer of the entries.</summary>
[JsonSourceGenerationOptions(GenerationMode = JsonSourceGenerationMode.Metadata)]
[JsonSerializable(typeof(JournalEntry))]
[JsonSerializable(typeof(JournalImage))]
[JsonSerializable(typeof(RestoreEntry))]
internal sealed partial class JournalJson : JsonSerializerContext;
