using KvmBackup.Shell;

namespace KvmBackup.Hypervisor;

/// <summary>
/// Every call of virsh. Its exit status is 0 or 1 and says little: what changed is read from the XML afterwards.
/// </summary>
public sealed class Virsh(IProcessRunner shell, string? connectUri)
{
    /// <summary>A call as a value, for running it and for showing it.</summary>
    public ProgramCall Call(params IEnumerable<string> arguments) =>
        new("virsh", [.. connectUri is null ? [] : new[] { "--connect", connectUri }, .. arguments]);

    /// <summary>The beginning of every command that is shown to a person.</summary>
    public string CommandLine => Call().ToString();

    public Task<ProgramResult> RunAsync(ProgramCall call, CancellationToken cancellationToken) =>
        shell.RunAsync(call, cancellationToken);

    /// <summary>Runs a call that must succeed and returns its output.</summary>
    /// <param name="purpose">What it is for, as the beginning of a message: <c>web1: reading its definition</c>.</param>
    /// <exception cref="HypervisorException">It failed; the message says what virsh said.</exception>
    public async Task<string> AskAsync(ProgramCall call, string purpose, CancellationToken cancellationToken)
    {
        ProgramResult result = await RunAsync(call, cancellationToken);
        return result.IsSuccess
            ? result.StandardOutput
            : throw new HypervisorException(
                $"{purpose} failed: virsh said: {result.Complaint}{Hint(result.Complaint)}");
    }

    /// <summary>What to do when it is not about a domain at all.</summary>
    private static string Hint(string complaint) =>
        !complaint.Contains("failed to connect to the hypervisor", StringComparison.OrdinalIgnoreCase) ? string.Empty
        : complaint.Contains("authentication", StringComparison.OrdinalIgnoreCase)
            || complaint.Contains("Permission denied", StringComparison.Ordinal) ? ". Run kvmbackup as root."
        : ". Is libvirt running? Start it: systemctl start libvirtd, or virtqemud where there is no libvirtd. "
            + "For another libvirt than this host's own: --connect URI.";
}
