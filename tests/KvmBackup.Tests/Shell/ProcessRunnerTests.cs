using System.Diagnostics;
using KvmBackup.Shell;
using Serilog.Core;

namespace KvmBackup.Tests.Shell;

public sealed class ProcessRunnerTests
{
    private readonly ProcessRunner shell = new(Logger.None, TimeProvider.System);

    [Fact]
    public async Task Arguments_are_passed_unchanged()
    {
        string[] words = ["a b", "", "it's", "\"", "$HOME", "*", "ü", "-n", "\\", "a\nb"];

        ProgramResult result = await Bash("printf '%s|' \"$@\"", words);

        Assert.Equal(string.Concat(words.Select(word => word + '|')), result.StandardOutput);
    }

    [Fact]
    public async Task Exit_status_output_and_error_text_are_separate()
    {
        ProgramResult result = await Bash("echo out; echo one >&2; echo two >&2; exit 7");

        Assert.Equal((7, "out\n", "one / two", false),
            (result.ExitCode, result.StandardOutput, result.ErrorText, result.IsSuccess));
        Assert.Equal("nothing, exit status 7", (await Bash("exit 7")).ErrorText);
        Assert.Equal("out", (await Bash("echo out; exit 7")).ErrorText);
    }

    [Fact]
    public async Task Programs_run_in_the_C_locale() =>
        Assert.Equal("C", (await Bash("printf %s \"$LC_ALL\"")).StandardOutput);

    [Fact]
    public async Task A_program_has_empty_standard_input() => Assert.Equal(0, (await Bash("cat")).ExitCode);

    [Fact]
    public async Task A_program_that_exceeds_its_time_limit_is_killed()
    {
        Stopwatch clock = Stopwatch.StartNew();

        ShellException failure = await Assert.ThrowsAsync<ShellException>(() => shell.RunAsync(
            new ProgramCall("sleep", ["30"]) { Timeout = TimeSpan.FromMilliseconds(300) }, CancellationToken.None));

        Assert.False(failure.IsProgramMissing);
        Assert.Contains("'sleep 30' did not end", failure.Message, StringComparison.Ordinal);
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(20));
    }

    [Fact]
    public async Task A_program_that_is_cancelled_is_killed()
    {
        using CancellationTokenSource source = new(TimeSpan.FromMilliseconds(300));
        Stopwatch clock = Stopwatch.StartNew();

        _ = await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => shell.RunAsync(new ProgramCall("sleep", ["30"]), source.Token));

        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(20));
    }

    [Fact]
    public async Task A_missing_program_is_reported_as_missing()
    {
        ShellException failure = await Assert.ThrowsAsync<ShellException>(
            () => shell.RunAsync(new ProgramCall("no-such-program", []), CancellationToken.None));

        Assert.True(failure.IsProgramMissing);
        Assert.Contains("no-such-program", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_filter_with_large_input_and_output_does_not_block()
    {
        byte[] input = new byte[5 << 20];
        new Random(7).NextBytes(input);
        MemoryStream output = new();

        ProgramResult result =
            await shell.FilterAsync(new ProgramCall("cat", []), input, output, CancellationToken.None);

        Assert.True(result.IsSuccess);
        Assert.Equal(input, output.ToArray());
    }

    [Fact]
    public async Task A_filter_that_stops_reading_is_reported_by_its_exit_status()
    {
        ProgramResult result = await shell.FilterAsync(
            new ProgramCall("bash", ["-c", "echo full >&2; exit 3"]), new byte[5 << 20], new MemoryStream(),
            CancellationToken.None);

        Assert.Equal((3, "full"), (result.ExitCode, result.ErrorText));
    }

    private Task<ProgramResult> Bash(string script, params string[] words) =>
        shell.RunAsync(new ProgramCall("bash", ["-c", script, "bash", .. words]), CancellationToken.None);
}
