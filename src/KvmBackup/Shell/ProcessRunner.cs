using Serilog;

namespace KvmBackup.Shell;

/// <summary>Starts real programs in the C locale, and logs each with its exit status and duration.</summary>
public sealed class ProcessRunner(ILogger log, TimeProvider time) : IProcessRunner
{
    public async Task<ProgramResult> RunAsync(ProgramCall call, CancellationToken cancellationToken)
    {
        string output = string.Empty;
        ProgramResult result = await RunAsync(
            call,
            async (program, token) =>
            {
                program.Input.Dispose();
                using StreamReader reader = new(program.Output);
                output = await reader.ReadToEndAsync(token);
            },
            cancellationToken);
        return result with { StandardOutput = output };
    }

    public Task<ProgramResult> FilterAsync(
        ProgramCall call, ReadOnlyMemory<byte> input, Stream output, CancellationToken cancellationToken) =>
        RunAsync(call, (program, _) => FilterPipes.TransferAsync(program, input, output), cancellationToken);

    public IPipedProgram Open(ProgramCall call) =>
        new PipedProgram(StartedProgram.Start(call), call, time, result => Log(result));

    /// <summary>Runs a program within its time limit; it is killed at the limit and when cancelled.</summary>
    private async Task<ProgramResult> RunAsync(
        ProgramCall call, Func<StartedProgram, CancellationToken, Task> transferAsync,
        CancellationToken cancellationToken)
    {
        long start = time.GetTimestamp();
        using CancellationTokenSource limit = new(call.Timeout, time);
        using CancellationTokenSource either =
            CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        using StartedProgram program = StartedProgram.Start(call);
        try
        {
            await using CancellationTokenRegistration killing = either.Token.Register(program.Kill);
            await transferAsync(program, either.Token);
            int exitCode = await program.WaitAsync(either.Token);
            either.Token.ThrowIfCancellationRequested();
            string error = await program.Error.WaitAsync(either.Token);
            return Log(new ProgramResult(call, exitCode, string.Empty, error, time.GetElapsedTime(start)));
        }
        catch (OperationCanceledException failure) when (!cancellationToken.IsCancellationRequested)
        {
            log.Debug("{Call} killed after {Seconds:0} s", call, call.Timeout.TotalSeconds);
            throw new ShellException(
                $"'{call}' did not end within {call.Timeout.TotalSeconds:0} s and was killed.",
                isProgramMissing: false, failure);
        }
    }

    private ProgramResult Log(ProgramResult result)
    {
        log.Debug(
            "{Call} -> {ExitCode} in {Milliseconds:0} ms", result.Call, result.ExitCode,
            result.Elapsed.TotalMilliseconds);
        return result;
    }
}
