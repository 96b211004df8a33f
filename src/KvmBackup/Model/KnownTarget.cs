namespace KvmBackup.Model;

/// <summary>How this host saw its backup directory at the first use.</summary>
/// <param name="FormatVersion">A reader refuses any other.</param>
/// <param name="DirectoryPath">The backup directory.</param>
/// <param name="MountPoint">Of its file system at that time.</param>
/// <param name="Source">What was mounted there.</param>
/// <param name="MarkerId">The ID in its marker file.</param>
public sealed record KnownTarget(int FormatVersion, string DirectoryPath, string MountPoint, string Source, string MarkerId)
{
    public const int CurrentFormatVersion = 1;
}
