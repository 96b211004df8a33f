using System.Text.RegularExpressions;
using KvmBackup.Shell;

namespace KvmBackup.Ceph;

/// <summary>Creates exceptions from the messages of <c>rbd</c> and its exit status, an errno, with advice.</summary>
internal static partial class RbdFailure
{
    private const string NoPool = "error opening pool";

    public static CephException Of(ProgramResult result, string purpose, RbdLocation location) =>
        new($"{purpose} failed: rbd reported: {ErrorText(result)}. {Advice(result, location)}")
        {
            IsRefusal = result.ExitCode is 2 or 13 or 17 or 122
                || (result.ExitCode == 1 && HasMessage(result, "Operation not permitted")),
        };

    /// <summary>The same for a pool, or a namespace of it.</summary>
    public static CephException OfPool(ProgramResult result, string purpose, RbdLocation place) =>
        result.ExitCode == 2 && !HasMessage(result, NoPool)
        ? new($"{purpose} failed: rbd reported: {ErrorText(result)}. To list namespaces: "
            + RbdAdvice.Type(place, "namespace", "ls", place.Image.Pool))
        : Of(result, purpose, place);

    /// <summary>The failure of a program that was killed after its time limit.</summary>
    public static CephException TimedOut(
        ShellException failure, ProgramCall call, string purpose, RbdLocation location) => new(
        $"{purpose} failed: rbd was killed after {call.Timeout.TotalSeconds:0} s without an answer. Perhaps the pool "
        + $"{location.Image.Pool} is full, which blocks every write, or the cluster hangs: {RbdAdvice.Health}",
        ExitCode.Failed, failure);

    public static bool HasMessage(ProgramResult result, string text) =>
        result.StandardError.Contains(text, StringComparison.Ordinal);

    private static string ErrorText(ProgramResult result)
    {
        string[] lines = result.StandardError
            .Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        string[] plain = [.. lines.Where(line => !LogPrefix().IsMatch(line))];
        string[] messages = plain.Length > 0
            ? plain : [.. lines.Select(line => LogPrefix().Replace(line, string.Empty)).Distinct()];
        string text = string.Join(
            " / ", messages.Select(line => line.StartsWith("rbd: ", StringComparison.Ordinal) ? line[5..] : line));
        return text.Length > 0 ? text.TrimEnd('.') : $"nothing, exit status {result.ExitCode}";
    }

    private static string Advice(ProgramResult result, RbdLocation location) => result.ExitCode switch
    {
        13 => $"The key of {UserOf(location)} is wrong, or the cluster does not have that user: "
            + $"`ceph auth get {UserOf(location)}`",
        110 => "The cluster cannot be reached or is too slow, or the pool is full, which blocks every write: "
            + RbdAdvice.Health,
        _ when HasMessage(result, "couldn't connect to the cluster") =>
            $"Check the monitors' addresses, the configuration file and the keyring of {UserOf(location)}.",
        1 when HasMessage(result, "Operation not permitted") => $"{UserOf(location)} lacks permission. To show its "
            + $"capabilities: `ceph auth get {UserOf(location)}` ; to replace them all: "
            + $"`ceph auth caps {UserOf(location)} mon 'profile rbd' osd "
            + $"{ShellWord.Quote($"profile rbd pool={location.Image.Pool}")}`",
        2 when HasMessage(result, NoPool) => "To list pools: `ceph osd pool ls`",
        2 => $"To list images and snapshots: {RbdAdvice.Type(location, "ls", "-l", PoolSpec(location.Image))}",
        16 => "It is protected, has clones, or is in use; a killed client counts for another 30 s: "
            + $"{RbdAdvice.Status(location)} ; {RbdAdvice.Snapshots(location)}",
        17 => "The existing one was not touched; choose another name.",
        28 => "The pool is full: `ceph df`",
        39 => $"Remove its snapshots first: {RbdAdvice.Snapshots(location)}",
        122 => "The limit of the image's snapshots or of the pool's data is reached. To allow any number of snapshots: "
            + RbdAdvice.Type(location, "snap", "limit", "clear", location.Image.Spec),
        _ => $"Try: {RbdAdvice.Type(location, "info", location.Image.Spec)}",
    };

    private static string PoolSpec(RbdImage image) =>
        image.Namespace is null ? image.Pool : $"{image.Pool}/{image.Namespace}";

    private static string UserOf(RbdLocation location) => $"client.{location.Access.User ?? "admin"}";

    // "2026-11-20T09:33:23.186+0000 7fe96effd6c0 -1 librbd::Operations: snapshot is protected"
    [GeneratedRegex(@"^[0-9]{4}-[0-9]{2}-[0-9]{2}T\S+ [0-9a-f]+ +-?[0-9]+ ")]
    private static partial Regex LogPrefix();
}
