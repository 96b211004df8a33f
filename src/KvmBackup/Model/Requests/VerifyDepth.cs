namespace KvmBackup.Model.Requests;

/// <summary>How much of a backup is read to prove it.</summary>
public sealed record VerifyDepth
{
    /// <summary>Every byte is read and unpacked, and the content of every disk is what was read from its source.</summary>
    public static readonly VerifyDepth Content = new() { Share = 1, Unpacks = true };

    /// <summary>Every byte of the archive is read and compared with its checksum; nothing is unpacked.</summary>
    public static readonly VerifyDepth Checksums = new() { Share = 1 };

    private VerifyDepth()
    {
    }

    /// <summary>Of the archive that is read: above 0, at most 1.</summary>
    public required double Share { get; init; }

    public bool Unpacks { get; init; }

    /// <summary>BufferSlices of the archive, other ones each time, are compared with their checksums.</summary>
    /// <param name="share">Above 0, at most 1.</param>
    public static VerifyDepth Sample(double share) => new() { Share = share };
}
