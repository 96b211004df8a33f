using KvmBackup.Shell;

namespace KvmBackup.Tests.Archiving;

/// <summary>Replaces programs: passes the input of each filter to a function of the test.</summary>
internal sealed class ScriptedShell(Func<ReadOnlyMemory<byte>, Stream, CancellationToken, Task<int>> filter)
    : IProcessRunner
{
    private int runningNow;

    public bool IsProgramMissing { get; init; }

    public List<ProgramCall> Calls { get; } = [];

    public int MostAtOnce { get; private set; }

    public Task<ProgramResult> RunAsync(ProgramCall call, CancellationToken cancellationToken) => IsProgramMissing
        ? throw Missing(call)
        : Task.FromResult(new ProgramResult(call, 0, "pigz 2.6", string.Empty, TimeSpan.Zero));

    public async Task<ProgramResult> FilterAsync(
        ProgramCall call, ReadOnlyMemory<byte> input, Stream output, CancellationToken cancellationToken)
    {
        if (IsProgramMissing)
        {
            throw Missing(call);
        }

        lock (Calls)
        {
            Calls.Add(call);
            MostAtOnce = Math.Max(MostAtOnce, ++runningNow);
        }

        try
        {
            int exitCode = await filter(input, output, cancellationToken);
            return new ProgramResult(call, exitCode, string.Empty, "pigz: abort: write error", TimeSpan.Zero);
        }
        finally
        {
            lock (Calls)
            {
                runningNow--;
            }
        }
    }

    public IPipedProgram Open(ProgramCall call) =>
        throw new InvalidOperationException($"Nothing is opened here: {call}");

    private static ShellException Missing(ProgramCall call) =>
        new($"{call.Program} cannot be started: No such file or directory", isProgramMissing: true);
}
