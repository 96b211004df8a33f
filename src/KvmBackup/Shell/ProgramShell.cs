using Medallion.Shell;
using Serilog;

namespace KvmBackup.Shell;

/// <summary>Starts real programs, in the C locale, and logs each with its exit status and duration.</summary>
public sealed class ProgramShell(ILogger log, TimeProvider time) : IShell
{
    public Task<ProgramResult> RunAsync(ProgramCall call, CancellationToken cancellationToken) =>
        RunAsync(call, input: null, output: null, cancellationToken);

    public Task<ProgramResult> FilterAsync(
        ProgramCall call, ReadOnlyMemory<byte> input, Stream output, CancellationToken cancellationToken) =>
        RunAsync(call, input, output, cancellationToken);

    private async Task<ProgramResult> RunAsync(
        ProgramCall call, ReadOnlyMemory<byte>? input, Stream? output, CancellationToken cancellationToken)
    {
        long start = time.GetTimestamp();
        try
        {
            using Command command = Launch.Start(call, options => options
                .Timeout(call.Timeout)
                .CancellationToken(cancellationToken)
                .EnvironmentVariable("LC_ALL", "C"));
            Task<string> error = command.StandardError.ReadToEndAsync(cancellationToken);
            Task<string> text = output is null
                ? command.StandardOutput.ReadToEndAsync(cancellationToken)
                : CopyAsync(command.StandardOutput.BaseStream, output, cancellationToken);
            await FeedAsync(command, input, cancellationToken);
            CommandResult ended = await command.Task;
            ProgramResult result = new(call, ended.ExitCode, await text, await error, time.GetElapsedTime(start));
            log.Debug("{Call} -> {ExitCode} in {Milliseconds:0} ms", call, result.ExitCode, result.Elapsed.TotalMilliseconds);
            return result;
        }
        catch (TimeoutException failure)
        {
            log.Debug("{Call} killed after {Seconds:0} s", call, call.Timeout.TotalSeconds);
            throw new ShellException(
                $"'{call}' did not end within {call.Timeout.TotalSeconds:0} s and was killed.", isProgramMissing: false, failure);
        }
    }

    private static async Task<string> CopyAsync(Stream from, Stream to, CancellationToken cancellationToken)
    {
        await from.CopyToAsync(to, 1 << 18, cancellationToken);
        return string.Empty;
    }

    private static async Task FeedAsync(Command command, ReadOnlyMemory<byte>? input, CancellationToken cancellationToken)
    {
        try
        {
            if (input is { } bytes)
            {
                await command.StandardInput.BaseStream.WriteAsync(bytes, cancellationToken);
            }

            command.StandardInput.Dispose();
        }
        catch (IOException)
        {
            // The program stopped reading before the end; its exit status and complaint say why.
        }
    }
}
