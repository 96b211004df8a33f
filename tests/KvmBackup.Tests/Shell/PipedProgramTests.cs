using System.Diagnostics;
using KvmBackup.Shell;
using Serilog.Core;

namespace KvmBackup.Tests.Shell;

public sealed class PipedProgramTests
{
    private readonly ProcessRunner shell = new(Logger.None, TimeProvider.System);

    [Fact]
    public async Task Data_flow_in_and_out_while_the_program_runs()
    {
        await using IPipedProgram program = Bash("while read -r line; do echo \"<$line>\"; done; echo bye >&2; exit 3");
        using StreamReader output = new(program.StandardOutput);

        program.StandardInput.Write("one\n"u8);
        Assert.Equal("<one>", output.ReadLine());
        program.StandardInput.Write("two\n"u8);
        Assert.Equal("<two>", output.ReadLine());
        await program.StandardInput.DisposeAsync();

        Assert.Null(output.ReadLine());
        ProgramResult result = await program.WaitAsync(CancellationToken.None);
        Assert.Equal((3, "", "bye\n"), (result.ExitCode, result.StandardOutput, result.StandardError));
    }

    [Fact]
    public async Task Endless_standard_error_is_kept_up_to_a_limit_and_does_not_block()
    {
        await using IPipedProgram program = Bash("yes complaint | head -c 3000000 >&2; echo done");
        using StreamReader output = new(program.StandardOutput);

        Assert.Equal("done", output.ReadLine());
        ProgramResult result = await program.WaitAsync(CancellationToken.None);

        Assert.StartsWith("complaint\ncomplaint\n", result.StandardError, StringComparison.Ordinal);
        Assert.Equal(1 << 16, result.StandardError.Length);
    }

    [Fact]
    public async Task A_stalled_read_kills_the_program_and_fails()
    {
        await using IPipedProgram program = Bash("echo one; sleep 30", TimeSpan.FromMilliseconds(500));
        byte[] buffer = new byte[4];
        Stopwatch clock = Stopwatch.StartNew();

        Assert.Equal(4, program.StandardOutput.Read(buffer));
        ShellException failure = Assert.Throws<ShellException>(() => program.StandardOutput.Read(buffer));

        Assert.Contains("made no progress", failure.Message, StringComparison.Ordinal);
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(20));
    }

    [Fact]
    public async Task A_pipe_buffers_a_mebibyte_before_the_program_reads()
    {
        await using IPipedProgram program = Bash("exec sleep 60", TimeSpan.FromSeconds(30));

        Assert.Null(Record.Exception(() => program.StandardInput.Write(new byte[1 << 20])));
    }

    [Fact]
    public async Task A_stalled_write_kills_the_program_and_fails()
    {
        await using IPipedProgram program = Bash("exec sleep 30", TimeSpan.FromMilliseconds(500));

        Assert.Throws<ShellException>(() => program.StandardInput.Write(new byte[1 << 22]));
    }

    [Fact]
    public async Task A_slow_transfer_is_not_killed()
    {
        await using IPipedProgram program =
            Bash("for i in 1 2 3 4; do sleep 0.4; echo $i; done", TimeSpan.FromSeconds(1));
        using StreamReader output = new(program.StandardOutput);

        Assert.Equal("1\n2\n3\n4\n", output.ReadToEnd());
        Assert.True((await program.WaitAsync(CancellationToken.None)).IsSuccess);
    }

    [Fact]
    public async Task A_program_that_does_not_end_is_killed_at_the_limit()
    {
        await using IPipedProgram program = Bash("exec >&-; exec sleep 30", TimeSpan.FromMilliseconds(500));

        _ = await Assert.ThrowsAsync<ShellException>(() => program.WaitAsync(CancellationToken.None));
    }

    [Fact]
    public async Task A_wait_that_is_cancelled_kills_it()
    {
        await using IPipedProgram program = Bash("echo $$; exec sleep 30");
        int processId = int.Parse(new StreamReader(program.StandardOutput).ReadLine()!, null);
        using CancellationTokenSource source = new(TimeSpan.FromMilliseconds(200));

        _ = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => program.WaitAsync(source.Token));

        await AssertGoneAsync(processId);
    }

    [Fact]
    public async Task No_process_is_left_at_the_end_of_the_scope()
    {
        int processId;
        await using (IPipedProgram program = Bash("echo $$; exec sleep 30"))
        {
            processId = int.Parse(new StreamReader(program.StandardOutput).ReadLine()!, null);
        }

        await AssertGoneAsync(processId);
    }

    [Fact]
    public async Task A_piped_program_has_its_own_session_and_the_C_locale()
    {
        await using IPipedProgram program = Bash("ps -o sid= -p $$; echo $$ $LC_ALL");
        string[] words =
            new StreamReader(
                program.StandardOutput).ReadToEnd().Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries);

        Assert.Equal([words[1], words[1], "C"], words);
    }

    [Fact]
    public void A_missing_program_is_reported_as_missing() => Assert.True(
        Assert.Throws<ShellException>(() => shell.Open(new ProgramCall("no-such-program", []))).IsProgramMissing);

    private IPipedProgram Bash(string script, TimeSpan? limit = null) =>
        shell.Open(new ProgramCall("bash", ["-c", script]) { Timeout = limit ?? TimeSpan.FromSeconds(30) });

    private static async Task AssertGoneAsync(int processId)
    {
        for (int tries = 0; Directory.Exists($"/proc/{processId}") && tries < 100; tries++)
        {
            await Task.Delay(50);
        }

        Assert.False(Directory.Exists($"/proc/{processId}"));
    }
}
