using KvmBackup.Persisting;

namespace KvmBackup.Storage;

/// <summary>The names of the files in a backup's directory.</summary>
internal static class BackupFiles
{
    public const string Manifest = "manifest.json";
    public const string Checksums = "SHA256SUMS";

    /// <summary>An operator creates this file, and retention keeps the backup.</summary>
    public const string Protected = "protected";

    public const string Lock = ".lock";
    public const string Lease = ".lease";

    private const int LongestNameBytes = 255;

    /// <summary>Whether the name is one visible path component that SHA256SUMS can hold without quoting.</summary>
    public static bool IsPlainName(string name) =>
        name.Length > 0 && name[0] != '.' && System.Text.Encoding.UTF8.GetByteCount(name) <= LongestNameBytes
        && !name.Any(character => char.IsControl(character) || character is '/' or '\\');

    public static bool IsReserved(string name) => name is Manifest or Checksums or Protected;

    /// <summary>Any entry of that name counts, even a dangling link: in doubt, the backup is protected.</summary>
    public static bool IsProtected(string directoryPath)
    {
        using TargetFolder folder = TargetFolder.OpenBackup(directoryPath);
        return folder.Find(Protected) is not null;
    }
}
