using KvmBackup.Model;

namespace KvmBackup.Storage;

/// <summary>The name of a backup's directory: <c>20261120T020000Z-full</c>, with an ending until it is whole.</summary>
internal sealed record EntryName(BackupId Id, BackupKind Kind, EntryState State)
{
    private const string PartialExtension = ".partial";
    private const string DeletingExtension = ".deleting";

    private static readonly (BackupKind Kind, string Suffix)[] Suffixes =
    [
        (BackupKind.Full, "-full"),
        (BackupKind.Incremental, "-incr"),
        (BackupKind.Differential, "-diff"),
    ];

    /// <returns>Null for every name that is not exactly one that we give.</returns>
    public static EntryName? Parse(string name)
    {
        (string stem, EntryState state) = Split(name);
        foreach ((BackupKind kind, string suffix) in Suffixes)
        {
            if (stem.EndsWith(suffix, StringComparison.Ordinal)
                && BackupId.TryParse(stem[..^suffix.Length], out BackupId? id))
            {
                return new EntryName(id!, kind, state);
            }
        }

        return null;
    }

    public override string ToString() =>
        $"{Id}{Suffixes.First(entry => entry.Kind == Kind).Suffix}" + State switch
        {
            EntryState.Partial => PartialExtension,
            EntryState.Deleting => DeletingExtension,
            _ => string.Empty,
        };

    private static (string Stem, EntryState State) Split(string name)
    {
        if (name.EndsWith(PartialExtension, StringComparison.Ordinal))
        {
            return (name[..^PartialExtension.Length], EntryState.Partial);
        }

        return name.EndsWith(DeletingExtension, StringComparison.Ordinal)
            ? (name[..^DeletingExtension.Length], EntryState.Deleting)
            : (name, EntryState.Published);
    }
}
