namespace KvmBackup.Model.Requests;

/// <summary>How much of a backup a verification reads.</summary>
public sealed record VerifyDepth
{
    /// <summary>Every byte is read and decompressed, and the content of every disk is compared with its
    /// checksum.</summary>
    public static readonly VerifyDepth Content = new() { Share = 1, Unpacks = true };

    /// <summary>Every byte of the archive is read and compared with its checksum; nothing is decompressed.</summary>
    public static readonly VerifyDepth Checksums = new() { Share = 1 };

    private VerifyDepth()
    {
    }

    /// <summary>Share of the archive that is read: above 0, at most 1.</summary>
    public required double Share { get; init; }

    public bool Unpacks { get; init; }

    /// <summary>A random selection of the archive's chunks is compared with their checksums.</summary>
    /// <param name="share">Above 0, at most 1.</param>
    public static VerifyDepth Sample(double share) => new() { Share = share };
}
