namespace KvmBackup.Journaling;

/// <summary>A file of the journal that cannot be understood: something may be open, and a person must look.</summary>
public sealed record DamagedEntry(string FilePath, string Reason);
