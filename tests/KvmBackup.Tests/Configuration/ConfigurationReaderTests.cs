using System.Diagnostics;
using System.Text;
using KvmBackup.Configuration;

namespace KvmBackup.Tests.Configuration;

public sealed class ConfigurationReaderTests
{
    public static TheoryData<string, DayOfWeek> DayWords
    {
        get
        {
            TheoryData<string, DayOfWeek> words = [];
            foreach (DayOfWeek day in Enum.GetValues<DayOfWeek>())
            {
                words.Add($"{day}", day);
                words.Add($"{day}"[..3], day);
                words.Add($"{day}"[..3].ToUpperInvariant(), day);
                words.Add($"'{day}'".ToUpperInvariant(), day);
            }

            return words;
        }
    }

    [Theory]
    [MemberData(nameof(DayWords))]
    public void Days_are_english_words_in_any_case(string word, DayOfWeek day) =>
        Assert.Equal([day], ParseDomain($"day_of_week: {word}, rotate: 1").Schedule.Days);

    [Fact]
    public void A_day_named_twice_counts_once() =>
        Assert.Equal([DayOfWeek.Sunday], ParseDomain("day_of_week: [Sun, sunday, Sun], rotate: 1").Schedule.Days);

    [Theory]
    [InlineData("45s", 45)]
    [InlineData("10m", 600)]
    [InlineData("8h", 28_800)]
    [InlineData("7d", 604_800)]
    [InlineData("4w", 2_419_200)]
    public void Each_unit_of_a_duration_has_its_value(string text, int seconds) =>
        Assert.Equal(
            TimeSpan.FromSeconds(seconds), ParseDomain($"day_of_week: Sun, retain: {{age: {text}}}").Retention.Age);

    [Theory]
    [InlineData("lz4")]
    [InlineData("igz")]
    [InlineData("1")]
    public void An_unknown_codec_is_refused_with_the_list_of_codecs(string codec)
    {
        ConfigurationException refusal = Assert.Throws<ConfigurationException>(
            () => ParseDomain($"day_of_week: Sun, rotate: 1, compression: {codec}"));

        Assert.Equal(
            "config.yml:1: cloud1.domains.web1.compression: "
            + $"unknown codec '{codec}'; codecs are pigz, gzip, zstd, bzip2, igzip and none",
            refusal.Message);
    }

    [Fact]
    public void A_missing_file_is_refused_by_name()
    {
        string path = Path.Combine(Path.GetTempPath(), "no-such-directory", "config.yml");

        ConfigurationException refusal = Assert.Throws<ConfigurationException>(
            () => ConfigurationReader.Read(path, "cloud1"));

        ConfigurationError error = Assert.Single(refusal.Errors);
        Assert.Equal((path, 0, string.Empty), (error.File, error.Line, error.Key));
        Assert.Equal("there is no such file", error.Problem);
        Assert.EndsWith("or name another with --config FILE", error.Hint, StringComparison.Ordinal);
        Assert.True(refusal.IsMissing);
    }

    [Fact]
    public void A_directory_is_refused_with_the_file_that_may_be_meant()
    {
        ConfigurationError error = Assert.Single(Assert.Throws<ConfigurationException>(
            () => ConfigurationReader.Read(Path.GetTempPath(), "cloud1")).Errors);

        Assert.Equal("is a directory", error.Problem);
        Assert.Contains("config.yml", error.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public void Errors_are_in_the_order_of_the_file()
    {
        ConfigurationException refusal = Assert.Throws<ConfigurationException>(() => ConfigurationReader.Parse(
            "cloud1:\n  domains:\n    web1: {rotate: x}\n  backupdir: y\n", "config.yml", "cloud1"));

        Assert.Equal([3, 3, 4], refusal.Errors.Select(error => error.Line));
    }

    [Fact]
    public void Aliases_that_multiply_are_refused_before_they_fill_the_memory()
    {
        StringBuilder text = new("a0: &a0 {");
        text.AppendJoin(", ", Enumerable.Range(0, 1000).Select(number => $"k{number}: 1")).Append("}\n");
        for (int level = 1; level < 30; level++)
        {
            string aliases = string.Join(", ", Enumerable.Repeat($"*a{level - 1}", 10));
            text.Append($"a{level}: &a{level} {{<<: [{aliases}]}}\n");
        }

        ConfigurationException refusal = Assert.Throws<ConfigurationException>(
            () => ConfigurationReader.Parse(text.ToString(), "config.yml", "cloud1"));

        Assert.Contains("more than 100000 merged keys", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Brackets_without_end_are_refused_before_they_fill_the_stack()
    {
        ConfigurationException refusal = Assert.Throws<ConfigurationException>(
            () => ConfigurationReader.Parse("cloud1: " + new string('[', 100_000), "config.yml", "cloud1"));

        Assert.Contains("more than 32 levels deep", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_map_in_braces_may_run_over_several_lines() =>
        Assert.Equal(
            new RetentionPolicy(Last: 2, Daily: 3),
            ParseDomain("day_of_week: Sun, retain: {last: 2,\n daily:\n 3}").Retention);

    [Fact]
    public void A_file_for_a_thousand_hosts_is_read_quickly()
    {
        StringBuilder text = new();
        for (int host = 0; host < 1000; host++)
        {
            text.Append($"host{host}:\n  backupdir: /mnt\n  domains:\n");
            for (int domain = 0; domain < 10; domain++)
            {
                text.Append($"    guest{domain}:\n      day_of_week: [Sun, Wed]\n      rotate: 4\n");
            }
        }

        Stopwatch watch = Stopwatch.StartNew();
        HostSettings settings = ConfigurationReader.Parse(text.ToString(), "config.yml", "host999");

        Assert.Equal(10, settings.Domains.Count);
        Assert.InRange(watch.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(10));
    }

    [Fact]
    public void A_mutated_file_is_read_or_refused_and_causes_no_other_failure()
    {
        const string Strokes = "{}[]:,&*!|>'\"%@`#-? \t\n\0<~0aüs";
        string sample = SampleFiles.CompleteSample;
        string bare = string.Join('\n', sample.Split('\n').Where(line => !line.TrimStart().StartsWith('#')));
        Random random = new(20_261_120);
        int refused = 0;
        for (int number = 0; number < 4_000; number++)
        {
            StringBuilder text = new(bare);
            for (int stroke = random.Next(1, 4); stroke > 0; stroke--)
            {
                int position = random.Next(text.Length);
                _ = random.Next(2) == 0
                    ? text.Remove(position, random.Next(1, Math.Min(9, text.Length - position + 1)))
                    : text.Insert(position, Strokes[random.Next(Strokes.Length)]);
            }

            refused += IsRefused(text.ToString()) ? 1 : 0;
        }

        Assert.InRange(refused, 1_000, 3_999);
    }

    private static bool IsRefused(string text)
    {
        try
        {
            Assert.NotEmpty(ConfigurationReader.Parse(text, "config.yml", "cloud1").Domains);
            return false;
        }
        catch (ConfigurationException refusal)
        {
            Assert.All(refusal.Errors, error => Assert.NotEmpty(error.Hint));
            return true;
        }
    }

    private static DomainSettings ParseDomain(string body) => ConfigurationReader.Parse(
        $"cloud1: {{backupdir: /mnt, domains: {{web1: {{{body}}}}}}}", "config.yml", "cloud1").Domains[0];
}
