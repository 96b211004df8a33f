using KvmBackup.Reporting;
using KvmBackup.Tests.Support;
using Serilog;
using Serilog.Core;

namespace KvmBackup.Tests.Reporting;

public sealed class TerminalLogTests
{
    private const string Erase = "\r\u001b[K";
    private readonly StringWriter output = new();
    private readonly AcceleratedTime time = new();

    [Fact]
    public void A_log_has_one_line_per_step_and_no_progress()
    {
        TerminalLog terminal = new(output, isTerminal: false, time);
        using Logger log = new LoggerConfiguration().MinimumLevel.Debug().WriteTo.Sink(terminal).CreateLogger();

        terminal.Report(Progress(0));
        log.Information("{Domain}: reading {Member}", new DomainName("web1"), "vda.qcow2");
        time.Pass(TimeSpan.FromSeconds(1));
        terminal.Report(Progress(50));
        log.Warning("{Domain}: look", "web1");
        terminal.Finish();

        string[] lines = output.ToString().TrimEnd('\n').Split('\n');
        Assert.Equal(2, lines.Length);
        Assert.EndsWith("info    web1: reading vda.qcow2", lines[0], StringComparison.Ordinal);
        Assert.EndsWith("WARNING web1: look", lines[1], StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', output.ToString());
    }

    [Fact]
    public void A_terminal_shows_rate_and_time_left_in_one_line()
    {
        TerminalLog terminal = new(output, isTerminal: true, time);

        terminal.Report(Progress(0));
        time.Pass(TimeSpan.FromSeconds(10));
        terminal.Report(Progress(25 << 20));

        Assert.EndsWith(
            Erase + "web1: reading vda 25%  25.0 MiB of 100 MiB  2.50 MiB/s  0:00:30 left", output.ToString(),
            StringComparison.Ordinal);
        Assert.DoesNotContain('\n', output.ToString());
    }

    [Theory]
    [InlineData(60, "w~ 25%  25.0 MiB of 100 MiB  2.50 MiB/s  0:00:30 left")]
    [InlineData(20, "wwwwwwwwwwwwwwwwww~")]
    public void Progress_takes_one_line_of_the_window(int width, string expected)
    {
        TerminalLog terminal = new(output, isTerminal: true, time, () => width);
        TransferProgress progress = Progress(0) with { Domain = new DomainName(new string('w', 50)) };

        terminal.Report(progress);
        time.Pass(TimeSpan.FromSeconds(10));
        terminal.Report(progress with { DoneBytes = 25 << 20 });

        string line = output.ToString().Split(Erase)[^1];
        Assert.EndsWith(expected, line, StringComparison.Ordinal);
        Assert.Equal(width - 1, line.Length);
    }

    [Fact]
    public void The_progress_line_disappears_after_the_last_byte()
    {
        TerminalLog terminal = new(output, isTerminal: true, time);

        terminal.Report(Progress(0));
        terminal.Report(Progress(100 << 20));

        Assert.EndsWith(Erase, output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_log_line_replaces_the_progress_line_which_is_printed_again()
    {
        TerminalLog terminal = new(output, isTerminal: true, time);
        using Logger log = new LoggerConfiguration().WriteTo.Sink(terminal).CreateLogger();
        terminal.Report(Progress(0));
        string progress = output.ToString();

        log.Error("oh");
        terminal.Finish();
        terminal.Finish();

        string[] parts = output.ToString().Split(Erase);
        Assert.Equal([progress, string.Empty], [parts[0], parts[^1]]);
        Assert.EndsWith($"ERROR   oh\n{progress}", parts[1], StringComparison.Ordinal);
    }

    [Fact]
    public void Progress_is_shown_five_times_a_second_at_most()
    {
        TerminalLog terminal = new(output, isTerminal: true, time);

        for (int report = 0; report < 1000; report++)
        {
            terminal.Report(Progress(report));
            time.Pass(TimeSpan.FromMilliseconds(1));
        }

        Assert.InRange(output.ToString().Split(Erase).Length, 2, 6);
    }

    [Fact]
    public void Extreme_numbers_are_printed()
    {
        TerminalLog terminal = new(output, isTerminal: true, time);

        terminal.Report(new TransferProgress(new DomainName("web1"), "a", 0, long.MaxValue));
        time.Pass(TimeSpan.FromDays(9));
        terminal.Report(new TransferProgress(new DomainName("web1"), "a", 1, long.MaxValue));
        time.Pass(TimeSpan.FromDays(9));
        terminal.Report(new TransferProgress(new DomainName("web1"), "a", 0, 0));

        Assert.Contains("web1: a 0%", output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_hostile_message_is_one_escaped_line()
    {
        TerminalLog terminal = new(output, isTerminal: false, time);
        using Logger log = new LoggerConfiguration().WriteTo.Sink(terminal).CreateLogger();

        log.Information("{Path}", "a\n2026-11-20 02:00:00 info    forged\u001b[2J");

        Assert.Single(output.ToString().TrimEnd('\n').Split('\n'));
        Assert.DoesNotContain('\u001b', output.ToString());
    }

    private static TransferProgress Progress(long done) => new(new DomainName("web1"), "reading vda", done, 100 << 20);
}
