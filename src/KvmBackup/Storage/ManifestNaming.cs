using System.Text.Json;
using KvmBackup.Model;

namespace KvmBackup.Storage;

/// <summary>Snake case; and a duration says in its name that it is in seconds.</summary>
internal sealed class ManifestNaming : JsonNamingPolicy
{
    public override string ConvertName(string name) =>
        SnakeCaseLower.ConvertName(name) + (name == nameof(Manifest.FrozenFor) ? "_seconds" : string.Empty);
}
