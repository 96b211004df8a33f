namespace KvmBackup.Storage;

/// <summary>Where a backup's directory is in its life.</summary>
internal enum EntryState
{
    /// <summary>Being written, or left by a run that did not get to the end.</summary>
    Partial,
    Published,

    /// <summary>On its way out.</summary>
    Deleting,
}
