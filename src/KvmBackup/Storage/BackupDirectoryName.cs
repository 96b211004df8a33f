namespace KvmBackup.Storage;

/// <summary>The name of a backup's directory, <c>20261120T020000Z-full</c>, with a suffix until it is
/// published.</summary>
internal sealed record BackupDirectoryName(BackupId Id, BackupKind Kind, BackupDirectoryState State)
{
    private const string PartialExtension = ".partial";
    private const string DeletingExtension = ".deleting";

    private static readonly (BackupKind Kind, string Suffix)[] Suffixes =
    [
        (BackupKind.Full, "-full"),
        (BackupKind.Incremental, "-incr"),
        (BackupKind.Differential, "-diff"),
    ];

    /// <returns>Null for every name that this program does not create.</returns>
    public static BackupDirectoryName? Parse(string name)
    {
        (string stem, BackupDirectoryState state) = Split(name);
        foreach ((BackupKind kind, string suffix) in Suffixes)
        {
            if (stem.EndsWith(suffix, StringComparison.Ordinal)
                && BackupId.TryParse(stem[..^suffix.Length], out BackupId? id))
            {
                return new BackupDirectoryName(id!, kind, state);
            }
        }

        return null;
    }

    public override string ToString() =>
        $"{Id}{Suffixes.First(entry => entry.Kind == Kind).Suffix}" + State switch
        {
            BackupDirectoryState.Partial => PartialExtension,
            BackupDirectoryState.Deleting => DeletingExtension,
            _ => string.Empty,
        };

    private static (string Stem, BackupDirectoryState State) Split(string name)
    {
        if (name.EndsWith(PartialExtension, StringComparison.Ordinal))
        {
            return (name[..^PartialExtension.Length], BackupDirectoryState.Partial);
        }

        return name.EndsWith(DeletingExtension, StringComparison.Ordinal)
            ? (name[..^DeletingExtension.Length], BackupDirectoryState.Deleting)
            : (name, BackupDirectoryState.Published);
    }
}

/// <summary>The state of a backup's directory.</summary>
internal enum BackupDirectoryState
{
    /// <summary>Being written, or left by an interrupted run.</summary>
    Partial,
    Published,

    /// <summary>Being deleted.</summary>
    Deleting,
}
