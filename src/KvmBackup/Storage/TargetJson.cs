using System.Text.Json.Serialization;
using KvmBackup.Model;

namespace KvmBackup.Storage;

/// <summary>The generated reader and writer of what is remembered of the target.</summary>
[JsonSourceGenerationOptions(GenerationMode = JsonSourceGenerationMode.Metadata)]
[JsonSerializable(typeof(KnownTarget))]
internal sealed partial class TargetJson : JsonSerializerContext;
