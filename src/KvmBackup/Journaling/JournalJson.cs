using System.Text.Json.Serialization;

namespace KvmBackup.Journaling;

/// <summary>The generated reader and writer of an entry.</summary>
[JsonSourceGenerationOptions(GenerationMode = JsonSourceGenerationMode.Metadata)]
[JsonSerializable(typeof(JournalEntry))]
[JsonSerializable(typeof(JournalImage))]
[JsonSerializable(typeof(RestoreEntry))]
internal sealed partial class JournalJson : JsonSerializerContext;
