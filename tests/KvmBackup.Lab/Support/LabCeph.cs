using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace KvmBackup.Lab.Support;

/// <summary>
/// The lab's own Ceph cluster: started by the first test that needs it, used by all later ones, and stopped with the
/// lab. Its configuration and keyrings are in the default place, <c>/etc/ceph</c>.
/// </summary>
public static class LabCeph
{
    public const string Pool = "rbd";

    /// <summary>The user of the guests' disks, with a keyring in <c>/etc/ceph</c> and a secret in libvirt.</summary>
    public const string User = "kvmbackup";

    public const string Host = "127.0.0.1";

    public const string Port = "6789";

    /// <summary>The UUID of libvirt's secret with the key of <see cref="User"/>.</summary>
    public static string SecretUuid => LabEnvironment.CephSecretUuid;

    /// <summary>Starts the cluster unless it runs; this takes 6 s the first time, later 0.03 s.</summary>
    public static Task EnsureStartedAsync() => ScriptAsync("start-ceph");

    /// <summary>Stops its daemons cleanly: its clients wait until it is started again.</summary>
    public static Task StopAsync() => ScriptAsync("stop-ceph");

    /// <summary>Makes every request hang without an error, like a dead network.</summary>
    public static Task PauseAsync() => ScriptAsync("pause-ceph");

    public static Task ResumeAsync() => ScriptAsync("resume-ceph");

    /// <summary>Calls a function while every request hangs, and always resumes the requests afterwards.</summary>
    public static async Task WhilePausedAsync(Func<Task> action)
    {
        await PauseAsync();
        try
        {
            await action();
        }
        finally
        {
            await ResumeAsync();
        }
    }

    /// <summary>Runs <c>rbd</c> as the administrator and fails the test when it fails.</summary>
    public static async Task<string> RbdAsync(params IEnumerable<string> arguments) =>
        (await TryRbdAsync(arguments)).MustSucceed().Output;

    /// <summary>Runs <c>rbd</c> as the administrator and returns the outcome, also of a failure.</summary>
    public static Task<Outcome> TryRbdAsync(params IEnumerable<string> arguments) =>
        RunningProgram.RunAsync("rbd", arguments);

    /// <summary>Runs <c>ceph</c> as the administrator: pools, quotas, users. Each call takes half a second.</summary>
    public static async Task<string> CephAsync(params IEnumerable<string> arguments) =>
        (await RunningProgram.RunAsync("ceph", arguments)).MustSucceed().Output;

    /// <summary>Waits until the cluster has marked a pool as full, or as no longer full.</summary>
    public static async Task WaitForFullAsync(string pool, bool isFull)
    {
        for (int times = 0; times < 100; times++)
        {
            string pools = await CephAsync("osd", "pool", "ls", "detail");
            string line = pools.Split('\n').Single(line => line.Contains($"'{pool}'", StringComparison.Ordinal));
            if (line.Contains("flags", StringComparison.Ordinal)
                && line.Split("flags ")[1].Contains("full", StringComparison.Ordinal) == isFull)
            {
                return;
            }

            await Task.Delay(200);
        }

        Assert.Fail($"The pool {pool} does not become {(isFull ? "full" : "less than full")}.");
    }

    /// <summary>Creates a namespace in the pool.</summary>
    public static Task EnsureNamespaceAsync(string name) => TryRbdAsync("namespace", "create", $"{Pool}/{name}");

    /// <summary>A new image without data.</summary>
    public static Task CreateImageAsync(LabRbdImage image, long sizeBytes) =>
        RbdAsync("create", "--size", $"{sizeBytes.ToString(CultureInfo.InvariantCulture)}B", image.Specification);

    /// <summary>A new image with the content of a raw file; its zeros become holes.</summary>
    public static Task ImportAsync(string rawPath, LabRbdImage image) =>
        RbdAsync("import", "--no-progress", rawPath, image.Specification);

    /// <summary>The image, or a snapshot of it, as a raw file.</summary>
    public static Task ExportAsync(string specification, string rawPath) =>
        RbdAsync("export", "--no-progress", specification, rawPath);

    public static async Task<bool> ExistsAsync(LabRbdImage image) =>
        (await TryRbdAsync("info", image.Specification)).ExitCode == 0;

    /// <summary>The snapshots of an image, the oldest first.</summary>
    public static async Task<IReadOnlyList<LabRbdSnapshot>> SnapshotsAsync(LabRbdImage image)
    {
        string json = await RbdAsync("snap", "ls", "--format", "json", image.Specification);
        using JsonDocument list = JsonDocument.Parse(json);
        return [.. list.RootElement.EnumerateArray().Select(Snapshot)];

        // "protected" is the string "true" or "false" instead of a JSON literal.
        static LabRbdSnapshot Snapshot(JsonElement element) => new(
            element.GetProperty("id").GetInt64(),
            element.GetProperty("name").GetString()!,
            element.GetProperty("size").GetInt64(),
            element.GetProperty("protected").GetString() == "true");
    }

    /// <summary>Removes an image, if it exists, with all its snapshots, even if clients have it open.</summary>
    public static async Task RemoveAsync(LabRbdImage image)
    {
        if (!await ExistsAsync(image))
        {
            return;
        }

        foreach (LabRbdSnapshot snapshot in await SnapshotsAsync(image))
        {
            if (snapshot.IsProtected)
            {
                await RbdAsync("snap", "unprotect", image.At(snapshot.Name));
            }

            await RbdAsync("snap", "rm", "--no-progress", image.At(snapshot.Name));
        }

        await EvictClientsAsync(image);
        await RbdAsync("rm", "--no-progress", image.Specification);
    }

    /// <summary>Waits until no client has an image open: a killed one counts for another 30 s.</summary>
    public static async Task WaitUntilUnusedAsync(string specification)
    {
        Stopwatch clock = Stopwatch.StartNew();
        while ((await WatchersAsync(specification)).Count > 0)
        {
            Assert.True(clock.Elapsed < TimeSpan.FromMinutes(2), $"{specification} is still in use.");
            await Task.Delay(500);
        }
    }

    /// <summary>The cluster counts the client of a killed QEMU as active for another 30 s.</summary>
    private static async Task EvictClientsAsync(LabRbdImage image)
    {
        foreach (string address in await WatchersAsync(image.Specification))
        {
            await CephAsync("osd", "blocklist", "add", address);
        }
    }

    private static async Task<IReadOnlyList<string>> WatchersAsync(string specification)
    {
        string json = await RbdAsync("status", "--format", "json", specification);
        using JsonDocument status = JsonDocument.Parse(json);
        return [.. status.RootElement.GetProperty("watchers").EnumerateArray()
            .Select(watcher => watcher.GetProperty("address").GetString()!)];
    }

    private static async Task ScriptAsync(string command) =>
        (await RunningProgram.RunAsync("bash", LabEnvironment.ScriptPath, command)).MustSucceed();
}
