using System.Runtime.InteropServices;

namespace KvmBackup.Cli;

/// <summary>Turns SIGINT, SIGTERM and SIGHUP into one cancellation; what is under way then unwinds.</summary>
public sealed class Signals : IDisposable
{
    private readonly CancellationTokenSource source = new();
    private readonly List<PosixSignalRegistration> registrations;
    private PosixSignal? received;

    public Signals()
    {
        registrations = [.. new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP }
            .Select(signal => PosixSignalRegistration.Create(signal, Receive))];
    }

    public CancellationToken Token => source.Token;

    /// <summary>The code of an interrupted run; null when no signal came.</summary>
    public ExitCode? ExitCode => received switch
    {
        null => null,
        PosixSignal.SIGINT => Model.Identifiers.ExitCode.Interrupted,
        _ => Model.Identifiers.ExitCode.Terminated,
    };

    public void Dispose()
    {
        registrations.ForEach(registration => registration.Dispose());
        source.Dispose();
    }

    private void Receive(PosixSignalContext context)
    {
        // The runtime must not end the process: the guest is thawed and released first. A second signal changes nothing.
        context.Cancel = true;
        received ??= context.Signal;
        source.Cancel();
    }
}
