using System.Globalization;
using KvmBackup.Shell;

namespace KvmBackup.Ceph;

/// <summary>Builds each call of <c>rbd</c>: connection options, time limits, arguments.</summary>
internal static class RbdCall
{
    private const double MostConnectSeconds = 30;
    private const double MostRequestSeconds = 120;

    /// <param name="access">The connection to the cluster.</param>
    /// <param name="limit">The program is killed after this time. Its own limits are shorter, so that it can report the
    /// cause; not every operation of it obeys them.</param>
    /// <param name="arguments">The command and its arguments.</param>
    public static ProgramCall Build(RbdAccess access, TimeSpan limit, params IEnumerable<string> arguments) => new(
        "rbd",
        [
            .. ConnectionOptions(access),
            "--client-mount-timeout", Seconds(limit, access.StallTimeout, MostConnectSeconds),
            "--rados-osd-op-timeout", Seconds(limit, access.StallTimeout, MostRequestSeconds),
            .. arguments,
        ])
    {
        Timeout = limit,
    };

    /// <summary>A snapshot as an argument.</summary>
    /// <exception cref="CephException">The name is not valid for a snapshot.</exception>
    public static string At(RbdImage image, string snapshot) => $"{image.Spec}@{CheckedSnapshot(image, snapshot)}";

    public static string CheckedSnapshot(RbdImage image, string snapshot) =>
        snapshot.Length == 0 || snapshot[0] == '-' || snapshot.Any(one => one is '/' or '@' || char.IsControl(one))
            ? throw new CephException(
                $"'{snapshot}' cannot be the name of a snapshot of {image}: it must not be empty, begin with '-', or "
                + "hold '/', '@' or control characters.")
            : snapshot;

    /// <summary>The options that select the cluster and the user.</summary>
    public static IEnumerable<string> ConnectionOptions(RbdAccess access)
    {
        // Without -c, rbd reads the file in /etc/ceph, which may describe another cluster.
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

    private static string Seconds(TimeSpan limit, TimeSpan targetTimeout, double most)
    {
        double seconds = Math.Floor(Math.Min(limit.TotalSeconds, targetTimeout.TotalSeconds) * 0.8);
        return Math.Clamp(seconds, 1, most).ToString(CultureInfo.InvariantCulture);
    }
}
