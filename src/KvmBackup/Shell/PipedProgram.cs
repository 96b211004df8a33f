namespace KvmBackup.Shell;

/// <summary>A real program with plain pipes and a time limit for each read and write.</summary>
internal sealed class PipedProgram : IPipedProgram
{
    private static readonly TimeSpan EndLimit = TimeSpan.FromSeconds(5);
    private readonly StartedProgram program;
    private readonly ProgramCall call;
    private readonly TimeProvider time;
    private readonly Action<ProgramResult> report;
    private readonly long start;
    private readonly TimedPipe input;
    private readonly TimedPipe output;
    private volatile bool isTimedOut;

    public PipedProgram(StartedProgram program, ProgramCall call, TimeProvider time, Action<ProgramResult> report)
    {
        this.program = program;
        this.call = call;
        this.time = time;
        this.report = report;
        start = time.GetTimestamp();
        PipeCapacity.Widen(program.Input);
        PipeCapacity.Widen(program.Output);
        input = new TimedPipe(program.Input, this);
        output = new TimedPipe(program.Output, this);
    }

    public Stream StandardInput => input;

    public Stream StandardOutput => output;

    public async Task<ProgramResult> WaitAsync(CancellationToken cancellationToken)
    {
        using CancellationTokenSource limit = new(call.Timeout, time);
        using CancellationTokenSource either =
            CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        int exitCode = 0;
        try
        {
            exitCode = await program.WaitAsync(either.Token);
        }
        catch (OperationCanceledException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            isTimedOut = true;
        }

        ThrowIfTimedOut();
        ProgramResult result = new(call, exitCode, string.Empty, await program.Error, time.GetElapsedTime(start));
        report(result);
        return result;
    }

    /// <summary>A timer for one direction of the pipes: when it expires, the program is killed.</summary>
    public ITimer CreateTimer() => time.CreateTimer(
        _ =>
        {
            isTimedOut = true;
            program.Kill();
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
        program.Kill();
        await Task.WhenAny(program.WaitAsync(CancellationToken.None), Task.Delay(EndLimit, time));
        await input.DisposeAsync();
        await output.DisposeAsync();
        program.Dispose();
    }
}
