using System.Text.RegularExpressions;

namespace KvmBackup.Tests.Architecture;

/// <summary>The list of the kinds of guests and disks in the manual, and the lab tests that prove it.</summary>
public sealed partial class KindListTests
{
    private const string Head = "is backed up, lost, restored and compared.\n\n";

    [Fact]
    public void The_list_in_the_manual_has_exactly_what_the_lab_tests_prove()
    {
        string path = Path.Combine(Repository.Root, "src", "manual", "kvmbackup.8.md");
        string text = File.ReadAllText(path);
        int start = text.IndexOf(Head, StringComparison.Ordinal) + Head.Length;
        int end = text.IndexOf("# ", start, StringComparison.Ordinal);
        string rows = string.Concat(Rows().Select(row => $"{row}\n"));
        if (Environment.GetEnvironmentVariable("KVMBACKUP_WRITE_EXPECTED") == "1")
        {
            File.WriteAllText(path, text[..start] + rows + text[end..]);
        }

        Assert.Equal(rows, text[start..end]);
    }

    [Fact]
    public void Each_entry_has_its_kind_once() => Assert.Empty(
        Rows().GroupBy(row => row.Split('\n')[0]).Where(group => group.Count() > 1).Select(group => group.Key));

    private static IReadOnlyList<string> Rows() =>
    [
        .. Directory.EnumerateFiles(Path.Combine(Repository.Root, "tests", "KvmBackup.Lab"), "*.cs")
            .SelectMany(file => Attribute().Matches(File.ReadAllText(file)))
            .Select(match => $"{match.Groups["kind"].Value}\n:   {match.Groups["result"].Value}\n")
            .Order(StringComparer.Ordinal),
    ];

    [GeneratedRegex("""\[Proves\(\s*"(?<kind>[^"]+)",\s*"(?<result>[^"]+)"\)\]""")]
    private static partial Regex Attribute();
}
