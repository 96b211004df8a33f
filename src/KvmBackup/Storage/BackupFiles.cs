using KvmBackup.Persisting;

namespace KvmBackup.Storage;

/// <summary>The names of the files in a backup's directory.</summary>
internal static class BackupFiles
{
    public const string Manifest = "manifest.json";
    public const string Checksums = "SHA256SUMS";

    /// <summary>An operator makes this file, and retention leaves the backup alone.</summary>
    public const string Protected = "protected";

    public const string Lock = ".lock";
    public const string Lease = ".lease";

    private const int LongestNameBytes = 255;

    /// <summary>One path component that leads nowhere else, hides nothing and needs no quoting in SHA256SUMS.</summary>
    public static bool IsPlainName(string name) =>
        name.Length > 0 && name[0] != '.' && System.Text.Encoding.UTF8.GetByteCount(name) <= LongestNameBytes
        && !name.Any(character => char.IsControl(character) || character is '/' or '\\');

    public static bool IsReserved(string name) => name is Manifest or Checksums or Protected;

    /// <summary>Whatever it is that bears the name, a dangling link included: when in doubt, protected.</summary>
    public static bool IsProtected(string directoryPath)
    {
        using TargetFolder folder = TargetFolder.BackupReader(directoryPath);
        return folder.Find(Protected) is not null;
    }
}
