using KvmBackup.Shell;

namespace KvmBackup.Tests.Support;

/// <summary>The reply to one call: recorded output or a fault.</summary>
public sealed class Reply
{
    private readonly Func<ProgramCall, CancellationToken, Task<ProgramResult>> answer;
    private Action? afterwards;

    /// <summary>Output of a piped program in place of a text.</summary>
    public byte[]? Bytes { get; private init; }

    /// <summary>Largest number of bytes of one read from the pipe.</summary>
    public int MostReadBytes { get; init; } = int.MaxValue;

    /// <summary>Number of bytes that a piped program reads before it ends.</summary>
    public int TakenBytes { get; init; } = int.MaxValue;

    private Reply(Func<ProgramCall, CancellationToken, Task<ProgramResult>> answer) => this.answer = answer;

    /// <summary>The program never ends.</summary>
    public static Reply Hang => new(async (call, cancellationToken) =>
    {
        await Task.Delay(Timeout.Infinite, cancellationToken);
        return Result(call, 0, string.Empty, string.Empty);
    });

    /// <summary>The program exceeded its time limit and was killed.</summary>
    public static Reply Killed => new((call, _) =>
        throw new ShellException(
            $"'{call}' did not end within {call.Timeout.TotalSeconds:0} s and was killed.", false));

    public static Reply Missing => new((call, _) =>
        throw new ShellException($"{call.Program} cannot be started: No such file or directory", true));

    /// <summary>The call fails with an exception, independent of the program.</summary>
    public static Reply Thrown(Exception failure) => new((_, _) => Task.FromException<ProgramResult>(failure));

    public static Reply Of(string recording) => Of(Recording.Read(recording));

    public static Reply Of(Recording recorded) => new((call, _) => Task.FromResult(
        Result(call, recorded.ExitCode, recorded.Output, recorded.ErrorText)));

    public static Reply Good(string output) => new((call, _) => Task.FromResult(Result(call, 0, output, string.Empty)));

    /// <summary>A piped program prints this.</summary>
    public static Reply Stream(
        byte[] output, int exitCode = 0, string complaint = "", int mostReadBytes = int.MaxValue) =>
        new((call, _) => Task.FromResult(Result(call, exitCode, string.Empty, complaint)))
        {
            Bytes = output,
            MostReadBytes = mostReadBytes,
        };

    /// <summary>A piped program reads a number of bytes and ends.</summary>
    public static Reply Takes(int bytes, Reply end) => new(end.answer) { TakenBytes = bytes };

    public static Reply Bad(string complaint, int exitCode = 1) =>
        new((call, _) => Task.FromResult(Result(call, exitCode, string.Empty, complaint)));

    /// <summary>The side effect of the call, independent of its reply.</summary>
    public Reply Then(Action change)
    {
        afterwards = change;
        return this;
    }

    internal async Task<ProgramResult> GiveAsync(ProgramCall call, CancellationToken cancellationToken)
    {
        afterwards?.Invoke();
        return await answer(call, cancellationToken);
    }

    private static ProgramResult Result(ProgramCall call, int exitCode, string output, string complaint) =>
        new(call, exitCode, output, complaint, TimeSpan.FromMilliseconds(5));
}
