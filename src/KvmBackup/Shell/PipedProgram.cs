using System.Diagnostics;
using System.Text;

namespace KvmBackup.Shell;

/// <summary>A real program with plain pipes; its own thread collects a bounded part of the standard error.</summary>
internal sealed class PipedProgram : IPipedProgram
{
    private const int MaximumErrorBytes = 1 << 16;
    private static readonly TimeSpan EndLimit = TimeSpan.FromSeconds(5);
    private readonly Process process;
    private readonly ProgramCall call;
    private readonly TimeProvider time;
    private readonly Action<ProgramResult> report;
    private readonly long start;
    private readonly Task<string> errorText;
    private readonly TimedPipe input;
    private readonly TimedPipe output;
    private volatile bool isTimedOut;

    public PipedProgram(Process process, ProgramCall call, TimeProvider time, Action<ProgramResult> report)
    {
        this.process = process;
        this.call = call;
        this.time = time;
        this.report = report;
        start = time.GetTimestamp();
        errorText = Task.Factory.StartNew(
            CollectErrorText, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        PipeCapacity.Widen(process.StandardInput.BaseStream);
        PipeCapacity.Widen(process.StandardOutput.BaseStream);
        input = new TimedPipe(process.StandardInput.BaseStream, this);
        output = new TimedPipe(process.StandardOutput.BaseStream, this);
    }

    public Stream StandardInput => input;

    public Stream StandardOutput => output;

    public async Task<ProgramResult> WaitAsync(CancellationToken cancellationToken)
    {
        using CancellationTokenSource limit = new(call.Timeout, time);
        using CancellationTokenSource either =
            CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            await process.WaitForExitAsync(either.Token);
        }
        catch (OperationCanceledException)
        {
            Kill();
            cancellationToken.ThrowIfCancellationRequested();
            isTimedOut = true;
        }

        ThrowIfTimedOut();
        ProgramResult result = new(call, process.ExitCode, string.Empty, await errorText, time.GetElapsedTime(start));
        report(result);
        return result;
    }

    /// <summary>A timer for one direction of the pipes: when it expires, the program is killed.</summary>
    public ITimer CreateTimer() => time.CreateTimer(
        _ =>
        {
            isTimedOut = true;
            Kill();
        },
        state: null,
        Timeout.InfiniteTimeSpan,
        Timeout.InfiniteTimeSpan);

    public TimeSpan Limit => call.Timeout;

    public bool IsTimedOut => isTimedOut;

    /// <exception cref="ShellException">The program was killed because it made no progress.</exception>
    public void ThrowIfTimedOut()
    {
        if (isTimedOut)
        {
            throw new ShellException(
                $"'{call}' made no progress for {call.Timeout.TotalSeconds:0} s and was killed.",
                isProgramMissing: false);
        }
    }

    public async ValueTask DisposeAsync()
    {
        Kill();
        await Task.WhenAny(process.WaitForExitAsync(CancellationToken.None), Task.Delay(EndLimit, time));
        await input.DisposeAsync();
        await output.DisposeAsync();
        process.Dispose();
    }

    private string CollectErrorText()
    {
        Stream pipe = process.StandardError.BaseStream;
        byte[] kept = new byte[MaximumErrorBytes];
        byte[] surplus = new byte[4096];
        int length = 0;
        int count;
        do
        {
            Span<byte> free = length < kept.Length ? kept.AsSpan(length) : surplus;
            count = pipe.Read(free);
            length = Math.Min(kept.Length, length + count);
        }
        while (count > 0);

        return Encoding.UTF8.GetString(kept, 0, length);
    }

    private void Kill()
    {
        try
        {
            process.Kill();
        }
        catch (InvalidOperationException)
        {
            // It has ended already.
        }
    }
}
