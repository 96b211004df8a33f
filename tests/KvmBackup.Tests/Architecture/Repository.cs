using System.Runtime.CompilerServices;

namespace KvmBackup.Tests.Architecture;

/// <summary>The sources from which this test was built.</summary>
public static class Repository
{
    internal static readonly string Root = FindRoot();

    public static IReadOnlyList<SourceFile> Sources { get; } = Read("src/KvmBackup");

    /// <summary>The sources below a folder of the repository, with paths relative to that folder.</summary>
    public static IReadOnlyList<SourceFile> Read(string folder) =>
        [.. ReadTexts(folder).Select(file => SourceFile.Parse(file.RelativePath, file.Text))];

    /// <summary>The complete texts of the same files.</summary>
    public static IReadOnlyList<(string RelativePath, string Text)> ReadTexts(string folder)
    {
        string path = Path.Combine(Root, folder);
        return [.. Directory.EnumerateFiles(path, "*.cs", SearchOption.AllDirectories)
            .Select(file => (Relative: Path.GetRelativePath(path, file), FilePath: file))
            .Where(file => !file.Relative.Split('/').Any(part => part is "bin" or "obj"))
            .OrderBy(file => file.Relative, StringComparer.Ordinal)
            .Select(file => (file.Relative, File.ReadAllText(file.FilePath)))];
    }

    /// <summary>The text of a file, by its path in the repository.</summary>
    public static string ReadText(string path) => File.ReadAllText(Path.Combine(Root, path));

    /// <summary>Whether the repository has a file or folder of that path.</summary>
    public static bool Has(string path) => Path.Exists(Path.Combine(Root, path));

    private static string FindRoot([CallerFilePath] string here = "")
    {
        DirectoryInfo? folder = new(Path.GetDirectoryName(here)!);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "KvmBackup.sln")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new InvalidOperationException($"There is no repository above '{here}'.");
    }
}
