using Medallion.Shell;
using Serilog;

namespace KvmBackup.Shell;

/// <summary>Starts real programs in the C locale, and logs each with its exit status and duration.</summary>
public sealed class ProcessRunner(ILogger log, TimeProvider time) : IProcessRunner
{
    public async Task<ProgramResult> RunAsync(ProgramCall call, CancellationToken cancellationToken)
    {
        long start = time.GetTimestamp();
        try
        {
            using Command command = Launch.Start(call, options => options
                .Timeout(call.Timeout)
                .CancellationToken(cancellationToken)
                .EnvironmentVariable("LC_ALL", "C"));
            command.StandardInput.Dispose();
            CommandResult ended = await command.Task;
            return Log(new ProgramResult(
                call, ended.ExitCode, ended.StandardOutput, ended.StandardError, time.GetElapsedTime(start)));
        }
        catch (TimeoutException failure)
        {
            throw TimedOut(call, failure);
        }
    }

    public async Task<ProgramResult> FilterAsync(
        ProgramCall call, ReadOnlyMemory<byte> input, Stream output, CancellationToken cancellationToken)
    {
        long start = time.GetTimestamp();
        using CancellationTokenSource limit = new(call.Timeout, time);
        using CancellationTokenSource either =
            CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            using FilterProcess filter = new(Launch.StartBare(call));
            (int exitCode, string error) = await filter.RunAsync(input, output, either.Token);
            return Log(new ProgramResult(call, exitCode, string.Empty, error, time.GetElapsedTime(start)));
        }
        catch (OperationCanceledException failure) when (!cancellationToken.IsCancellationRequested)
        {
            throw TimedOut(call, failure);
        }
    }

    public IPipedProgram Open(ProgramCall call) =>
        new PipedProgram(Launch.StartBare(call), call, time, result => Log(result));

    private ProgramResult Log(ProgramResult result)
    {
        log.Debug(
            "{Call} -> {ExitCode} in {Milliseconds:0} ms", result.Call, result.ExitCode,
            result.Elapsed.TotalMilliseconds);
        return result;
    }

    private ShellException TimedOut(ProgramCall call, Exception failure)
    {
        log.Debug("{Call} killed after {Seconds:0} s", call, call.Timeout.TotalSeconds);
        return new ShellException(
            $"'{call}' did not end within {call.Timeout.TotalSeconds:0} s and was killed.", isProgramMissing: false,
            failure);
    }
}
