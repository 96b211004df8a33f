using System.Diagnostics;

namespace KvmBackup.Tests.Support;

/// <summary>Another program that holds a lock: <c>flock(1)</c> of util-linux.</summary>
public sealed class Flock : IDisposable
{
    private readonly Process process;

    public Flock(string filePath)
    {
        ProcessStartInfo start = new("flock", ["--exclusive", filePath, "sh", "-c", "echo held; exec cat"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        process = Process.Start(start)!;
        Assert.Equal("held", process.StandardOutput.ReadLine());
    }

    /// <summary>Whether another program would get the lock at once.</summary>
    public static bool IsFree(string filePath)
    {
        using Process probe = Process.Start("flock", ["--nonblock", filePath, "true"]);
        probe.WaitForExit();
        return probe.ExitCode == 0;
    }

    public void Dispose()
    {
        process.StandardInput.Dispose();
        process.WaitForExit();
        process.Dispose();
    }
}
