using System.Security.Cryptography;

namespace KvmBackup.Lab.Support;

/// <summary>Files of the host, for comparisons.</summary>
public static class Folder
{
    /// <summary>Every file below a folder with its checksum, to check that a refusal changes nothing.</summary>
    public static string Describe(string path) => string.Join('\n', Directory
        .EnumerateFiles(path, "*", SearchOption.AllDirectories)
        .Order(StringComparer.Ordinal)
        .Select(file => $"{Checksum(file)} {Path.GetRelativePath(path, file)}"));

    /// <summary>SHA-256 in lower-case hexadecimal.</summary>
    public static string Checksum(string path)
    {
        using FileStream file = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(file));
    }

    /// <summary>A new file system in memory, small or read-only. It is removed with the lab.</summary>
    public static async Task<string> MountAsync(string options)
    {
        string path = LabEnvironment.NewDirectory("mount");
        (await RunningProgram.RunAsync("mount", "-t", "tmpfs", "-o", options, "tmpfs", path)).MustSucceed();
        return path;
    }

    /// <summary>A new folder in the lab with one incompressible file.</summary>
    public static string WithRandomFile(string name, int sizeBytes)
    {
        string folder = LabEnvironment.NewDirectory("content");
        byte[] content = new byte[sizeBytes];
        new Random(sizeBytes).NextBytes(content);
        File.WriteAllBytes(Path.Combine(folder, name), content);
        return folder;
    }
}
