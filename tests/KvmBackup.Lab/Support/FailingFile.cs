using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace KvmBackup.Lab.Support;

/// <summary>
/// A file on a failing disk: QEMU's storage daemon exports it through FUSE, and after a switch the kernel gets EIO for
/// reads at one place, or for all writes.
/// </summary>
public sealed class FailingFile : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);
    private readonly RunningProgram daemon;
    private readonly string monitorPath;

    private FailingFile(RunningProgram daemon, string monitorPath) =>
        (this.daemon, this.monitorPath) = (daemon, monitorPath);

    /// <summary>Mounts it over a raw image, without faults.</summary>
    public static async Task<FailingFile> MountAsync(string path)
    {
        string folder = LabEnvironment.NewDirectory("failing");
        string below = Path.Combine(folder, "below");
        string monitor = Path.Combine(folder, "monitor");
        File.Move(path, below);
        await File.WriteAllBytesAsync(path, []);
        RunningProgram daemon = RunningProgram.Start("qemu-storage-daemon",
        [
            "--chardev", $"socket,id=monitor,path={monitor},server=on,wait=off", "--monitor", "monitor",
            "--blockdev", $"driver=file,node-name=below,filename={below}",
            "--blockdev", "driver=raw,node-name=top,file=below",
            "--export", $"type=fuse,id=export,node-name=top,mountpoint={path},writable=on",
        ]);
        Stopwatch clock = Stopwatch.StartNew();
        while (new FileInfo(path).Length == 0)
        {
            Assert.True(clock.Elapsed < Limit, $"{path} does not appear:\n{daemon.ErrorSoFar}");
            await Task.Delay(50);
        }

        return new FailingFile(daemon, monitor);
    }

    /// <summary>Makes reads of the sector at that place fail.</summary>
    public Task FailReadsAsync(long offsetBytes) =>
        FailAsync(new { @event = "none", iotype = "read", errno = 5, once = false, sector = offsetBytes / 512 });

    /// <summary>Makes all writes fail.</summary>
    public Task FailWritesAsync() => FailAsync(new { @event = "none", iotype = "write", errno = 5, once = false });

    public async ValueTask DisposeAsync()
    {
        await daemon.SignalAsync("TERM");
        _ = await daemon.WaitAsync(Limit);
        await daemon.DisposeAsync();
    }

    /// <summary>Inserts the failing node between the file and the export.</summary>
    private async Task FailAsync(object fault)
    {
        using Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(monitorPath));
        await using NetworkStream stream = new(socket);
        using StreamReader answers = new(stream);
        _ = await answers.ReadLineAsync();
        await SendAsync("qmp_capabilities", new { });
        await SendAsync("blockdev-add", new Dictionary<string, object>
        {
            ["driver"] = "blkdebug",
            ["node-name"] = "bad",
            ["image"] = "below",
            ["inject-error"] = new[] { fault },
        });
        await SendAsync("blockdev-reopen", new Dictionary<string, object>
        {
            ["options"] = new[] { new Dictionary<string,
                string> { ["driver"] = "raw", ["node-name"] = "top", ["file"] = "bad" } },
        });

        async Task SendAsync(string command, object arguments)
        {
            string text = JsonSerializer.Serialize(new { execute = command, arguments });
            await stream.WriteAsync(Encoding.UTF8.GetBytes(text + "\n"));
            string? answer = await answers.ReadLineAsync();
            Assert.True(answer?.Contains("\"return\"", StringComparison.Ordinal), $"{text}\n{answer}");
        }
    }
}
