using KvmBackup.Shell;

namespace KvmBackup.Hypervisor;

/// <summary>
/// Runs virsh. Its exit status is only 0 or 1, so the effect of a call is read from the XML afterwards.
/// </summary>
public sealed class Virsh(IProcessRunner runner, string? connectUri)
{
    /// <summary>A call as a value, to run or to print.</summary>
    public ProgramCall Call(params IEnumerable<string> arguments) =>
        new("virsh", [.. connectUri is null ? [] : new[] { "--connect", connectUri }, .. arguments]);

    /// <summary>The beginning of every command that is printed for an operator.</summary>
    public string CommandLine => Call().ToString();

    public Task<ProgramResult> RunAsync(ProgramCall call, CancellationToken cancellationToken) =>
        runner.RunAsync(call, cancellationToken);

    /// <summary>Runs a call that must succeed and returns its output.</summary>
    /// <param name="purpose">The purpose, as the beginning of a message: <c>web1: reading the definition</c>.</param>
    /// <exception cref="HypervisorException">The call failed; the message contains the error text of virsh.</exception>
    public async Task<string> RunCheckedAsync(ProgramCall call, string purpose, CancellationToken cancellationToken)
    {
        ProgramResult result = await RunAsync(call, cancellationToken);
        return result.IsSuccess
            ? result.StandardOutput
            : throw new HypervisorException(
                $"{purpose} failed: virsh reported: {result.ErrorText}{Hint(result.ErrorText)}");
    }

    /// <summary>What to do when the connection to libvirt failed.</summary>
    private static string Hint(string complaint) =>
        !complaint.Contains("failed to connect to the hypervisor", StringComparison.OrdinalIgnoreCase) ? string.Empty
        : complaint.Contains("authentication", StringComparison.OrdinalIgnoreCase)
            || complaint.Contains("Permission denied", StringComparison.Ordinal) ? ". Run kvmbackup as root."
        : ". Is libvirt running? Start it: `systemctl start libvirtd` ; or where there is no libvirtd: "
            + "`systemctl start virtqemud` . "
            + "For another libvirt than this host's own: --connect URI.";
}
