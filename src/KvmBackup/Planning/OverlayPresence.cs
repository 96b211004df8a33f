namespace KvmBackup.Planning;

/// <summary>What is found where the journal says that an overlay is.</summary>
public enum OverlayPresence
{
    Missing,

    /// <summary>The overlay of that run.</summary>
    Ours,

    /// <summary>Another file by that name.</summary>
    Other,
}
