namespace KvmBackup.Model;

/// <summary>A place in a backup that is not as it was written.</summary>
/// <param name="File">The file in the backup's directory.</param>
/// <param name="OffsetBytes">Where in that file; null when the file as a whole is concerned.</param>
/// <param name="Members">The members of the archive that the damage touches.</param>
/// <param name="Reason">What is wrong, in words.</param>
public sealed record ArchiveDamage(string File, long? OffsetBytes, IReadOnlyList<string> Members, string Reason);
