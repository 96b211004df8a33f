using System.Text.RegularExpressions;
using KvmBackup.Shell;

namespace KvmBackup.Ceph;

/// <summary>Turns what <c>rbd</c> said and its exit status, an errno, into a failure that tells what to do.</summary>
internal static partial class RbdFailure
{
    public static CephException Of(ProgramResult result, string purpose, RbdLocation location) =>
        new($"{purpose} failed: rbd said: {Said(result)}. {Advice(result, location)}")
        {
            IsRefusal = result.ExitCode is 2 or 13 or 17 or 122 || (result.ExitCode == 1 && Says(result, "Operation not permitted")),
        };

    /// <summary>The same for a pool, or a namespace of it.</summary>
    public static CephException OfPool(ProgramResult result, string purpose, RbdLocation place) => result.ExitCode == 2
        ? new($"{purpose} failed: rbd said: {Said(result)}. See what there is: ceph osd pool ls; rbd namespace ls {ShellWord.Quote(place.Image.Pool)}")
        : Of(result, purpose, place);

    /// <summary>The program did not even answer that it got no answer.</summary>
    public static CephException Late(ShellException failure, ProgramCall call, string purpose, RbdLocation location) => new(
        $"{purpose} failed: rbd was killed after {call.Timeout.TotalSeconds:0} s without an answer. Perhaps the pool "
        + $"{location.Image.Pool} is full, which makes every write wait, or the cluster hangs: ceph health detail; ceph df",
        ExitCode.Failed, failure);

    public static bool Says(ProgramResult result, string words) =>
        result.StandardError.Contains(words, StringComparison.Ordinal);

    private static string Said(ProgramResult result)
    {
        string[] lines = result.StandardError
            .Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        string[] plain = [.. lines.Where(line => !LogPrefix().IsMatch(line))];
        string[] told = plain.Length > 0 ? plain : [.. lines.Select(line => LogPrefix().Replace(line, string.Empty)).Distinct()];
        string text = string.Join(" / ", told.Select(line => line.StartsWith("rbd: ", StringComparison.Ordinal) ? line[5..] : line));
        return text.Length > 0 ? text.TrimEnd('.') : $"nothing, exit status {result.ExitCode}";
    }

    private static string Advice(ProgramResult result, RbdLocation location) => result.ExitCode switch
    {
        13 => $"The key of {UserOf(location)} is wrong, or the cluster does not know that user: "
            + $"ceph auth get {UserOf(location)}",
        110 => "The cluster cannot be reached or is too slow, or the pool is full, which makes every write wait: ceph health detail; ceph df",
        _ when Says(result, "couldn't connect to the cluster") =>
            $"Check the monitors' addresses, the configuration file and the keyring of {UserOf(location)}.",
        1 when Says(result, "Operation not permitted") => $"{UserOf(location)} lacks the right: ceph auth caps "
            + $"{UserOf(location)} mon 'profile rbd' osd 'profile rbd pool={location.Image.Pool}'",
        2 => $"See what there is: rbd ls -l {ShellWord.Quote(PoolSpec(location.Image))}; rbd snap ls {Quoted(location)}",
        16 => $"It is protected, has clones, or is in use; a client that was killed counts for 30 s more: "
            + $"rbd status {Quoted(location)}; rbd snap ls {Quoted(location)}",
        17 => "What is there was not touched; choose another name.",
        28 => "The pool is full: ceph df",
        39 => $"Its snapshots must go first: rbd snap ls {Quoted(location)}",
        122 => $"The image may have no more snapshots, or the pool no more data: rbd snap limit clear {Quoted(location)}",
        _ => $"Try: rbd info {Quoted(location)}",
    };

    private static string Quoted(RbdLocation location) => ShellWord.Quote(location.Image.Spec);

    private static string PoolSpec(RbdImage image) => image.Namespace is null ? image.Pool : $"{image.Pool}/{image.Namespace}";

    private static string UserOf(RbdLocation location) => $"client.{location.Access.User ?? "admin"}";

    // "2026-11-20T09:33:23.186+0000 7fe96effd6c0 -1 librbd::Operations: snapshot is protected"
    [GeneratedRegex(@"^[0-9]{4}-[0-9]{2}-[0-9]{2}T\S+ [0-9a-f]+ +-?[0-9]+ ")]
    private static partial Regex LogPrefix();
}
