using System.Runtime.CompilerServices;

namespace KvmBackup.Tests.Support;

/// <summary>
/// A domain's XML in the form that a tool or years of manual changes leave, with the expected facts in a text file
/// beside it. <c>KVMBACKUP_WRITE_EXPECTED=1</c> writes the text files again; review each change of them.
/// </summary>
/// <param name="Name">The file's name in Definitions, without its extension.</param>
public sealed record DefinitionShape(string Name)
{
    private static readonly string Folder = Path.Combine(Path.GetDirectoryName(Here())!, "Definitions");

    public static TheoryData<string> All =>
        [.. Directory.GetFiles(Folder, "*.xml").Select(path => Path.GetFileNameWithoutExtension(path)!).Order()];

    public string Xml => File.ReadAllText(Path.Combine(Folder, $"{Name}.xml"));

    /// <param name="part">The part of the expected text: <c>facts</c> or <c>edits</c>.</param>
    /// <param name="actual">The lines that the program gives.</param>
    public void AssertExpected(string part, IEnumerable<string> actual)
    {
        string path = Path.Combine(Folder, $"{Name}.{part}.txt");
        string text = string.Concat(actual.Select(line => $"{line}\n"));
        if (Environment.GetEnvironmentVariable("KVMBACKUP_WRITE_EXPECTED") is not null)
        {
            File.WriteAllText(path, text);
        }

        Assert.Equal(File.ReadAllText(path), text);
    }

    private static string Here([CallerFilePath] string path = "") => path;
}
