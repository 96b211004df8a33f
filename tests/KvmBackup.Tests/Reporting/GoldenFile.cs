using System.Runtime.CompilerServices;

namespace KvmBackup.Tests.Reporting;

/// <summary>
/// An expected text in <c>Reporting/Golden</c>. On a difference the actual text is written below the folder of the test
/// assembly, and the failure prints the first line that differs with the <c>diff</c> and <c>cp</c> commands.
/// </summary>
public static class GoldenFile
{
    private static readonly string Folder = FindFolder();
    private static readonly string ActualFolder = Path.Combine(AppContext.BaseDirectory, "golden");

    /// <summary>The manuals of the package.</summary>
    public static string ManualFolder => Path.Combine(Folder, "..", "..", "..", "..", "src", "manual");

    public static IEnumerable<string> Names =>
        Directory.GetFiles(Folder, "*.json").Select(path => Path.GetFileNameWithoutExtension(path)).Order();

    public static void AssertEqual(string name, string actual)
    {
        string expectedPath = Path.Combine(Folder, $"{name}.json");
        string expected = File.Exists(expectedPath) ? File.ReadAllText(expectedPath) : string.Empty;
        if (expected == actual)
        {
            return;
        }

        string actualPath = Path.Combine(Directory.CreateDirectory(ActualFolder).FullName, $"{name}.json");
        File.WriteAllText(actualPath, actual);
        (string[] wanted, string[] got) = (expected.Split('\n'), actual.Split('\n'));
        int line = wanted.Zip(got).TakeWhile(pair => pair.First == pair.Second).Count();
        Assert.Fail(
            $"""
            {name}.json differs in line {line + 1}
            expected: {wanted.ElementAtOrDefault(line)}
            actual:   {got.ElementAtOrDefault(line)}
            To see all differences: diff -u {expectedPath} {actualPath}
            To accept them:         cp {actualPath} {expectedPath}
            """);
    }

    private static string FindFolder([CallerFilePath] string here = "") =>
        Path.Combine(Path.GetDirectoryName(here)!, "Golden");
}
