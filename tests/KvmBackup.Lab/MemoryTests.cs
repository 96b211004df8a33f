using System.Globalization;
using KvmBackup.Lab.Support;
using Xunit.Abstractions;

namespace KvmBackup.Lab;

/// <summary>The program's own memory does not grow with the disk.</summary>
public sealed class MemoryTests(ITestOutputHelper output)
{
    private const int LimitKibibytes = 350 * 1024;

    [LabFact]
    public async Task A_disk_of_an_installed_system_is_backed_up_in_less_than_350_MB_of_memory()
    {
        string image = Path.Combine(LabEnvironment.NewDirectory("realistic"), "disk.qcow2");
        (await RunningProgram.RunAsync(LabEnvironment.ScriptPath, "realistic", image)).MustSucceed();
        await using LabGuest guest = await LabGuest.DefineAsync(new LabGuestSpecification("realistic")
        {
            Disks = [new LabDisk("vda") { ExistingPath = image }],
        });
        foreach (string method in new[] { "pigz", "zstd" })
        {
            BackupSite site = new((guest.Name, $"rotate: 1, compression: {{method: {method}, threads: 2}}"));
            await using RunningProgram running = site.Start("backup", guest.Name);
            int peak = await WatchAsync(running);
            (await running.WaitAsync(TimeSpan.FromMinutes(3))).MustSucceed();

            output.WriteLine($"{method}: {peak / 1024} MB at most, for {new FileInfo(image).Length >> 20} MB");
            Assert.InRange(peak, 1, LimitKibibytes);
        }

        File.Delete(image);
    }

    /// <summary>Reads the kernel's own high-water mark until the program is gone.</summary>
    private static async Task<int> WatchAsync(RunningProgram running)
    {
        int peak = 0;
        Task<Outcome> end = running.WaitAsync(TimeSpan.FromMinutes(3));
        while (!end.IsCompleted)
        {
            peak = Math.Max(peak, ReadPeak(running.ProcessId));
            await Task.Delay(50);
        }

        return peak;
    }

    private static int ReadPeak(int processId)
    {
        try
        {
            string? line = File.ReadLines($"/proc/{processId}/status")
                .FirstOrDefault(text => text.StartsWith("VmHWM:", StringComparison.Ordinal));
            string number = line?.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1] ?? "0";
            return int.Parse(number, CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            // It ended between two polls.
            return 0;
        }
    }
}
