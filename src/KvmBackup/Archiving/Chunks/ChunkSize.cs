namespace KvmBackup.Archiving.Chunks;

/// <summary>The size of the chunks of a tar stream.</summary>
public static class ChunkSize
{
    /// <summary>The length of every chunk but the last, before compression.</summary>
    public const int DefaultBytes = 8 << 20;
}
