namespace KvmBackup.Archiving;

/// <summary>An archive that was written to its end.</summary>
/// <param name="SizeBytes">Size of the file.</param>
/// <param name="TarBytes">Size of the tar stream before compression.</param>
/// <param name="Sha256">Of the file's bytes, in lower-case hexadecimal.</param>
/// <param name="Index">Where its chunks lie.</param>
public sealed record ArchiveSummary(long SizeBytes, long TarBytes, string Sha256, ArchiveIndex Index);
