using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using KvmBackup.Persisting;

namespace KvmBackup.Storage;

/// <summary>
/// Recognizes the file system of the backup directory by a marker file with a random ID, which this host records.
/// </summary>
/// <param name="stateDirectory">The state directory of this host.</param>
/// <param name="decide">Decides by the current and the recorded state.</param>
public sealed class TargetGuard(string stateDirectory, Func<TargetFacts, KnownTarget?, TargetDecision> decide)
{
    /// <summary>The marker file in the backup directory, written by the first run.</summary>
    public const string MarkerName = ".kvmbackup-target";

    private const string FileName = "target.json";
    private const int LongestId = 100;
    private const int LongestState = 1 << 16;
    private static readonly TargetJson Json = new(StrictJson.CreateOptions());

    private string StatePath => Path.Combine(stateDirectory, FileName);

    /// <summary>Compares the directory with the record, without changing anything.</summary>
    /// <exception cref="StorageException">The record cannot be read.</exception>
    public (TargetDecision Decision, TargetFacts Facts) Inspect(string directoryPath)
    {
        try
        {
            TargetFacts facts = MountTable.Read(directoryPath, ReadMarker(directoryPath));
            return (decide(facts, ReadKnown()), facts);
        }
        catch (Exception failure) when (StorageException.IsExpected(failure))
        {
            throw StorageException.From(failure, $"Cannot determine the file system of '{directoryPath}'");
        }
    }

    /// <summary>Marks the target, unless another host did, and records it.</summary>
    /// <exception cref="IOException">The marker or the record cannot be written.</exception>
    public void Record(TargetFacts facts)
    {
        string id = facts.MarkerId ?? Guid.NewGuid().ToString("N");
        if (facts.MarkerId is null)
        {
            DurableFile.Replace(Path.Combine(facts.DirectoryPath, MarkerName), Encoding.UTF8.GetBytes(id + "\n"));
        }

        KnownTarget known = new(
            KnownTarget.CurrentFormatVersion, facts.DirectoryPath, facts.MountPoint, facts.Source, id);
        _ = Directory.CreateDirectory(stateDirectory, DurableFile.DirectoryMode);
        DurableFile.Replace(StatePath, JsonSerializer.SerializeToUtf8Bytes(known, Json.KnownTarget));
    }

    private KnownTarget? ReadKnown()
    {
        try
        {
            (byte[]? content, _) = TargetFile.ReadTrusted(StatePath, LongestState);
            return JsonSerializer.Deserialize(content ?? throw new JsonException("it is too large"), Json.KnownTarget);
        }
        catch (Exception failure) when (failure is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (JsonException failure)
        {
            throw new StorageException(
                $"'{StatePath}' is damaged: {failure.Message} It records the file system of the backup directory. "
                + "Check that the right one is mounted, then remove the file.", ExitCode.Failed, failure);
        }
    }

    private static string? ReadMarker(string directoryPath)
    {
        try
        {
            (byte[]? content, _) = TargetFile.ReadTrusted(Path.Combine(directoryPath, MarkerName), LongestId);
            return content is { Length: > 0 } ? Encoding.UTF8.GetString(content).Trim() : null;
        }
        catch (Exception failure) when (failure is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }
}

/// <summary>The generated serializer of the record.</summary>
[JsonSourceGenerationOptions(GenerationMode = JsonSourceGenerationMode.Metadata)]
[JsonSerializable(typeof(KnownTarget))]
internal sealed partial class TargetJson : JsonSerializerContext;
