using System.Text;
using KvmBackup.Shell;

namespace KvmBackup.Hypervisor;

/// <summary>
/// Runs virsh. Its exit status is only 0 or 1, so the effect of a call is read from the XML afterwards.
/// </summary>
public sealed class Virsh(IProcessRunner runner, string? connectUri)
{
    /// <summary>Between the commands of one process.</summary>
    public const string Separator = " ; ";

    /// <summary>A call as a value, to run or to print.</summary>
    public ProgramCall Call(params IEnumerable<string> arguments) =>
        new("virsh", [.. connectUri is null ? [] : new[] { "--connect", connectUri }, .. arguments]);

    /// <summary>The beginning of every command that is printed for an operator.</summary>
    public string CommandLine => Call().ToString();

    public Task<ProgramResult> RunAsync(ProgramCall call, CancellationToken cancellationToken) =>
        runner.RunAsync(call, cancellationToken);

    /// <summary>
    /// Runs queries about one domain that must all succeed. One process asks all: virsh takes longer to start than to
    /// ask.
    /// </summary>
    /// <param name="queries">The commands. No word of them needs quoting.</param>
    /// <returns>The outputs, in the order of the queries.</returns>
    /// <exception cref="HypervisorException">A query failed; the message contains the error text of virsh.</exception>
    public async Task<IReadOnlyList<string>> QueryAllAsync(
        DomainIdentity domain, IReadOnlyList<string[]> queries, CancellationToken cancellationToken)
    {
        string mark = $"kvmbackup-{Guid.NewGuid():N}";
        string script = string.Join(
            Separator, queries.Select(query => $"{string.Join(' ', query)}{Separator}echo {mark}"));
        ProgramResult result = await RunAsync(Call("--quiet", script), cancellationToken);
        string[] outputs = result.StandardOutput.Split(mark);
        if (result is { IsSuccess: true, StandardError: "" } && outputs.Length == queries.Count + 1)
        {
            return outputs[..^1];
        }

        // One by one, so that the message is about the query that failed.
        return await Task.WhenAll(queries.Select(query => RunCheckedAsync(
            Call(query), $"{domain.Name}: {query[0]}", cancellationToken)));
    }

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

    /// <summary>Runs a call that reads XML from a file and must succeed.</summary>
    /// <param name="call">The call for the path of the file.</param>
    /// <param name="purpose">The purpose, as the beginning of a message.</param>
    /// <exception cref="HypervisorException">The call failed; the message contains the error text of
    /// virsh.</exception>
    public async Task RunCheckedAsync(
        string xml, Func<string, ProgramCall> call, string purpose, CancellationToken cancellationToken) =>
        await WithFileAsync(xml, path => RunCheckedAsync(call(path), purpose, cancellationToken), cancellationToken);

    /// <summary>Writes XML to a file without a name, for a call that reads it.</summary>
    public static async Task<TResult> WithFileAsync<TResult>(
        string xml, Func<string, Task<TResult>> run, CancellationToken cancellationToken)
    {
        // virsh reads XML only from a file, and the XML may contain passwords. The file is unlinked before it is
        // written, so that nothing stays behind when this program is killed.
        FileStreamOptions options = new()
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.ReadWrite,
            Share = FileShare.ReadWrite | FileShare.Delete,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        };
        string path = Path.Combine(Path.GetTempPath(), $"kvmbackup-{Guid.NewGuid():N}.xml");
        await using FileStream file = new(path, options);
        File.Delete(path);
        await file.WriteAsync(new UTF8Encoding(false).GetBytes(xml), cancellationToken);
        await file.FlushAsync(cancellationToken);
        return await run($"/proc/{Environment.ProcessId}/fd/{file.SafeFileHandle.DangerousGetHandle()}");
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
