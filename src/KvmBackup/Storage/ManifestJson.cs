using System.Text.Json.Serialization;
using KvmBackup.Model;

namespace KvmBackup.Storage;

/// <summary>The generated reader and writer of a manifest.</summary>
[JsonSourceGenerationOptions(GenerationMode = JsonSourceGenerationMode.Metadata)]
[JsonSerializable(typeof(Manifest))]
internal sealed partial class ManifestJson : JsonSerializerContext;
