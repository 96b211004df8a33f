namespace KvmBackup.Model;

/// <summary>A file beside the disks that the domain does not start without.</summary>
/// <param name="MemberName">Its name in the archive: <c>nvram.fd</c>, <c>kernel</c>, <c>initrd</c>.</param>
/// <param name="SourcePath">Where the domain's XML says that it is.</param>
public sealed record AuxiliaryFile(string MemberName, string SourcePath);
