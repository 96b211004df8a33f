using System.Runtime.CompilerServices;

namespace KvmBackup.Tests.Configuration;

/// <summary>The configuration files for tests, beside the source.</summary>
internal static class SampleFiles
{
    public static string Directory { get; } = Path.Combine(Path.GetDirectoryName(Here())!, "Samples");

    public static string ShippedSample { get; } =
        Path.GetFullPath(Path.Combine(Directory, "..", "..", "..", "..", "config.yml.sample"));

    private static string Here([CallerFilePath] string path = "") => path;
}
