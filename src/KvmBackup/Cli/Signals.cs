using System.Runtime.InteropServices;

namespace KvmBackup.Cli;

/// <summary>Turns SIGINT, SIGTERM and SIGHUP into one cancellation, on which the command undoes its work.</summary>
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

    /// <summary>The exit code of an interrupted command; null without a signal.</summary>
    public ExitCode? ExitCode => received switch
    {
        null => null,
        PosixSignal.SIGINT => Model.Identifiers.ExitCode.Interrupted,
        _ => Model.Identifiers.ExitCode.Terminated,
    };

    /// <summary>
    /// The exit code of the process for that of a command. A signal replaces it, unless a guest requires manual action.
    /// </summary>
    public ExitCode Settle(ExitCode exitCode) =>
        exitCode == Model.Identifiers.ExitCode.ManualActionRequired ? exitCode : ExitCode ?? exitCode;

    public void Dispose()
    {
        registrations.ForEach(registration => registration.Dispose());
        source.Dispose();
    }

    private void Receive(PosixSignalContext context)
    {
        // The runtime must not end the process: the guest is thawed and released first. Further signals are ignored.
        context.Cancel = true;
        received ??= context.Signal;
        source.Cancel();
    }
}
