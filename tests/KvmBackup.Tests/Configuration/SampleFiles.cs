using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace KvmBackup.Tests.Configuration;

/// <summary>The configuration files for tests, beside the source.</summary>
internal static partial class SampleFiles
{
    public static string Directory { get; } = Path.Combine(Path.GetDirectoryName(Here())!, "Samples");

    public static string ShippedSample { get; } =
        Path.GetFullPath(Path.Combine(Directory, "..", "..", "..", "..", "config.yml.sample"));

    /// <summary>The text of the shipped sample with all optional keys set: <c>#key:</c> without a blank.</summary>
    public static string CompleteSample { get; } = OptionalKey().Replace(File.ReadAllText(ShippedSample), "$1");

    [GeneratedRegex("^( *)#(?=[^ \n])", RegexOptions.Multiline)]
    private static partial Regex OptionalKey();

    private static string Here([CallerFilePath] string path = "") => path;
}
