using System.Globalization;
using KvmBackup.Shell;

namespace KvmBackup.Ceph;

/// <summary>Makes each call of <c>rbd</c>: the way to the cluster, the limits, the words.</summary>
internal static class RbdCall
{
    private const double MostConnectSeconds = 30;
    private const double MostRequestSeconds = 120;

    /// <param name="access">The way to the cluster.</param>
    /// <param name="limit">After that long the program is killed. Its own limits are a little shorter, so that it can say
    /// what it waited for; but not everything that hangs obeys them.</param>
    /// <param name="words">The command and its arguments.</param>
    public static ProgramCall Build(RbdAccess access, TimeSpan limit, params IEnumerable<string> words) => new(
        "rbd",
        [
            .. Way(access),
            "--client-mount-timeout", Seconds(limit, access.TargetTimeout, MostConnectSeconds),
            "--rados-osd-op-timeout", Seconds(limit, access.TargetTimeout, MostRequestSeconds),
            .. words,
        ])
    {
        Timeout = limit,
    };

    /// <summary>A snapshot as a word of the call.</summary>
    /// <exception cref="CephException">No snapshot can have that name.</exception>
    public static string At(RbdImage image, string snapshot) => $"{image.Spec}@{CheckedSnapshot(image, snapshot)}";

    public static string CheckedSnapshot(RbdImage image, string snapshot) =>
        snapshot.Length == 0 || snapshot[0] == '-' || snapshot.Any(one => one is '/' or '@' || char.IsControl(one))
            ? throw new CephException(
                $"'{snapshot}' cannot be the name of a snapshot of {image}: it must not be empty, begin with '-', or hold "
                + "'/', '@' or control characters.")
            : snapshot;

    private static IEnumerable<string> Way(RbdAccess access)
    {
        // Without a file of ours, the one in /etc/ceph would be read, and may speak of another cluster.
        bool isByMonitors = access.Monitors.Count > 0 && access.ConfigurationPath is null;
        string? configuration = isByMonitors ? "/dev/null" : access.ConfigurationPath;
        return
        [
            .. configuration is null ? Array.Empty<string>() : ["-c", configuration],
            .. isByMonitors ? ["--mon-host", string.Join(',', access.Monitors)] : Array.Empty<string>(),
            .. access.User is null ? Array.Empty<string>() : ["--id", access.User],
            .. access.KeyFilePath is null ? Array.Empty<string>() : ["--keyfile", access.KeyFilePath],
            .. access.KeyringPath is null ? Array.Empty<string>() : ["--keyring", access.KeyringPath],
        ];
    }

    private static string Seconds(TimeSpan limit, TimeSpan patience, double most) =>
        Math.Clamp(Math.Floor(Math.Min(limit.TotalSeconds, patience.TotalSeconds) * 0.8), 1, most).ToString(CultureInfo.InvariantCulture);
}
