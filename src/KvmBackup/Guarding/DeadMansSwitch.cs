using System.Diagnostics.CodeAnalysis;
using KvmBackup.Shell;
using Serilog;

namespace KvmBackup.Guarding;

/// <summary>
/// Stands by while guests are changed: a second process of this program that holds nothing but a pipe, and runs the recovery
/// when the pipe closes without a word, which is when the first one was killed.
/// </summary>
public sealed class DeadMansSwitch : IAsyncDisposable
{
    private static readonly TimeSpan ReadyLimit = TimeSpan.FromSeconds(20);
    private readonly Companion companion;

    private DeadMansSwitch(Companion companion) => this.companion = companion;

    /// <summary>Starts the watcher and returns when it stands by.</summary>
    /// <param name="watch">How this program is told to watch.</param>
    /// <param name="log">Takes a warning when it cannot be had: the next run recovers then.</param>
    [SuppressMessage("Reliability", "CA2000", Justification = "The switch owns the companion that it returns with.")]
    public static async Task<DeadMansSwitch?> ArmAsync(WatchCall watch, ILogger log, CancellationToken cancellationToken)
    {
        Companion? companion = null;
        try
        {
            companion = Companion.Start(new ProgramCall(watch.Program, watch.Arguments));
            await companion.WaitUntilReadyAsync(ReadyLimit, cancellationToken);
            return new DeadMansSwitch(companion);
        }
        catch (ShellException failure)
        {
            log.Warning("Nobody stands by in case that this run is killed (the next run would mend it): {Message}", failure.Message);
            await (companion?.DisposeAsync() ?? ValueTask.CompletedTask);
            return null;
        }
    }

    public ValueTask DisposeAsync() => companion.DisposeAsync();
}
