namespace KvmBackup.Archiving;

/// <summary>How the tar stream is cut into chunks.</summary>
public static class ChunkSize
{
    /// <summary>Of every chunk but the last, before compression.</summary>
    public const int DefaultBytes = 8 << 20;
}
