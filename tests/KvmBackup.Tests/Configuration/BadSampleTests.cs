using KvmBackup.Configuration;

namespace KvmBackup.Tests.Configuration;

public sealed class BadSampleTests
{
    private const string Expectation = "# expect: ";

    public static TheoryData<string> BadSamples =>
        [.. Directory.GetFiles(Path.Combine(SampleFiles.Directory, "Bad"), "*.yml")
            .Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(BadSamples))]
    public void A_bad_file_is_refused_with_exactly_the_messages_it_expects(string fileName)
    {
        string text = File.ReadAllText(Path.Combine(SampleFiles.Directory, "Bad", fileName));
        string[] expected =
        [
            .. text.Split('\n').Where(line => line.StartsWith(Expectation, StringComparison.Ordinal))
                .Select(line => line[Expectation.Length..]),
        ];

        ConfigurationException refusal = Assert.Throws<ConfigurationException>(
            () => ConfigurationReader.Parse(text, fileName, "cloud1"));

        Assert.Equal(ExitCode.Usage, refusal.ExitCode);
        Assert.NotEmpty(expected);
        string[] messages = refusal.Message.Split('\n');
        Assert.All(messages, line => Assert.StartsWith(fileName + ":", line, StringComparison.Ordinal));
        Assert.All(messages, line => Assert.Contains(expected, part => Matches(line, fileName, part)));
        Assert.All(expected, part => Assert.Contains(messages, line => Matches(line, fileName, part)));
    }

    // An expectation with a line number is the start of the message; one without may be anywhere in it.
    private static bool Matches(string line, string fileName, string part) => char.IsAsciiDigit(part[0])
        ? line.StartsWith($"{fileName}:{part}", StringComparison.Ordinal)
        : line.Contains(part, StringComparison.Ordinal);
}
