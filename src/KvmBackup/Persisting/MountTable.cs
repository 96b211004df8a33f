namespace KvmBackup.Persisting;

/// <summary>Determines the file system of a path from the kernel's table of mounts and /etc/fstab.</summary>
public static class MountTable
{
    private const string KernelTable = "/proc/self/mountinfo";
    private const string DeclaredTable = "/etc/fstab";

    /// <summary>The facts about a directory, which need not exist yet.</summary>
    public static TargetFacts Read(string directoryPath, string? markerId) => Read(
        directoryPath, markerId, File.ReadLines(KernelTable),
        File.Exists(DeclaredTable) ? File.ReadLines(DeclaredTable) : []);

    /// <summary>The facts about a directory, from the lines of the two tables.</summary>
    public static TargetFacts Read(
        string directoryPath, string? markerId, IEnumerable<string> mounted, IEnumerable<string> declared)
    {
        string path = RealPath(directoryPath);
        (string Point, string Source) mount = ("/", "unknown");
        foreach (string line in mounted)
        {
            // 36 35 98:0 /root /mount/point rw,noatime shared:1 - ext4 /dev/sda1 rw: the last mount at a place is on
            // top.
            string[] fields = line.Split(' ');
            int separator = Array.IndexOf(fields, "-");
            if (fields.Length > 4 && separator > 0 && fields.Length > separator + 2
                && IsBelow(path, Unescape(fields[4])) && Unescape(fields[4]).Length >= mount.Point.Length)
            {
                mount = (Unescape(fields[4]), Unescape(fields[separator + 2]));
            }
        }

        string? wanted = declared.Select(line => line.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries))
            .Where(fields => fields.Length > 2 && !fields[0].StartsWith('#') && fields[1].StartsWith('/'))
            .Select(fields => Path.TrimEndingDirectorySeparator(Unescape(fields[1])))
            .Where(point => IsBelow(path, point)).MaxBy(point => point.Length);
        return new TargetFacts(
            directoryPath, mount.Point, mount.Source,
            wanted is not null && wanted.Length > mount.Point.Length ? wanted : null, markerId);
    }

    private static bool IsBelow(string path, string mountPoint) =>
        mountPoint == "/" || path == mountPoint || path.StartsWith(mountPoint + '/', StringComparison.Ordinal);

    /// <summary>Decodes blanks, tabs, line feeds and backslashes, which both tables write as <c>\040</c> and so
    /// on.</summary>
    private static string Unescape(string text) => !text.Contains('\\') ? text
        : text.Replace("\\040", " ", StringComparison.Ordinal).Replace("\\011", "\t", StringComparison.Ordinal)
            .Replace("\\012", "\n", StringComparison.Ordinal).Replace("\\134", "\\", StringComparison.Ordinal);

    /// <summary>The path with all links resolved, as far as it exists.</summary>
    private static string RealPath(string path)
    {
        string real = "/";
        foreach (string part in Path.GetFullPath(path).Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            string next = Path.Combine(real, part);
            real = new DirectoryInfo(next).LinkTarget is null
                ? next : Directory.ResolveLinkTarget(next, returnFinalTarget: true)!.FullName;
        }

        return real;
    }
}
