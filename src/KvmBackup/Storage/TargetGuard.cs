using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using KvmBackup.Persisting;

namespace KvmBackup.Storage;

/// <summary>
/// Recognizes the file system of the backup directory: by a marker file in it with a random ID, which this host remembers.
/// </summary>
/// <param name="stateDirectory">Of this host.</param>
/// <param name="decide">Decides by what is there and what is remembered.</param>
public sealed class TargetGuard(string stateDirectory, Func<TargetFacts, KnownTarget?, TargetDecision> decide)
{
    /// <summary>In the backup directory, written by the first run.</summary>
    public const string MarkerName = ".kvmbackup-target";

    private const string FileName = "target.json";
    private const int LongestId = 100;
    private const int LongestState = 1 << 16;
    private static readonly TargetJson Json = new(StrictJson.CreateOptions());

    private string StatePath => Path.Combine(stateDirectory, FileName);

    /// <summary>Looks, and changes nothing.</summary>
    /// <exception cref="StorageException">What is remembered cannot be read.</exception>
    public (TargetDecision Decision, TargetFacts Facts) Look(string directoryPath)
    {
        try
        {
            TargetFacts facts = MountTable.Read(directoryPath, ReadMarker(directoryPath));
            return (decide(facts, ReadKnown()), facts);
        }
        catch (Exception failure) when (StorageException.IsExpected(failure))
        {
            throw StorageException.From(failure, $"Cannot tell which file system '{directoryPath}' is on");
        }
    }

    /// <summary>Marks the target, unless another host did, and remembers it.</summary>
    /// <exception cref="IOException">Marker or memory cannot be written.</exception>
    public void Remember(TargetFacts facts)
    {
        string id = facts.MarkerId ?? Guid.NewGuid().ToString("N");
        if (facts.MarkerId is null)
        {
            DurableFile.Replace(Path.Combine(facts.DirectoryPath, MarkerName), Encoding.UTF8.GetBytes(id + "\n"));
        }

        KnownTarget known = new(KnownTarget.CurrentFormatVersion, facts.DirectoryPath, facts.MountPoint, facts.Source, id);
        _ = Directory.CreateDirectory(stateDirectory, DurableFile.DirectoryMode);
        DurableFile.Replace(StatePath, JsonSerializer.SerializeToUtf8Bytes(known, Json.KnownTarget));
    }

    private KnownTarget? ReadKnown()
    {
        try
        {
            (byte[]? content, _) = TargetFile.ReadBeside(StatePath, LongestState);
            return JsonSerializer.Deserialize(content ?? throw new JsonException("it is too large"), Json.KnownTarget);
        }
        catch (Exception failure) when (failure is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (JsonException failure)
        {
            throw new StorageException(
                $"'{StatePath}' is damaged: {failure.Message} It says which file system the backup directory was on. Look whether "
                + "the right one is mounted, then remove the file.", ExitCode.Failed, failure);
        }
    }

    private static string? ReadMarker(string directoryPath)
    {
        try
        {
            (byte[]? content, _) = TargetFile.ReadBeside(Path.Combine(directoryPath, MarkerName), LongestId);
            return content is { Length: > 0 } ? Encoding.UTF8.GetString(content).Trim() : null;
        }
        catch (Exception failure) when (failure is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }
}

/// <summary>The generated reader and writer of what is remembered of the target.</summary>
[JsonSourceGenerationOptions(GenerationMode = JsonSourceGenerationMode.Metadata)]
[JsonSerializable(typeof(KnownTarget))]
internal sealed partial class TargetJson : JsonSerializerContext;
